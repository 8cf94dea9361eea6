"""What a worker takes up beside its message's task, and in which order."""

import httpx
import pytest

from tests.support.fakes import START, Crash
from tests.support.simulation import OWNER, World
from videoapi.domain.tasks import Status
from videoapi.domain.timestamps import epoch
from videoapi.errors import ServiceError

AWAY = httpx.Response(503)


def ends(world, tasks):
    return [epoch(world.task(task_id).completed_at) - START for task_id in tasks]


def test_finished_job_does_not_wait_behind_the_backlog():
    """A job of 900 s is handed over; it is told at the end of the task in whose turn it ended."""
    world = World()
    world.relay.takes = 900.0
    first = world.submit()
    world.at_event["accept written"] = lambda: setattr(world.relay, "takes", 30.0)
    others = [world.submit() for _ in range(60)]
    world.settle()
    assert ends(world, [first])[0] < 960
    assert world.store.kinds["accept"] == 61
    assert {world.task(task_id).status for task_id in others} == {Status.COMPLETED}


def test_video_that_could_not_be_had_is_fetched_before_another_is_ordered():
    world = World(veo3_skip_upload=False)
    world.relay.takes = 20.0
    world.cdn.extend([AWAY] * 5)
    first, *_ = [world.submit() for _ in range(20)]
    world.settle()
    assert ends(world, [first])[0] < 150
    assert len(world.relay.jobs) == 20


def test_paid_job_of_a_dead_worker_is_resumed_before_another_is_ordered():
    world = World()
    first = world.submit()
    world.at_event["accept written"] = lambda: world.queue.letters.pop(0) and crash()
    others = [world.submit() for _ in range(20)]
    world.settle()
    assert ends(world, [first])[0] < 41 + 31
    assert len(world.relay.jobs) == 21
    assert others


def crash():
    raise Crash


def test_task_whose_message_was_lost_in_a_backlog_has_its_turn():
    world = World()
    lost = world.submit()
    world.queue.letters.clear()
    world.clock.advance(10)
    others = [world.submit() for _ in range(50)]
    world.settle()
    assert ends(world, [lost])[0] < 130
    assert world.queue.sent.count((lost, 0, START)) == 1
    assert max(ends(world, others)) < 31 * 52


def test_overdue_tasks_are_taken_up_the_oldest_first():
    world = World()
    tasks = []
    for _ in range(10):
        tasks.append(world.submit())
        world.clock.advance(1)
    world.queue.letters.clear()
    world.clock.advance(61)
    world.queue.send(tasks[0])
    world.settle()
    assert ends(world, tasks) == sorted(ends(world, tasks))


def test_message_without_time_left_for_its_task_is_sent_again():
    world = World()
    world.relay.takes = 1100.0
    paid = world.submit()
    world.work()
    world.queue.letters.clear()
    world.clock.advance(1)
    other = world.submit()
    world.work(seconds=500)
    assert world.task(other).status is Status.PENDING
    assert [letter.task_id for letter in world.queue.letters][-1] == other
    world.settle()
    assert {world.task(task_id).status for task_id in (paid, other)} == {Status.COMPLETED}


def test_log_names_the_task_that_is_worked_on():
    world = World()
    tasks = [world.submit(), world.submit()]
    world.queue.letters.pop()
    world.clock.advance(61)
    world.work()
    assert world.log.keys == {"task_id": tasks[1]}


def test_no_task_is_begun_that_the_invocation_has_no_time_for():
    world = World()
    world.relay.takes = 100.0
    tasks = [world.submit() for _ in range(9)]
    world.clock.advance(61)
    world.work(seconds=900)
    begun = [task_id for task_id in tasks if world.task(task_id).claimed_at]
    assert 6 <= len(begun) <= 7
    assert {world.task(task_id).status for task_id in begun} == {Status.COMPLETED}


def test_worker_gives_up_after_ten_tasks_that_others_have():
    world = World()
    for _ in range(30):
        world.submit()
    world.clock.advance(61)
    for row in world.store.rows.values():
        row["lease_until"] = "2030-01-01T00:00:00.000Z"
    world.work()
    assert world.events.count("claim") == 10


def test_table_that_does_not_say_what_is_due_stops_no_worker():
    world = World()

    def away():
        raise ServiceError("The task table does not answer just now.")

    task_id = world.submit()
    world.at_event["overdue"] = away
    world.settle()
    assert world.task(task_id).status is Status.COMPLETED


# --- the slot of a paid job that nobody waits for


@pytest.mark.parametrize("end", ["cancel", "delete"])
def test_slot_is_kept_until_the_job_of_a_cancelled_task_ends(end):
    world = World()
    world.relay.takes = 100.0
    task_id = world.submit()
    world.at_event["look"] = lambda: getattr(world.cancellation, end)(task_id, OWNER)
    world.work()
    assert world.relay.jobs[0].until <= world.clock() <= world.relay.jobs[0].until + 10
    assert world.store.rows[task_id]["job_ended_at"]
    assert not world.queue.letters


def test_slot_is_kept_for_five_minutes_at_the_most():
    world = World()
    world.relay.takes = 9999.0
    world.relay.looks.extend([httpx.Response(200, json={"status": "running"})] * 2)
    world.relay.looks.extend([httpx.Response(404), httpx.Response(500)] * 99)
    task_id = world.submit()
    world.at_event["look"] = lambda: world.cancellation.cancel(task_id, OWNER)
    world.work()
    assert 300 <= world.clock() - START <= 310
    assert world.task(task_id).job_ended_at is None


def test_slot_is_kept_for_a_job_whose_id_came_after_the_cancel():
    world = World()
    task_id = world.submit()
    world.at_event["posted"] = lambda: world.cancellation.cancel(task_id, OWNER)
    world.work()
    task = world.task(task_id)
    assert task.late_upstream_ids == ["video:1"]
    assert task.job_ended_at is not None


def test_message_stays_hidden_while_the_slot_is_kept():
    world = World()
    world.relay.takes = 200.0
    task_id = world.submit()
    hidden = []
    world.at_event["look"] = lambda: world.cancellation.cancel(task_id, OWNER)

    def look(_request):
        hidden.extend(letter.visible_at > world.clock() for letter in world.queue.letters)
        world.relay.looks.append(look)

    world.relay.looks.append(look)
    world.work()
    assert len(hidden) > 10
    assert all(hidden)
