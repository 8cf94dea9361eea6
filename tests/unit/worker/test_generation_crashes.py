"""Whatever happens between two steps of a worker, nobody pays twice and no task is lost.

Each test lets a life go well once to learn its steps, and then lives it again for each of them,
with something happening just there.
"""

from collections import Counter
from dataclasses import replace

import httpx
import pytest

from tests.support.fake_relay import failed
from tests.support.fakes import Crash
from tests.support.pictures import png
from tests.support.simulation import OWNER, World
from videoapi.aws.files import video_key
from videoapi.domain.tasks import OPEN, Status
from videoapi.domain.transitions import KEPT_BY_TOMBSTONE, KEPT_WHILE_PAID
from videoapi.errors import Conflict

# From here on money may be spent, and nothing says yet whether it was.
UNKNOWN = {"begin_attempt written", "post", "posted", "accept"}
ENDED = frozenset(Status) - OPEN
TOMBSTONE = {*KEPT_BY_TOMBSTONE, *KEPT_WHILE_PAID, "status", "updated_at", "expires_at"}


def plain(**settings):
    world = World(**settings)
    world.relay.takes = 9.0
    return world


def copied(**settings):
    return plain(veo3_skip_upload=False, **settings)


def from_the_content_route(**settings):
    world = plain(**settings)
    world.relay.video = {}
    return world


def refused_once(**settings):
    world = plain(**settings)
    world.relay.posts.append(httpx.Response(503, json={"error": {"message": "busy"}}))
    return world


def failed_once(**settings):
    world = plain(**settings)
    world.relay.endings.append(failed("HIGH_TRAFFIC"))
    return world


LIVES = [plain, copied, from_the_content_route, refused_once, failed_once]
every_life = pytest.mark.parametrize("life", LIVES)


def begin(life, **settings):
    world = life(**settings)
    world.files.objects["inputs/a.png"] = png(), "image/png"
    return world, world.submit(image_key="inputs/a.png")


def steps_of(life):
    """Return what workers do in a life without trouble, each with its number among all events.

    Of what is done again and again, the first two times and the last.
    """
    world, _ = begin(life)
    before = len(world.events)
    world.settle()
    steps = list(enumerate(world.events))[before:]
    times, last = Counter(), {step: number for number, step in steps}
    for number, step in steps:
        times[step] += 1
        if times[step] <= 2 or last[step] == number:
            yield number, step


def lives(life, action, **settings):
    """Yield each step and a world in which `action(world, task_id)` happens just there."""
    for number, step in steps_of(life):
        world, task_id = begin(life, **settings)
        world.at_event[number] = lambda world=world, task_id=task_id: action(world, task_id)
        yield f"{step} ({number})", step, world, task_id


def crash(_world, _task_id):
    raise Crash


@every_life
def test_a_worker_that_dies_at_any_step_is_replaced_and_nothing_is_paid_twice(life):
    for where, step, world, task_id in lives(life, crash):
        world.settle()
        task = world.task(task_id)
        if step in UNKNOWN or (step == "retry_submit" and life is refused_once):
            assert task.status is Status.FAILED, where
            assert task.error["code"] == "upstream_submit_unknown", where
            assert task.error["retryable"], where
            assert task.error["maybe_charged"], where
            assert len(world.relay.paid(task_id)) <= 1, where
        else:
            assert task.status is Status.COMPLETED, where
            assert len(world.relay.paid(task_id)) == 1, where


@every_life
def test_where_a_second_payment_is_allowed_every_life_ends_with_a_video(life):
    for where, _, world, task_id in lives(life, crash, veo3_ambiguous_submit="retry"):
        world.settle()
        task = world.task(task_id)
        assert task.status is Status.COMPLETED, where
        assert len(world.relay.paid(task_id)) <= 1 + task.unknown_submits, where


@every_life
def test_a_worker_that_dies_after_its_first_act_is_replaced_within_a_minute(life):
    def claims(world):
        return [at for kind, _, at in world.store.writes if kind == "claim"]

    def die(world, task_id):
        world.died = world.clock(), len(claims(world)), world.task(task_id)
        crash(world, task_id)

    for where, _, world, _ in lives(life, die):
        world.settle()
        died, claimed, task = world.died
        if task.lease_owner and not task.ended:
            assert claims(world)[claimed] - died <= 60, where


