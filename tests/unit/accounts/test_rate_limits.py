"""The limits of one key, on moto: in one transaction with the task, whatever comes at once."""

import pytest

from tests.support.task_factory import TO_RELAY, new_task
from videoapi.accounts.api_keys import ApiKey, Limits
from videoapi.accounts.rate_limits import LOOKED_AT_ONCE, PAUSE, Limiter, Quota
from videoapi.api import replies
from videoapi.api.replies import rate_limit_headers
from videoapi.aws.table import ConditionFailed
from videoapi.domain import endings, transitions
from videoapi.domain.tasks import PAID_JOB_SECONDS
from videoapi.errors import RateLimited, ServiceError

NOON = 1_767_268_800.0  # 2026-01-01T12:00:00Z
DAY = 24 * 3600
READ, WRITE = "dynamodb:BatchGetItem", "dynamodb:TransactWriteItems"


@pytest.fixture
def limiter(services):
    services.calls.forget()
    return Limiter(services.store)


@pytest.fixture
def submit(limiter, services):
    """Return a function that makes one more task of a key, as a submit does."""

    def submit(key, now=NOON):
        quota = limiter.quota(key, now)
        task = new_task(now=now, owner=key.name)
        try:
            assert services.store.create(task, *quota.writes(task.task_id)) is None
        except ConditionFailed as failed:
            limiter.reconsider(quota, failed)
            raise
        return task

    return submit


@pytest.fixture
def image(limiter):
    return limiter.admit_image


def key(**limits):
    return ApiKey("alice", Limits(**limits))


def headers_of(refusal):
    """Return the headers of a 429 that tell of limits."""
    headers = replies.refusal(refusal.value, "/api/v1/videos/generate")["headers"]
    del headers["Cache-Control"], headers["Content-Type"]
    return headers


def state(quota):
    return rate_limit_headers(quota)["RateLimit"]


def counters(services):
    return {name: item for name, item in services.items().items() if name.startswith("limits#")}


def test_key_without_limits_costs_no_call(limiter, services):
    quota = limiter.quota(key(), NOON)
    assert (quota.writes("vid_1"), rate_limit_headers(quota)) == ([], {})
    assert limiter.admit_image(key(), NOON) == limiter.admit_upload(key(), NOON) == Quota()
    assert services.calls.made == []


def test_all_limits_are_one_read_and_the_tasks_transaction(submit, services):
    submit(key(submits_per_minute=9, videos_per_day=9, tasks_alive=9))
    assert services.calls.made == [READ, WRITE]


def test_submits_over_the_minute_wait_for_the_next(limiter, submit):
    alice, now = key(submits_per_minute=2), NOON + 45
    assert state(limiter.quota(alice, now).counted()) == '"minute";r=1;t=16'
    submit(alice, now)
    submit(alice, now)
    with pytest.raises(RateLimited, match="2 times a minute") as refusal:
        submit(alice, now)
    assert refusal.value.code == "rate_limited"
    assert headers_of(refusal) == {
        "Retry-After": "16",
        "RateLimit-Policy": '"minute";q=2;w=60',
        "RateLimit": '"minute";r=0;t=16',
    }
    submit(alice, now + 15)
    assert state(limiter.quota(alice, now + 15)) == '"minute";r=1;t=61'


def test_videos_over_the_day_wait_for_tomorrow(submit):
    alice = key(videos_per_day=2)
    submit(alice)
    submit(alice, NOON + 3600)
    with pytest.raises(RateLimited, match="2 videos a day") as refusal:
        submit(alice, NOON + 7200)
    assert refusal.value.code == "daily_limit_reached"
    assert headers_of(refusal) == {
        "Retry-After": "60",
        "x-should-retry": "false",
        "RateLimit-Policy": '"day";q=2;w=86400',
        "RateLimit": '"day";r=0;t=36001',
    }
    submit(alice, NOON + 12 * 3600)


def test_both_windows_are_told_in_one_header(limiter):
    quota = limiter.quota(key(submits_per_minute=5, videos_per_day=9), NOON)
    assert rate_limit_headers(quota.counted()) == {
        "RateLimit-Policy": '"minute";q=5;w=60, "day";q=9;w=86400',
        "RateLimit": '"minute";r=4;t=61, "day";r=8;t=43201',
    }


