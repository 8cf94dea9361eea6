"""What workers note for those who wait, and what callers then read."""

import pytest

from tests.support.fake_relay import failed
from tests.support.fakes import START, FakeForecasts
from tests.support.simulation import FakeLog, Simulation
from tests.support.task_factory import new_task
from videoapi.domain.forecast import eta_seconds, kind_of, milliseconds, progress_of
from videoapi.domain.timestamps import timestamp
from videoapi.worker.forecasting import LOOK_SECONDS, MAX_WAITING, Forecasting


class Queue:
    """The open tasks without a job, as (due, id)."""

    def __init__(self, number=0):
        self.tasks = [(timestamp(START + n), f"vid_{n}") for n in range(number)]

    def unpaid(self):
        return iter(self.tasks)


class Bench:
    """One worker's notes in made-up time."""

    def __init__(self, number=0):
        self.store, self.queue, self.log, self.now = (
            FakeForecasts(),
            Queue(number),
            FakeLog(),
            START,
        )
        self.notes = Forecasting(self.store, self.queue, 2, lambda: self.now, self.log)

    def claim(self, task_id="vid_mine"):
        return self.notes.start(new_task(task_id=task_id, claimed_at=timestamp(self.now)))

    def look_later(self):
        self.now += LOOK_SECONDS
        self.notes.look()

    @property
    def lengths(self):
        return [len(waiting) for waiting in self.store.looks]


def test_a_look_tells_who_waits_in_which_order():
    bench = Bench(3)
    bench.claim("vid_1")
    bench.notes.look()
    assert bench.store.looks == [[milliseconds(bench.queue.tasks[n][0]) for n in (0, 2)]]
    assert (bench.store.forecast.seen_at, bench.store.forecast.slots) == (START, 2)


def test_looks_are_ten_seconds_apart():
    bench = Bench(3)
    bench.claim()
    for _ in range(2 * int(LOOK_SECONDS) + 1):
        bench.notes.look()
        bench.now += 1
        bench.queue.tasks.pop(0) if bench.queue.tasks else None
    assert len(bench.store.looks) == 2, "3 before the first second, none after 10 s, none again"


def test_an_unchanged_queue_is_noted_once_in_half_a_minute():
    bench = Bench(3)
    bench.claim()
    bench.notes.look()
    for _ in range(6):
        bench.look_later()
    assert bench.lengths == [3, 3, 3]


def test_an_empty_queue_is_not_noted():
    bench = Bench()
    bench.claim()
    for _ in range(6):
        bench.look_later()
    assert bench.store.looks == []


def test_only_so_many_are_noted():
    bench = Bench(MAX_WAITING + 9)
    bench.claim("vid_0")
    bench.notes.look()
    assert bench.lengths == [MAX_WAITING]


def test_whoever_claimed_last_looks():
    bench = Bench(3)
    bench.claim()
    bench.now += 1
    bench.store.start(new_task(task_id="vid_other", claimed_at=timestamp(bench.now)))
    for number in range(3):
        bench.queue.tasks.append((timestamp(START + 60), f"vid_new_{number}"))
        bench.look_later()
    assert bench.lengths == [4], "it has learnt of the other by its own look"


def test_dynamodb_away_ends_the_notes_and_nothing_else():
    bench = Bench(3)
    bench.claim()
    bench.store.away = True
    bench.notes.look()
    bench.store.away = False
    bench.look_later()
    assert bench.store.looks == []
    assert [level for level, _, _ in bench.log.lines] == ["warning"]


def test_a_worker_without_a_forecast_looks_at_nothing():
    bench = Bench(3)
    bench.store.away = True
    assert bench.claim() is None
    bench.store.away = False
    bench.look_later()
    assert bench.store.looks == []


def test_a_finished_job_is_the_next_ones_expectation():
    sim = Simulation()
    sim.relay.takes = 40
    first, second = sim.run(), sim.run()
    assert first.expected_seconds is None
    assert second.expected_seconds == pytest.approx(40, abs=3)
    assert len(sim.forecasts.forecast.durations[kind_of(first.request)]) == 2


def test_a_video_is_made_while_the_forecast_is_away():
    sim = Simulation()
    sim.forecasts.away = True
    task = sim.run()
    assert task.status == "completed"
    assert task.expected_seconds is None


def test_those_who_wait_know_their_place_and_their_end():
    sim = Simulation(video_max_concurrent=1)
    sim.relay.takes = 40
    sim.run()
    running, *waiting = [submit_a_second_later(sim) for _ in range(3)]
    read = []

    def look():
        for task_id in waiting:
            task, now = sim.task(task_id), sim.clock()
            forecast = sim.forecasts.forecast
            ends = eta_seconds(task, now=now, forecast=forecast)
            read.append((forecast.position(task, now=now), ends))

    sim.at_event["renew"] = look
    sim.work()
    assert sim.task(running).status == "completed"
    (first, first_ends), (second, second_ends) = read
    assert (first, second) == (0, 1)
    assert (first_ends, second_ends) == (pytest.approx(74, abs=4), pytest.approx(114, abs=4))


@pytest.mark.parametrize("silent_seconds", [0, 20, 1000])
@pytest.mark.parametrize("endings", [[], [failed("HIGH_TRAFFIC")]], ids=["once", "twice"])
def test_progress_follows_the_provider_or_an_estimate(silent_seconds, endings):
    """A provider may tell none, or none at first; whatever is read never goes back."""
    sim = Simulation()
    sim.relay.takes, sim.relay.silent_seconds = 40, silent_seconds
    sim.relay.endings.extend(endings)
    sources, percents = read_each_second(sim, sim.submit())
    assert percents == sorted(percents)
    assert (
        set(sources)
        == {
            0: {None, "provider"},
            20: {None, "estimate", "provider"},
            1000: {None, "estimate"},
        }[silent_seconds]
    )
    least = 60 if silent_seconds == 1000 else 85  # of the usual 60 s, of which it took 40
    assert least <= percents[-1] <= 99


def read_each_second(sim, task_id):
    """Let a task end; return who told the progress, and the progress, as they were read."""
    advance, sources, percents = sim.clock.advance, [], []

    def tick(seconds):
        advance(seconds)
        task = sim.task(task_id)
        if not task.ended:
            sources.append(task.progress_source)
            percents.append(progress_of(task, now=sim.clock()))

    sim.clock.advance = tick
    sim.settle()
    return sources, percents


def submit_a_second_later(sim):
    sim.clock.advance(1)
    return sim.submit()


def test_silent_jobs_are_polled_by_the_usual_time():
    sim = Simulation()
    sim.relay.takes, sim.relay.silent_seconds = 60, 1000
    sim.run()
    blind = len(sim.relay.polls)
    sim.run()
    assert len(sim.relay.polls) - blind <= 0.75 * blind
