"""Submitting as a use case: a submission and a moment in, a task out."""

import json

import pytest
from botocore.credentials import Credentials

from tests.support.pictures import png
from videoapi.accounts.api_keys import ApiKey, Limits
from videoapi.accounts.rate_limits import Limiter, Quota
from videoapi.api.idempotency import caller_of
from videoapi.api.openai.requests import from_openai
from videoapi.aws.presigned import UrlSigner
from videoapi.aws.table import ConditionFailed
from videoapi.aws.task_store import TaskStore
from videoapi.domain import endings, transitions
from videoapi.domain.tasks import Dialect, Status
from videoapi.domain.timestamps import seconds_since, timestamp
from videoapi.errors import Conflict, RateLimited, ServiceError, ValidationError
from videoapi.metrics import Metrics
from videoapi.settings import Settings
from videoapi.usecases.caller import Caller
from videoapi.usecases.input_images import InputImages
from videoapi.usecases.sdk_retries import MAX_TRY_SECONDS, WINDOW
from videoapi.usecases.submission import Submissions

NOW = 1_768_127_400.0
DAY = 24 * 3600
SETTINGS = Settings()
FREE = Limits()
ANNA = ApiKey("anna", FREE)
UNHEARD = Metrics(lambda *_: None)


@pytest.fixture
def submit(services):
    links = UrlSigner(
        lambda: Credentials("key", "secret"),
        bucket=services.bucket,
        region="us-east-1",
        endpoint=None,
        seconds=60,
        file_days=2,
    )
    limiter = Limiter(services.store)
    submissions = Submissions(
        store=services.store,
        queue=services.queue,
        images=InputImages(files=services.files, links=links, allow_private=False),
        limiter=limiter,
        metrics=UNHEARD,
    )

    def made(*, owner="anonymous", now=NOW, key=None, count=None, file=None, limits=FREE, **fields):
        caller = Caller(key=ApiKey(owner, limits), now=now, idempotency_key=key, retry_count=count)
        fields |= {"input_reference": file} if file is not None else {}
        submission = from_openai({"prompt": "A fox"} | fields, SETTINGS)
        return submissions.submit(submission, caller)

    return made


def test_new_task_is_pending_and_due_in_a_minute(submit, services):
    done = submit()
    task = services.store.get(done.task.task_id)
    assert task == done.task
    assert task.status is Status.PENDING
    assert task.created_at == task.updated_at == task.queued_at == timestamp(NOW)
    slow = transitions.claim("worker", now=NOW - 600, lease_seconds=40)
    assert services.store.apply(task.task_id, slow), "at once, by whatever clock"
    assert task.due_at == timestamp(NOW + 60)
    assert (done.replayed, done.quota) == (False, Quota())


@pytest.mark.parametrize("count", [1, 2])
def test_a_retry_is_remembered_to_the_last_second_of_15_minutes(submit, count):
    first = submit(count=0).task.task_id
    last_second = submit(count=count, now=NOW + WINDOW - 1)
    assert (last_second.task.task_id, last_second.replayed) == (first, True)
    assert submit(count=count, now=NOW + WINDOW).task.task_id != first
    assert WINDOW == 15 * 60


def test_a_key_is_remembered_for_as_long_as_its_task(submit):
    first = submit(key="k").task.task_id
    assert submit(key="k", now=NOW + 30 * 24 * 3600).task.task_id == first


def test_keys_and_retries_are_of_their_owner(submit):
    assert submit(key="k").task.task_id != submit(key="k", owner="anna").task.task_id
    assert submit(count=0).task.task_id != submit(count=1, owner="anna").task.task_id


def test_defaults_said_and_unsaid_are_the_same_request(submit):
    first = submit(key="k").task.task_id
    assert submit(key="k", size="1920x1080", fps=30, model="veo_3_1").task.task_id == first


@pytest.mark.parametrize(
    "other",
    [
        {"prompt": "A wolf"},
        {"seconds": 8},
        {"size": "1280x720"},
        {"model": "veo_3_1-fast"},
        {"metadata": {"a": "b"}},
        {"camera_motion": "pan"},
        {"input_reference": "https://example.com/a.png"},
        {"file": png()},
    ],
    ids=str,
)
def test_whatever_differs_makes_another_request(submit, other):
    submit(key="k")
    with pytest.raises(ValidationError) as caught:
        submit(key="k", **other)
    assert (caught.value.code, caught.value.param) == ("idempotency_key_reused", "Idempotency-Key")


def test_conflicting_replay_keeps_the_first_image(submit, services):
    submit(key="k", file=png())
    (key,) = services.objects()
    with pytest.raises(ValidationError):
        submit(key="k", file=png(4, 4))
    assert services.objects()[key] == png()


def test_a_deleted_task_is_never_made_again_by_its_key(submit, services):
    task = submit(key="k").task
    services.change(task.task_id, status={"S": "deleted"})
    with pytest.raises(Conflict):
        submit(key="k")


def test_a_remembered_task_that_is_gone_altogether_is_made_anew(submit, services):
    first = submit(count=0).task.task_id
    services.dynamodb.delete_item(TableName=services.table, Key={"task_id": {"S": first}})
    again = submit(count=1)
    assert (again.replayed, again.task.task_id != first) == (False, True)


