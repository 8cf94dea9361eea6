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


def lose_the_message(site, name):
    """Submit a task whose message is gone, and which the sweeper may look after."""
    with site.paused():
        site.submit(name)
        site.purge()
        site.overwrite(name, "due_at", LONG_AGO)


def test_a_task_that_was_put_but_never_sent_is_swept_up_once(site):
    lose_the_message(site, "never-sent")
    assert site.sweep() == 1
    assert site.sweep() == 0
    assert site.ended("never-sent")["status"] == "completed"
    assert site.paid("never-sent") == 1


def test_a_sweep_that_dies_before_it_sends_is_made_good_by_a_later_one(site):
    lose_the_message(site, "swept-twice")
    site.traps.set(task_id("swept-twice"), Trap("before", "SendMessage", function="sweeper"))
    assert site.sweep() is None
    site.overwrite("swept-twice", "due_at", LONG_AGO)
    assert site.sweep() == 1
    assert site.ended("swept-twice")["status"] == "completed"
    assert site.paid("swept-twice") == 1


@pytest.mark.long
def test_the_schedule_sweeps_every_minute(site):
    lose_the_message(site, "scheduled")
    assert site.ended("scheduled", seconds=90)["status"] == "completed"


def test_a_task_whose_worker_and_message_are_gone_is_resumed_by_the_sweeper(site):
    name = "both-gone"
    site.traps.set(task_id(name), at("accepted"))
    site.submit(name)
    site.journal.wait(task_id(name), killed)
    site.purge()
    until = time.monotonic() + 30
    while not site.sweep():  # the dead worker's lease must run out
        assert time.monotonic() < until
        time.sleep(0.5)
    assert site.ended(name)["status"] == "completed"
    assert site.paid(name) == 1


def test_a_task_that_takes_too_long_ends_and_says_that_it_may_have_been_charged(site):
    site.configure(VIDEO_TASK_TIMEOUT="3")
    site.submit("too-long", "[[time:60]]")
    error = site.ended("too-long")["error"]
    site.configure(VIDEO_TASK_TIMEOUT="1800")
    assert (error["code"], error["maybe_charged"]) == ("task_timeout", True)


def test_a_submit_that_dies_before_it_sends_is_made_good_by_the_schedule(site):
    name = "submit-killed"
    site.traps.set(task_id(name), submits("before", "SendMessage", "kill"))
    assert site.post(name).is_server_error
    again = site.post(name)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json()["status"] == "pending"
    assert site.ended(name, seconds=SWEPT)["status"] == "completed"
    assert site.paid(name) == 1


def test_a_replay_after_a_minute_sends_the_message_that_a_dead_submit_did_not(site):
    name = "submit-killed-long-ago"
    site.traps.set(task_id(name), submits("before", "SendMessage", "kill"))
    assert site.post(name).is_server_error
    site.overwrite(name, "queued_at", LONG_AGO)
    assert site.post(name).headers["idempotency-replayed"] == "true"
    assert site.ended(name, seconds=45)["status"] == "completed"  # not due for the sweeper yet
    assert site.paid(name) == 1


def test_a_submit_that_dies_after_it_sends_is_one_task_for_its_retry_too(site):
    name = "submit-killed-after"
    site.traps.set(task_id(name), submits("after", "SendMessage", "kill"))
    assert site.post(name).is_server_error
    assert site.post(name).headers["idempotency-replayed"] == "true"
    assert site.ended(name, seconds=45)["status"] == "completed"
    assert site.paid(name) == 1


def test_without_a_queue_a_submit_is_accepted_and_the_next_sweep_sends_its_message(site):
    name = "no-queue"
    site.traps.set(task_id(name), *[submits("before", "SendMessage", "fail")] * SENDS)
    assert site.submit(name) == task_id(name)
    assert site.traps.left(task_id(name)) == 0
    site.sweep()  # due at once; the schedule may have been quicker
    assert site.ended(name, seconds=45)["status"] == "completed"
    assert site.paid(name) == 1


def test_messages_of_one_task_that_went_out_all_the_same_are_one_paid_job(site):
    name = "half-sent"
    site.traps.set(task_id(name), *[submits("after", "SendMessage", "fail")] * SENDS)
    with site.paused():
        assert site.submit(name) == task_id(name)
    assert site.traps.left(task_id(name)) == 0
    assert site.ended(name)["status"] == "completed"
    site.journal.wait(task_id(name), received, times=SENDS)
    site.journal.wait(task_id(name), returned, times=SENDS)
    assert site.task(name)["status"] == "completed"
    assert site.paid(name) == 1


def test_a_message_that_went_out_all_the_same_finds_nothing_to_do(site):
    name = "half-sent-and-cancelled"
    site.traps.set(task_id(name), *[submits("after", "SendMessage", "fail")] * SENDS)
    with site.paused():
        site.submit(name)
        site.cancel(name).raise_for_status()
    site.journal.wait(task_id(name), returned, times=SENDS)
    assert site.task(name)["status"] == "cancelled"
    assert site.paid(name) == 0


def test_a_worker_that_claims_before_the_submit_notes_a_failed_send_keeps_the_task(site):
    name = "half-sent-and-claimed"
    site.traps.set(task_id(name), *[submits("after", "SendMessage", "fail")] * SENDS)
    site.traps.set(task_id(name), submits("before", "UpdateItem", "hold"))
    with ThreadPoolExecutor() as threads:
        answer = threads.submit(site.post, name)
        site.journal.wait(task_id(name), held, function="submit")
        site.journal.wait(task_id(name), claimed)
        site.traps.release(task_id(name))
    assert answer.result().status_code == 200
    assert site.ended(name)["status"] == "completed"
    assert site.paid(name) == 1
