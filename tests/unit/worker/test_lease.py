"""A worker's hold on a task: how often it is renewed, and what happens when it is lost."""

import threading
from contextlib import contextmanager
from dataclasses import replace

import httpx
import pytest

from tests.support.fakes import START, Crash, change_kind
from tests.support.simulation import OWNER, Simulation
from tests.support.task_factory import TO_RELAY
from videoapi.domain import attempts, transitions
from videoapi.domain.tasks import Status
from videoapi.domain.timestamps import timestamp
from videoapi.worker.lease import Lease, LeaseLost, run_heartbeat

SECONDS = 40


def take(sim, task_id=None):
    """Claim a task with a message of its own, as `Generation.run` does."""
    task_id = task_id or sim.submit()
    letter = sim.queue.receive()
    message = sim.message(task_id, letter.receipt)
    sim.queue.hide(letter.receipt, seconds=SECONDS + 2)
    claim = transitions.claim(message.request_id, now=sim.clock(), lease_seconds=SECONDS)
    task = sim.store.apply(task_id, claim)
    return Lease(
        task,
        message,
        sim.store,
        sim.queue,
        seconds=SECONDS,
        clock=sim.clock,
        sleep=sim.clock.sleep,
    )


@contextmanager
def held(sim):
    lease = take(sim)
    with sim.clock.run_heartbeat(lease):
        yield lease


def hang(sim, kind, *, seconds):
    """Let the first write of a kind reach the table only after so long."""
    reached = sim.store.apply

    def apply(task_id, change):
        if change_kind(change) == kind:
            sim.store.apply = reached
            sim.clock.advance(seconds)
        return reached(task_id, change)

    sim.store.apply = apply


def renewals(sim):
    return [at - START for kind, _, at in sim.store.writes if kind == "renew"]


def hidings(sim):
    return [at - START for at, seconds in sim.queue.hidden if seconds == SECONDS + 2]


def test_lease_and_message_are_renewed_at_a_third_of_the_lease():
    sim = Simulation()
    with held(sim) as lease:
        lease.wait(60)
    assert renewals(sim) == [14, 28, 42, 56]
    assert hidings(sim) == [0, 14, 28, 42, 56]


def test_a_message_never_comes_back_before_the_lease_has_run_out():
    sim = Simulation()
    task_id = sim.submit()
    lease = take(sim, task_id)
    with sim.clock.run_heartbeat(lease):
        for progress in range(0, 90, 3):
            lease.advance(progress)
            sim.clock.advance(1.7)
            (letter,) = sim.queue.letters
            until = transitions.epoch(sim.task(task_id).lease_until)
            assert letter.visible_at >= until + 1.9


def test_progress_is_written_every_five_seconds_at_most():
    sim = Simulation()
    with held(sim) as lease:
        for progress in range(1, 21):
            lease.advance(progress)
            lease.wait(1)
    assert renewals(sim) == [5, 10, 15, 20]


def test_the_same_progress_is_not_written_twice():
    sim = Simulation()
    with held(sim) as lease:
        lease.advance(50)
        lease.wait(13)
        lease.advance(50)
    assert renewals(sim) == [5]


def test_progress_never_goes_back_and_100_is_for_the_end():
    sim = Simulation()
    shown = []
    with held(sim) as lease:
        for progress in (40, 20, None, 100):
            lease.advance(progress)
            lease.wait(6)
            shown.append(sim.task(lease.task.task_id).progress)
    assert shown == [40, 40, 40, 99]


def test_progress_that_was_estimated_is_told_on():
    """A provider that tells less than was estimated before takes nothing back."""
    sim = Simulation()
    with held(sim) as lease:
        sim.store.rows[lease.task.task_id]["accepted_at"] = timestamp(sim.clock())
        lease.task = replace(sim.task(lease.task.task_id), expected_seconds=20)
        lease.advance(None)
        lease.wait(40)
        shown = sim.task(lease.task.task_id).progress
        lease.advance(3)
    assert lease.with_progress().progress == shown > 3


def test_renewals_after_an_estimate_take_nothing_back():
    """A provider that begins to tell its progress, and less than was estimated, is caught up."""
    sim = Simulation()
    shown = []
    with held(sim) as lease:
        sim.store.rows[lease.task.task_id]["accepted_at"] = timestamp(sim.clock())
        lease.task = replace(sim.task(lease.task.task_id), expected_seconds=20)
        for progress in (None, None, 3, 5, 7):
            lease.advance(progress)
            lease.wait(14)
            shown.append(sim.task(lease.task.task_id).progress)
    assert shown == sorted(shown)
    assert shown[-1] > 7


def test_a_retry_that_is_written_late_takes_no_progress_back():
    """Its write hangs while the heartbeat goes on, and callers read of that."""
    sim = Simulation()
    with held(sim) as lease:
        lease.apply(transitions.begin_attempt(lease.task, now=sim.clock(), to=TO_RELAY, prompt=""))
        lease.apply(transitions.accept(lease.task, "job", now=sim.clock()))
        lease.advance(None)
        retry = attempts.retry_submit(lease.task, now=sim.clock(), again_at=sim.clock())
        hang(sim, "retry_submit", seconds=35)
        lease.apply(retry)
    progress = [row["progress"] for row in sim.store.history[lease.task.task_id]]
    assert progress == sorted(progress)
    assert progress[-1] > retry.sets["progress"]
    assert sim.task(lease.task.task_id).upstream_id is None


