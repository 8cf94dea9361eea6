"""How often a job is looked at; the figures are those of performance.md, "Worker"."""

from itertools import pairwise

import pytest

from benchmarks.polling import silent, simulate, stepped
from videoapi.worker.polling import MAX_INTERVAL, MIN_INTERVAL, next_poll

JOBS = 20_000
linear = stepped(1)


def test_job_with_progress_is_seen_in_a_second_and_13_polls():
    seen = simulate(30, 90, linear, jobs=JOBS)
    assert seen.polls <= 12.1
    assert seen.lag <= 0.7
    assert seen.latest <= 1.0 + 1e-9


@pytest.mark.parametrize(
    ("step", "polls", "lag", "latest"),
    [(5, 14, 0.65, 1.4), (10, 15.5, 0.75, 2.3), (25, 17, 1.4, 5)],
)
def test_coarse_progress_costs_some_polls_and_stays_near_the_end(step, polls, lag, latest):
    seen = simulate(30, 90, stepped(step), jobs=JOBS // 4)
    assert seen.polls <= polls
    assert seen.lag <= lag
    assert seen.latest <= latest


def test_lag_without_progress_is_that_of_two_second_polls():
    seen = simulate(30, 90, silent, jobs=JOBS // 2)
    assert seen.polls <= 29
    assert seen.lag <= 1.3
    assert seen.latest <= 2.25 + 1e-9


def test_progress_that_stands_still_counts_as_none():
    seen = simulate(30, 90, lambda _at, _total: 1, jobs=JOBS // 4)
    assert seen.lag <= 1.3
    assert seen.polls <= 29


@pytest.mark.parametrize("step", [1, 5, 10, 25])
def test_a_short_job_with_progress_is_seen_within_a_second(step):
    seen = simulate(3, 8, stepped(step), jobs=JOBS // 4)
    assert seen.latest <= 1.0 + 1e-9


def test_short_job_is_seen_after_a_second_on_average():
    seen = simulate(3, 8, silent, jobs=JOBS)
    assert seen.lag <= 1.0
    assert seen.latest <= 2.0


def test_first_poll_comes_after_two_seconds():
    assert next_poll(0, None) == 2
    assert next_poll(0, 50) == 2
    assert next_poll(1.9, None) == MIN_INTERVAL


def test_the_wait_is_half_of_the_expected_rest():
    assert next_poll(20, 61) == pytest.approx(0.5 * 20 * 39 / 61)


def test_a_value_that_may_be_old_is_trusted_less():
    assert next_poll(20, 60) == pytest.approx(0.35 * 20 * 40 / 60)
    assert next_poll(20, 61, since=19.5) == pytest.approx(0.35 * (19.5 * 100 / 61 - 20))


def test_a_young_job_is_not_left_alone_for_long():
    assert next_poll(2, 1) == 3


@pytest.mark.parametrize("progress", [None, 0, -3, 101])
def test_progress_that_says_nothing_is_no_progress(progress):
    assert next_poll(40, progress) == 2


def test_end_is_near_at_100_percent_and_then_unknown():
    """At a hundred per cent the end is near at first and then unknown."""
    assert next_poll(40, 100) == MIN_INTERVAL
    assert next_poll(40, 100, since=30) == 2


@pytest.mark.parametrize("progress", [None, 1, 50, 99, 100])
def test_old_job_is_polled_less_and_never_forgotten(progress):
    waits = [next_poll(at, progress, since=15) for at in range(120, 1800, 5)]
    assert all(late >= early for early, late in pairwise(waits))
    assert waits[-1] == MAX_INTERVAL


def test_a_job_that_stays_near_its_end_for_long_is_not_hammered():
    assert next_poll(600, 99) == 5


def test_no_wait_is_ever_shorter_or_longer_than_the_bounds():
    waits = [
        next_poll(at / 4, progress, since=since)
        for at in range(800)
        for progress in (None, 1, 33, 50, 99, 100)
        for since in (None, 0.0, at / 8)
    ]
    assert min(waits) >= MIN_INTERVAL
    assert max(waits) <= MAX_INTERVAL


@pytest.mark.parametrize("usual", [12, 40, 60, 120, 300])
def test_history_saves_polls_and_sees_an_end_as_soon(usual):
    """Silent jobs that take as long as those before them, a fifth more or less."""
    blind = simulate(0.8 * usual, 1.2 * usual, silent, jobs=JOBS)
    known = simulate(0.8 * usual, 1.2 * usual, silent, jobs=JOBS, usual=usual)
    assert known.polls <= (0.75 if usual >= 40 else 1) * blind.polls
    assert known.lag <= blind.lag + 0.01
    assert known.latest <= blind.latest + 0.05


@pytest.mark.parametrize("usual", [1, 5, 60, 3600])
def test_history_keeps_to_the_bounds_however_wrong(usual):
    waits = [next_poll(at / 4, None, usual=usual) for at in range(8000)]
    assert min(waits) >= MIN_INTERVAL
    assert max(waits) <= MAX_INTERVAL


def test_progress_counts_more_than_history():
    assert next_poll(20, 61, usual=500) == next_poll(20, 61)
