"""No limbo: what the sweeper takes up again, and how a dead letter ends."""

import httpx
import pytest

from tests.fakes import START, Crash
from tests.world import OWNER, World
from videoapi.errors import ServiceError
from videoapi.tasks import Status


def unsent(world):
    """Submit a task whose message never reached the queue."""
    task_id = world.submit()
    world.queue.letters.clear()
    world.queue.sent.clear()
    return task_id


def crash_at(world, event):
    """Submit a task whose worker dies at an event, and whose message is lost with it."""
    task_id = unsent(world)
    world.queue.send(task_id)
    world.at_event[event] = lambda: world.queue.letters.clear() or die()
    world.work()
    world.queue.sent.clear()
    return task_id


def die():
    raise Crash


# --- the sweeper


def test_a_task_that_was_put_but_never_sent_is_sent_after_a_minute():
    world = World()
    task_id = unsent(world)
    world.clock.advance(60)
    assert world.recovery.sweep() == 0
    world.clock.advance(0.001)
    assert world.recovery.sweep() == 1
    assert world.queue.sent == [(task_id, 0, START + 60.001)]
    world.settle()
    assert world.task(task_id).status is Status.COMPLETED


def test_two_sweeps_at_once_send_once():
    world = World()
    unsent(world)
    world.clock.advance(121)
    world.at_event["requeue"] = world.recovery.sweep
    assert world.recovery.sweep() == 0
    assert len(world.queue.sent) == 1


def test_a_task_that_was_just_sent_is_left_alone_for_a_minute():
    world = World()
    unsent(world)
    world.clock.advance(121)
    world.recovery.sweep()
    world.queue.letters.clear()
    world.clock.advance(60)
    assert world.recovery.sweep() == 0
    world.clock.advance(1)
    assert world.recovery.sweep() == 1


def test_a_backlog_is_no_reason_to_send_again_before_its_patience_ends():
    world = World()
    unsent(world)
    world.queue.send("vid_another")
    world.clock.advance(899)
    assert world.recovery.sweep() == 0
    world.clock.advance(1)
    assert world.recovery.sweep() == 1


@pytest.mark.parametrize("event", ["claim written", "accept written", "look"])
def test_a_task_whose_worker_and_message_are_gone_is_taken_up_within_a_minute_of_its_lease(event):
    world = World()
    task_id = crash_at(world, event)
    world.clock.advance(START + 40 - world.clock())
    assert world.recovery.sweep() == 0
    world.clock.advance(1)
    assert world.recovery.sweep() == 1
    world.settle()
    assert world.task(task_id).status is Status.COMPLETED
    assert len(world.relay.jobs) == 1


def test_a_task_that_somebody_works_on_is_left_alone():
    world = World()
    found = []
    world.relay.takes = 300.0
    for event in ("look", "renew written"):
        world.at_event[event] = lambda: found.append(world.recovery.sweep())
    world.run()
    assert found == [0, 0]


def test_an_attempt_that_waits_is_left_alone_until_its_message_is_a_minute_late():
    world = World(video_generation_retry_delay=300.0)
    world.relay.posts.append(httpx.Response(503))
    world.submit()
    world.work()
    world.queue.letters.clear()
    world.clock.advance(360)
    assert world.recovery.sweep() == 0
    world.clock.advance(1)
    assert world.recovery.sweep() == 1


@pytest.mark.parametrize("end", ["cancel", "delete"])
def test_a_task_that_ends_while_the_sweeper_looks_is_left_alone(end):
    world = World()
    task_id = unsent(world)
    world.clock.advance(121)
    world.at_event["get"] = lambda: getattr(world.cancellation, end)(task_id, OWNER)
    assert world.recovery.sweep() == 0
    assert not world.queue.sent


def test_one_task_that_cannot_be_queued_keeps_no_other_back_and_is_told_of():
    world = World()
    several = [unsent(world) for _ in range(3)]
    world.clock.advance(121)
    world.at_event["requeue written"] = lambda: setattr(world.queue, "away", 1)
    with pytest.raises(ServiceError, match="1 overdue"):
        world.recovery.sweep()
    assert [task_id for task_id, _, _ in world.queue.sent] == several[1:]
    assert ("exception", "an overdue task could not be queued", {"task_id": several[0]}) in (
        world.log.lines
    )
    assert ("warning", "tasks were queued again", {"queued": 2}) in world.log.lines


