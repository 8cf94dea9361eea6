"""No task waits without end: lost messages, and a queue that is away at submit.

A task in the table is accepted, and its message is a hint. The sweeper sends a hint that never
went out at its next round, and one that was lost after a minute. Dead letters stand among the
`scenarios`: a task whose workers die again and again.
"""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.fault_injection.stack import task_id
from tests.fault_injection.traps import Trap, at

LONG_AGO = "2020-01-01T00:00:00.000Z"
SENDS = 2  # of one call: boto3 tries again by itself
SWEPT = 150  # seconds: a minute until the task is due, one until the next round, and the work


def received(entry):
    return entry.what == "received" and entry.more["count"] > 0  # 0: without a message


def returned(entry):
    return entry.what == "returned"


def killed(entry):
    return entry.what == "killed"


def held(entry):
    return entry.what == "held"


def claimed(entry):
    return entry.is_step("claimed")


def submits(moment, call, action):
    return Trap(moment, call, action=action, function="submit")


def lose_the_message(fault_stack, name):
    """Submit a task whose message is gone, and which the sweeper may look after."""
    with fault_stack.paused():
        fault_stack.submit(name)
        fault_stack.purge()
        fault_stack.overwrite(name, "due_at", LONG_AGO)


@pytest.fixture
def unscheduled(fault_stack):
    with fault_stack.unscheduled():
        yield


@pytest.mark.usefixtures("unscheduled")
def test_a_task_that_was_put_but_never_sent_is_swept_up_once(fault_stack):
    lose_the_message(fault_stack, "never-sent")
    assert fault_stack.sweep() == 1
    assert fault_stack.sweep() == 0
    assert fault_stack.ended("never-sent")["status"] == "completed"
    assert fault_stack.paid("never-sent") == 1


@pytest.mark.usefixtures("unscheduled")
def test_sweep_that_dies_before_it_sends_is_repeated(fault_stack):
    """A sweep that dies before it sends is made up for by a later one."""
    lose_the_message(fault_stack, "swept-twice")
    fault_stack.traps.set(task_id("swept-twice"), Trap("before", "SendMessage", function="sweeper"))
    assert fault_stack.sweep() is None
    fault_stack.overwrite("swept-twice", "due_at", LONG_AGO)
    assert fault_stack.sweep() == 1
    assert fault_stack.ended("swept-twice")["status"] == "completed"
    assert fault_stack.paid("swept-twice") == 1


@pytest.mark.long
def test_the_schedule_sweeps_every_minute(fault_stack):
    lose_the_message(fault_stack, "scheduled")
    assert fault_stack.ended("scheduled", seconds=90)["status"] == "completed"


@pytest.mark.usefixtures("unscheduled")
def test_orphaned_task_is_resumed_by_the_sweeper(fault_stack):
    """A task whose worker and message are gone is resumed by the sweeper."""
    name = "both-gone"
    fault_stack.traps.set(task_id(name), at("accepted"))
    fault_stack.submit(name)
    fault_stack.journal.wait(task_id(name), killed)
    fault_stack.purge()
    until = time.monotonic() + 30
    while not fault_stack.sweep():  # the dead worker's lease must run out
        assert time.monotonic() < until
        time.sleep(0.5)
    assert fault_stack.ended(name)["status"] == "completed"
    assert fault_stack.paid(name) == 1


def test_task_that_takes_too_long_ends_as_maybe_charged(fault_stack):
    fault_stack.configure(VIDEO_TASK_TIMEOUT="3")
    fault_stack.submit("too-long", "[[time:60]]")
    error = fault_stack.ended("too-long")["error"]
    fault_stack.configure(VIDEO_TASK_TIMEOUT="1800")
    assert (error["code"], error["maybe_charged"]) == ("task_timeout", True)