def named(messages):
    return [json.loads(each)["task_id"] for each in messages]


def test_replay_sends_a_message_after_a_minute(submit, services):
    """Replay sends a message a minute after the first while the task waits."""
    task_id = submit(key="k").task.task_id
    for seconds, sent in [(0, 1), (59, 0), (60, 1), (61, 0), (119, 0), (120, 1)]:
        assert submit(key="k", now=NOW + seconds).task.task_id == task_id
        assert named(services.messages()) == [task_id] * sent
    services.change(task_id, status={"S": "processing"})
    submit(key="k", now=NOW + 600)
    assert services.messages() == []


@pytest.mark.parametrize("limits", [FREE, Limits(submits_per_minute=1, videos_per_day=1)])
def test_fifty_replays_are_one_task_and_one_message(submit, services, limits):
    """Fifty replays are one task, one message and nothing used up."""
    done = [submit(key="k", owner="anna", limits=limits) for _ in range(50)]
    assert len({each.task.task_id for each in done}) == len(services.messages()) == 1
    assert [each.replayed for each in done] == [False] + [True] * 49


def test_message_that_is_not_sent_at_once_is_the_next_sweeps(submit, services):
    services.calls.fail("sqs:SendMessage", "")
    task_id = submit().task.task_id
    assert task_id in set(services.store.overdue(NOW + 0.001, paid=False))
    assert seconds_since(services.store.get(task_id).queued_at, NOW) > DAY, "a backlog is no excuse"


@pytest.mark.parametrize("later", [0, 1])
def test_replay_sends_a_message_that_the_first_try_could_not(submit, services, later):
    services.calls.fail("sqs:SendMessage", "")
    task_id = submit(key="k").task.task_id
    services.calls.heal()
    assert submit(key="k", now=NOW + later).replayed
    assert named(services.messages()) == [task_id]


def test_message_that_cannot_even_be_noted_is_due_in_a_minute(submit, services):
    for call in ("sqs:SendMessage", "dynamodb:UpdateItem"):
        services.calls.fail(call, "")
    task_id = submit().task.task_id
    services.calls.heal()
    assert task_id in set(services.store.overdue(NOW + 60.001, paid=False))


@pytest.mark.parametrize("call", ["sqs:SendMessage", "dynamodb:UpdateItem"])
def test_replay_is_answered_when_its_message_cannot_be_sent(submit, services, call):
    task_id = submit(key="k").task.task_id
    services.calls.fail(call)
    done = submit(key="k", now=NOW + 60)
    assert (done.task.task_id, done.replayed) == (task_id, True)


def test_replay_of_an_expired_task_has_what_it_saw(submit, services):
    task_id = submit(key="k").task.task_id
    gone = {"TableName": services.table, "Key": {"task_id": {"S": task_id}}}
    services.calls.before("dynamodb:UpdateItem", lambda: services.dynamodb.delete_item(**gone))
    assert submit(key="k", now=NOW + 60).task.task_id == task_id


# --- limits


DAILY = Limits(videos_per_day=1)
ALONE = Limits(tasks_alive=1)


def test_limits_and_task_are_one_transaction(submit, services):
    services.calls.forget_made()
    done = submit(limits=Limits(submits_per_minute=9, videos_per_day=9, tasks_alive=9))
    assert services.calls.made == [
        "dynamodb:BatchGetItem",
        "dynamodb:TransactWriteItems",
        "sqs:SendMessage",
    ]
    assert [each.used for each in done.quota.windows] == [1, 1]


def test_one_of_fifty_submits_passes_a_limit_of_one_alive(submit, services):
    """Each comes while the one before puts its image: between its count and its task."""
    made, refused = [], []

    def at_once(depth):
        if depth:
            services.calls.before("s3:PutObject", lambda: at_once(depth - 1))
        try:
            made.append(submit(limits=ALONE, file=png()))
        except RateLimited as refusal:
            refused.append(refusal.code)

    at_once(49)
    assert (len(made), set(refused)) == (1, {"too_many_tasks_alive"})
    assert len(services.messages()) == 1
    assert len([name for name in services.items() if name.startswith("vid_")]) == 1


@pytest.mark.parametrize(
    "call", ["s3:PutObject", "dynamodb:TransactWriteItems", "dynamodb:BatchGetItem"]
)
def test_submits_that_make_no_task_use_nothing_up(submit, services, call):
    services.calls.fail(call)
    for _ in range(3):
        with pytest.raises(ServiceError):
            submit(key="k", limits=DAILY, file=png())
    assert services.items() == {}
    services.calls.heal()
    assert not submit(key="k", limits=DAILY, file=png()).replayed
    with pytest.raises(RateLimited):
        submit(key="other", limits=DAILY, file=png())


