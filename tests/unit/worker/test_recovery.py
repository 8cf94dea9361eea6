"""No limbo: what the sweeper takes up again, and how a dead letter ends."""

import httpx
import pytest

from tests.support.fakes import START, Crash
from tests.support.pictures import png
from tests.support.simulation import OWNER, World
from videoapi.domain.tasks import Status
from videoapi.errors import ServiceError


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


def test_nothing_is_sent_while_messages_wait():
    """Whoever receives one of them goes on with what is overdue."""
    world = World()
    unsent(world)
    world.queue.send("vid_another")
    world.clock.advance(5000)
    assert world.recovery.sweep() == 0


def test_a_sweep_wakes_as_many_workers_as_there_are_slots():
    world = World(video_max_concurrent=3)
    several = [unsent(world) for _ in range(5)]
    world.clock.advance(121)
    assert world.recovery.sweep() == 3
    assert [task_id for task_id, _, _ in world.queue.sent] == sorted(several)[:3]
    world.settle()
    assert {world.task(task_id).status for task_id in several} == {Status.COMPLETED}


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
    first, *others = sorted(several)
    assert [task_id for task_id, _, _ in world.queue.sent] == others
    assert ("exception", "an overdue task could not be queued", {"task_id": first}) in (
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
    world.recovery.resolve_dead_letter(task.task_id)
    world.recovery.resolve_dead_letter("vid_unknown")
    assert world.task(task.task_id) == task
    assert not world.queue.sent


CRASHED = {
    "type": "ServiceError",
    "message": "The worker died again and again on this task.",
    "code": "worker_crashed",
    "retryable": True,
    "maybe_charged": False,
}


def dead_letter(world, event):
    """Let the workers of one task die at an event until its message is a dead letter."""
    task_id = world.submit()
    while not world.queue.dead:
        world.at_event[event] = die
        world.work() or world.clock.advance(1)
    world.at_event.clear()
    world.queue.sent.clear()
    world.clock.advance(43)
    return task_id


def test_a_dead_letter_whose_workers_never_died_goes_back():
    """They could not even claim it: the table was away."""
    world = World()
    task_id = unsent(world)
    world.recovery.resolve_dead_letter(task_id)
    assert [delay for _, delay, _ in world.queue.sent] == [60]
    world.settle()
    assert world.task(task_id).status is Status.COMPLETED


def test_a_dead_letter_whose_workers_died_ends_its_task():
    world = World()
    task_id = dead_letter(world, "begin_attempt")
    world.recovery.resolve_dead_letter(task_id)
    task = world.task(task_id)
    assert (task.status, task.error) == (Status.FAILED, CRASHED)
    assert (task.due_at, task.expires_at) == (None, int(world.clock()) + 24 * 3600)
    assert not world.queue.sent


def test_a_dead_letter_of_a_task_that_may_have_been_paid_is_told_so_by_the_next_worker():
    world = World()
    task_id = crash_at(world, "posted")
    world.clock.advance(41)
    world.recovery.resolve_dead_letter(task_id)
    world.settle()
    error = world.task(task_id).error
    assert (error["code"], error["maybe_charged"]) == ("upstream_submit_unknown", True)


def test_a_dead_letter_of_a_task_with_a_paid_job_is_sent_again_however_many_died():
    world = World()
    task_id = dead_letter(world, "look")
    world.recovery.resolve_dead_letter(task_id)
    assert [delay for _, delay, _ in world.queue.sent] == [60]
    world.settle()
    assert world.task(task_id).status is Status.COMPLETED
    assert len(world.relay.jobs) == 1


def test_a_dead_letter_waits_for_the_lease_that_still_lives():
    world = World()
    task_id = crash_at(world, "claim written")
    world.clock.advance(10)
    world.recovery.resolve_dead_letter(task_id)
    assert [delay for _, delay, _ in world.queue.sent] == [90]
    assert not world.task(task_id).ended


def test_a_paid_job_is_not_resumed_for_ever():
    world = World()
    task_id = dead_letter(world, "look")
    world.clock.advance(1801)
    world.recovery.resolve_dead_letter(task_id)
    error = world.task(task_id).error
    assert (error["code"], error["maybe_charged"]) == ("worker_crashed", True)


def test_a_dead_letter_of_a_task_that_somebody_has_just_taken_is_sent_again():
    world = World()
    task_id = dead_letter(world, "begin_attempt")
    world.queue.send(task_id)
    world.queue.sent.clear()
    world.at_event["failed"] = lambda: world.at_event.update({"begin_attempt": die}) or world.work()
    world.recovery.resolve_dead_letter(task_id)
    assert world.task(task_id).status is Status.FAILED


@pytest.mark.parametrize("event", ["claim written", "begin_attempt"])
def test_a_worker_that_always_dies_ends_its_task(event):
    world = World()
    task_id = world.submit()
    world.relay.takes = 1.0
    kills = []

    def kill():
        kills.append(world.at_event.update({event: kill}))
        die()

    world.at_event[event] = kill
    world.settle()
    assert world.task(task_id).error == CRASHED
    assert 5 <= len(kills) <= 6
    assert not world.relay.requests


def test_a_task_that_kills_its_workers_keeps_no_other_back():
    world = World()
    world.cdn.extend([Crash()] * 9)
    poison = world.submit(image_url="https://images.example.com/bomb.png")
    others = [world.submit() for _ in range(5)]
    world.settle()
    assert world.task(poison).error == CRASHED
    assert {world.task(task_id).status for task_id in others} == {Status.COMPLETED}


# --- outages of AWS


@pytest.mark.parametrize("service", ["store", "files"])
@pytest.mark.parametrize("seconds", [240, 7200, 3.9 * 86400])
def test_an_outage_ends_no_task_that_was_not_posted(service, seconds):
    world = World()
    world.files.objects["inputs/a.png"] = png(), "image/png"
    tasks = [world.submit(image_key="inputs/a.png") for _ in range(3)]
    getattr(world, service).away = 10**9
    until = START + seconds
    while world.clock() < until:
        world.work() or world.clock.advance(min(60 if seconds < 10_000 else 900, seconds))
        world.tick()
    getattr(world, service).away = 0
    world.settle(within=20_000)
    assert {world.task(task_id).status for task_id in tasks} == {Status.COMPLETED}
    assert {world.task(task_id).attempts for task_id in tasks} == {1}


def test_a_secret_that_cannot_be_read_for_an_hour_costs_no_attempt():
    world = World()
    task_id = world.submit()
    world.key_away_until = START + 3600
    world.settle()
    task = world.task(task_id)
    assert (task.status, task.attempts) == (Status.COMPLETED, 1)


def test_a_task_that_nothing_was_sent_for_is_given_up_after_four_days():
    world = World()
    world.files.objects["inputs/a.png"] = png(), "image/png"
    task_id = world.submit(image_key="inputs/a.png")
    world.queue.letters.clear()
    world.clock.advance(4 * 86400 + 1)
    world.tick()
    error = world.task(task_id).error
    assert (error["code"], error["retryable"], error["maybe_charged"]) == (
        "task_timeout",
        True,
        False,
    )


def test_a_queue_that_is_away_while_an_attempt_is_put_off_costs_nothing_but_time():
    world = World(video_generation_retry_delay=300.0)
    world.relay.posts.append(httpx.Response(503))
    world.at_event["retry_submit written"] = lambda: setattr(world.queue, "away", 1)
    task = world.run()
    assert (task.status, task.attempts) == (Status.COMPLETED, 2)
    first, second = [at for kind, _, at in world.store.writes if kind == "begin_attempt"]
    assert second - first >= 300


# --- load


@pytest.mark.parametrize("refused", [0, 50])
def test_a_long_backlog_costs_few_messages(refused):
    """One slot, with sweeps each minute. It was measured with 800 tasks: 1.1 messages each."""
    world = World(video_max_concurrent=1)
    world.relay.posts.extend([httpx.Response(429)] * refused)
    tasks = [world.submit() for _ in range(150)]
    world.settle(within=20_000)
    assert {world.task(task_id).status for task_id in tasks} == {Status.COMPLETED}
    assert len(world.queue.sent) <= 1.5 * 150 + refused
    assert world.store.kinds["claim"] <= 150 + 3 * refused


def test_messages_that_are_throttled_are_not_doubled_each_minute():
    """A single slot in AWS: whatever comes while it is busy is hidden for 15 minutes."""
    world = World(video_max_concurrent=1)
    tasks = [world.submit() for _ in range(100)]
    busy = world.queue.receive()
    while world.queue.receive():  # by further pollers, and throttled
        pass
    world.generation.run(world.message(busy.task_id, busy.receipt))
    world.queue.delete(busy.receipt)
    world.settle(within=20_000)
    assert {world.task(task_id).status for task_id in tasks} == {Status.COMPLETED}
    assert len(world.queue.sent) <= 2 * 100
    assert world.clock() - START <= 1.15 * 100 * 31 + 120