def test_a_row_that_nobody_can_read_stops_no_sweep():
    world = World()
    broken, whole = unsent(world), unsent(world)
    world.store.rows[broken]["queued_at"] = "a word of a later version"
    world.clock.advance(121)
    with pytest.raises(ServiceError, match="1 overdue"):
        world.recovery.sweep()
    assert [task_id for task_id, _, _ in world.queue.sent] == [whole]


def test_a_queue_that_does_not_say_how_long_it_is_stops_no_sweep():
    world = World()
    task_id = unsent(world)
    world.queue.send("vid_another")
    world.queue.sent.clear()
    world.clock.advance(121)
    world.at_event["waiting"] = lambda: setattr(world.queue, "away", 1)
    assert world.recovery.sweep() == 1
    assert [task_id for task_id, _, _ in world.queue.sent] == [task_id]


def test_a_message_that_could_not_be_sent_is_sent_by_the_next_sweep():
    world = World()
    unsent(world)
    world.clock.advance(121)
    world.queue.away = 2
    with pytest.raises(ServiceError):
        world.recovery.sweep()
    world.clock.advance(61)
    assert world.recovery.sweep() == 1


# --- dead letters


def test_a_dead_letter_of_a_task_that_has_ended_or_is_gone_is_dropped():
    world = World()
    task = world.run()
    world.queue.sent.clear()
    world.recovery.bury(task.task_id)
    world.recovery.bury("vid_unknown")
    assert world.task(task.task_id) == task
    assert not world.queue.sent


def test_a_dead_letter_of_a_task_without_a_paid_job_ends_it():
    world = World()
    task_id = unsent(world)
    world.recovery.bury(task_id)
    task = world.task(task_id)
    assert task.status is Status.FAILED
    assert task.error == {
        "type": "ServiceError",
        "message": "The worker died again and again on this task.",
        "code": "worker_crashed",
        "retryable": True,
        "maybe_charged": False,
    }
    assert (task.due_at, task.expires_at) == (None, int(START) + 24 * 3600)


def test_a_dead_letter_of_a_task_that_may_have_been_paid_says_so():
    world = World()
    task_id = crash_at(world, "posted")
    world.clock.advance(41)
    world.recovery.bury(task_id)
    error = world.task(task_id).error
    assert (error["code"], error["maybe_charged"]) == ("upstream_submit_unknown", True)


def test_a_dead_letter_of_a_task_with_a_paid_job_is_sent_again():
    world = World()
    task_id = crash_at(world, "look")
    world.clock.advance(41)
    world.recovery.bury(task_id)
    assert [delay for _, delay, _ in world.queue.sent] == [1]
    world.settle()
    assert world.task(task_id).status is Status.COMPLETED
    assert len(world.relay.jobs) == 1


def test_a_dead_letter_waits_for_the_lease_that_still_lives():
    world = World()
    task_id = crash_at(world, "claim written")
    world.clock.advance(10)
    world.recovery.bury(task_id)
    assert [delay for _, delay, _ in world.queue.sent] == [31]
    assert not world.task(task_id).ended


def test_a_paid_job_is_not_resumed_for_ever():
    world = World()
    task_id = crash_at(world, "look")
    world.clock.advance(1801)
    world.recovery.bury(task_id)
    error = world.task(task_id).error
    assert (error["code"], error["maybe_charged"]) == ("worker_crashed", True)


def test_a_dead_letter_of_a_task_that_somebody_has_just_taken_is_sent_again():
    world = World()
    task_id = crash_at(world, "claim written")
    world.clock.advance(41)
    world.queue.send(task_id)
    world.queue.sent.clear()
    world.at_event["failed"] = world.work
    world.recovery.bury(task_id)
    assert len(world.queue.sent) == 1
    world.settle()
    assert world.task(task_id).status is Status.COMPLETED


def test_a_worker_that_always_dies_ends_as_a_dead_letter():
    world = World()
    task_id = world.submit()
    while not world.queue.dead:
        world.at_event["intend"] = die
        world.work() or world.clock.advance(1)
    world.settle()
    assert world.task(task_id).error["code"] == "worker_crashed"
    assert not world.relay.requests
