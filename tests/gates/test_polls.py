"""The worker's figures in `make bench`; `tests/unit/worker/test_polling.py` has the rules."""

import pytest

from benchmarks.polling import simulate, stepped
from benchmarks.slots import idle_share


def test_10000_jobs_are_seen_within_a_second_in_13_polls():
    seen = simulate(30, 90, stepped(1), jobs=10_000)
    assert seen.polls <= 13
    assert seen.lag <= 1.0
    assert seen.latest <= 1.0 + 1e-9


def test_a_slot_is_idle_for_the_time_between_two_jobs():
    # Two slots, full from 1 to 60: one job each, a second's gap, another job each.
    spans = [(0.0, 30.0), (1.0, 31.0), (31.0, 61.0), (32.0, 62.0)]
    assert idle_share(spans, slots=2) == pytest.approx(2 / (2 * 31))


def test_slots_that_were_never_idle_say_so():
    assert idle_share([(0.0, 30.0), (30.0, 60.0)], slots=1) == pytest.approx(0)
