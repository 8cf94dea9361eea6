"""A whole stack for a test or a measurement: its own process, free ports, nothing of `.env`."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from devstack.build import TOOLS, build
from devstack.deploy import STACK
from devstack.settings import ROOT
from tests.support.free_ports import free_ports

PYTHON = TOOLS / "local" / "bin" / "python"
PORTS = ("API_PORT", "AWS_PORT", "UPSTREAM_PORT", "UPSTREAM_FILES_PORT")
_KEPT = ("DOCKER_HOST", "HOME", "PATH")
_START_SECONDS = 120
_STOP_SECONDS = 30


@dataclass(frozen=True)
class RunningStack:
    """A stack that answers; `log` is all that it printed."""

    process: subprocess.Popen[bytes]
    ports: dict[str, int]
    log: Path

    @property
    def api_url(self) -> str:
        """The API, both dialects."""
        return f"http://localhost:{self.ports['API_PORT']}"

    @property
    def aws_url(self) -> str:
        """MiniStack's AWS APIs; any credentials do, `test` and `test` are the account's root."""
        return f"http://127.0.0.1:{self.ports['AWS_PORT']}"

    @property
    def upstream_url(self) -> str:
        """The simulator, with its control routes."""
        return f"http://127.0.0.1:{self.ports['UPSTREAM_PORT']}"

    def kill(self, function: str) -> int:
        """End every process of a function (say `worker`) as a crash does; return how many."""
        listed = subprocess.run(
            ["/bin/ps", "-wwAo", "pid=,ppid=,command="], capture_output=True, text=True, check=True
        )
        killed = 0
        for line in listed.stdout.splitlines():
            pid, parent, command = line.split(maxsplit=2)
            child = int(parent) == self.process.pid
            if child and f"/ministack-lambda-{STACK}-{function}-" in command:
                os.kill(int(pid), signal.SIGKILL)
                killed += 1
        return killed

    def stop(self) -> float:
        """Stop it as Ctrl-C does; return the seconds that took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=_STOP_SECONDS)
        return time.monotonic() - began


@contextmanager
def running_stack(module: str = "devstack", **settings: str) -> Iterator[RunningStack]:
    """Run a stack with `settings`, as in .env, for the block; raise with its log if it fails.

    `module` is `devstack` (`make run`) or `devstack.sam` (`make sam-local`).
    """
    build()
    with free_ports(len(PORTS)) as numbers:
        ports = dict(zip(PORTS, numbers, strict=True))
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("wb") as output:
            process = start(
                {**{name: str(port) for name, port in ports.items()}, **settings}, output, module
            )
        try:
            _wait_until_ready(process, log)
            yield RunningStack(process, ports, log)
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait(timeout=_STOP_SECONDS)


def start(
    settings: dict[str, str], output: IO[bytes], module: str = "devstack"
) -> subprocess.Popen[bytes]:
    """Start a stack without waiting for it: what it says goes to `output`."""
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    environment |= {"ENV_FILE": os.devnull, "KEEP_IN": "", "RELOAD": "false"} | settings
    return subprocess.Popen(
        [PYTHON, "-m", module],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
    )


def _wait_until_ready(process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    while b"\nReady after " not in log.read_bytes():
        if process.poll() is not None or time.monotonic() > until:
            message = f"the stack did not start:\n{log.read_text()}"
            raise RuntimeError(message)
        time.sleep(0.05)
