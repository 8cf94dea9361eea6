"""A paid job whose task was given up is stopped where its provider can; nothing fails with that."""

import pytest

from tests.support.fakes import Crash
from tests.support.simulation import OWNER, Simulation
from videoapi.errors import ServiceError
from videoapi.providers.errors import JobMissing, PollFailed
from videoapi.providers.provider import CancellableProvider, Job, JobState

ROUTES = "veo_3_1=gemini:gemini-omni-1.2-flash"


class Stoppable:
    """The relay's fake as a provider that stops jobs; `trouble` is raised instead of an answer."""

    def __init__(self, sim):
        self._sim, self._relay = sim, sim.providers["relay"]
        self.asked = []  # (job, instant)
        self.trouble = None

    def __getattr__(self, name):
        return getattr(self._relay, name)

    address = "https://relay.example.com/v1/videos"

    def prepare(self):
        self._relay.prepare()

    def submit(self, order):
        return self._relay.submit(order)

    def poll(self, job_id):
        return self._relay.poll(job_id)

    def download(self, job_id, into, *, seconds=None):
        return self._relay.download(job_id, into, seconds=seconds)

    def owns(self, url):
        return self._relay.owns(url)

    def cancel(self, job_id):
        self.asked.append((job_id, self._sim.clock()))
        if self.trouble is not None:
            raise self.trouble
        (job,) = (each for each in self._sim.relay.jobs if each.upstream_id == job_id)
        job.until, job.ending = self._sim.clock(), {"status": "cancelled"}
        return self._sim.providers["gemini"].poll(job_id)


class Asked(Stoppable):
    """It takes note of the wish; the job ends somewhat later."""

    def cancel(self, job_id):
        super().cancel(job_id)
        self._sim.relay.jobs[-1].until = self._sim.clock() + 5
        return Job(state=JobState.RUNNING)


def deployment(kind=Stoppable):
    """Return a deployment whose provider stops jobs, and that provider."""
    sim = Simulation(video_providers=("relay", "gemini"), video_routes=ROUTES)
    sim.providers["gemini"] = kind(sim)
    sim.relay.takes = 250.0
    return sim, sim.providers["gemini"]


def test_the_fake_is_such_a_provider():
    sim, provider = deployment()
    assert isinstance(provider, CancellableProvider)
    assert not isinstance(sim.providers["relay"], CancellableProvider)


@pytest.mark.parametrize("end", ["cancel", "delete"])
def test_holder_stops_the_job_of_a_cancelled_task(end):
    """Its slot is free at once, and the message that follows finds nothing to do."""
    sim, provider = deployment()
    task_id = sim.submit()
    sim.at_event["look"] = lambda: getattr(sim.cancellation, end)(task_id, OWNER)
    sim.work()
    cancelled = sim.clock()
    assert cancelled < sim.relay.jobs[0].since + 20
    assert sim.store.rows[task_id]["job_ended_at"]
    sim.idle(300)
    assert [job for job, _ in provider.asked] == ["video:1"]
    assert not sim.queue.letters


def test_slot_is_kept_until_a_stopped_job_has_ended():
    sim, provider = deployment(Asked)
    task_id = sim.submit()
    sim.at_event["look"] = lambda: sim.cancellation.cancel(task_id, OWNER)
    sim.work()
    ((_, asked_at),) = provider.asked
    assert asked_at + 5 <= sim.clock() <= asked_at + 15
    task = sim.task(task_id)
    assert task.cancel_asked_at <= task.job_ended_at


def test_job_whose_id_comes_after_the_cancel_is_stopped():
    sim, provider = deployment()
    task_id = sim.submit()
    sim.at_event["posted"] = lambda: sim.cancellation.cancel(task_id, OWNER)
    sim.work()
    assert sim.task(task_id).late_upstream_ids == ["video:1"]
    assert [job for job, _ in provider.asked] == ["video:1"]


@pytest.mark.parametrize("end", ["cancel", "delete"])
def test_another_worker_stops_the_job_of_a_dead_one(end):
    """The message that the cancel sent wakes it, once the lease has run out."""
    sim, provider = deployment()
    task_id = sim.submit()
    sim.at_event["look"] = dies
    sim.work()
    getattr(sim.cancellation, end)(task_id, OWNER)
    assert provider.asked == []
    sim.idle(180)
    ((job_id, asked_at),) = provider.asked
    assert job_id == "video:1"
    assert asked_at <= sim.relay.jobs[0].since + 60 + sim.settings.lease_seconds
    assert sim.store.rows[task_id]["job_ended_at"]


def dies():
    raise Crash


@pytest.mark.parametrize(
    "trouble",
    [PollFailed("503"), JobMissing(), ServiceError("The secret is away."), KeyError("x")],
    ids=lambda each: type(each).__name__,
)
def test_job_that_cannot_be_stopped_is_waited_for(trouble):
    sim, provider = deployment()
    provider.trouble = trouble
    task_id = sim.submit()
    sim.at_event["look"] = lambda: sim.cancellation.cancel(task_id, OWNER)
    sim.work()
    assert len(provider.asked) == 1
    assert sim.relay.jobs[0].until <= sim.clock() <= sim.relay.jobs[0].until + 10
    assert sim.task(task_id).job_ended_at is not None
    assert "the provider was asked in vain to stop a job" in [line[1] for line in sim.log.lines]


def test_task_that_waits_costs_nothing_and_stops_nothing():
    sim, provider = deployment()
    task_id = sim.submit()
    sim.cancellation.cancel(task_id, OWNER)
    sim.idle(180)
    assert (sim.relay.orders, provider.asked, sim.queue.letters) == ([], [], [])
    assert len(sim.queue.sent) == 1, "no message more for it"


def test_relay_is_not_asked_and_no_worker_woken():
    sim = Simulation()
    task_id = sim.submit()
    sim.at_event["look"] = lambda: sim.cancellation.cancel(task_id, OWNER)
    sim.work()
    assert len(sim.queue.sent) == 1
    assert sim.task(task_id).cancel_asked_at is None


def test_cancel_is_answered_while_the_queue_is_away():
    sim, provider = deployment()
    task_id = sim.submit()

    def cancel():
        sim.queue.away = 1
        sim.cancellation.cancel(task_id, OWNER)

    sim.at_event["look"] = cancel
    sim.work()
    assert len(provider.asked) == 1


@pytest.mark.parametrize("model", [None, "gemini-of-another-day"])
def test_model_that_no_table_knows_wakes_nobody(model):
    sim, _ = deployment()
    task_id = sim.submit()
    sim.at_event["look"] = dies
    sim.work()
    sim.store.rows[task_id]["upstream_model"] = model
    sent = len(sim.queue.sent)
    sim.cancellation.cancel(task_id, OWNER)
    assert len(sim.queue.sent) == sent


def test_finished_job_is_not_stopped():
    sim, provider = deployment()
    task_id = sim.submit()
    sim.relay.takes = 5.0
    sim.at_event["note done written"] = lambda: sim.cancellation.cancel(task_id, OWNER)
    sim.work()
    assert sim.task(task_id).status == "cancelled"
    assert provider.asked == []
    assert sim.task(task_id).done_at
