"""Recovery: what the sweeper queues again, and how a dead letter ends."""

import httpx
import pytest

from tests.support.fakes import START, Crash
from tests.support.pictures import png
from tests.support.simulation import OWNER, Simulation
from videoapi.domain.tasks import Status
from videoapi.errors import ServiceError


def unsent(sim):
    """Submit a task whose message never reached the queue."""
    task_id = sim.submit()
    sim.queue.letters.clear()
    sim.queue.sent.clear()
    return task_id


def crash_at(sim, event):
    """Submit a task whose worker dies at an event, and whose message is lost with it."""
    task_id = unsent(sim)
    sim.queue.send(task_id)
    sim.at_event[event] = lambda: sim.queue.letters.clear() or die()
    sim.work()
    sim.queue.sent.clear()
    return task_id


def die():
    raise Crash


# --- the sweeper


def test_unsent_task_is_sent_after_a_minute():
    sim = Simulation()
    task_id = unsent(sim)
    sim.clock.advance(60)
    assert sim.recovery.sweep() == 0
    sim.clock.advance(0.001)
    assert sim.recovery.sweep() == 1
    assert sim.queue.sent == [(task_id, 0, START + 60.001)]
    sim.settle()
    assert sim.task(task_id).status is Status.COMPLETED


def test_two_sweeps_at_once_send_once():
    sim = Simulation()
    unsent(sim)
    sim.clock.advance(121)
    sim.at_event["requeue"] = sim.recovery.sweep
    assert sim.recovery.sweep() == 0
    assert len(sim.queue.sent) == 1


def test_a_task_that_was_just_sent_is_left_alone_for_a_minute():
    sim = Simulation()
    unsent(sim)
    sim.clock.advance(121)
    sim.recovery.sweep()
    sim.queue.letters.clear()
    sim.clock.advance(60)
    assert sim.recovery.sweep() == 0
    sim.clock.advance(1)
    assert sim.recovery.sweep() == 1


def test_nothing_is_sent_while_messages_wait():
    """Whoever receives one of them goes on with what is overdue."""
    sim = Simulation()
    unsent(sim)
    sim.queue.send("vid_another")
    sim.clock.advance(5000)
    assert sim.recovery.sweep() == 0


def test_a_sweep_wakes_as_many_workers_as_there_are_slots():
    sim = Simulation(video_max_concurrent=3)
    several = [unsent(sim) for _ in range(5)]
    sim.clock.advance(121)
    assert sim.recovery.sweep() == 3
    assert [task_id for task_id, _, _ in sim.queue.sent] == sorted(several)[:3]
    sim.settle()
    assert {sim.task(task_id).status for task_id in several} == {Status.COMPLETED}


@pytest.mark.parametrize("event", ["claim written", "accept written", "look"])
def test_orphaned_task_is_resumed_a_minute_after_its_lease(event):
    """A task whose worker and message are gone is taken up within a minute of its lease."""
    sim = Simulation()
    task_id = crash_at(sim, event)
    sim.clock.advance(START + 40 - sim.clock())
    assert sim.recovery.sweep() == 0
    sim.clock.advance(1)
    assert sim.recovery.sweep() == 1
    sim.settle()
    assert sim.task(task_id).status is Status.COMPLETED
    assert len(sim.relay.jobs) == 1


def test_a_task_that_somebody_works_on_is_left_alone():
    sim = Simulation()
    found = []
    sim.relay.takes = 300.0
    for event in ("look", "renew written"):
        sim.at_event[event] = lambda: found.append(sim.recovery.sweep())
    sim.run()
    assert found == [0, 0]


def test_waiting_attempt_is_left_alone_until_a_minute_late():
    sim = Simulation(video_generation_retry_delay=300.0)
    sim.relay.posts.append(httpx.Response(503))
    sim.submit()
    sim.work()
    sim.queue.letters.clear()
    sim.clock.advance(360)
    assert sim.recovery.sweep() == 0
    sim.clock.advance(1)
    assert sim.recovery.sweep() == 1


@pytest.mark.parametrize("end", ["cancel", "delete"])
def test_a_task_that_ends_while_the_sweeper_looks_is_left_alone(end):
    sim = Simulation()
    task_id = unsent(sim)
    sim.clock.advance(121)
    sim.at_event["get"] = lambda: getattr(sim.cancellation, end)(task_id, OWNER)
    assert sim.recovery.sweep() == 0
    assert not sim.queue.sent


def test_task_that_cannot_be_queued_keeps_no_other_back():
    sim = Simulation()
    several = [unsent(sim) for _ in range(3)]
    sim.clock.advance(121)
    sim.at_event["requeue written"] = lambda: setattr(sim.queue, "away", 1)
    with pytest.raises(ServiceError, match="1 overdue"):
        sim.recovery.sweep()
    first, *others = sorted(several)
    assert [task_id for task_id, _, _ in sim.queue.sent] == others
    assert ("exception", "an overdue task could not be queued", {"task_id": first}) in (
        sim.log.lines
    )
    assert ("warning", "tasks were queued again", {"queued": 2}) in sim.log.lines


