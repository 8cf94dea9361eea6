"""`make audit`: known vulnerabilities in what the locks pin.

pip-audit asks PyPI's advisories, and calls a package fine that PyPI does not know: a mirror without
them would pass everything. So a version with known vulnerabilities is asked for first. Only a
service that does not even know those is a reason to skip; all else fails.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from tempfile import NamedTemporaryFile

KNOWN_BAD = "pip==19.0"
PIP_AUDIT = (sys.executable, "-m", "pip_audit", "--progress-spinner", "off", "--disable-pip")
SECONDS = 60


def knows_vulnerabilities(command: Sequence[str] = PIP_AUDIT, *, seconds: float = SECONDS) -> bool:
    """Whether pip-audit tells those of a version that has some."""
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


def audit(locks: Sequence[str], command: Sequence[str] = PIP_AUDIT) -> int:
    """Return the worst of pip-audit's exit codes; 0 and say why where nobody can be asked.

    Lock by lock, for pip-audit refuses a package that two of its files name.
    """
    if not knows_vulnerabilities(command):
        print(f"Skipped the audit: PyPI's advisories are out of reach ({KNOWN_BAD} has some).")
        return 0
    worst = 0
    for lock in locks:
        print(f"{lock}: ", end="", flush=True)
        call = [*command, "--strict", "--require-hashes", "--requirement", lock]
        worst = max(worst, abs(subprocess.run(call, check=False).returncode))
    return worst


if __name__ == "__main__":
    sys.exit(audit(sys.argv[1:]))
