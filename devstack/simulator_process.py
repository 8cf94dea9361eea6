"""The simulator as a child process."""

import os
import subprocess
import sys
from pathlib import Path

from devstack.function_settings import SIMULATOR_KEY
from devstack.settings import ROOT, Settings

_MIN_KEPT_DAYS = 7  # that a job is kept, and longer than its task can be read


class SimulatorProcess:
    """Started by the constructor; it ends when asked, or with this process however that ends."""

    def __init__(
        self, settings: Settings, keep_in: Path | None = None, *, webhook_secret: str = ""
    ) -> None:
        """Keep jobs and videos in a folder over a restart, if one is named."""
        command = [sys.executable, "-m", "simulator", "--with-parent", "--key", SIMULATOR_KEY]
        command += ["--host", ",".join(settings.aws_hosts), "--port", str(settings.upstream_port)]
        command += ["--files-port", str(settings.upstream_files_port)]
        command += ["--seconds", str(settings.upstream_seconds)]
        command += ["--price", settings.values.get("VIDEO_PRICE_USD") or "0"]
        if keep_in:
            hours = settings.values.get("TASK_RETENTION_HOURS") or "0"
            days = max(_MIN_KEPT_DAYS, float(hours) / 24 + 1)
            command += ["--keep-in", str(keep_in), "--keep-days", f"{days:g}"]
        # A process group of its own: Ctrl-C in the terminal is not for it.
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | {"UPSTREAM_WEBHOOK_SECRET": webhook_secret},  # not for `ps` to show
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            process_group=0,
        )

    def wait_until_ready(self) -> None:
        """Return when it listens; raise `RuntimeError` when it ended instead."""
        if self._process.stdout and not self._process.stdout.readline():
            raise RuntimeError(f"the simulator ended with exit code {self._process.wait()}")

    def ask_to_stop(self) -> None:
        """Let it end while other things do."""
        self._process.terminate()

    def wait_for_end(self) -> None:
        """Return when it has ended, after two seconds by force."""
        try:
            self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
