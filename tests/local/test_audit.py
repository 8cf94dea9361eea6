"""The audit of the locks skips for one reason alone, and says it."""

import json
import sys

import pytest

from local.audit import audit, knows_vulnerabilities

KNOWN = json.dumps({"dependencies": [{"name": "pip", "vulns": [{"id": "PYSEC-2020-173"}]}]})


def auditor(end, *, known=KNOWN):
    """A command in pip-audit's place: what it knows of the bad version, how it ends for a.txt."""
    code = f"""
import sys
if "json" in sys.argv:
    print({known!r})
elif "a.txt" in sys.argv:
    {end}
"""
    return sys.executable, "-c", code


@pytest.mark.parametrize("code", [0, 1, 2])
@pytest.mark.parametrize("locks", [["a.txt"], ["a.txt", "b.txt"], ["b.txt", "a.txt"]])
def test_what_pip_audit_says_of_the_worst_lock_is_what_counts(code, locks, capfd):
    assert audit(locks, auditor(f"sys.exit({code})")) == code
    assert capfd.readouterr().out == "".join(f"{lock}: " for lock in locks)


def test_pip_audit_that_dies_of_a_signal_has_failed():
    assert audit(["a.txt"], auditor("import os; os.kill(os.getpid(), 15)")) != 0


@pytest.mark.parametrize(
    "known",
    [
        "",
        "<html>sign in</html>",
        "[]",
        '{"dependencies": [1]}',
        '{"dependencies": []}',
        '{"dependencies": [{"name": "pip", "skip_reason": "not found"}]}',
        '{"dependencies": [{"name": "pip", "vulns": []}]}',
    ],
)
def test_a_service_without_advisories_is_a_reason_to_skip(known, capfd):
    assert audit(["a.txt"], auditor("sys.exit(1)", known=known)) == 0
    assert capfd.readouterr().out.startswith("Skipped the audit: ")


def test_silence_is_no_knowledge():
    hanging = sys.executable, "-c", "import threading; threading.Event().wait(20)"
    assert not knows_vulnerabilities(hanging, seconds=0.2)