def test_submit_that_is_merged_into_its_twin_uses_nothing_up(submit, services):
    two = Limits(videos_per_day=2)
    services.calls.before(
        "dynamodb:TransactWriteItems", lambda: submit(key="k", owner="anna", limits=two)
    )
    assert submit(key="k", owner="anna", limits=two).replayed
    assert not submit(owner="anna", limits=two).replayed
    with pytest.raises(RateLimited):
        submit(owner="anna", limits=two)


def test_place_that_others_always_take_is_a_503(services):
    class Busy(TaskStore):
        def create(self, *_):
            raise ConditionFailed("alive", {"alive": ["vid_gone"]}, repeated=False)

    busy = Busy(services.dynamodb, services.table)
    submissions = Submissions(
        store=busy,
        queue=services.queue,
        images=InputImages(files=services.files, links=None, allow_private=False),
        limiter=Limiter(busy),
        metrics=UNHEARD,
    )
    caller = Caller(key=ApiKey("anna", ALONE), now=NOW)
    with pytest.raises(ServiceError, match="too quickly"):
        submissions.submit(from_openai({"prompt": "A fox"}, SETTINGS), caller)


# --- an SDK's own retries


def test_refused_first_try_is_not_repeated_into_an_older_task(submit):
    """Three variations of one prompt, and a place for two: the third's retry is no second's."""
    two = Limits(tasks_alive=2)
    submit(count=0, limits=two)
    submit(count=0, limits=two)
    with pytest.raises(RateLimited) as refusal:
        submit(count=0, limits=two)
    assert not refusal.value.retryable


@pytest.mark.parametrize("call", ["s3:PutObject", "dynamodb:TransactWriteItems"])
def test_first_try_in_an_outage_joins_no_older_task(submit, services, call):
    """A first try that meets an outage is not repeated into an older task."""
    submit(count=0, file=png())
    services.calls.fail(call)
    with pytest.raises(ServiceError) as refusal:
        submit(count=0, file=png())
    assert not refusal.value.retryable


@pytest.mark.parametrize("older", [{"prompt": "A wolf"}, {"owner": "anna"}, {"now": NOW - 900}])
def test_refused_first_try_without_an_equal_may_be_repeated(submit, older):
    submit(**{"count": 0, **older})
    submit(limits=ALONE, prompt="A bear")
    with pytest.raises(RateLimited) as refusal:
        submit(count=0, limits=ALONE)
    assert refusal.value.retryable


def test_refused_first_try_may_be_repeated_where_nobody_can_look(submit, services):
    submit(count=0, limits=ALONE)
    services.calls.fail("dynamodb:GetItem")
    with pytest.raises(RateLimited) as refusal:
        submit(count=0, limits=ALONE)
    assert refusal.value.retryable


ENDS = {
    "cancelled": lambda task: endings.cancel(task, now=NOW, retention=60),
    "deleted": lambda task: endings.delete(task, now=NOW, retention=60),
}


@pytest.mark.parametrize("end", ENDS)
def test_retry_after_a_bad_end_is_a_new_task(submit, services, end):
    """A retry whose first try began after a bad end is a new task."""
    task = submit(count=0, now=NOW - 60).task
    services.store.apply(task.task_id, ENDS[end](task))
    again = submit(count=1, now=NOW + MAX_TRY_SECONDS + 1)
    assert (again.replayed, again.task.task_id == task.task_id) == (False, False)
    assert submit(count=2, now=NOW + MAX_TRY_SECONDS + 2).task.task_id == again.task.task_id


def test_retry_of_a_maybe_cancelled_try_is_that_task(submit, services):
    task = submit(count=0).task
    services.store.apply(task.task_id, endings.cancel(task, now=NOW, retention=60))
    assert submit(count=1, now=NOW + 10).task.task_id == task.task_id


def test_other_try_that_expired_meanwhile_is_a_503(submit, services):
    def overtake():
        first = submit(count=0, now=NOW + 1).task
        services.dynamodb.delete_item(
            TableName=services.table, Key={"task_id": {"S": first.task_id}}
        )

    services.calls.before("dynamodb:TransactWriteItems", overtake)
    with pytest.raises(ServiceError, match="expired"):
        submit(count=1)


def headers_read(**headers):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return caller_of(names, ANNA, NOW, Dialect.OPENAI)


def test_a_caller_is_read_from_headers():
    caller = headers_read(idempotency_key='"k"', x_stainless_retry_count="2")
    assert caller == Caller(
        key=ANNA, now=NOW, dialect=Dialect.OPENAI, idempotency_key="k", retry_count=2
    )
    nobody = headers_read()
    assert (nobody.idempotency_key, nobody.retry_count) == (None, None)


@pytest.mark.parametrize(
    ("header", "key"), [("k", "k"), ('"k"', "k"), (" k ", "k"), ('"', '"'), ('"a"b"', 'a"b')]
)
def test_a_key_may_be_quoted(header, key):
    assert headers_read(idempotency_key=header).idempotency_key == key


@pytest.mark.parametrize("header", ["", '""', "x" * 256, "a\nb", "\x7f"])
def test_a_key_that_is_none_is_refused_without_being_echoed(header):
    with pytest.raises(ValidationError, match="1 to 255") as caught:
        headers_read(idempotency_key=header)
    assert caught.value.param == "Idempotency-Key"
