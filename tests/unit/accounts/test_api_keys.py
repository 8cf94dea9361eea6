import re

import pytest

from tests.support.moto import client
from videoapi.accounts.api_keys import CACHE_SECONDS, CACHE_SIZE, ApiKeyStore, Limits
from videoapi.errors import AuthenticationError, ServiceError


@pytest.fixture
def now():
    return [1_000_000.0]


@pytest.fixture
def ring(services, now):
    return ApiKeyStore(client("dynamodb"), services.table, lambda: now[0])


def test_a_made_key_is_its_owners_and_carries_its_limits(ring):
    limits = Limits(submits_per_minute=5, videos_per_day=7)
    found = ring.find(ring.make("alice", limits))
    assert (found.name, found.limits) == ("alice", limits)


def test_a_key_is_long_random_and_nowhere_in_the_table(ring, services):
    keys = {ring.make("alice", Limits()) for _ in range(5)}
    assert len(keys) == 5
    assert all(re.fullmatch(r"vak_[a-z2-7]{32}", key) for key in keys)
    stored = str(client("dynamodb").scan(TableName=services.table)["Items"])
    assert not any(key.removeprefix("vak_") in stored for key in keys)


@pytest.mark.parametrize("name", ["", "Alice", "a b", "anonymous", "-a", "a" * 64, "a/b", "a#b"])
def test_a_name_that_cannot_be_an_owner_is_refused(ring, name):
    with pytest.raises(ValueError, match="NAME"):
        ring.make(name, Limits())


@pytest.mark.parametrize("limit", [0, -1])
def test_limit_under_1_is_refused(ring, services, limit):
    for limits in (Limits(submits_per_minute=limit), Limits(tasks_alive=1, videos_per_day=limit)):
        with pytest.raises(ValueError, match="from 1 on"):
            ring.make("alice", limits)
    assert services.is_untouched()


def test_limits_of_a_name_are_those_of_its_latest_key(ring, now):
    assert ring.limits_of("alice") == Limits()
    for limit in (5, 7):
        ring.make("alice", Limits(tasks_alive=limit))
        now[0] += 1
    ring.make("bob", Limits(tasks_alive=9))
    assert ring.limits_of("alice") == Limits(tasks_alive=7)


@pytest.mark.parametrize("garbage", ["", "vak_", "vak_" + "a" * 32, "é" * 36, "VAK_" + "a" * 32])
def test_what_is_no_key_opens_nothing(ring, garbage):
    with pytest.raises(AuthenticationError, match="valid API key"):
        ring.find(garbage)


def test_revoked_key_works_for_a_minute_at_most(ring, now):
    gone, kept = ring.make("alice", Limits()), ring.make("bob", Limits())
    ring.find(gone)
    assert ring.revoke("alice") == 1
    assert ring.find(gone).name == "alice"
    now[0] += CACHE_SECONDS
    with pytest.raises(AuthenticationError):
        ring.find(gone)
    assert ring.find(kept).name == "bob"
    assert ring.revoke("alice") == 0


def test_one_of_two_keys_of_a_name_is_revoked_by_its_id(ring, now):
    old = ring.make("alice", Limits())
    now[0] += 1
    new = ring.make("alice", Limits(tasks_alive=3))
    first, second = ring.listed()
    assert first.made_at < second.made_at
    assert second.limits == Limits(tasks_alive=3)
    assert ring.revoke("bob", first.id) == 0
    assert ring.revoke("alice", first.id) == 1
    assert ring.listed() == [second]
    assert ring.find(new).name == "alice"
    with pytest.raises(AuthenticationError):
        ring.find(old)


def test_keys_are_listed_by_name_beyond_one_page_of_the_index(ring, services):
    for number in range(3):
        ring.make(f"user-{number}", Limits())
    assert [key.name for key in ring.listed()] == ["user-0", "user-1", "user-2"]
    services.calls.forget()
    dynamodb = PagedQueries(client("dynamodb"))
    paged = ApiKeyStore(dynamodb, services.table, lambda: 0.0)
    assert len(paged.listed()) == 3
    assert services.calls.made.count("dynamodb:Query") >= 3


class PagedQueries:
    """DynamoDB with pages of one item; a real page holds a megabyte."""

    def __init__(self, dynamodb):
        self._dynamodb = dynamodb

    def query(self, **request):
        return self._dynamodb.query(Limit=1, **request)


def test_a_known_and_an_unknown_key_are_looked_up_once_a_minute(ring, services):
    key = ring.make("alice", Limits())
    services.calls.forget()
    for _ in range(3):
        ring.find(key)
        with pytest.raises(AuthenticationError):
            ring.find("vak_" + "a" * 32)
    assert services.calls.made == ["dynamodb:GetItem", "dynamodb:GetItem"]


def test_a_flood_of_wrong_keys_does_not_fill_the_memory(services):
    class NoTable:
        def get_item(self, **_):
            return {}

    flooded = ApiKeyStore(NoTable(), services.table, lambda: 0.0)
    for number in range(CACHE_SIZE + 1):
        spelled = f"{number:032}".translate(str.maketrans("0123456789", "abcdefghij"))
        with pytest.raises(AuthenticationError):
            flooded.find(f"vak_{spelled}")
    assert len(vars(flooded)["_known"]) == 1


def test_a_table_that_is_away_is_no_wrong_key(ring, services):
    services.calls.fail("dynamodb:GetItem")
    with pytest.raises(ServiceError):
        ring.find("vak_" + "a" * 32)
