"""Routes at rest, in DynamoDB."""

import pytest

from tests.support.permissions import PERMISSIONS
from videoapi.aws.route_rests import RouteRests

ROUTE, OTHER = "vertex:veo-3.1-generate-001", "relay:a/b:c"


@pytest.fixture
def rests(services):
    """Return them as the worker has them, whose role allows every call, or the test ends."""
    with PERMISSIONS.of("worker"):
        yield RouteRests(services.store)


def test_nothing_rests_at_first(rests):
    assert rests.read() == {}


def test_route_rests_for_a_minute(rests):
    rests.rest(ROUTE, now=1000.9)
    rests.rest(OTHER, now=1005)
    assert rests.read() == {ROUTE: 1060, OTHER: 1065}


def test_one_worker_gets_the_look(rests):
    rests.rest(ROUTE, now=1000)
    assert rests.probe(ROUTE, 1060, now=1061)
    assert not rests.probe(ROUTE, 1060, now=1061)
    assert rests.read() == {ROUTE: 1121}


def test_route_that_takes_orders_rests_no_longer(rests):
    rests.rest(ROUTE, now=1000)
    rests.wake(ROUTE)
    rests.wake(OTHER)
    assert rests.read() == {}
