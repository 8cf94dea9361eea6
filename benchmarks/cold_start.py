"""One handler in a fresh process: its CPU, wall time, memory and modules, its instructions."""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.deployed import PYTHON, Program

INVOKE = Path(__file__).with_name("invoke.py")
VALGRIND = ("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")
MAX_SECONDS = 600  # seconds that a process may take, under valgrind too


@dataclass(frozen=True)
class Measured:
    """Some cold starts of one program, each to the end of its last request."""

    cpu: float
    first: float  # of `cpu`, what the first invocation took
    wall: float
    peak: int | None  # KiB; None where the system does not tell
    modules: frozenset[str] = field(repr=False)


@dataclass(frozen=True)
class Case:
    """A program, the event that it is given, and what leads it to its services."""

    program: Program
    event: Path
    environment: dict[str, str]
    expected: object

    def measure(self, *, times: int = 1, starts: int = 1) -> Measured:
        """Start it some times; medians of time. Raise with its own words."""
        runs = [self._run(times) for _ in range(starts)]
        walls, reports = zip(*runs, strict=True)
        return Measured(
            cpu=median(report["cpu"] for report in reports),
            first=median(report["first"] for report in reports),
            wall=median(walls),
            peak=reports[0]["peak"],
            modules=frozenset(reports[0]["modules"]),
        )

    def instructions(self, *, times: int = 1) -> int:
        """Return the instructions from the start of the process to the end, by valgrind."""
        done = self._process(times, before=VALGRIND)
        self._report(done)
        counted = re.search(r"I +refs: +([0-9,]+)", done.stderr)
        if counted is None:
            raise RuntimeError(f"{self.program.role} under valgrind:\n{done.stderr}")
        return int(counted[1].replace(",", ""))

    def _run(self, times: int) -> tuple[float, dict[str, Any]]:
        began = time.perf_counter()
        done = self._process(times)
        return time.perf_counter() - began, self._report(done)

    def _report(self, done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
        """Return what the process says of itself; raise unless it answered as expected."""
        if done.returncode:
            raise RuntimeError(f"{self.program.role}:\n{done.stderr}")
        *log, last = done.stdout.splitlines()
        report: dict[str, Any] = json.loads(last)
        response = report["answer"]
        if self.expected not in (response, response.get("statusCode")):
            raise RuntimeError(f"{self.program.role} answered {response}: {log}")
        return report

    def _process(
        self, times: int, before: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        # Without `site`, and nothing but the path that Lambda gives.
        command = [*before, str(PYTHON), "-S", "-P", str(INVOKE), str(times), str(self.event)]
        return subprocess.run(
            command,
            env=self.program.variables | self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=MAX_SECONDS,
        )


def counts_of(wanted: Iterable[tuple[Case, int]]) -> list[int]:
    """Count instructions of several cases and numbers of requests, one a processor at a time."""
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        return list(threads.map(lambda each: each[0].instructions(times=each[1]), wanted))


def why_no_instructions() -> str | None:
    """Say why instructions cannot be counted here; None if they can."""
    return None if shutil.which("valgrind") else "valgrind is not installed (apt install valgrind)"
