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
from tests.support.ledgers import ledger_of, sums_of
from tests.support.pictures import png
from tests.support.simulation import OWNER, Simulation
from videoapi.aws.files import video_key
from videoapi.domain.endings import KEPT_BY_TOMBSTONE, KEPT_WHILE_PAID
from videoapi.domain.tasks import OPEN, Status
from videoapi.errors import Conflict, ServiceError

# From here on money may be spent, and nothing says yet whether it was.
UNKNOWN = {"begin_attempt written", "post", "posted", "accept"}
ENDED = frozenset(Status) - OPEN
TOMBSTONE = {*KEPT_BY_TOMBSTONE, *KEPT_WHILE_PAID, "status", "updated_at", "expires_at"}


def plain(**settings):
    sim = Simulation(**settings)
    sim.relay.takes = 9.0
    return sim


def copied(**settings):
    return plain(veo3_skip_upload=False, **settings)


def from_the_content_route(**settings):
    sim = plain(**settings)
    sim.relay.video = {}
    return sim


def refused_once(**settings):
    sim = plain(**settings)
    sim.relay.posts.append(httpx.Response(503, json={"error": {"message": "busy"}}))
    return sim


def failed_once(**settings):
    sim = plain(**settings)
    sim.relay.endings.append(failed("HIGH_TRAFFIC"))
    return sim


LIVES = [plain, copied, from_the_content_route, refused_once, failed_once]
every_life = pytest.mark.parametrize("life", LIVES)


def begin(life, **settings):
    sim = life(**settings)
    sim.files.objects["inputs/a.png"] = png(), "image/png"
    return sim, sim.submit(image_key="inputs/a.png", cost_reserved=250_000)


def steps_of(life):
    """Return what workers do in a life without trouble, each with its number among all events.

    Of what is done again and again, the first two times and the last.
    """
    sim, _ = begin(life)
    before = len(sim.events)
    sim.settle()
    steps = list(enumerate(sim.events))[before:]
    times, last = Counter(), {step: number for number, step in steps}
    for number, step in steps:
        times[step] += 1
        if times[step] <= 2 or last[step] == number:
            yield number, step


def runs(life, action, **settings):
    """Yield each step and a simulation in which `action(sim, task_id)` happens just there."""
    for number, step in steps_of(life):
        sim, task_id = begin(life, **settings)
        sim.at_event[number] = lambda sim=sim, task_id=task_id: action(sim, task_id)
        yield f"{step} ({number})", step, sim, task_id


def crash(_sim, _task_id):
    raise Crash


@every_life
def test_dead_worker_at_any_step_is_replaced_without_paying(life):
    """A worker that dies at any step is replaced and nothing is paid twice."""
    for where, step, sim, task_id in runs(life, crash):
        sim.settle()
        task = sim.task(task_id)
        if step in UNKNOWN or (step == "retry_submit" and life is refused_once):
            assert task.status is Status.FAILED, where
            assert task.error["code"] == "upstream_submit_unknown", where
            assert task.error["retryable"], where
            assert task.error["maybe_charged"], where
            assert len(sim.relay.paid(task_id)) <= 1, where
        else:
            assert task.status is Status.COMPLETED, where
            assert len(sim.relay.paid(task_id)) == 1, where


@every_life
def test_allowed_second_payment_always_ends_with_a_video(life):
    for where, _, sim, task_id in runs(life, crash, veo3_ambiguous_submit="retry"):
        sim.settle()
        task = sim.task(task_id)
        assert task.status is Status.COMPLETED, where
        assert len(sim.relay.paid(task_id)) <= 1 + task.unknown_submits, where


@every_life
@pytest.mark.parametrize("trouble", ["death", "lost answer"])
def test_ledger_is_the_sum_whatever_happens_at_any_step(life, trouble):
    """Whether a worker dies before or after its transactions, or does not hear of them."""

    def happen(_sim, _task_id):
        raise Crash if trouble == "death" else ServiceError("The answer was lost.")

    for where, _, sim, _ in runs(life, happen, video_price_usd=0.25):
        sim.settle()
        assert ledger_of(sim.store) == sums_of(sim.store), where


@every_life
def test_worker_dead_after_its_claim_is_replaced_in_a_minute(life):
    """A worker that dies after its first act is replaced within a minute."""

    def claims(sim):
        return [at for kind, _, at in sim.store.writes if kind == "claim"]

    def die(sim, task_id):
        sim.died = sim.clock(), len(claims(sim)), sim.task(task_id)
        crash(sim, task_id)

    for where, _, sim, _ in runs(life, die):
        sim.settle()
        died, claimed, task = sim.died
        if task.lease_owner and not task.ended:
            assert claims(sim)[claimed] - died <= 60, where


