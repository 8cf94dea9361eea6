"""`make bench`: every figure of docs/performance.md; five minutes on a quiet machine."""

import argparse
import os
import platform
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from datetime import UTC, datetime
from io import StringIO

from benchmarks import calls, load, polling, slots, starts
from benchmarks.tables import Table
from devstack.settings import ROOT
from tests.support import docs
from tests.support.running_stack import running_stack
from tools import marked_tables

JOBS = 10_000
SUBMITS, CALLERS = 100, 8
REPORT = ROOT / ".local" / "bench.md"


def _polls() -> list[Table]:
    kinds = {
        "whole per cent": polling.stepped(1),
        "steps of 5 %": polling.stepped(5),
        "steps of 10 %": polling.stepped(10),
        "none": polling.silent,
    }
    rows = []
    for name, progress in kinds.items():
        seen = polling.simulate(30, 90, progress, jobs=JOBS)
        rows.append([name, f"{seen.polls:.1f}", f"{seen.lag:.2f}", f"{seen.latest:.2f}"])
    title = f"The worker's polls in {JOBS:,} simulated jobs of 30 to 90 s"
    return [Table(title, ["progress reported", "polls", "lag, s", "latest, s"], rows)]


def _real() -> list[Table]:
    """Load the local stack, then let it work off a backlog."""
    with running_stack(VIDEO_MAX_CONCURRENT=str(slots.SLOTS)) as stack:
        with load.client_of(f"{stack.api_url}/v1", "not-needed") as client:
            loads = load.rush(client, SUBMITS, CALLERS)
        done = slots.work_off(stack)
    row = [f"{done.polls:.1f}", f"{done.mean_lag:.2f}", f"{max(done.lags):.2f}", f"{done.idle:.1%}"]
    count = slots.SLOTS * slots.ROUNDS
    title = (
        f"A real backlog: {count} jobs of {slots.SECONDS} s for {slots.SLOTS} slots, local stack"
    )
    head = ["", "polls", "lag, s", "latest, s", "slots idle"]
    return [load.table(loads, "the local stack", CALLERS), Table(title, head, [["", *row]])]


PARTS: dict[str, Callable[[], list[Table]]] = {
    "polls": _polls,
    "real": _real,
    "starts": starts.tables,
}


def main() -> None:
    """Measure all, or the parts that are named; print as it comes, and keep it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], help="all without a name")
    parser.add_argument("--readme", action="store_true", help="put it into docs/performance.md too")
    options = parser.parse_args()
    began = time.monotonic()
    now = datetime.now(UTC).date()
    sections = [f"{now}, CPython {platform.python_version()}, {os.cpu_count()} processors:\n"]
    for part in options.parts or PARTS:
        for table in PARTS[part]():
            sections.append(table.markdown())
            print(f"{sections[-1]}\n", flush=True)
    with redirect_stdout(StringIO()):  # the functions' metrics are lines on it
        operations = "\n".join(["**AWS calls and bytes of each operation**", "", *calls.table()])
    print(operations)
    REPORT.write_text("\n".join([*sections, operations, ""]))
    if options.readme:
        marked_tables.put(docs.PERFORMANCE, "speed", "bench", "\n".join(sections).splitlines())
    print(f"\nThis took {time.monotonic() - began:.0f} s; it is in {REPORT.relative_to(ROOT)}.")


if __name__ == "__main__":
    main()
