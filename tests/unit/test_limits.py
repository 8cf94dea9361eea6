import itertools

import pytest

from tests.functional.cloud import client
from videoapi.errors import RateLimited, ServiceError
from videoapi.keys import ApiKey, Limits
from videoapi.limits import Limiter
from videoapi.transitions import cancel

NOON = 1_767_268_800.0  # 2026-01-01T12:00:00Z


@pytest.fixture
def now():
    return [NOON]


@pytest.fixture
def limiter(cloud, now):
    return Limiter(client("dynamodb"), cloud.table, cloud.store, lambda: now[0])


@pytest.fixture
def submit(limiter, lives):
    """Return a function that admits one more task of a key, as a submit does."""

    def submit(key):
        task = lives.pending()
        limiter.admit(key, task.task_id)
        return task

    return submit


def key(**limits):
    return ApiKey("alice", Limits(**limits))


def test_a_key_without_limits_costs_no_call(limiter, cloud):
    cloud.calls.forget()
    assert limiter.admit(key(), "vid_1") == {}
    assert cloud.calls.made == []


def test_a_submit_costs_one_write_once_its_minute_has_begun(limiter, cloud):
    limiter.admit(key(submits_per_minute=9), "vid_1")
    cloud.calls.forget()
    limiter.admit(key(submits_per_minute=9), "vid_2")
    assert cloud.calls.made == ["dynamodb:UpdateItem"]


def test_submits_beyond_the_minutes_number_wait_for_the_next(limiter, now):
    alice = key(submits_per_minute=2)
    now[0] += 45
    assert limiter.admit(alice, "vid_1")["RateLimit"] == '"minute";r=1;t=16'
    limiter.admit(alice, "vid_2")
    with pytest.raises(RateLimited, match="2 times a minute") as refusal:
        limiter.admit(alice, "vid_3")
    assert refusal.value.code == "rate_limited"
    assert refusal.value.headers == {
        "Retry-After": "16",
        "RateLimit-Policy": '"minute";q=2;w=60',
        "RateLimit": '"minute";r=0;t=16',
    }
    now[0] += 15
    assert limiter.admit(alice, "vid_3")["RateLimit"] == '"minute";r=1;t=61'


def test_videos_beyond_the_days_number_wait_for_tomorrow(limiter, now):
    alice = key(videos_per_day=2)
    for task_id in ("vid_1", "vid_2"):
        limiter.admit(alice, task_id)
        now[0] += 3600
    with pytest.raises(RateLimited, match="2 videos a day") as refusal:
        limiter.admit(alice, "vid_3")
    assert refusal.value.code == "daily_limit_reached"
    assert refusal.value.headers["Retry-After"] == "60"
    assert refusal.value.headers["x-should-retry"] == "false"
    assert refusal.value.headers["RateLimit"] == '"day";r=0;t=36001'
    now[0] += 12 * 3600
    limiter.admit(alice, "vid_3")


def test_both_limits_are_told_in_one_header(limiter):
    headers = limiter.admit(key(submits_per_minute=5, videos_per_day=9), "vid_1")
    assert headers == {
        "RateLimit-Policy": '"minute";q=5;w=60, "day";q=9;w=86400',
        "RateLimit": '"minute";r=4;t=61, "day";r=8;t=43201',
    }


def test_a_limit_of_tasks_alive_frees_a_place_when_one_has_ended(submit, cloud, now):
    alice = key(tasks_alive=2)
    first = submit(alice)
    submit(alice)
    with pytest.raises(RateLimited, match="2 tasks alive") as refusal:
        submit(alice)
    assert (refusal.value.code, refusal.value.headers) == (
        "too_many_tasks_alive",
        {"Retry-After": "10"},
    )
    cloud.store.apply(first.task_id, cancel(now=now[0], retention=60))
    submit(alice)
    with pytest.raises(RateLimited):
        submit(alice)


def test_an_image_is_a_submit_of_its_minute_but_no_video_and_no_task(limiter, now):
    alice = key(submits_per_minute=2, videos_per_day=1, tasks_alive=1)
    for left in (1, 0):
        headers = limiter.admit_image(alice)
        assert headers["RateLimit"] == f'"minute";r={left};t=61'
    for admit in (limiter.admit_image, lambda key: limiter.admit(key, "vid_1")):
        with pytest.raises(RateLimited, match="2 times a minute"):
            admit(alice)
    now[0] += 60
    assert limiter.admit(alice, "vid_1")["RateLimit"].startswith('"minute";r=1;t=61, "day";r=0;')


def test_an_image_costs_no_call_where_no_minute_is_limited(limiter, cloud):
    cloud.calls.forget()
    assert limiter.admit_image(key(videos_per_day=1)) == {}
    assert cloud.calls.made == []


def test_two_functions_that_begin_a_minute_together_lose_no_count(limiter, cloud):
    alice = key(submits_per_minute=3)
    ids = (f"vid_{number}" for number in itertools.count())
    cloud.calls.before("dynamodb:UpdateItem", lambda: limiter.admit(alice, next(ids)))
    limiter.admit(alice, next(ids))
    limiter.admit(alice, next(ids))
    with pytest.raises(RateLimited):
        limiter.admit(alice, next(ids))


def test_a_minute_that_another_function_has_just_begun_is_not_begun_again(limiter, cloud, now):
    alice = key(submits_per_minute=2)
    limiter.admit(alice, "vid_1")
    now[0] += 60

    def in_between():
        cloud.calls.before("dynamodb:UpdateItem", lambda: limiter.admit(alice, "vid_2"))

    cloud.calls.before("dynamodb:UpdateItem", in_between)
    limiter.admit(alice, "vid_3")
    with pytest.raises(RateLimited):
        limiter.admit(alice, "vid_4")


def test_limits_that_change_all_the_time_are_no_refusal_for_good(limiter, now, cloud):
    alice, clock = key(submits_per_minute=2), itertools.count()

    def time_flies():
        now[0] += 60 * next(clock)
        cloud.calls.before("dynamodb:UpdateItem", time_flies)

    time_flies()
    with pytest.raises(ServiceError, match="too quickly"):
        limiter.admit(alice, "vid_1")


@pytest.mark.parametrize("code", ["InternalServerError", None])
def test_a_table_that_is_away_admits_nobody(limiter, cloud, code):
    cloud.calls.fail("dynamodb:UpdateItem", code)
    with pytest.raises(ServiceError):
        limiter.admit(key(tasks_alive=1), "vid_1")
