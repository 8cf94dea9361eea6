"""The audit of the locks skips for one reason alone, and says it."""

import json
import sys

import pytest

from tests.support.template import ROOT
from tools.audit import SKIPPED, audit, knows_vulnerabilities

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


@pytest.fixture
def skipped(tmp_path):
    return tmp_path / "local/skipped"


@pytest.mark.parametrize("code", [0, 1, 2])
@pytest.mark.parametrize("locks", [["a.txt"], ["a.txt", "b.txt"], ["b.txt", "a.txt"]])
def test_what_pip_audit_says_of_the_worst_lock_is_what_counts(code, locks, capfd, skipped):
    skipped.parent.mkdir()
    skipped.write_text("of an earlier run")
    assert audit(locks, auditor(f"sys.exit({code})"), skipped) == code
    assert not skipped.exists()
    assert capfd.readouterr().out == "".join(f"{lock}: " for lock in locks)


def test_pip_audit_that_dies_of_a_signal_has_failed(skipped):
    assert audit(["a.txt"], auditor("import os; os.kill(os.getpid(), 15)"), skipped) != 0


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
def test_audit_is_skipped_with_a_reason_without_advisories(known, capfd, skipped):
    """A service without advisories is a reason to skip and is written down."""
    assert audit(["a.txt"], auditor("sys.exit(1)", known=known), skipped) == 0
    output = capfd.readouterr().out.strip()
    assert output.startswith("Skipped the audit: ")
    assert skipped.read_text().startswith(output)


def test_the_last_words_of_make_check_are_that_nobody_was_asked():
    _, _, after = (ROOT / "Makefile").read_text().partition("\ncheck: ")
    recipe = [line for line in after.partition("\n\n")[0].splitlines() if line.startswith("\t")]
    assert str(SKIPPED.relative_to(ROOT)) in recipe[-1]


def test_silence_is_no_knowledge():
    hanging = sys.executable, "-c", "import threading; threading.Event().wait(20)"
    assert not knows_vulnerabilities(hanging, seconds=0.2)
