"""`make audit`: known vulnerabilities in what the locks pin.

pip-audit asks PyPI's advisories, and calls a package fine that PyPI does not know: a mirror without
them would pass everything. So a version with known vulnerabilities is asked for first. Only a
service that does not even know those is a reason to skip; all else fails. A skip is written down,
and `make check` ends with it: green alone would look like an audit.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile

KNOWN_BAD = "pip==19.0"
PIP_AUDIT = (sys.executable, "-m", "pip_audit", "--progress-spinner", "off", "--disable-pip")
SECONDS = 60
SKIPPED = Path(__file__).parents[1] / ".local/audit-skipped"


def knows_vulnerabilities(command: Sequence[str] = PIP_AUDIT, *, seconds: float = SECONDS) -> bool:
    """Return whether pip-audit tells those of a version that has some."""
    with NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(KNOWN_BAD)
        file.flush()
        call = [*command, "--no-deps", "--format", "json", "--requirement", file.name]
        try:
            done = subprocess.run(call, capture_output=True, check=False, timeout=seconds)
            found = json.loads(done.stdout)["dependencies"]
            return any(each.get("vulns") for each in found)
        except (subprocess.TimeoutExpired, ValueError, KeyError, TypeError, AttributeError):
            return False


def audit(locks: Sequence[str], command: Sequence[str] = PIP_AUDIT, skipped: Path = SKIPPED) -> int:
    """Return the worst of pip-audit's exit codes; 0 where no service of advisories answers.

    Lock by lock, for pip-audit refuses a package that two of its files name.
    """
    skipped.unlink(missing_ok=True)
    if not knows_vulnerabilities(command):
        why = f"Skipped the audit: PyPI's advisories are out of reach ({KNOWN_BAD} has some)."
        print(why)
        skipped.parent.mkdir(exist_ok=True)
        skipped.write_text(f"{why} Nobody has looked for known vulnerabilities.\n")
        return 0
    worst = 0
    for lock in locks:
        print(f"{lock}: ", end="", flush=True)
        call = [*command, "--strict", "--require-hashes", "--requirement", lock]
        worst = max(worst, abs(subprocess.run(call, check=False).returncode))
    return worst


if __name__ == "__main__":
    sys.exit(audit(sys.argv[1:]))
