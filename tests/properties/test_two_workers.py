"""Two workers on one task: one stalls after any step, and wakes up after any of the other's."""

import httpx
import pytest

from tests.support.fake_relay import failed
from tests.support.stepping import SteppingSimulation
from videoapi.domain.tasks import Status


def life(*, policy="fail", posts=(), endings=()):
    sim = SteppingSimulation(veo3_skip_upload=False, veo3_ambiguous_submit=policy)
    sim.relay.takes = 1.0
    sim.relay.posts.extend(posts)
    sim.relay.endings.extend(endings)
    return sim


LIVES = {
    "good": {},
    "refused": {"posts": [httpx.Response(503, json={})]},
    "failed": {"endings": [failed("HIGH_TRAFFIC")]},
}


def move(sim, worker, steps):
    """Take at most so many steps; return how many there were."""
    for taken in range(steps):
        if worker is None or worker.done:
            return taken
        sim.move(worker)
    return steps


@pytest.mark.parametrize(
    ("trouble", "policy"),
    [
        ("good", "fail"),
        *(
            pytest.param(*life, marks=pytest.mark.slow)
            for life in (("refused", "fail"), ("failed", "fail"), ("good", "retry"))
        ),
    ],
)
def test_overlapping_workers_lose_no_payment(trouble, policy):
    """However two workers overlap every payment is known and the task ends once."""
    longest = move(sim := life(), (sim.submit(), sim.begin())[1], 1000)
    for first_steps in range(1, longest):
        for second_steps in range(longest):
            sim = life(policy=policy, **LIVES[trouble])
            task_id = sim.submit()
            first = sim.begin()
            move(sim, first, first_steps)
            first.stalled = True
            sim.clock.advance(43)
            second = sim.begin()
            if move(sim, second, second_steps) < second_steps:
                break
            first.stalled = False
            move(sim, first, 1000)
            move(sim, second, 1000)
            sim.settle()
            check(sim, task_id, f"{first_steps} steps, then {second_steps}")


def check(sim, task_id, where):
    task = sim.task(task_id)
    paid = sim.relay.paid(task_id)
    assert len(paid) <= 1 + task.unknown_submits, where
    assert {job.upstream_id for job in paid} <= {task.upstream_id, *task.late_upstream_ids}, where
    if task.status is not Status.COMPLETED:
        assert task.error["code"] == "upstream_submit_unknown", where
    rows = sim.store.history[task_id]
    ends = [row for row in rows if row["status"] is task.status]
    assert len({str((row.get("result"), row.get("error"))) for row in ends}) == 1, where
