"""What a task has cost is written with its end, or when its job is seen to end after that."""

from dataclasses import replace

import httpx
import pytest

from tests.support.fake_relay import failed
from tests.support.simulation import OWNER, Simulation
from videoapi.aws.task_items import task_of
from videoapi.domain.tasks import GenerationRequest, Status
from videoapi.metrics import Metrics
from videoapi.providers.provider import JobState
from videoapi.worker.cancelled_jobs import CancelledJobs

PRICE = 250_000
TOKENS = {"video_tokens": 46_336, "input_tokens": 20}
BILLED = 46_336 * 12 + 30
OMNI, VEO = "gemini:gemini-omni-1.2-flash", "vertex:veo-3.1-generate-001"
REQUEST = GenerationRequest(model="veo_3_1", seconds=8, size="1280x720")


class Counting:
    """A fake's provider that tells tokens of jobs that are done, or of its downloads alone."""

    def __init__(self, inner, *, late=False):
        self._inner, self._late = inner, late

    def __getattr__(self, name):
        return getattr(self._inner, name)

    def poll(self, job_id):
        job = self._inner.poll(job_id)
        ended = job.state is not JobState.RUNNING and not self._late
        return replace(job, usage=TOKENS) if ended else job

    def download(self, job_id, into, *, seconds=None):
        return replace(self._inner.download(job_id, into, seconds=seconds), usage=TOKENS)


def omni(**how):
    sim = Simulation(OMNI)
    sim.providers["gemini"] = Counting(sim.providers["gemini"], **how)
    return sim


def spent(sim):
    return [value for name, value, _ in sim.measured if name == "SpendUsd"]


def test_relays_video_costs_its_price():
    sim = Simulation(video_price_usd=0.25)
    assert sim.run().cost_actual == PRICE
    assert spent(sim) == [0.25]


def test_cost_is_not_known_without_a_price():
    sim = Simulation()
    assert sim.run().cost_actual is None
    assert spent(sim) == []


def test_veos_video_costs_what_the_table_says():
    assert Simulation(VEO).run(request=REQUEST).cost_actual == 3_200_000


def test_tokens_that_a_look_tells_are_charged():
    assert omni().run(request=REQUEST).cost_actual == BILLED


def test_tokens_that_the_download_tells_are_charged():
    sim = omni(late=True)
    sim.relays["gemini"].video = {}
    assert sim.run(request=REQUEST).cost_actual == BILLED


def test_tokens_of_a_job_that_failed_are_charged():
    sim = omni()
    sim.relays["gemini"].endings.append(failed("unsafe_generation"))
    task = sim.run(request=REQUEST)
    assert (task.status, task.cost_actual) == (Status.FAILED, BILLED)


def test_failed_job_costs_nothing_and_the_one_after_it_its_price():
    sim = Simulation(video_price_usd=0.25)
    sim.relay.endings.append(failed("HIGH_TRAFFIC"))
    assert sim.run().cost_actual == PRICE
    sim.relay.endings.append(failed("unsafe_generation"))
    assert sim.run().cost_actual == 0


def test_lost_order_leaves_the_cost_unknown():
    sim = Simulation(video_price_usd=0.25)
    sim.relay.posts.append(httpx.ReadTimeout("no answer"))
    assert sim.run().cost_actual is None


def test_video_that_could_not_be_fetched_costs_its_price():
    sim = Simulation(video_price_usd=0.25, video_task_timeout=60, veo3_skip_upload=False)
    sim.relay.video = {"video_url": None}
    sim.relay.contents.extend([_busy] * 200)
    task = sim.run()
    assert (task.error["code"], task.cost_actual) == ("video_download_failed", PRICE)


@pytest.mark.parametrize("end", ["cancel", "delete"])
@pytest.mark.parametrize("route", ["relay:veo_3_1", VEO])
def test_job_that_ends_after_its_task_is_settled_then(end, route):
    sim = Simulation(route, video_price_usd=0.25)
    task_id = sim.submit(request=REQUEST, cost_reserved=9_000_000)
    sim.at_event["look"] = lambda: getattr(sim.cancellation, end)(task_id, OWNER)
    sim.work()
    price = PRICE if route.startswith("relay") else 3_200_000
    assert sim.store.rows[task_id]["cost_actual"] == price
    assert spent(sim) == [price / 1_000_000]
    (ledger,) = sim.store.ledger.values()
    assert (ledger["committed"], ledger["spent"]) == (price, price)


def test_job_that_fails_after_its_task_costs_nothing():
    sim = Simulation(video_price_usd=0.25)
    sim.relay.endings.append(failed("unsafe_generation"))
    task_id = sim.submit()
    sim.at_event["look"] = lambda: sim.cancellation.cancel(task_id, OWNER)
    sim.work()
    assert sim.task(task_id).cost_actual == 0
    assert spent(sim) == []


@pytest.mark.parametrize("known", [True, False])
def test_cancelled_job_that_had_said_done_is_asked_once(known):
    sim = Simulation(video_price_usd=0.25, veo3_skip_upload=False)
    task_id = sim.submit()

    def cancel():
        sim.cancellation.cancel(task_id, OWNER)
        sim.relay.looks.extend([] if known else [_busy])

    sim.at_event["download"] = cancel
    sim.work()
    looks = len(sim.relay.polls)
    task = sim.task(task_id)
    assert task.done_at
    assert task.cost_actual == (PRICE if known else None)
    sim.idle(300)
    assert len(sim.relay.polls) == looks


@pytest.mark.parametrize("end", ["cancel", "delete"])
def test_order_refused_after_its_task_ended_costs_nothing(end):
    sim = Simulation(video_price_usd=0.25)
    sim.relay.posts.append(_busy)
    task_id = sim.submit(cost_reserved=PRICE)
    sim.at_event["posted"] = lambda: getattr(sim.cancellation, end)(task_id, OWNER)
    sim.work()
    assert sim.store.rows[task_id]["cost_actual"] == 0
    (ledger,) = sim.store.ledger.values()
    assert ledger["committed"] == 0


def test_tombstone_says_nothing_of_what_a_job_costs_by_the_table():
    """Only the worker that held the task still knows what was asked for."""
    sim = Simulation(VEO)
    task_id = sim.submit(request=REQUEST)
    sim.at_event["look"] = lambda: sim.cancellation.delete(task_id, OWNER)
    sim.work()
    row = sim.store.rows[task_id] | {"cost_actual": None, "job_ended_at": None}
    tools = sim.clock, sim.log, Metrics(sim.emit)
    jobs = CancelledJobs(sim.store, sim.routing, *tools, relay_price_micros=0)
    jobs.see_off(task_of(row), sim.message(task_id), sim.clock.advance)
    assert spent(sim) == [3.2], "as its holder has told"


def _busy(_request):
    return httpx.Response(503)


def test_length_that_its_model_decided_is_counted():
    """The ledger's seconds are those that were made, not only those that were asked for."""
    sim = Simulation(OMNI)
    sim.submit(request=GenerationRequest(model="veo_3_1", size="1280x720"))
    sim.settle()
    assert [item["seconds"] for item in sim.store.ledger.values()] == [10]