def test_submit_that_dies_before_it_sends_is_swept(fault_stack):
    """A submit that dies before it sends is made up for by the schedule."""
    name = "submit-killed"
    fault_stack.traps.set(task_id(name), submits("before", "SendMessage", "kill"))
    assert fault_stack.post(name).is_server_error
    again = fault_stack.post(name)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json()["status"] == "pending"
    assert fault_stack.ended(name, seconds=SWEPT)["status"] == "completed"
    assert fault_stack.paid(name) == 1


def test_replay_after_a_minute_sends_the_lost_message(fault_stack):
    name = "submit-killed-long-ago"
    fault_stack.traps.set(task_id(name), submits("before", "SendMessage", "kill"))
    assert fault_stack.post(name).is_server_error
    fault_stack.overwrite(name, "queued_at", LONG_AGO)
    assert fault_stack.post(name).headers["idempotency-replayed"] == "true"
    assert (
        fault_stack.ended(name, seconds=45)["status"] == "completed"
    )  # not due for the sweeper yet
    assert fault_stack.paid(name) == 1


def test_submit_that_dies_after_it_sends_is_one_task(fault_stack):
    name = "submit-killed-after"
    fault_stack.traps.set(task_id(name), submits("after", "SendMessage", "kill"))
    assert fault_stack.post(name).is_server_error
    assert fault_stack.post(name).headers["idempotency-replayed"] == "true"
    assert fault_stack.ended(name, seconds=45)["status"] == "completed"
    assert fault_stack.paid(name) == 1


def test_submit_without_a_queue_is_accepted_and_swept(fault_stack):
    """Without a queue a submit is accepted and the next sweep sends its message."""
    name = "no-queue"
    fault_stack.traps.set(task_id(name), *[submits("before", "SendMessage", "fail")] * SENDS)
    assert fault_stack.submit(name) == task_id(name)
    assert fault_stack.traps.left(task_id(name)) == 0
    fault_stack.sweep()  # due at once; the schedule may have been quicker
    assert fault_stack.ended(name, seconds=45)["status"] == "completed"
    assert fault_stack.paid(name) == 1


def test_doubly_sent_messages_of_a_task_are_one_paid_job(fault_stack):
    """Messages of one task that went out anyway are one paid job."""
    name = "half-sent"
    fault_stack.traps.set(task_id(name), *[submits("after", "SendMessage", "fail")] * SENDS)
    with fault_stack.paused():
        assert fault_stack.submit(name) == task_id(name)
    assert fault_stack.traps.left(task_id(name)) == 0
    assert fault_stack.ended(name)["status"] == "completed"
    fault_stack.journal.wait(task_id(name), received, times=SENDS)
    fault_stack.journal.wait(task_id(name), returned, times=SENDS)
    assert fault_stack.task(name)["status"] == "completed"
    assert fault_stack.paid(name) == 1


def test_message_sent_despite_its_error_finds_nothing_to_do(fault_stack):
    """A message that went out anyway finds nothing to do."""
    name = "half-sent-and-cancelled"
    fault_stack.traps.set(task_id(name), *[submits("after", "SendMessage", "fail")] * SENDS)
    with fault_stack.paused():
        fault_stack.submit(name)
        fault_stack.cancel(name).raise_for_status()
    fault_stack.journal.wait(task_id(name), returned, times=SENDS)
    assert fault_stack.task(name)["status"] == "cancelled"
    assert fault_stack.paid(name) == 0


def test_worker_that_claims_before_a_failed_send_keeps_the_task(fault_stack):
    name = "half-sent-and-claimed"
    fault_stack.traps.set(task_id(name), *[submits("after", "SendMessage", "fail")] * SENDS)
    fault_stack.traps.set(task_id(name), submits("before", "UpdateItem", "hold"))
    with ThreadPoolExecutor() as threads:
        response = threads.submit(fault_stack.post, name)
        fault_stack.journal.wait(task_id(name), held, function="submit")
        fault_stack.journal.wait(task_id(name), claimed)
        fault_stack.traps.release(task_id(name))
    assert response.result().status_code == 200
    assert fault_stack.ended(name)["status"] == "completed"
    assert fault_stack.paid(name) == 1
