"""`make audit`: known vulnerabilities in what the locks pin.

pip-audit asks PyPI's advisories, and calls a package fine that PyPI does not know: a mirror without
them would pass everything. So a version with known vulnerabilities is asked for first. Only a
service that does not even know those is a reason to skip; all else fails.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from http.client import HTTPException
from urllib.request import urlopen

CANARY = "https://pypi.org/pypi/pip/19.0/json"
PIP_AUDIT = (sys.executable, "-m", "pip_audit", "--strict", "--disable-pip", "--require-hashes")
SECONDS = 10.0


def knows_vulnerabilities(url: str) -> bool:
    """Whether the service tells those of a version that has some."""
    try:
        with urlopen(url, timeout=SECONDS) as answer:  # noqa: S310 — an address of ours
            return bool(json.load(answer)["vulnerabilities"])
    except (OSError, HTTPException, ValueError, KeyError, TypeError):
        return False


def audit(locks: Sequence[str], *, canary: str = CANARY, command: Sequence[str] = PIP_AUDIT) -> int:
    """Return the worst of pip-audit's exit codes; 0 and say why where nobody can be asked.

    Lock by lock, for pip-audit refuses a package that two of its files name.
    """
    if not knows_vulnerabilities(canary):
        host = canary.split("/")[2]
        print(f"Skipped the audit: {host} does not tell known vulnerabilities from here.")
        return 0
    worst = 0
    for lock in locks:
        print(f"{lock}: ", end="", flush=True)
        call = [*command, "--progress-spinner", "off", "-r", lock]
        worst = max(worst, abs(subprocess.run(call, check=False).returncode))
    return worst


if __name__ == "__main__":
    sys.exit(audit(sys.argv[1:]))
