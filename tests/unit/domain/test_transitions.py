from dataclasses import replace

import pytest

from tests.support.task_factory import TO_RELAY, new_task
from videoapi.aws.task_items import index_keys, listed_at
from videoapi.domain import attempts, endings, transitions
from videoapi.domain.tasks import OPEN, Status
from videoapi.domain.timestamps import seconds_since, timestamp
from videoapi.domain.transitions import LEGAL
from videoapi.errors import GenerationError

NOW = 1_768_127_400.0
ERROR = GenerationError("no")
LEASE = {"lease_owner": "w", "lease_until": timestamp(NOW + 40)}
HELD = new_task(now=NOW, status=Status.PROCESSING, attempts=1, **LEASE)
ENDINGS = {
    "complete": endings.complete(HELD, {"x": 1}, now=NOW, retention=60),
    "fail": endings.fail(HELD, ERROR, now=NOW, retention=60),
    "abandon": endings.abandon(HELD, ERROR, now=NOW, retention=60),
    "cancel": endings.cancel(HELD, now=NOW, retention=60),
}
WORKERS = {
    "renew": transitions.renew(HELD, now=NOW, lease_seconds=40, progress=1),
    "begin_attempt": transitions.begin_attempt(HELD, now=NOW, to=TO_RELAY, prompt="x"),
    "retry_submit": attempts.retry_submit(HELD, now=NOW, again_at=NOW + 9),
    "release": transitions.release(HELD, now=NOW, again_at=NOW),
    "complete": ENDINGS["complete"],
    "fail": ENDINGS["fail"],
}


def test_an_ended_task_can_become_nothing_else():
    assert all(not LEGAL[status] for status in Status if status not in OPEN)


def test_nothing_becomes_pending_again():
    assert all(Status.PENDING not in after for after in LEGAL.values())


@pytest.mark.parametrize("name", ENDINGS)
def test_ending_starts_retention_and_leaves_the_open_index(name):
    sets = ENDINGS[name].sets
    assert sets["expires_at"] == NOW + 60
    assert sets["completed_at"] == timestamp(NOW)
    assert (sets["open"], sets["due_at"]) == (None, None)
    assert ENDINGS[name].leaves <= OPEN


@pytest.mark.parametrize("name", WORKERS)
def test_a_worker_writes_only_while_it_holds_the_lease(name):
    change = WORKERS[name]
    assert change.equals["lease_owner"] == "w"
    assert change.leaves == {Status.PROCESSING}


def test_a_claim_takes_what_is_pending_or_whose_lease_ran_out():
    change = transitions.claim("w", now=NOW, lease_seconds=40)
    assert change.leaves == OPEN
    assert change.lease_before == timestamp(NOW)
    assert change.sets["lease_until"] == change.sets["due_at"] == timestamp(NOW + 40)
    assert change.keeps == {"claimed_at": timestamp(NOW)}, "the deadline counts from the first"


@pytest.mark.parametrize(("shown", "seen", "written"), [(40, 45, 45), (45, 40, 45), (0, 0, 0)])
def test_progress_never_goes_back(shown, seen, written):
    task = new_task(status=Status.PROCESSING, progress=shown)
    change = transitions.renew(task, now=NOW, lease_seconds=40, progress=seen)
    assert change.sets["progress"] == written


def test_an_intent_counts_the_attempt_before_it_is_made():
    assert WORKERS["begin_attempt"].sets["attempts"] == 2
    assert WORKERS["begin_attempt"].sets["intent_at"] == timestamp(NOW)


def test_accepted_job_is_saved_for_the_latest_attempt_alone():
    change = transitions.accept(HELD, "job:1", now=NOW)
    assert change.leaves == {Status.PROCESSING}
    assert change.equals == {"attempts": 1, "upstream_id": None}
    assert change.sets["upstream_id"] == "job:1"


def test_refusal_frees_the_task_for_the_next_attempt():
    sets = WORKERS["retry_submit"].sets
    assert (sets["intent_at"], sets["upstream_id"]) == (None, None)
    assert sets["lease_owner"] == ""
    assert timestamp(NOW) < sets["lease_until"] <= timestamp(NOW + 9)
    assert sets["due_at"] > timestamp(NOW + 9), "the sweeper waits for the delayed message"


