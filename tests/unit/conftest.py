"""Unit tests of the adapters run on moto as well; everything else here needs nothing around it."""

import pytest

from tests.support.moto import cloud, moto
from tests.support.task_factory import Lives

__all__ = ["cloud", "moto"]


@pytest.fixture
def lives(cloud):
    return Lives(cloud.store)
