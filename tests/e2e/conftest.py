"""The stack that the tests of this folder share; one that ends or breaks its stack has its own."""

import signal
from pathlib import Path

import httpx
import pytest
from xdist.scheduler import LoadFileScheduling

from tests.support.running_stack import running_stack

PAGE = "https://page.example"  # may call the API
#: The files of this folder that use its stack.
SHARING = {"console", "first_video", "frames", "page", "playground", "samples", "stack", "uploads"}
#: What takes longest begins first, lest one process of several works on alone at the end.
LONGEST = ["shared", "faults", "cli", "sdks", "examples", "playground_keys", "operations"]


class ByStack(LoadFileScheduling):
    """A process of xdist gets all that shares a stack, or the fault suite's kills, else a file."""

    def _split_scope(self, nodeid):
        return _group(Path(super()._split_scope(nodeid)))


def pytest_xdist_make_scheduler(config, log):
    return ByStack(config, log)


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: _rank(_group(item.path)))


def _group(path):
    name = path.stem.removeprefix("test_")
    if path.parent.name == "fault_injection":
        return "faults"
    return "shared" if name in SHARING else name


def _rank(group):
    return LONGEST.index(group) if group in LONGEST else len(LONGEST)


@pytest.fixture(scope="session", autouse=True)
def terminal():
    """What a shell hands to its programs: `nohup`, a background job or CI may switch these off."""
    handlers = {signal.SIGINT: signal.default_int_handler, signal.SIGHUP: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def stack():
    with running_stack(
        UPSTREAM_SECONDS="2", VIDEO_MAX_CONCURRENT="4", CORS_ALLOW_ORIGINS=PAGE
    ) as running:
        yield running


@pytest.fixture
def api(stack):
    with httpx.Client(base_url=stack.api_url, timeout=30) as client:
        yield client
