"""What a worker takes up beside its message's task, and in which order."""

import httpx
import pytest

from tests.support.fakes import START, Crash
from tests.support.simulation import OWNER, Simulation
from videoapi.domain.tasks import Status
from videoapi.domain.timestamps import epoch
from videoapi.errors import ServiceError

AWAY = httpx.Response(503)


def ends(sim, tasks):
    return [epoch(sim.task(task_id).completed_at) - START for task_id in tasks]


def test_finished_job_does_not_wait_behind_the_backlog():
    """A job of 900 s is handed over; it is told at the end of the task in whose turn it ended."""
    sim = Simulation()
    sim.relay.takes = 900.0
    first = sim.submit()
    sim.at_event["accept written"] = lambda: setattr(sim.relay, "takes", 30.0)
    others = [sim.submit() for _ in range(60)]
    sim.settle()
    assert ends(sim, [first])[0] < 960
    assert sim.store.kinds["accept"] == 61
    assert {sim.task(task_id).status for task_id in others} == {Status.COMPLETED}


def test_missing_video_is_fetched_before_another_order():
    sim = Simulation(veo3_skip_upload=False)
    sim.relay.takes = 20.0
    sim.cdn.extend([AWAY] * 5)
    first, *_ = [sim.submit() for _ in range(20)]
    sim.settle()
    assert ends(sim, [first])[0] < 150
    assert len(sim.relay.jobs) == 20


def test_dead_workers_job_is_resumed_before_another_order():
    """A paid job of a dead worker is resumed before another is ordered."""
    sim = Simulation()
    first = sim.submit()
    sim.at_event["accept written"] = lambda: sim.queue.letters.pop(0) and crash()
    others = [sim.submit() for _ in range(20)]
    sim.settle()
    assert ends(sim, [first])[0] < 41 + 31
    assert len(sim.relay.jobs) == 21
    assert others


def crash():
    raise Crash


def test_task_whose_message_was_lost_in_a_backlog_has_its_turn():
    sim = Simulation()
    lost = sim.submit()
    sim.queue.letters.clear()
    sim.clock.advance(10)
    others = [sim.submit() for _ in range(50)]
    sim.settle()
    assert ends(sim, [lost])[0] < 130
    assert sim.queue.sent.count((lost, 0, START)) == 1
    assert max(ends(sim, others)) < 31 * 52


def test_overdue_tasks_are_taken_up_the_oldest_first():
    sim = Simulation()
    tasks = []
    for _ in range(10):
        tasks.append(sim.submit())
        sim.clock.advance(1)
    sim.queue.letters.clear()
    sim.clock.advance(61)
    sim.queue.send(tasks[0])
    sim.settle()
    assert ends(sim, tasks) == sorted(ends(sim, tasks))


def test_message_without_time_left_for_its_task_is_sent_again():
    sim = Simulation()
    sim.relay.takes = 1100.0
    paid = sim.submit()
    sim.work()
    sim.queue.letters.clear()
    sim.clock.advance(1)
    other = sim.submit()
    sim.work(seconds=500)
    assert sim.task(other).status is Status.PENDING
    assert [letter.task_id for letter in sim.queue.letters][-1] == other
    sim.settle()
    assert {sim.task(task_id).status for task_id in (paid, other)} == {Status.COMPLETED}


def test_log_names_the_task_that_is_worked_on():
    sim = Simulation()
    tasks = [sim.submit(), sim.submit()]
    sim.queue.letters.pop()
    sim.clock.advance(61)
    sim.work()
    assert sim.log.keys == {"task_id": tasks[1]}


def test_no_task_is_begun_that_the_invocation_has_no_time_for():
    sim = Simulation()
    sim.relay.takes = 100.0
    tasks = [sim.submit() for _ in range(9)]
    sim.clock.advance(61)
    sim.work(seconds=900)
    begun = [task_id for task_id in tasks if sim.task(task_id).claimed_at]
    assert 6 <= len(begun) <= 7
    assert {sim.task(task_id).status for task_id in begun} == {Status.COMPLETED}


def test_worker_gives_up_after_ten_tasks_that_others_have():
    sim = Simulation()
    for _ in range(30):
        sim.submit()
    sim.clock.advance(61)
    for row in sim.store.rows.values():
        row["lease_until"] = "2030-01-01T00:00:00.000Z"
    sim.work()
    assert sim.events.count("claim") == 10
    assert sim.events.count("overdue") == 2  # what is paid, and the others


def test_table_that_does_not_say_what_is_due_stops_no_worker():
    sim = Simulation()

    def away():
        raise ServiceError("The task table does not answer just now.")

    task_id = sim.submit()
    sim.at_event["overdue"] = away
    sim.settle()
    assert sim.task(task_id).status is Status.COMPLETED


# --- the slot of a paid job that nobody waits for


@pytest.mark.parametrize("end", ["cancel", "delete"])
def test_slot_is_kept_until_the_job_of_a_cancelled_task_ends(end):
    sim = Simulation()
    sim.relay.takes = 100.0
    task_id = sim.submit()
    sim.at_event["look"] = lambda: getattr(sim.cancellation, end)(task_id, OWNER)
    sim.work()
    assert sim.relay.jobs[0].until <= sim.clock() <= sim.relay.jobs[0].until + 10
    assert sim.store.rows[task_id]["job_ended_at"]
    assert not sim.queue.letters


def test_slot_is_kept_for_five_minutes_at_the_most():
    sim = Simulation()
    sim.relay.takes = 9999.0
    sim.relay.looks.extend([httpx.Response(200, json={"status": "running"})] * 2)
    sim.relay.looks.extend([httpx.Response(404), httpx.Response(500)] * 99)
    task_id = sim.submit()
    sim.at_event["look"] = lambda: sim.cancellation.cancel(task_id, OWNER)
    sim.work()
    assert 300 <= sim.clock() - START <= 310
    assert sim.task(task_id).job_ended_at is None


def test_slot_is_kept_for_a_job_whose_id_came_after_the_cancel():
    sim = Simulation()
    task_id = sim.submit()
    sim.at_event["posted"] = lambda: sim.cancellation.cancel(task_id, OWNER)
    sim.work()
    task = sim.task(task_id)
    assert task.late_upstream_ids == ["video:1"]
    assert task.job_ended_at is not None


def test_message_stays_hidden_while_the_slot_is_kept():
    sim = Simulation()
    sim.relay.takes = 200.0
    task_id = sim.submit()
    hidden = []
    sim.at_event["look"] = lambda: sim.cancellation.cancel(task_id, OWNER)

    def look(_request):
        hidden.extend(letter.visible_at > sim.clock() for letter in sim.queue.letters)
        sim.relay.looks.append(look)

    sim.relay.looks.append(look)
    sim.work()
    assert len(hidden) > 10
    assert all(hidden)