def test_of_two_windows_that_are_full_the_day_is_told(submit, services):
    """Who heard of the minute would come again in a minute, in vain."""
    alice = key(submits_per_minute=1, videos_per_day=1)
    services.calls.before(WRITE, lambda: submit(alice))
    for _ in range(2):
        with pytest.raises(RateLimited, match="videos a day"):
            submit(alice)


def test_clocks_that_differ_at_midnight_reopen_no_window(submit):
    """A clock that is behind counts in yesterday, which stays as full as it was."""
    alice, midnight, made = key(videos_per_day=2), NOON + 12 * 3600, {-0.1: 0, 0.1: 0}
    for _ in range(6):
        for skew in made:
            try:
                submit(alice, midnight + skew)
            except RateLimited:
                continue
            made[skew] += 1
    assert made == {-0.1: 2, 0.1: 2}


def test_windows_are_removed_by_ttl_after_their_end(submit, services):
    submit(key(submits_per_minute=1, videos_per_day=1))
    ends = {name[-9]: int(item["expires_at"]) for name, item in counters(services).items()}
    minute, day = (item for item in sorted(ends.values()))
    assert NOON + 60 < minute < NOON + 600
    assert NOON + DAY < day < NOON + 3 * DAY


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"submits_per_minute": 1}, "rate_limited"),
        ({"videos_per_day": 1}, "daily_limit_reached"),
        ({"tasks_alive": 1}, "too_many_tasks_alive"),
    ],
)
def test_what_slips_past_the_read_is_refused_by_the_transaction(submit, services, limits, code):
    """Each of ten submits comes after the read of the one before, and before its write."""
    alice, made, refused = key(**limits), [], []

    def at_once(depth):
        if depth:
            services.calls.before(WRITE, lambda: at_once(depth - 1))
        try:
            made.append(submit(alice))
        except RateLimited as refusal:
            refused.append(refusal.code)

    at_once(9)
    assert (len(made), refused) == (1, [code] * 9)
    assert len([name for name in services.items() if name.startswith("vid_")]) == 1


def test_refused_submit_uses_up_none_of_its_other_limits(submit, services):
    alice = key(submits_per_minute=9, videos_per_day=9, tasks_alive=1)
    submit(alice)
    before = counters(services)
    services.calls.before(READ, lambda: None)
    for _ in range(3):
        with pytest.raises(RateLimited, match="alive"):
            submit(alice)
    assert counters(services) == before


def test_place_comes_free_when_a_task_has_ended(submit, services):
    alice = key(tasks_alive=2)
    first = submit(alice)
    submit(alice)
    with pytest.raises(RateLimited, match="2 tasks alive") as refusal:
        submit(alice)
    assert refusal.value.code == "too_many_tasks_alive"
    assert headers_of(refusal) == {"Retry-After": "10"}
    services.store.apply(first.task_id, endings.cancel(first, now=NOON, retention=60))
    submit(alice)
    with pytest.raises(RateLimited):
        submit(alice)


@pytest.mark.parametrize("limit", ["submits_per_minute", "videos_per_day", "tasks_alive"])
def test_limit_of_none_at_all_refuses_every_submit(submit, services, limit):
    """Such a row is made by hand: `make key` wants at least 1."""
    with pytest.raises(RateLimited):
        submit(key(**{limit: 0}))
    assert not services.items()


def test_place_of_a_task_that_is_gone_altogether_comes_free(submit, services):
    alice = key(tasks_alive=1)
    task = submit(alice)
    services.dynamodb.delete_item(TableName=services.table, Key={"task_id": {"S": task.task_id}})
    submit(alice)


def test_place_that_comes_free_after_the_read_is_taken(limiter, submit, services):
    """The read saw a free place, another submit took it, and a task ended since."""
    alice = key(tasks_alive=1)
    quota = limiter.quota(alice, NOON)
    ended = submit(alice)
    services.store.apply(ended.task_id, endings.cancel(ended, now=NOON, retention=60))
    task = new_task(owner="alice")
    with pytest.raises(ConditionFailed) as failed:
        services.store.create(task, *quota.writes(task.task_id))
    limiter.reconsider(quota, failed.value)
    assert services.store.create(task, *quota.writes(task.task_id)) is None


