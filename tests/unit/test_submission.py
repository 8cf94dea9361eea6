"""Submitting as a use case: a wish and a moment in, a task out."""

import json

import pytest
from botocore.credentials import Credentials

from tests.pictures import png
from videoapi import transitions
from videoapi.errors import Conflict, ServiceError, ValidationError
from videoapi.keys import ApiKey, Limits
from videoapi.limits import Limiter
from videoapi.measurements import Measurements
from videoapi.requests import from_openai
from videoapi.settings import Settings
from videoapi.storage import Links
from videoapi.store import TaskStore
from videoapi.submission import RETRY_WINDOW, Caller, Submissions, caller_of
from videoapi.tasks import Dialect, Status, timestamp

NOW = 1_768_127_400.0
SETTINGS = Settings()
ANNA = ApiKey("anna", Limits())
UNHEARD = Measurements(lambda *_: None)


@pytest.fixture
def submit(cloud):
    links = Links(
        lambda: Credentials("key", "secret"),
        bucket=cloud.bucket,
        region="us-east-1",
        endpoint=None,
        seconds=60,
        file_days=2,
    )
    limiter = Limiter(cloud.dynamodb, cloud.table, cloud.store, lambda: NOW)
    submissions = Submissions(
        SETTINGS, cloud.store, cloud.queue, cloud.files, links, limiter, UNHEARD
    )

    def made(*, owner="anonymous", now=NOW, key=None, count=None, file=None, **fields):
        caller = Caller(
            key=ApiKey(owner, Limits()), now=now, idempotency_key=key, retry_count=count
        )
        wish = from_openai({"prompt": "A fox"} | fields, SETTINGS, file=file)
        return submissions.submit(wish, caller)

    return made


def test_a_new_task_is_pending_and_due_for_the_sweeper_in_two_minutes(submit, cloud):
    done = submit()
    task = cloud.store.get(done.task.task_id)
    assert task == done.task
    assert task.status is Status.PENDING
    assert task.created_at == task.updated_at == task.queued_at == timestamp(NOW)
    assert task.lease_until <= timestamp(NOW), "a worker may claim it at once"
    assert task.due_at == timestamp(NOW + 120)
    assert (done.replayed, done.headers) == (False, {})


@pytest.mark.parametrize("count", [1, 2])
def test_a_retry_is_remembered_to_the_last_second_of_15_minutes(submit, count):
    first = submit(count=0).task.task_id
    last_second = submit(count=count, now=NOW + RETRY_WINDOW - 1)
    assert (last_second.task.task_id, last_second.replayed) == (first, True)
    assert submit(count=count, now=NOW + RETRY_WINDOW).task.task_id != first
    assert RETRY_WINDOW == 15 * 60


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


def test_a_conflicting_replay_does_not_overwrite_the_first_ones_image(submit, cloud):
    submit(key="k", file=png())
    (key,) = cloud.objects()
    with pytest.raises(ValidationError):
        submit(key="k", file=png(4, 4))
    assert cloud.objects()[key] == png()


def test_a_deleted_task_is_never_made_again_by_its_key(submit, cloud):
    task = submit(key="k").task
    cloud.change(task.task_id, status={"S": "deleted"})
    with pytest.raises(Conflict):
        submit(key="k")


def test_a_remembered_task_that_is_gone_altogether_is_made_anew(submit, cloud):
    first = submit(count=0).task.task_id
    cloud.dynamodb.delete_item(TableName=cloud.table, Key={"task_id": {"S": first}})
    again = submit(count=1)
    assert (again.replayed, again.task.task_id != first) == (False, True)


def test_a_replay_sends_only_while_the_task_waits(submit, cloud):
    task_id = submit(key="k").task.task_id
    assert len(cloud.messages()) == 1
    submit(key="k")
    assert [json.loads(each)["task_id"] for each in cloud.messages()] == [task_id]
    cloud.change(task_id, status={"S": "processing"})
    submit(key="k")
    assert cloud.messages() == []


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


class LosesItsAnswer(TaskStore):
    """A table that makes the put, lets a worker take the task, and never answers."""

    def create(self, task, memory=None):
        assert super().create(task, memory) is None
        self.apply(task.task_id, transitions.claim("worker", now=NOW, lease_seconds=40))
        raise ServiceError("no answer")


def test_a_task_that_a_worker_has_although_its_put_was_not_answered_is_accepted(cloud):
    store = LosesItsAnswer(cloud.dynamodb, cloud.table)
    limiter = Limiter(cloud.dynamodb, cloud.table, store, lambda: NOW)
    submissions = Submissions(SETTINGS, store, cloud.queue, cloud.files, None, limiter, UNHEARD)
    wish = from_openai({"prompt": "A fox"}, SETTINGS)
    done = submissions.submit(wish, Caller(key=ANNA, now=NOW))
    assert store.get(done.task.task_id).status is Status.PROCESSING
