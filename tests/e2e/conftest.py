"""The stack that the tests of this folder share; one that ends or breaks its stack has its own."""

import httpx
import pytest

from devstack.testing import running_stack

PAGE = "https://page.example"  # may call the API


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