GIVEN_UP = {
    "cancelled": lambda task: endings.cancel(task, now=NOON, retention=DAY),
    "deleted": lambda task: endings.delete(task, now=NOON, retention=DAY),
}


def begun(services, task, *, accepted):
    """Let a worker begin a task's POST, and perhaps get its answer."""
    task = services.store.apply(
        task.task_id, transitions.claim("worker", now=NOON, lease_seconds=40)
    )
    task = services.store.apply(
        task.task_id, transitions.begin_attempt(task, now=NOON, to=TO_RELAY, prompt="A fox")
    )
    if accepted:
        task = services.store.apply(task.task_id, transitions.accept(task, "job:1", now=NOON))
    return task


@pytest.mark.parametrize("accepted", [False, True])
@pytest.mark.parametrize("how", GIVEN_UP)
def test_abandoned_task_keeps_its_place_while_its_job_may_run(submit, services, how, accepted):
    """A given up task keeps its place while its paid job may run."""
    alice = key(tasks_alive=1)
    task = begun(services, submit(alice), accepted=accepted)
    assert services.store.apply(task.task_id, GIVEN_UP[how](task))
    with pytest.raises(RateLimited, match="alive"):
        submit(alice, NOON + PAID_JOB_SECONDS - 1)
    submit(alice, NOON + PAID_JOB_SECONDS)


@pytest.mark.parametrize("how", GIVEN_UP)
def test_given_up_task_that_was_never_posted_frees_its_place(submit, services, how):
    alice = key(tasks_alive=1)
    task = submit(alice)
    assert services.store.apply(task.task_id, GIVEN_UP[how](task))
    submit(alice)


@pytest.mark.parametrize("how", GIVEN_UP)
def test_given_up_task_whose_job_is_done_frees_its_place(submit, services, how):
    """The video was being fetched when its owner gave it up: nothing runs any more."""
    alice = key(tasks_alive=1)
    task = begun(services, submit(alice), accepted=True)
    task = services.store.apply(task.task_id, transitions.note_done(task, now=NOON))
    assert services.store.apply(task.task_id, GIVEN_UP[how](task))
    submit(alice)


def test_deleted_video_whose_job_had_ended_frees_its_place(submit, services):
    alice = key(tasks_alive=1)
    task = begun(services, submit(alice), accepted=True)
    done = endings.complete(task, {"video_url": "https://a"}, now=NOON, retention=DAY)
    task = services.store.apply(task.task_id, done)
    services.store.apply(task.task_id, endings.delete(task, now=NOON, retention=DAY))
    submit(alice)


@pytest.fixture
def crowd(services):
    """Return a function that fills a key's set with so many live tasks."""

    def fill(number):
        tasks = sorted(
            (new_task(now=NOON, owner="alice") for _ in range(number)),
            key=lambda task: task.task_id,
        )
        services.put(tasks)
        ids = {"SS": [task.task_id for task in tasks]}
        services.dynamodb.put_item(
            TableName=services.table, Item={"task_id": {"S": "limits#alice"}, "alive": ids}
        )
        return tasks

    return fill


def test_large_full_set_is_reviewed_in_bounded_reads(crowd, submit, services):
    """A large full set is looked over in bounded reads and not each time."""
    crowd(200)
    alice = key(tasks_alive=200)
    for seconds, calls in [(0, 3), (1, 1), (PAUSE, 3)]:
        services.calls.forget()
        with pytest.raises(RateLimited):
            submit(alice, NOON + seconds)
        assert len(services.calls.made) == calls


def test_every_task_of_a_large_set_has_its_turn(crowd, submit, services):
    tasks = crowd(200)
    services.store.apply(tasks[137].task_id, endings.cancel(tasks[137], now=NOON, retention=DAY))
    alice, tries = key(tasks_alive=200), 200 // LOOKED_AT_ONCE
    made = []
    for number in range(tries):
        try:
            made.append(submit(alice, NOON + PAUSE * number))
        except RateLimited:
            continue
    assert len(made) == 1


