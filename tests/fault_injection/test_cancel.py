"""A cancel during any step ends the task for good, and nothing more is paid than was already."""

import pytest

from tests.fault_injection.stack import PRICE_USD, task_id
from tests.fault_injection.traps import at

PAID = {  # whether the relay has, or will have, accepted a job when the cancel comes
    "claimed": 0,
    "intended": 1,
    "answered": 1,
    "accepted": 1,
    "polled": 1,
    "delivering": 1,
    "downloading": 1,
    "copying": 1,
    "finishing": 1,
}


@pytest.fixture(scope="module")
def cancelled(running):
    """Cancel a task while its worker stands still at each step, then let the worker go on."""
    running.limit(len(PAID))
    running.configure(LEASE_SECONDS="15", VEO3_SKIP_UPLOAD="false", VEO3_AMBIGUOUS_SUBMIT="fail")
    answers = {}
    for step in PAID:
        running.traps.set(task_id(f"cancel-{step}"), at(step, "hold"))
        running.submit(f"cancel-{step}", "[[time:3]]" if step == "polled" else "")
    for step in PAID:
        name = f"cancel-{step}"
        running.journal.wait(task_id(name), lambda entry: entry.what == "held")
        answers[step] = (running.cancel(name), running.cancel(name), running.task(name))
        running.traps.release(task_id(name))
    for step in PAID:
        running.journal.wait(
            task_id(f"cancel-{step}"), lambda entry: entry.what == "returned", seconds=30
        )
    return answers


@pytest.mark.parametrize("step", PAID)
def test_a_cancel_ends_a_task_at_once_and_once(cancelled, step):
    first, second, task = cancelled[step]
    assert (first.status_code, second.status_code) == (200, 409)
    assert task["status"] == "cancelled"


@pytest.mark.parametrize("step", PAID)
def test_a_cancelled_task_says_whether_it_may_have_been_charged(cancelled, step):
    _, _, task = cancelled[step]
    assert task["error"]["maybe_charged"] is bool(PAID[step])


@pytest.mark.parametrize("step", PAID)
def test_a_cancelled_task_never_comes_back(cancelled, running, step):
    name = f"cancel-{step}"
    ended, now = cancelled[step][2], running.task(name)
    assert now | {"cost": ended["cost"]} == ended
    # Its cost may be settled since: its job has ended.
    assert now["cost"]["actual"] in (ended["cost"]["actual"], PAID[step] * float(PRICE_USD))
    assert running.paid(name) == PAID[step]
    assert task_id(name) not in running.videos()


@pytest.mark.parametrize("step", ["intended", "answered"])
def test_the_job_of_a_cancelled_task_is_noted_beside_it(cancelled, running, step):
    assert cancelled[step]
    (job,) = [each for each in running.relay()["jobs"] if each["key"] == f"cancel-{step}"]
    assert running.row(f"cancel-{step}")["late_upstream_ids"] == {"L": [{"S": job["id"]}]}