@every_life
def test_a_cancel_at_any_step_ends_the_task_for_good(life):
    def cancel(sim, task_id):
        sim.posts_before = len(sim.relay.jobs)
        sim.cancellation.cancel(task_id, OWNER)
        sim.cancelled = sim.task(task_id)

    for where, step, sim, task_id in runs(life, cancel):
        try:
            sim.settle()
        except Conflict:
            assert sim.task(task_id).status is Status.COMPLETED, where
            continue
        sim.idle(3600)
        task = sim.task(task_id)
        known = sim.cancelled.cost_actual
        assert known in (None, task.cost_actual), where
        learnt = replace(task, late_upstream_ids=[], job_ended_at=None, cost_actual=known)
        assert learnt == sim.cancelled, where
        assert task.status is Status.CANCELLED, where
        posting = step in UNKNOWN - {"posted", "accept"}
        assert len(sim.relay.jobs) <= sim.posts_before + posting, where
        known = {task.upstream_id, *task.late_upstream_ids}
        assert {job.upstream_id for job in sim.relay.paid(task_id)} <= known, where
        assert task.maybe_charged or not sim.relay.paid(task_id), where
        assert video_key(OWNER, task_id) not in sim.files.objects, where


@every_life
def test_a_delete_at_any_step_leaves_a_tombstone_and_no_video(life):
    def delete(sim, task_id):
        sim.posts_before = len(sim.relay.jobs)
        sim.cancellation.delete(task_id, OWNER)

    for where, step, sim, task_id in runs(life, delete):
        sim.settle()
        sim.idle(3600)
        row = sim.store.rows[task_id]
        assert row["status"] is Status.DELETED, where
        assert row.keys() <= TOMBSTONE, where
        posting = step in UNKNOWN - {"posted", "accept"}
        assert len(sim.relay.jobs) <= sim.posts_before + posting, where
        assert video_key(OWNER, task_id) not in sim.files.objects, where


@every_life
@pytest.mark.parametrize("policy", ["fail", "retry"])
def test_stalled_worker_that_wakes_after_the_end_harms_nothing(life, policy):
    """A worker that stalls at any step and wakes up after the end harms nothing."""

    def stall(sim, _task_id):
        with sim.clock.frozen():
            sim.settle()

    for where, _, sim, task_id in runs(life, stall, veo3_ambiguous_submit=policy):
        sim.settle()
        task = sim.task(task_id)
        assert task.ended, where
        assert len(sim.relay.paid(task_id)) <= 1 + task.unknown_submits, where
        known = {task.upstream_id, *task.late_upstream_ids}
        assert {job.upstream_id for job in sim.relay.paid(task_id)} <= known, where
        assert_one_end(sim, task_id, where)


@every_life
def test_stalled_worker_harms_no_other_that_has_begun(life):
    """A worker that stalls at any step while another has only begun harms nothing."""

    def stall(sim, _task_id):
        with sim.clock.frozen():
            sim.clock.advance(43)
            sim.at_event["look"] = lambda: crash(sim, _task_id)
            sim.work()

    for where, _, sim, task_id in runs(life, stall):
        sim.settle()
        assert sim.task(task_id).ended, where
        assert len(sim.relay.paid(task_id)) <= 1, where
        assert_one_end(sim, task_id, where)


@every_life
@pytest.mark.parametrize("calls", [1, 3])
def test_table_outage_costs_time_alone(life, calls):
    """A table that is away for some calls costs nothing but time."""

    def away(sim, _task_id):
        sim.store.away = calls

    for where, _, sim, task_id in runs(life, away):
        sim.settle()
        assert sim.task(task_id).status is Status.COMPLETED, where
        assert len(sim.relay.paid(task_id)) == 1, where


@pytest.mark.parametrize(
    ("life", "service"),
    [(refused_once, "queue"), (failed_once, "queue"), (plain, "files"), (copied, "files")],
)
def test_queue_or_bucket_outage_costs_time_alone(life, service):
    """A queue or bucket that is away for some calls costs nothing but time."""

    def away(sim, _task_id):
        getattr(sim, service).away = 3

    for where, _, sim, task_id in runs(life, away):
        sim.settle()
        assert sim.task(task_id).status is Status.COMPLETED, where
        assert len(sim.relay.paid(task_id)) == 1, where


def assert_one_end(sim, task_id, where):
    """Once ended, a task's status, result, error and progress never change."""
    ends = [row for row in sim.store.history[task_id] if row["status"] in ENDED]
    seen = {(row["status"], str(row.get("result")), str(row.get("error"))) for row in ends}
    assert len(seen) == 1, where
    progress = [row["progress"] for row in sim.store.history[task_id]]
    assert progress == sorted(progress), where
