"""A worker's hold on a task: how often it is renewed, and what happens when it is lost."""

import threading
from contextlib import contextmanager

import httpx
import pytest

from tests.support.fakes import START, Crash, kind_of
from tests.support.simulation import OWNER, World
from videoapi.domain import transitions
from videoapi.domain.tasks import Status
from videoapi.worker.lease import Lease, LeaseLost, run_heartbeat

SECONDS = 40


def take(world, task_id=None):
    """Claim a task with a message of its own, as `Generation.run` does."""
    task_id = task_id or world.submit()
    letter = world.queue.receive()
    message = world.message(task_id, letter.receipt)
    world.queue.hide(letter.receipt, seconds=SECONDS + 2)
    claim = transitions.claim(message.request_id, now=world.clock(), lease_seconds=SECONDS)
    task = world.store.apply(task_id, claim)
    return Lease(
        task,
        message,
        world.store,
        world.queue,
        seconds=SECONDS,
        clock=world.clock,
        sleep=world.clock.sleep,
    )


@contextmanager
def held(world):
    lease = take(world)
    with world.clock.run_heartbeat(lease):
        yield lease


def renewals(world):
    return [at - START for kind, _, at in world.store.writes if kind == "renew"]


def hidings(world):
    return [at - START for at, seconds in world.queue.hidden if seconds == SECONDS + 2]


def test_lease_and_message_are_renewed_at_a_third_of_the_lease():
    world = World()
    with held(world) as lease:
        lease.wait(60)
    assert renewals(world) == [14, 28, 42, 56]
    assert hidings(world) == [0, 14, 28, 42, 56]


def test_a_message_never_comes_back_before_the_lease_has_run_out():
    world = World()
    task_id = world.submit()
    lease = take(world, task_id)
    with world.clock.run_heartbeat(lease):
        for progress in range(0, 90, 3):
            lease.advance(progress)
            world.clock.advance(1.7)
            (letter,) = world.queue.letters
            until = transitions.epoch(world.task(task_id).lease_until)
            assert letter.visible_at >= until + 1.9


def test_progress_is_written_every_five_seconds_at_most():
    world = World()
    with held(world) as lease:
        for progress in range(1, 21):
            lease.advance(progress)
            lease.wait(1)
    assert renewals(world) == [5, 10, 15, 20]


def test_the_same_progress_is_not_written_twice():
    world = World()
    with held(world) as lease:
        lease.advance(50)
        lease.wait(13)
        lease.advance(50)
    assert renewals(world) == [5]


def test_progress_never_goes_back_and_100_is_for_the_end():
    world = World()
    shown = []
    with held(world) as lease:
        for progress in (40, 20, None, 100):
            lease.advance(progress)
            lease.wait(6)
            shown.append(world.task(lease.task.task_id).progress)
    assert shown == [40, 40, 40, 99]


def test_a_table_that_is_away_is_tried_again_while_the_lease_lasts():
    world = World()
    with held(world) as lease:
        lease.wait(13)
        world.store.away = 20
        lease.wait(25)
        assert world.task(lease.task.task_id).lease_owner == lease.message.request_id
    assert renewals(world) == [34]


def test_a_lease_that_could_not_be_renewed_in_time_is_lost():
    world = World()
    with held(world) as lease:
        world.store.away = 1000
        lease.wait(39)
        with pytest.raises(LeaseLost):
            lease.wait(1)


def test_a_queue_that_is_away_is_asked_again_with_every_beat():
    world = World()
    with held(world) as lease:
        lease.wait(13)
        world.queue.away = 3
        lease.wait(10)
    assert renewals(world) == [14]
    assert hidings(world) == [0, 17]


def test_a_wait_ends_early_when_the_task_was_cancelled():
    world = World()
    with held(world) as lease:
        world.cancellation.cancel(lease.task.task_id, OWNER)
        with pytest.raises(LeaseLost):
            lease.wait(600)
    assert world.clock() - START == 14


def test_nobody_renews_a_lease_that_somebody_else_took():
    world = World()
    task_id = world.submit()
    first = take(world, task_id)
    world.clock.advance(42)
    second = take(world, task_id)
    first.heartbeat()
    with pytest.raises(LeaseLost):
        first.check()
    assert world.task(task_id).lease_owner == second.message.request_id
    assert not renewals(world)


def test_a_lease_that_was_given_back_is_left_alone():
    world = World()
    lease = take(world)
    lease.apply(transitions.release(lease.task, now=world.clock(), again_at=world.clock()))
    world.clock.advance(14)
    lease.heartbeat()
    assert world.task(lease.task.task_id).lease_until == transitions.timestamp(START)


def test_a_write_that_loses_its_condition_ends_the_hold():
    world = World()
    lease = take(world)
    world.cancellation.cancel(lease.task.task_id, OWNER)
    with pytest.raises(LeaseLost):
        lease.apply(transitions.release(lease.task, now=world.clock(), again_at=world.clock()))


def test_the_thread_beats_until_the_block_ends():
    world = World()
    lease = take(world)
    world.clock.now += 14
    beaten = threading.Event()
    world.at_event["renew written"] = beaten.set
    with run_heartbeat(lease, every=0.001):
        assert beaten.wait(5)
    assert not [thread for thread in threading.enumerate() if thread.name == "heartbeat"]


# --- lost answers


def repeated(world, kind):
    """Let botocore repeat a write that had succeeded: its own condition then fails."""
    real, done = world.store.apply, []

    def apply(task_id, change):
        if kind_of(change) == kind and not done:
            done.append(change)
            assert real(task_id, change)
        return real(task_id, change)

    world.store.apply = apply
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
    world = World()
    world.relay.posts.extend(answers)
    done = repeated(world, kind)
    task = world.run()
    assert done
    assert (task.status, len(world.relay.jobs)) == (Status.COMPLETED, 1)
    assert world.clock() - START <= 31 + 5 * len(answers)
    assert task.late_upstream_ids == []


def test_hand_over_whose_answer_was_lost_is_recognised():
    world = World()
    world.relay.takes = 1000.0
    done = repeated(world, "release")
    task_id = world.submit()
    world.settle()
    assert done
    assert transitions.epoch(world.task(task_id).completed_at) - START <= 1011


def test_cancel_and_delete_whose_answers_were_lost_are_no_conflict():
    world = World()
    cancelled, deleted = world.submit(), world.submit()
    repeated(world, "cancelled")
    assert world.cancellation.cancel(cancelled, OWNER).status is Status.CANCELLED
    repeated(world, "deleted")
    world.cancellation.delete(deleted, OWNER)
    assert world.store.rows[deleted]["status"] is Status.DELETED


def test_two_invocations_of_one_request_id_are_two_holders():
    """Lambda repeats a request's id when it repeats the request."""
    world = World()
    task_id = world.submit()
    message = world.message(task_id, "receipt")
    world.at_event["begin_attempt"] = crash
    with pytest.raises(Crash):
        world.generation.run(message)
    first = world.task(task_id).lease_owner
    world.clock.advance(43)
    world.at_event["begin_attempt"] = crash
    with pytest.raises(Crash):
        world.generation.run(message)
    assert first != world.task(task_id).lease_owner
    assert first.partition("/")[0] == world.task(task_id).lease_owner.partition("/")[0]


def crash():
    raise Crash
