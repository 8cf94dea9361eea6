"""One stack for the whole folder, short here and long by `--long`; see `make faults`."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fault_injection import table
from tests.fault_injection.chaos import chaos
from tests.fault_injection.runner import KillRunner
from tests.fault_injection.scenarios import AMBIGUOUS, AT_GOOGLE, OFTEN, ONCE, POINTS
from tests.fault_injection.stack import running_fault_stack

SHORT_LEASE = {"LEASE_SECONDS": "5", "VIDEO_GENERATION_RETRY_DELAY": "1"}


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="all faults, with the default lease")
    parser.addoption("--table", type=Path, help="write the table of kills into this Markdown file")


def pytest_collection_modifyitems(config, items):
    if not config.getoption("long", default=False):
        skip = pytest.mark.skip(reason="only with --long")
        for item in items:
            if item.get_closest_marker("long"):
                item.add_marker(skip)


@pytest.fixture(scope="session")
def long(pytestconfig):
    return pytestconfig.getoption("long", default=False)


@pytest.fixture(scope="session")
def say():
    """Tell how it goes, a line each time; pytest shows it at once with `-s`."""
    began = time.monotonic()

    def write(line):
        sys.stderr.write(f"{time.monotonic() - began:5.0f} s  {line}\n")

    return write


@pytest.fixture(scope="session")
def running(say):
    with running_fault_stack() as fault_stack:
        say("the stack runs")
        yield fault_stack


@pytest.fixture
def fault_stack(running):
    """Return the stack as most tests need it: some workers at once, and a short lease."""
    running.limit(8)
    running.configure(**SHORT_LEASE, VEO3_SKIP_UPLOAD="false", VEO3_AMBIGUOUS_SUBMIT="fail")
    return running


@dataclass(frozen=True)
class Rush:
    """Many submits at once: their answers, tasks as they ended, and which of them lost a worker."""

    names: list
    answers: list
    tasks: list  # of pairs: name, task
    struck: list


@pytest.fixture(scope="session")
def rush(running, long, say):
    """Submit as many callers do, with workers dying all the time."""
    count, callers, workers, kills = (2000, 50, 24, 100) if long else (120, 12, 12, 6)
    # Short here, for 2,000 tasks; a machine that checks else as well may stall for ten seconds.
    lease = "5" if long else "20"
    running.limit(workers)
    running.configure(LEASE_SECONDS=lease, VEO3_SKIP_UPLOAD="true", VEO3_AMBIGUOUS_SUBMIT="fail")
    names = [f"rush-{number}" for number in range(count)]
    with chaos(running, every=1, at_most=kills) as struck:
        began = time.monotonic()
        with ThreadPoolExecutor(callers) as threads:
            tokens = "[[time:0]] [[render:tiny]]"
            answers = list(threads.map(lambda name: running.post(name, tokens, image=False), names))
        say(f"{count} submits by {callers} callers in {time.monotonic() - began:.0f} s")
        tasks = [(name, running.ended(name, seconds=600)) for name in names]
    videos = sum(task["status"] == "completed" for _, task in tasks)
    say(f"after {time.monotonic() - began:.0f} s all have ended, {videos} with a video;")
    say(f"{len(struck)} workers were killed meanwhile")
    return Rush(names, answers, tasks, struck)


@pytest.fixture(scope="session")
def outcomes_at_google(running, long, say):
    """Kill workers of Google's jobs at every point; a third of the points in the short form."""
    running.limit(6)
    running.configure(**SHORT_LEASE, VEO3_SKIP_UPLOAD="false", VEO3_AMBIGUOUS_SUBMIT="fail")
    say("one kill each, at Google's providers")
    return KillRunner(running, say, runs=100).run(AT_GOOGLE if long else AT_GOOGLE[::3], 1)


@pytest.fixture(scope="session")
def outcomes(running, long, say, pytestconfig):
    """Kill workers at every point and return what became of their tasks."""
    running.limit(6)
    kill_runner, found = KillRunner(running, say), []
    running.configure(VEO3_SKIP_UPLOAD="false", VEO3_AMBIGUOUS_SUBMIT="fail")
    if long:
        say("one kill each, every video copied, the default lease")
        running.configure(LEASE_SECONDS="40")
        for times in (3, 2):  # on six slots: of more at once, the last wait a minute for their turn
            found += kill_runner.run(ONCE, times, measured=True)
        say("one kill each, videos handed out, a short lease as in all that follows")
        running.configure(**SHORT_LEASE, VEO3_SKIP_UPLOAD="true")
        found += kill_runner.run([point for point in ONCE if not point.copies], 3)
    say("some kills each, every video copied")
    running.configure(**SHORT_LEASE, VEO3_SKIP_UPLOAD="false")
    found += kill_runner.run(OFTEN, 2) if long else kill_runner.run(POINTS, 1)
    say("one kill each, lost answers tried again")
    running.configure(VEO3_AMBIGUOUS_SUBMIT="retry")
    found += kill_runner.run(AMBIGUOUS, 4 if long else 1, retry=True)
    text = table.markdown(found)
    say(f"the table\n{text}")
    if path := pytestconfig.getoption("table", default=None):
        table.write(path, text)
    return found