@every_life
def test_a_cancel_at_any_step_ends_the_task_for_good(life):
    def cancel(world, task_id):
        world.posts_before = len(world.relay.jobs)
        world.cancellation.cancel(task_id, OWNER)
        world.cancelled = world.task(task_id)

    for where, step, world, task_id in lives(life, cancel):
        try:
            world.settle()
        except Conflict:
            assert world.task(task_id).status is Status.COMPLETED, where
            continue
        world.idle(3600)
        task = world.task(task_id)
        learnt = replace(task, late_upstream_ids=[], job_ended_at=None)
        assert learnt == world.cancelled, where
        assert task.status is Status.CANCELLED, where
        posting = step in UNKNOWN - {"posted", "accept"}
        assert len(world.relay.jobs) <= world.posts_before + posting, where
        known = {task.upstream_id, *task.late_upstream_ids}
        assert {job.upstream_id for job in world.relay.paid(task_id)} <= known, where
        assert task.maybe_charged or not world.relay.paid(task_id), where
        assert video_key(OWNER, task_id) not in world.files.objects, where


@every_life
def test_a_delete_at_any_step_leaves_a_tombstone_and_no_video(life):
    def delete(world, task_id):
        world.posts_before = len(world.relay.jobs)
        world.cancellation.delete(task_id, OWNER)

    for where, step, world, task_id in lives(life, delete):
        world.settle()
        world.idle(3600)
        row = world.store.rows[task_id]
        assert row["status"] is Status.DELETED, where
        assert row.keys() <= TOMBSTONE, where
        posting = step in UNKNOWN - {"posted", "accept"}
        assert len(world.relay.jobs) <= world.posts_before + posting, where
        assert video_key(OWNER, task_id) not in world.files.objects, where


@every_life
@pytest.mark.parametrize("policy", ["fail", "retry"])
def test_a_worker_that_stalls_at_any_step_and_wakes_up_after_the_end_harms_nothing(life, policy):
    def stall(world, _task_id):
        with world.clock.frozen():
            world.settle()

    for where, _, world, task_id in lives(life, stall, veo3_ambiguous_submit=policy):
        world.settle()
        task = world.task(task_id)
        assert task.ended, where
        assert len(world.relay.paid(task_id)) <= 1 + task.unknown_submits, where
        known = {task.upstream_id, *task.late_upstream_ids}
        assert {job.upstream_id for job in world.relay.paid(task_id)} <= known, where
        assert_one_end(world, task_id, where)


@every_life
def test_a_worker_that_stalls_at_any_step_while_another_has_only_begun_harms_nothing(life):
    def stall(world, _task_id):
        with world.clock.frozen():
            world.clock.advance(43)
            world.at_event["look"] = lambda: crash(world, _task_id)
            world.work()

    for where, _, world, task_id in lives(life, stall):
        world.settle()
        assert world.task(task_id).ended, where
        assert len(world.relay.paid(task_id)) <= 1, where
        assert_one_end(world, task_id, where)


@every_life
@pytest.mark.parametrize("calls", [1, 3])
def test_a_table_that_is_away_for_some_calls_costs_nothing_but_time(life, calls):
    def away(world, _task_id):
        world.store.away = calls

    for where, _, world, task_id in lives(life, away):
        world.settle()
        assert world.task(task_id).status is Status.COMPLETED, where
        assert len(world.relay.paid(task_id)) == 1, where


@pytest.mark.parametrize(
    ("life", "service"),
    [(refused_once, "queue"), (failed_once, "queue"), (plain, "files"), (copied, "files")],
)
def test_a_queue_or_bucket_that_is_away_for_some_calls_costs_nothing_but_time(life, service):
    def away(world, _task_id):
        getattr(world, service).away = 3

    for where, _, world, task_id in lives(life, away):
        world.settle()
        assert world.task(task_id).status is Status.COMPLETED, where
        assert len(world.relay.paid(task_id)) == 1, where


def assert_one_end(world, task_id, where):
    """Once ended, a task's status, result, error and progress never change."""
    ends = [row for row in world.store.history[task_id] if row["status"] in ENDED]
    seen = {(row["status"], str(row.get("result")), str(row.get("error"))) for row in ends}
    assert len(seen) == 1, where
    progress = [row["progress"] for row in world.store.history[task_id]]
    assert progress == sorted(progress), where
