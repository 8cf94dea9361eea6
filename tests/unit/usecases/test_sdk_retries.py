"""An SDK's own retry without a key, and the record by which it finds its first try."""

from dataclasses import replace

import pytest

from tests.support.task_factory import new_task
from videoapi.aws.table import ConditionFailed
from videoapi.domain import transitions
from videoapi.usecases import sdk_retries
from videoapi.usecases.sdk_retries import MAX_TRY_SECONDS, RetryRecord

NOW = 1_768_127_400.0


@pytest.fixture
def create(services):
    """Return a function that writes a task with its record; it returns who was found instead."""

    def create(record):
        task = new_task(now=record.began, fingerprint="f")
        try:
            found = services.store.create(task, record.write(task))
        except ConditionFailed as failed:
            return sdk_retries.task_id_in(failed.item), None
        return found, task.task_id

    return create


def first_try(*, began=NOW):
    return RetryRecord(began=began, until=NOW + 900, number=0)


def retry(*, began=NOW, gone=""):
    return RetryRecord(began=began, until=NOW + 900, number=1, superseded=gone)


def test_fingerprint_is_remembered_for_its_owner_until_its_time(create, services):
    _, made = create(first_try())
    assert sdk_retries.recent_duplicate(services.store, "anonymous", "f", now=NOW + 899.5) == made
    assert sdk_retries.recent_duplicate(services.store, "anonymous", "f", now=NOW + 900) is None
    assert sdk_retries.recent_duplicate(services.store, "somebody-else", "f", now=NOW) is None


def test_overtaken_first_try_is_the_retrys_task(create, services):
    _, made = create(retry(began=NOW + 1))
    assert create(first_try()) == (made, None)
    assert sdk_retries.recent_duplicate(services.store, "anonymous", "f", now=NOW) == made


def test_request_that_began_after_a_retry_is_a_new_one(create):
    create(retry())
    assert create(first_try())[0] is None
    assert create(first_try(began=NOW - 1))[0] is None, "the retry is forgotten by now"


def test_retry_finds_what_was_written_since_it_looked(create):
    _, made = create(first_try())
    assert create(retry()) == (made, None)
    assert create(retry(gone=made))[0] is None


def test_retry_does_not_mind_what_has_expired(create):
    create(first_try())
    assert create(retry(began=NOW + 899))[0] is not None
    assert create(retry(began=NOW + 900))[0] is None


ENDS = {
    "failed": {"status": "failed", "completed_at": NOW},
    "cancelled": {"status": "cancelled", "completed_at": NOW},
    "deleted": {"status": "deleted", "updated_at": NOW},
}


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("end", ENDS)
def test_task_that_ended_badly_before_the_first_try_is_not_meant(end, count):
    times = {k: transitions.timestamp(v) if v == NOW else v for k, v in ENDS[end].items()}
    task = replace(new_task(now=NOW - 60), **times)
    latest = NOW + MAX_TRY_SECONDS * count
    assert RetryRecord(began=latest, until=0, number=count).meant(task)
    assert not RetryRecord(began=latest + 1, until=0, number=count).meant(task)


@pytest.mark.parametrize("status", ["pending", "processing", "completed"])
def test_task_that_goes_well_is_meant_for_all_of_the_time(status):
    task = replace(new_task(now=NOW), status=status, completed_at=transitions.timestamp(NOW))
    assert RetryRecord(began=NOW + 890, until=0, number=1).meant(task)
