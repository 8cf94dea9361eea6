import itertools
import time

import pytest

from tests.support.task_factory import DAY
from videoapi.aws.files import video_key
from videoapi.domain import endings, transitions
from videoapi.domain.tasks import Status
from videoapi.domain.timestamps import timestamp
from videoapi.errors import Conflict, NotFound
from videoapi.metrics import Metrics
from videoapi.usecases.cancellation import Cancellation
from videoapi.usecases.lookup import get_owned_task

NOW = 1_768_127_400.0


@pytest.fixture
def cancellation(services):
    return Cancellation(
        store=services.store,
        queue=services.queue,
        webhooks=services.webhooks,
        files=services.files,
        retention_seconds=2 * 3600,
        clock=(NOW + call for call in itertools.count()).__next__,
        metrics=Metrics(lambda *_: None),
    )


@pytest.mark.parametrize("act", ["cancel", "delete"])
def test_only_its_owner_can_end_a_task(cancellation, services, task_factory, act):
    task = task_factory.pending()
    before = services.item(task.task_id)
    with pytest.raises(NotFound):
        getattr(cancellation, act)(task.task_id, "somebody-else")
    assert services.item(task.task_id) == before


def test_cancelled_task_ends_now_and_is_retained(cancellation, task_factory):
    """A cancelled task ends now and is kept for the retention time."""
    task = cancellation.cancel(task_factory.processing(now=NOW - 60).task_id, "anonymous")
    assert task.status is Status.CANCELLED
    assert task.completed_at == task.updated_at == timestamp(NOW)
    assert task.expires_at == NOW + 7200
    assert task.maybe_charged, "its intent is still to be seen"


def test_an_ended_task_keeps_its_status_result_and_error(cancellation, services, task_factory):
    task = task_factory.completed()
    with pytest.raises(Conflict) as caught:
        cancellation.cancel(task.task_id, "anonymous")
    assert caught.value.code == "task_already_ended"
    assert services.store.get(task.task_id) == task


def test_a_deletion_follows_a_task_through_all_its_states(cancellation, services, task_factory):
    """Each time the deletion comes to write, the task has gone one step further."""
    task = task_factory.pending()

    def finish():
        held = services.store.get(task.task_id)
        change = endings.complete(held, {"video_key": "v"}, now=time.time(), retention=DAY)
        services.files.put("v", b"", "video/mp4")
        assert services.store.apply(task.task_id, change)

    def begin():
        claim = transitions.claim("w", now=time.time(), lease_seconds=40)
        assert services.store.apply(task.task_id, claim)
        services.calls.before("dynamodb:TransactWriteItems", finish)

    services.calls.before("dynamodb:TransactWriteItems", begin)
    cancellation.delete(task.task_id, "anonymous")
    assert services.item(task.task_id)["status"] == "deleted"
    assert services.objects() == {}


def test_of_two_deletions_at_once_the_second_finds_nothing(cancellation, services, task_factory):
    task_id = task_factory.pending().task_id
    services.calls.before(
        "dynamodb:TransactWriteItems", lambda: cancellation.delete(task_id, "anonymous")
    )
    with pytest.raises(NotFound):
        cancellation.delete(task_id, "anonymous")


def test_a_task_is_its_owners_alone(services, task_factory):
    task = task_factory.pending(owner="anna")
    assert get_owned_task(services.store, task.task_id, "anna") == task
    for owner in ("bert", "", "anonymous"):
        with pytest.raises(NotFound) as caught:
            get_owned_task(services.store, task.task_id, owner)
        assert caught.value.code == "task_not_found"


def test_thumbnail_written_during_a_deletion_goes_too(cancellation, services, task_factory):
    """Its key comes into the row between the deletion's read and its tombstone."""
    task = task_factory.processing(upstream_id="job:1")
    services.files.put("thumbnails/t.jpg", b"", "image/jpeg")
    written = transitions.Change(
        leaves=frozenset({task.status}), sets={"thumbnail_key": "thumbnails/t.jpg"}
    )
    services.calls.before(
        "dynamodb:TransactWriteItems", lambda: services.store.apply(task.task_id, written)
    )
    cancellation.delete(task.task_id, "anonymous")
    assert services.item(task.task_id)["status"] == "deleted"
    assert services.objects() == {}


def test_copy_of_a_dead_worker_goes_with_a_deletion(cancellation, services, task_factory):
    task = task_factory.processing()
    services.store.apply(task.task_id, transitions.note_done(task, now=NOW))
    services.files.put(video_key("anonymous", task.task_id), b"", "video/mp4")
    cancellation.delete(task.task_id, "anonymous")
    assert services.objects() == {}
