"""Every test: made-up AWS credentials before any client, and no packet beyond this machine."""

import gc
import importlib
import ipaddress
import os
import pkgutil
import socket
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from coverage import Coverage

import videoapi

os.environ.update(
    {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_SESSION_TOKEN": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
)
for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_CA_BUNDLE"):
    os.environ.pop(name, None)
# The collector looks less often: some 7 % of the time of whole requests, whose clients live long.
gc.set_threshold(20_000, 20, 20)


# Nothing here is needed for a branch of functions/ or layers/: a trace of each line takes as long
# again as the test. The folders hold other code; the files repeat in many orders what is covered.
UNMEASURED = (
    "cli",
    "devstack",
    "fuzz",
    "gates",
    "infrastructure",
    "properties",
    "simulator",
    "unit/providers/openai_compatible/test_client_anything.py",
    "unit/test_architecture.py",
    "unit/worker/test_generation_crashes.py",
)


@cache
def is_measured(path: Path) -> bool:
    own = path.relative_to(Path(__file__).parent)
    return not any(own.is_relative_to(name) for name in UNMEASURED)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item):
    """Spare the fixtures too, which pytest-cov's own `no_cover` traces."""
    measured = Coverage.current()
    if measured is None or is_measured(item.path):
        return (yield)
    measured.stop()
    try:
        return (yield)
    finally:
        if client := sys.modules.get("tests.support.client"):
            client.cold_start.cache_clear()  # a handler's module was run untraced
        forget()
        measured.start()


@cache
def caches() -> list[Any]:
    modules = [module for name, module in sys.modules.items() if name.startswith("videoapi.")]
    found = (value for module in modules for value in vars(module).values())
    return [value for value in found if hasattr(value, "cache_clear")]


def forget() -> None:
    """Empty the package's caches: what filled them ran without a trace, and would not run again."""
    for cached in caches():
        cached.cache_clear()


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Spare the garbage collector what the imports made, which stays to the end.

    Where coverage is measured, import all of the package first: what imports it later goes without
    a trace, the collection itself and tests that are not measured.
    """
    if Coverage.current():
        for module in pkgutil.walk_packages(videoapi.__path__, "videoapi."):
            importlib.import_module(module.name)
    trace = sys.gettrace()
    sys.settrace(None)
    try:
        return (yield)
    finally:
        sys.settrace(trace)
        if trace:
            forget()
        gc.freeze()


def is_loopback(host: object) -> bool:
    if host in {"localhost", "", None}:
        return True
    try:
        return ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return False


@pytest.fixture(scope="session", autouse=True)
def only_loopback():
    """A test that looks beyond this machine fails at once instead of depending on a network."""
    connect, getaddrinfo = socket.socket.connect, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and not is_loopback(address[0]):
            pytest.fail(f"a test connected to {address!r}")
        connect(self, address)

    def guarded_getaddrinfo(host: object, *args: Any, **options: Any) -> Any:
        if not is_loopback(host):
            pytest.fail(f"a test looked up {host!r}")
        return getaddrinfo(host, *args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket, "getaddrinfo", guarded_getaddrinfo)
        yield
