"""Lambda's part in one process: import a handler, invoke it some times, say what that took.

Imports little itself, for what it imports counts for every handler alike.
"""

import importlib
import json
import sys
import time
from pathlib import Path


class Context:
    """What Lambda tells a function of one invocation."""

    function_name = "bench"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:bench"

    def __init__(self, number: int) -> None:
        self.aws_request_id = f"request-{number}"

    def get_remaining_time_in_millis(self) -> int:
        """As much time as Lambda has."""
        return 900_000


def main(times: int, event: str) -> None:
    """Invoke; print the last answer and this process's CPU seconds, peak memory and modules.

    `first` are the CPU seconds of the first invocation, for which Lambda's processor is not whole.
    """
    handler = importlib.import_module("app").handler
    begun = time.process_time()
    response = handler(json.loads(event), Context(0))
    first = time.process_time() - begun
    for number in range(1, times):
        response = handler(json.loads(event), Context(number))
    measured = {
        "cpu": time.process_time(),
        "first": first,
        "peak": _peak(),
        "modules": sorted(sys.modules),
        "answer": response,
    }
    print(json.dumps(measured), flush=True)


def _peak() -> int | None:
    """Return the most memory in KiB, where /proc tells (`ru_maxrss` begins with the parent's)."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), None)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]).read_text())
