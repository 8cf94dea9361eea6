"""The forecast, in DynamoDB."""

import pytest

from tests.support.task_factory import new_task
from videoapi.aws import forecasts
from videoapi.aws.forecasts import CachedForecast, ForecastStore
from videoapi.domain.forecast import Forecast, kind_of
from videoapi.domain.tasks import GenerationRequest, Status
from videoapi.domain.timestamps import timestamp
from videoapi.errors import ServiceError

NOW = 1_768_127_400.0


@pytest.fixture
def store(services):
    return ForecastStore(services.store)


def claimed(number=0, at=NOW):
    return new_task(task_id=f"vid_{number:026}", claimed_at=timestamp(at))


def of(model):
    return new_task(request=GenerationRequest(model=model))


def test_nothing_is_known_at_first(store):
    assert store.read() == Forecast(waiting=[])


def test_each_claim_is_noted_once(store):
    store.start(claimed(1, NOW + 0.25))
    store.start(claimed(2))
    after = store.start(claimed(1, NOW + 0.25))
    assert after.started == {claimed(1).task_id: NOW + 0.25, claimed(2).task_id: NOW}


def test_a_look_is_kept_with_the_number_of_slots(store):
    store.start(claimed())
    seen = Forecast(waiting=[1_768_127_460_000, 1_768_127_460_001], seen_at=NOW + 0.5)
    assert store.look(seen, slots=7) == store.read()
    assert store.read() == seen._replace(slots=7, started={claimed().task_id: NOW})


def test_a_look_forgets_old_claims(store):
    for number in range(forecasts.MAX_STARTED + 3):
        forecast = store.start(claimed(number, NOW + number))
    kept = store.look(forecast, slots=1).started
    assert len(kept) == forecasts.MAX_STARTED
    assert min(kept.values()) == NOW + 3


def test_the_last_durations_of_each_kind_are_kept(store):
    for seconds in range(2 * forecasts.MAX_DURATIONS + 2):
        store.end(of("a"), seconds + 0.4)
    store.end(of("b"), 7)
    known = store.read().durations
    assert known[kind_of(of("b").request)] == [7]
    kept = known[kind_of(of("a").request)]
    assert kept[-forecasts.MAX_DURATIONS :] == list(
        range(forecasts.MAX_DURATIONS + 2, 2 * forecasts.MAX_DURATIONS + 2)
    )
    assert len(kept) <= 2 * forecasts.MAX_DURATIONS


def test_a_job_takes_a_second_at_least(store):
    store.end(of("a"), 0.2)
    assert store.read().expected_seconds(of("a").request) == 1


def test_kinds_that_are_seldom_asked_for_make_room(store):
    """A caller who asks for every size there is drives out the sizes that others use never."""
    for _ in range(2):
        store.end(of("often"), 60)
    for number in range(forecasts.MAX_KINDS + 5):
        store.end(of(f"once-{number}"), 60)
    known = store.read().durations
    assert len(known) == forecasts.MAX_KINDS
    assert {kind_of(of("often").request), kind_of(of(f"once-{number}").request)} <= known.keys()


class Reads:
    """A store that counts its reads, and fails those that are told to."""

    def __init__(self):
        self.number, self.away = 0, False

    def read(self):
        self.number += 1
        if self.away:
            raise ServiceError("The task table does not answer just now. Try again.")
        return Forecast(slots=self.number)


@pytest.mark.parametrize("away", [False, True])
def test_a_process_reads_it_once_in_five_seconds(away):
    reads, now = Reads(), [NOW]
    reads.away = away
    cached = CachedForecast(reads, clock=lambda: now[0])
    for seconds in range(11):
        now[0] = NOW + seconds
        assert cached.of_use_to(new_task()) == (None if away else Forecast(slots=1 + seconds // 5))
    assert reads.number == 3
    now[0] = NOW - 60  # a clock that was put back
    cached.of_use_to(new_task())
    assert reads.number == 4


def test_only_a_waiting_task_needs_it():
    reads = Reads()
    cached = CachedForecast(reads, clock=lambda: NOW)
    for status in (Status.PROCESSING, Status.COMPLETED):
        assert cached.of_use_to(new_task(status=status)) is None
    assert reads.number == 0


def test_waiting_tasks_follow_each_other(services, task_factory):
    tasks = [task_factory.pending(now=NOW - number) for number in range(5)]
    task_factory.processing(now=NOW)
    task_factory.completed(now=NOW)
    assert list(services.store.unpaid()) == [
        (task.due_at, task.task_id) for task in reversed(tasks)
    ]
