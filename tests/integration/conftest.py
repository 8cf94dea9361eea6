"""Functional tests: whole requests through the functions' own modules, on moto."""

from functools import partial

import pytest

from tests.support.client import Client
from tests.support.moto import cloud, moto
from tests.support.task_factory import Lives

__all__ = ["cloud", "moto"]


@pytest.fixture
def deploy(cloud):
    """Return a function that makes a client of the service with these settings."""
    return partial(Client, cloud)


@pytest.fixture
def client(deploy):
    return deploy()


@pytest.fixture
def lives(cloud):
    return Lives(cloud.store)