@pytest.mark.parametrize(("audio", "unknown"), [(True, False), (False, True), (False, False)])
def test_audio_refusals_and_unknown_answers_are_counted_apart(audio, unknown):
    change = attempts.retry_submit(HELD, now=NOW, again_at=NOW, audio=audio, unknown=unknown)
    assert (change.sets["audio_refusals"], change.sets["unknown_submits"]) == (audio, unknown)


def test_late_id_is_noted_and_changes_nothing_else():
    """An id that comes too late is noted beside the task and changes nothing else."""
    change = transitions.accepted_late("job:1")
    assert change.leaves == frozenset(Status)
    assert change.appends == {"late_upstream_ids": "job:1"}
    assert not change.sets


def test_dead_letter_ends_an_unclaimed_task_alone():
    """A dead letter ends only a task that nobody has come back to."""
    change = ENDINGS["abandon"]
    assert change.equals["lease_until"] == HELD.lease_until
    assert change.lease_before == timestamp(NOW)


@pytest.mark.parametrize("status", [each for each in Status if each is not Status.DELETED])
def test_a_deletion_is_of_the_task_as_it_was_seen(status):
    task = new_task(status=status, fingerprint="f")
    change = endings.delete(task, now=NOW, retention=60)
    assert change.leaves == {status}
    kept = {name for name, value in change.sets.items() if value is not None}
    settled = set() if task.ended else {"cost_actual"}
    assert kept == {"status", "updated_at", "expires_at"} | settled
    assert not {"task_id", "owner", "created_at", "fingerprint"} & change.sets.keys()


def test_of_two_sweeps_that_saw_the_same_one_wins():
    task = new_task(now=NOW)
    change = transitions.requeue(task, now=NOW + 300, grace=60)
    assert change.equals == {"queued_at": timestamp(NOW), "lease_owner": ""}
    assert change.sets["queued_at"] == timestamp(NOW + 300)
    assert change.sets["due_at"] == timestamp(NOW + 360)
    assert change.leaves == OPEN


@pytest.mark.parametrize("behind", [0, 0.0004, 5])
def test_queueing_again_always_leaves_a_later_mark(behind):
    """Or a submit whose clock says the same could still take the task back."""
    for millisecond in range(1000):
        task = new_task(now=NOW + millisecond / 1000)
        now = NOW + millisecond / 1000 - behind
        assert transitions.requeue(task, now=now, grace=60).sets["queued_at"] > task.queued_at


def test_lists_are_in_order_of_time_and_then_of_id():
    early, late = new_task(now=NOW), new_task(now=NOW + 0.001)
    assert listed_at(early) < listed_at(late)
    twins = [new_task(now=NOW) for _ in range(9)]
    assert sorted(twins, key=listed_at) == sorted(twins, key=lambda task: task.task_id)


def test_a_live_task_is_in_both_indexes():
    assert index_keys(new_task()).keys() == {"listed_at", "open"}


def test_the_time_since_never_is_0():
    assert seconds_since(None, NOW) == 0
    assert seconds_since(timestamp(NOW - 5), NOW) == 5


def test_change_is_recognised_whatever_the_heartbeat_wrote_since():
    """Renewing a lease writes the time, the lease and the progress of a task."""
    change = WORKERS["begin_attempt"]
    intended = replace(HELD, **change.sets)
    renewal = transitions.renew(intended, now=NOW + 14, lease_seconds=40, progress=9)
    assert change.made(replace(intended, **renewal.sets))
    assert not change.made(replace(HELD, **renewal.sets))
    assert not change.made(None)


@pytest.mark.parametrize("name", WORKERS)
def test_change_is_recognised_by_more_than_the_time_of_the_write(name):
    assert not WORKERS[name].made(replace(HELD, updated_at=timestamp(NOW), lease_until=""))


@pytest.mark.parametrize("intent_at", [None, timestamp(NOW)])
def test_release_writes_the_attempts_that_its_holder_knows_of(intent_at):
    """An intent that landed although its answer was lost is undone: nothing was posted."""
    task = replace(HELD, intent_at=intent_at)
    sets = transitions.release(task, now=NOW, again_at=NOW).sets
    assert (sets["intent_at"], sets["attempts"]) == (intent_at, 1)