def test_a_row_that_nobody_can_read_stops_no_sweep():
    sim = Simulation()
    broken, whole = unsent(sim), unsent(sim)
    sim.store.rows[broken]["queued_at"] = "a word of a later version"
    sim.clock.advance(121)
    with pytest.raises(ServiceError, match="1 overdue"):
        sim.recovery.sweep()
    assert [task_id for task_id, _, _ in sim.queue.sent] == [whole]


def test_a_queue_that_does_not_say_how_long_it_is_stops_no_sweep():
    sim = Simulation()
    task_id = unsent(sim)
    sim.queue.send("vid_another")
    sim.queue.sent.clear()
    sim.clock.advance(121)
    sim.at_event["waiting"] = lambda: setattr(sim.queue, "away", 1)
    assert sim.recovery.sweep() == 1
    assert [task_id for task_id, _, _ in sim.queue.sent] == [task_id]


def test_unsent_message_is_sent_by_the_next_sweep():
    sim = Simulation()
    unsent(sim)
    sim.clock.advance(121)
    sim.queue.away = 2
    with pytest.raises(ServiceError):
        sim.recovery.sweep()
    sim.clock.advance(61)
    assert sim.recovery.sweep() == 1


# --- dead letters


def test_dead_letter_of_an_ended_task_is_dropped():
    sim = Simulation()
    task = sim.run()
    sim.queue.sent.clear()
    sim.recovery.resolve_dead_letter(task.task_id)
    sim.recovery.resolve_dead_letter("vid_unknown")
    assert sim.task(task.task_id) == task
    assert not sim.queue.sent


CRASHED = {
    "type": "ServiceError",
    "message": "The worker died again and again on this task.",
    "code": "worker_crashed",
    "retryable": True,
    "maybe_charged": False,
}


def dead_letter(sim, event):
    """Let the workers of one task die at an event until its message is a dead letter."""
    task_id = sim.submit()
    while not sim.queue.dead:
        sim.at_event[event] = die
        sim.work() or sim.clock.advance(1)
    sim.at_event.clear()
    sim.queue.sent.clear()
    sim.clock.advance(43)
    return task_id


def test_a_dead_letter_whose_workers_never_died_goes_back():
    """They could not even claim it: the table was away."""
    sim = Simulation()
    task_id = unsent(sim)
    sim.recovery.resolve_dead_letter(task_id)
    assert [delay for _, delay, _ in sim.queue.sent] == [60]
    sim.settle()
    assert sim.task(task_id).status is Status.COMPLETED


def test_a_dead_letter_whose_workers_died_ends_its_task():
    sim = Simulation()
    task_id = dead_letter(sim, "begin_attempt")
    sim.recovery.resolve_dead_letter(task_id)
    task = sim.task(task_id)
    assert (task.status, task.error) == (Status.FAILED, CRASHED)
    assert (task.due_at, task.expires_at) == (None, int(sim.clock()) + 24 * 3600)
    assert not sim.queue.sent


def test_dead_letter_of_a_maybe_paid_task_is_reported():
    """A dead letter of a task that may have been paid is reported by the next worker."""
    sim = Simulation()
    task_id = crash_at(sim, "posted")
    sim.clock.advance(41)
    sim.recovery.resolve_dead_letter(task_id)
    sim.settle()
    error = sim.task(task_id).error
    assert (error["code"], error["maybe_charged"]) == ("upstream_submit_unknown", True)


def test_dead_letter_with_a_paid_job_is_sent_again():
    """A dead letter of a task with a paid job is sent again however many died."""
    sim = Simulation()
    task_id = dead_letter(sim, "look")
    sim.recovery.resolve_dead_letter(task_id)
    assert [delay for _, delay, _ in sim.queue.sent] == [60]
    sim.settle()
    assert sim.task(task_id).status is Status.COMPLETED
    assert len(sim.relay.jobs) == 1


def test_a_dead_letter_waits_for_the_lease_that_still_lives():
    sim = Simulation()
    task_id = crash_at(sim, "claim written")
    sim.clock.advance(10)
    sim.recovery.resolve_dead_letter(task_id)
    assert [delay for _, delay, _ in sim.queue.sent] == [90]
    assert not sim.task(task_id).ended


def test_a_paid_job_is_not_resumed_for_ever():
    sim = Simulation()
    task_id = dead_letter(sim, "look")
    sim.clock.advance(1801)
    sim.recovery.resolve_dead_letter(task_id)
    error = sim.task(task_id).error
    assert (error["code"], error["maybe_charged"]) == ("worker_crashed", True)


