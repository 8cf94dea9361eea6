"""Two workers on one task: one stalls after any step, and wakes up after any of the other's."""

import httpx
import pytest

from tests.support.fake_relay import failed
from tests.support.stepping import SteppingWorld
from videoapi.domain.tasks import Status


def life(*, policy="fail", posts=(), endings=()):
    world = SteppingWorld(veo3_skip_upload=False, veo3_ambiguous_submit=policy)
    world.relay.takes = 1.0
    world.relay.posts.extend(posts)
    world.relay.endings.extend(endings)
    return world


LIVES = {
    "good": {},
    "refused": {"posts": [httpx.Response(503, json={})]},
    "failed": {"endings": [failed("HIGH_TRAFFIC")]},
}


def move(world, worker, steps):
    """Take at most so many steps; return how many there were."""
    for taken in range(steps):
        if worker is None or worker.done:
            return taken
        world.move(worker)
    return steps


@pytest.mark.parametrize(
    ("trouble", "policy"),
    [("good", "fail"), ("refused", "fail"), ("failed", "fail"), ("good", "retry")],
)
def test_however_two_workers_overlap_every_payment_is_known_and_the_task_ends_once(trouble, policy):
    longest = move(world := life(), (world.submit(), world.begin())[1], 1000)
    for first_steps in range(1, longest):
        for second_steps in range(longest):
            world = life(policy=policy, **LIVES[trouble])
            task_id = world.submit()
            first = world.begin()
            move(world, first, first_steps)
            first.stalled = True
            world.clock.advance(43)
            second = world.begin()
            if move(world, second, second_steps) < second_steps:
                break
            first.stalled = False
            move(world, first, 1000)
            move(world, second, 1000)
            world.settle()
            check(world, task_id, f"{first_steps} steps, then {second_steps}")


def check(world, task_id, where):
    task = world.task(task_id)
    paid = world.relay.paid(task_id)
    assert len(paid) <= 1 + task.unknown_submits, where
    assert {job.upstream_id for job in paid} <= {task.upstream_id, *task.late_upstream_ids}, where
    if task.status is not Status.COMPLETED:
        assert task.error["code"] == "upstream_submit_unknown", where
    rows = world.store.history[task_id]
    ends = [row for row in rows if row["status"] is task.status]
    assert len({str((row.get("result"), row.get("error"))) for row in ends}) == 1, where