def test_set_of_an_earlier_version_still_counts(crowd, submit, services):
    """Its counters of a minute and a day stand in the same item, and are read no more."""
    crowd(1)
    old = {"minute": 29_454_480, "day": 20_454, "submits": 99, "videos": 99}
    services.change("limits#alice", **{name: {"N": str(value)} for name, value in old.items()})
    with pytest.raises(RateLimited, match="alive"):
        submit(key(tasks_alive=1))
    submit(key(submits_per_minute=1, videos_per_day=1))


def test_image_counts_in_its_minute_and_day_but_is_no_task(image, submit):
    alice = key(submits_per_minute=3, videos_per_day=2, tasks_alive=1)
    assert state(image(alice, NOON)) == '"minute";r=2;t=61, "day";r=1;t=43201'
    image(alice, NOON)
    for another in (image, submit):
        with pytest.raises(RateLimited, match="2 videos a day"):
            another(alice, NOON)


def test_image_that_slips_past_the_read_is_refused(image, services):
    alice = key(videos_per_day=1)
    services.calls.before("dynamodb:UpdateItem", lambda: image(alice, NOON))
    with pytest.raises(RateLimited, match="videos a day"):
        image(alice, NOON)


@pytest.mark.parametrize("limits", [{}, {"submits_per_minute": 50, "videos_per_day": 1}])
def test_webhooks_are_tested_ten_times_a_minute(limiter, limits):
    """Whatever the key's limits; those without a key, who have one name, have ten together."""
    alice = key(**limits)
    for _ in range(10):
        limiter.admit_test(alice, NOON)
    with pytest.raises(RateLimited, match="test 10 webhooks a minute") as refused:
        limiter.admit_test(alice, NOON + 1)
    assert refused.value.retryable
    assert refused.value.retry_after == 60
    assert '"tests";r=0' in headers_of(refused)["RateLimit"]
    limiter.admit_test(alice, NOON + 60)
    limiter.admit_test(ApiKey("bob", Limits()), NOON)


def test_upload_counts_in_its_minute(limiter):
    alice = key(submits_per_minute=1, tasks_alive=1)
    assert state(limiter.admit_upload(alice, NOON)) == '"minute";r=0;t=61'
    with pytest.raises(RateLimited, match="1 times a minute"):
        limiter.admit_upload(alice, NOON)
    assert limiter.admit_upload(key(tasks_alive=1), NOON) == Quota()


@pytest.mark.parametrize("videos", [1, 3])
def test_uploads_of_a_day_are_ten_for_each_of_its_videos(limiter, submit, videos):
    alice = key(videos_per_day=videos)
    for left in reversed(range(10 * videos)):
        assert f'"uploads";r={left};' in state(limiter.admit_upload(alice, NOON))
    with pytest.raises(RateLimited, match=f"upload {10 * videos} images a day") as caught:
        limiter.admit_upload(alice, NOON)
    assert (caught.value.code, caught.value.retryable) == ("daily_limit_reached", False)
    submit(alice)  # they took no video's place
    limiter.admit_upload(alice, NOON + DAY)


@pytest.mark.parametrize("code", ["InternalServerError", ""])
@pytest.mark.parametrize("call", [READ, WRITE])
def test_table_that_is_away_admits_nobody(submit, services, call, code):
    services.calls.fail(call, code)
    with pytest.raises(ServiceError):
        submit(key(tasks_alive=1))
    assert services.items() == {}


def test_tasks_that_were_not_read_are_not_taken_for_ended(crowd, submit, services):
    """DynamoDB leaves out of a batch what it throttles, without an error."""
    tasks = crowd(1)
    unread = {services.table: {"Keys": [{"task_id": {"S": tasks[0].task_id}}]}}
    events = services.dynamodb.meta.events

    def throttle(parsed, **_):
        parsed["UnprocessedKeys"] = unread

    events.register("after-call.dynamodb.BatchGetItem", throttle)
    with pytest.raises(ServiceError):
        submit(key(tasks_alive=1))
    events.unregister("after-call.dynamodb.BatchGetItem", throttle)
    assert counters(services)["limits#alice"]["alive"] == [tasks[0].task_id]