def test_dead_letter_of_a_just_claimed_task_is_sent_again():
    sim = Simulation()
    task_id = dead_letter(sim, "begin_attempt")
    sim.queue.send(task_id)
    sim.queue.sent.clear()
    sim.at_event["failed"] = lambda: sim.at_event.update({"begin_attempt": die}) or sim.work()
    sim.recovery.resolve_dead_letter(task_id)
    assert sim.task(task_id).status is Status.FAILED


@pytest.mark.parametrize("event", ["claim written", "begin_attempt"])
def test_a_worker_that_always_dies_ends_its_task(event):
    sim = Simulation()
    task_id = sim.submit()
    sim.relay.takes = 1.0
    kills = []

    def kill():
        kills.append(sim.at_event.update({event: kill}))
        die()

    sim.at_event[event] = kill
    sim.settle()
    assert sim.task(task_id).error == CRASHED
    assert 5 <= len(kills) <= 6
    assert not sim.relay.requests


def test_a_task_that_kills_its_workers_keeps_no_other_back():
    sim = Simulation()
    sim.cdn.extend([Crash()] * 9)
    poison = sim.submit(image_url="https://images.example.com/bomb.png")
    others = [sim.submit() for _ in range(5)]
    sim.settle()
    assert sim.task(poison).error == CRASHED
    assert {sim.task(task_id).status for task_id in others} == {Status.COMPLETED}


# --- outages of AWS


@pytest.mark.parametrize("service", ["store", "files"])
@pytest.mark.parametrize("seconds", [240, 7200, 3.9 * 86400])
def test_an_outage_ends_no_task_that_was_not_posted(service, seconds):
    sim = Simulation()
    sim.files.objects["inputs/a.png"] = png(), "image/png"
    tasks = [sim.submit(image_key="inputs/a.png") for _ in range(3)]
    getattr(sim, service).away = 10**9
    until = START + seconds
    while sim.clock() < until:
        sim.work() or sim.clock.advance(min(60 if seconds < 10_000 else 900, seconds))
        sim.tick()
    getattr(sim, service).away = 0
    sim.settle(within=20_000)
    assert {sim.task(task_id).status for task_id in tasks} == {Status.COMPLETED}
    assert {sim.task(task_id).attempts for task_id in tasks} == {1}


def test_unreadable_secret_costs_no_attempt():
    """A secret that cannot be read for an hour costs no attempt."""
    sim = Simulation()
    task_id = sim.submit()
    sim.key_away_until = START + 3600
    sim.settle()
    task = sim.task(task_id)
    assert (task.status, task.attempts) == (Status.COMPLETED, 1)


def test_task_with_nothing_sent_ends_after_four_days():
    sim = Simulation()
    sim.files.objects["inputs/a.png"] = png(), "image/png"
    task_id = sim.submit(image_key="inputs/a.png")
    sim.queue.letters.clear()
    sim.clock.advance(4 * 86400 + 1)
    sim.tick()
    error = sim.task(task_id).error
    assert (error["code"], error["retryable"], error["maybe_charged"]) == (
        "task_timeout",
        True,
        False,
    )


def test_queue_outage_while_an_attempt_waits_costs_time_alone():
    """A queue that is away while an attempt is postponed costs nothing but time."""
    sim = Simulation(video_generation_retry_delay=300.0)
    sim.relay.posts.append(httpx.Response(503))
    sim.at_event["retry_submit written"] = lambda: setattr(sim.queue, "away", 1)
    task = sim.run()
    assert (task.status, task.attempts) == (Status.COMPLETED, 2)
    first, second = [at for kind, _, at in sim.store.writes if kind == "begin_attempt"]
    assert second - first >= 300


# --- load


@pytest.mark.parametrize("refused", [0, 50])
def test_a_long_backlog_costs_few_messages(refused):
    """One slot, with sweeps each minute. It was measured with 800 tasks: 1.1 messages each."""
    sim = Simulation(video_max_concurrent=1)
    sim.relay.posts.extend([httpx.Response(429)] * refused)
    tasks = [sim.submit() for _ in range(150)]
    sim.settle(within=20_000)
    assert {sim.task(task_id).status for task_id in tasks} == {Status.COMPLETED}
    assert len(sim.queue.sent) <= 1.5 * 150 + refused
    assert sim.store.kinds["claim"] <= 150 + 3 * refused


def test_messages_that_are_throttled_are_not_doubled_each_minute():
    """A single slot in AWS: whatever comes while it is busy is hidden for 15 minutes."""
    sim = Simulation(video_max_concurrent=1)
    tasks = [sim.submit() for _ in range(100)]
    busy = sim.queue.receive()
    while sim.queue.receive():  # by further pollers, and throttled
        pass
    sim.generation.run(sim.message(busy.task_id, busy.receipt))
    sim.queue.delete(busy.receipt)
    sim.settle(within=20_000)
    assert {sim.task(task_id).status for task_id in tasks} == {Status.COMPLETED}
    assert len(sim.queue.sent) <= 2 * 100
    assert sim.clock() - START <= 1.15 * 100 * 31 + 120
