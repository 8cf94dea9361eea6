"""A simulator as a child process; standard library alone."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[2]
STOP_WITHIN = 5.0


@dataclass(frozen=True, slots=True)
class Simulator:
    """A running simulator: `api` and `files` are origins without a path."""

    api: str
    files: str
    process: subprocess.Popen[str]

    def report(self) -> dict[str, Any]:
        """Return the counts and jobs of `/_control`."""
        return self._call("GET", "/_control")

    def reset(self) -> None:
        """Forget all jobs and counts."""
        self._call("POST", "/_control/reset")

    def google_token(self) -> str:
        """Return an access token for Google's wires."""
        return str(self._call("POST", "/_control/token")["access_token"])

    def change(self, **settings: float | bool | str) -> None:
        """Change `seconds`, `strict`, `tiny` or `auth_faults` for what is to come."""
        self._call("POST", "/_control/settings", json.dumps(settings))

    def _call(self, method: str, path: str, body: str | None = None) -> dict[str, Any]:
        connection = HTTPConnection(urlsplit(self.api).netloc, timeout=STOP_WITHIN)
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            result: dict[str, Any] = json.load(response)
        finally:
            connection.close()
        if response.status != 200:
            raise ValueError(result["error"]["message"])
        return result


@contextmanager
def running(*options: str, python: str = sys.executable) -> Iterator[Simulator]:
    """Run a simulator on free ports, or on those of the options, until the end of the block.

    `python` is the interpreter of the environment that has its requirements. The simulator ends
    with this process.
    """
    command = [python, "-m", "simulator", "--port=0", "--files-port=0", "--with-parent"]
    with subprocess.Popen(
        [*command, *options],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield _when_ready(process)
        finally:
            process.terminate()
            process.wait(STOP_WITHIN)


def _when_ready(process: subprocess.Popen[str]) -> Simulator:
    line = process.stdout.readline() if process.stdout else ""
    match line.split():
        case ["ready", api, files]:
            return Simulator(api, files, process)
    raise ChildProcessError(line or "the simulator did not start; see its standard error")
