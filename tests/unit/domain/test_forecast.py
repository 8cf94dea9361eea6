"""What is told of an open task's future: pure arithmetic, and null where nobody knows."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.task_factory import new_task
from videoapi.domain import forecast as forecasts
from videoapi.domain.attempts import retry_submit
from videoapi.domain.forecast import Forecast, eta_seconds, kind_of, milliseconds, progress_of
from videoapi.domain.tasks import GenerationRequest, Status
from videoapi.domain.timestamps import timestamp
from videoapi.domain.transitions import renew

NOW = 1_768_127_400.0
REQUEST = GenerationRequest(model="veo_3_1", seconds=8)
KIND = kind_of(REQUEST)


def running(*, began=-30.0, **fields):
    """Return a task whose job was accepted at seconds from `NOW`."""
    accepted = {"accepted_at": timestamp(NOW + began), "updated_at": timestamp(NOW)}
    return new_task(now=NOW - 60, status=Status.PROCESSING, **accepted | fields)


def line(number):
    """Return tasks that wait, in their order."""
    return [
        new_task(now=NOW - 50 + n, due_at=timestamp(NOW + 10 + n), request=REQUEST)
        for n in range(number)
    ]


def seen(waiting, **fields):
    dues = [milliseconds(task.due_at) for task in waiting]
    known = {"durations": {KIND: [60]}, "seen_at": NOW - 1, "slots": 2}
    return Forecast(waiting=dues, **known | fields)


def test_kinds_are_models_lengths_and_sizes():
    others = {"model": "b", "seconds": 4, "size": "1280x720"}
    kinds = {kind_of(replace(REQUEST, **{name: value})) for name, value in others.items()}
    assert len(kinds | {KIND}) == 4
    assert kind_of(replace(REQUEST, prompt="x", seed=0)) == KIND
    assert len(kind_of(replace(REQUEST, model="m" * 500))) < 100


def test_expected_time_is_the_middle_of_the_last_ones():
    """One that hung for an hour changes little."""
    assert Forecast(durations={KIND: [50, 3600, 60]}).expected_seconds(REQUEST) == 60
    assert Forecast().expected_seconds(REQUEST) is None


def test_each_waiting_task_knows_how_many_are_before_it():
    tasks = line(5)
    forecast = seen(tasks)
    assert [forecast.position(task, now=NOW) for task in tasks] == [0, 1, 2, 3, 4]


def test_whoever_was_claimed_since_stood_before():
    tasks = line(5)
    forecast = seen(tasks, started={"a": NOW - 0.5, "b": NOW - 30})
    assert [forecast.position(task, now=NOW) for task in tasks] == [0, 0, 1, 2, 3]


def test_a_task_at_work_waits_for_nobody():
    assert Forecast().position(running(), now=NOW) == 0


@pytest.mark.parametrize(
    ("task", "forecast"),
    [
        (new_task(now=NOW - 0.5), {}),  # came after the look
        (line(6)[5], {}),  # was not in it
        (line(1)[0], {"seen_at": NOW - forecasts.STALE_SECONDS}),
        (line(1)[0], {"seen_at": NOW + 1}),
        (replace(line(1)[0], due_at=None), {}),
        (replace(line(1)[0], status=Status.CANCELLED), {}),
    ],
    ids=["new", "unseen", "stale", "to come", "not due", "ended"],
)
def test_an_unknown_place_is_none(task, forecast):
    assert seen(line(5), **forecast).position(task, now=NOW) is None


@pytest.mark.parametrize(("position", "seconds"), [(0, 20), (1, 50), (2, 80), (3, 110), (4, 140)])
def test_slots_serve_in_order(position, seconds):
    """Two slots that have been busy for 40 s and for 10 s, at 60 s a video."""
    forecast = seen((), started={"old": NOW - 900, "a": NOW - 10, "b": NOW - 40})
    assert forecast.seconds_to_start(position, now=NOW) == pytest.approx(seconds)


def test_a_slot_that_is_late_comes_free_any_moment():
    forecast = seen((), started={"a": NOW - 100, "b": NOW - 90})
    assert forecast.seconds_to_start(1, now=NOW) == 0


def test_more_slots_than_starts_end_evenly():
    assert seen((), slots=20).seconds_to_start(9, now=NOW) == pytest.approx(30)
    assert Forecast().seconds_to_start(0, now=NOW) is None


def test_a_waiting_task_ends_after_those_before_it():
    tasks = line(3)
    forecast = seen(tasks, started={"a": NOW - 10, "b": NOW - 40})
    ends = [eta_seconds(task, now=NOW, forecast=forecast) for task in tasks]
    assert ends == [80, 110, 140]


def test_unknown_end_is_none():
    (task,) = line(1)
    assert eta_seconds(task, now=NOW) is None
    assert eta_seconds(task, now=NOW, forecast=Forecast()) is None
    assert eta_seconds(task, now=NOW, forecast=seen([task], durations={})) is None
    assert eta_seconds(task, now=NOW, forecast=seen([task], durations={"other": [9]})) is None
    assert eta_seconds(running(progress=50, progress_source="provider"), now=NOW) is None
    assert eta_seconds(replace(task, status=Status.FAILED), now=NOW, forecast=seen([task])) is None


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ({}, 30),
        ({"progress": 75, "progress_source": "provider"}, 10),
        ({"progress": 0, "progress_source": "provider"}, 30),
        ({"progress": 30, "progress_source": "estimate"}, 30),
        ({"began": -50}, 10),
        ({"began": -100}, 10),  # longer than usual: a tenth of its time more
        ({"began": -59.9, "progress": 99, "progress_source": "provider"}, 1),
        ({"accepted_at": None}, 1),
        ({"accepted_at": None, "claimed_at": timestamp(NOW - 20)}, 40),
    ],
)
def test_a_running_task_ends_as_its_progress_or_others_tell(fields, seconds):
    assert eta_seconds(running(expected_seconds=60, **fields), now=NOW) == seconds


@pytest.mark.parametrize(
    ("fields", "percent"),
    [
        ({"progress_source": "estimate", "expected_seconds": 100}, 30),
        ({"progress_source": "estimate", "expected_seconds": 10}, 95),
        ({"progress_source": "estimate"}, 50),
        ({"progress_source": "estimate", "accepted_at": None, "progress": 7}, 7),
        ({"progress_source": "estimate", "began": 5, "expected_seconds": 10}, 0),
        ({"progress_source": "provider", "expected_seconds": 100}, 0),
        ({"progress_source": "provider", "progress": 3, "expected_seconds": 10}, 3),
        ({"expected_seconds": 100}, 0),
    ],
)
def test_progress_is_the_providers_own_or_an_estimate(fields, percent):
    assert progress_of(running(**fields), now=NOW) == percent


def test_who_tells_the_progress_is_said():
    assert forecasts.source_of(new_task()) == "estimate"
    assert forecasts.source_of(running(progress_source="estimate")) == "estimate"
    assert forecasts.source_of(running(progress_source="provider")) == "provider"
    assert forecasts.source_of(new_task(status=Status.COMPLETED, progress=100)) == "provider"


def test_an_estimate_ends_with_its_task():
    task = running(progress_source="estimate", expected_seconds=100)
    task = replace(task, status=Status.FAILED, completed_at=timestamp(NOW))
    assert progress_of(task, now=NOW + 3600) == progress_of(task, now=NOW) == 30


steps = st.lists(
    st.tuples(
        st.sampled_from(["read", "renew", "told", "silent", "retry", "accept"]),
        st.integers(0, 40),
        st.integers(0, 100),
    ),
    max_size=12,
)


@given(steps, st.none() | st.integers(1, 90))
def test_progress_never_goes_back_whoever_tells_it(taken, expected):
    task, now, read = running(began=0, expected_seconds=expected), NOW, 0
    for step, seconds, percent in taken:
        now += seconds
        if step == "retry":
            task = after(task, retry_submit(task, now=now, again_at=now))
        elif step == "accept":
            task = replace(task, accepted_at=task.accepted_at or timestamp(now))
        elif step != "read":
            source = {"told": "provider", "silent": "estimate"}.get(step)
            reported = percent if step == "told" else 0
            task = after(
                task, renew(task, now=now, lease_seconds=40, progress=reported, source=source)
            )
        shown = progress_of(task, now=now)
        assert read <= shown <= 100
        read = shown


def after(task, change):
    known = {name: value for name, value in change.sets.items() if name in vars(task)}
    return replace(task, **known)