def test_a_late_retry_of_a_cancelled_task_is_given_up():
    """… whatever progress was shown since."""
    sim = Simulation()
    with held(sim) as lease:
        retry = attempts.retry_submit(lease.task, now=sim.clock(), again_at=sim.clock())
        lease.advance(40)
        lease.wait(6)
        sim.cancellation.cancel(lease.task.task_id, OWNER)
        with pytest.raises(LeaseLost):
            lease.apply(retry)


def test_table_outage_is_retried_while_the_lease_lasts():
    """A table that is away is tried again while the lease lasts."""
    sim = Simulation()
    with held(sim) as lease:
        lease.wait(13)
        sim.store.away = 20
        lease.wait(25)
        assert sim.task(lease.task.task_id).lease_owner == lease.message.request_id
    assert renewals(sim) == [34]


def test_a_lease_that_could_not_be_renewed_in_time_is_lost():
    sim = Simulation()
    with held(sim) as lease:
        sim.store.away = 1000
        lease.wait(39)
        with pytest.raises(LeaseLost):
            lease.wait(1)


def test_a_queue_that_is_away_is_asked_again_with_every_beat():
    sim = Simulation()
    with held(sim) as lease:
        lease.wait(13)
        sim.queue.away = 3
        lease.wait(10)
    assert renewals(sim) == [14]
    assert hidings(sim) == [0, 17]


def test_a_wait_ends_early_when_the_task_was_cancelled():
    sim = Simulation()
    with held(sim) as lease:
        sim.cancellation.cancel(lease.task.task_id, OWNER)
        with pytest.raises(LeaseLost):
            lease.wait(600)
    assert sim.clock() - START == 14


def test_nobody_renews_a_lease_that_somebody_else_took():
    sim = Simulation()
    task_id = sim.submit()
    first = take(sim, task_id)
    sim.clock.advance(42)
    second = take(sim, task_id)
    first.heartbeat()
    with pytest.raises(LeaseLost):
        first.check()
    assert sim.task(task_id).lease_owner == second.message.request_id
    assert not renewals(sim)


def test_a_lease_that_was_given_back_is_left_alone():
    sim = Simulation()
    lease = take(sim)
    lease.apply(transitions.release(lease.task, now=sim.clock(), again_at=sim.clock()))
    sim.clock.advance(14)
    lease.heartbeat()
    assert sim.task(lease.task.task_id).lease_until == transitions.timestamp(START)


def test_a_write_that_loses_its_condition_ends_the_hold():
    sim = Simulation()
    lease = take(sim)
    sim.cancellation.cancel(lease.task.task_id, OWNER)
    with pytest.raises(LeaseLost):
        lease.apply(transitions.release(lease.task, now=sim.clock(), again_at=sim.clock()))


def test_the_thread_beats_until_the_block_ends():
    sim = Simulation()
    lease = take(sim)
    sim.clock.now += 14
    beaten = threading.Event()
    sim.at_event["renew written"] = beaten.set
    with run_heartbeat(lease, every=0.001):
        assert beaten.wait(5)
    assert not [thread for thread in threading.enumerate() if thread.name == "heartbeat"]


# --- lost answers


def repeated(sim, kind):
    """Let botocore repeat a write that had succeeded: its own condition then fails."""
    real, done = sim.store.apply, []

    def apply(task_id, change):
        if change_kind(change) == kind and not done:
            done.append(change)
            assert real(task_id, change)
        return real(task_id, change)

    sim.store.apply = apply
    return done


@pytest.mark.parametrize(
    ("kind", "answers"),
    [
        ("claim", []),
        ("begin_attempt", []),
        ("accept", []),
        ("completed", []),
        ("retry_submit", [httpx.Response(503)]),
    ],
)
def test_write_whose_answer_was_lost_is_recognised_as_ones_own(kind, answers):
    sim = Simulation()
    sim.relay.posts.extend(answers)
    done = repeated(sim, kind)
    task = sim.run()
    assert done
    assert (task.status, len(sim.relay.jobs)) == (Status.COMPLETED, 1)
    assert sim.clock() - START <= 31 + 5 * len(answers)
    assert task.late_upstream_ids == []


def test_hand_over_whose_answer_was_lost_is_recognised():
    sim = Simulation()
    sim.relay.takes = 1000.0
    done = repeated(sim, "release")
    task_id = sim.submit()
    sim.settle()
    assert done
    assert transitions.epoch(sim.task(task_id).completed_at) - START <= 1011


def test_cancel_with_a_lost_answer_is_no_conflict():
    """Cancel and delete whose answers were lost are no conflict."""
    sim = Simulation()
    cancelled, deleted = sim.submit(), sim.submit()
    repeated(sim, "cancelled")
    assert sim.cancellation.cancel(cancelled, OWNER).status is Status.CANCELLED
    repeated(sim, "deleted")
    sim.cancellation.delete(deleted, OWNER)
    assert sim.store.rows[deleted]["status"] is Status.DELETED


def test_two_invocations_of_one_request_id_are_two_holders():
    """Lambda repeats a request's id when it repeats the request."""
    sim = Simulation()
    task_id = sim.submit()
    message = sim.message(task_id, "receipt")
    sim.at_event["begin_attempt"] = crash
    with pytest.raises(Crash):
        sim.generation.run(message)
    first = sim.task(task_id).lease_owner
    sim.clock.advance(43)
    sim.at_event["begin_attempt"] = crash
    with pytest.raises(Crash):
        sim.generation.run(message)
    assert first != sim.task(task_id).lease_owner
    assert first.partition("/")[0] == sim.task(task_id).lease_owner.partition("/")[0]


def crash():
    raise Crash
