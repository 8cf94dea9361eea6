"""Unit tests of the adapters run on moto as well; everything else here needs nothing around it."""

import pytest

from tests.support.moto import moto, services
from tests.support.task_factory import TaskFactory

__all__ = ["moto", "services"]


@pytest.fixture
def task_factory(services):
    return TaskFactory(services.store)
