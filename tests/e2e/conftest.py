"""The stack that the tests of this folder share; one that ends or breaks its stack has its own."""

import signal

import httpx
import pytest

from devstack.testing import running_stack

PAGE = "https://page.example"  # may call the API


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
