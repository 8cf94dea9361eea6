"""Functional tests: whole requests through the functions' own modules, on moto."""

from functools import partial

import pytest

from tests.support.client import Client
from tests.support.drawer import drawer
from tests.support.moto import moto, services
from tests.support.task_factory import TaskFactory

__all__ = ["drawer", "moto", "services"]


@pytest.fixture
def deploy(services):
    """Return a function that makes a client of the service with these settings."""
    return partial(Client, services)


@pytest.fixture
def client(deploy):
    return deploy()


@pytest.fixture
def task_factory(services):
    return TaskFactory(services.store)
