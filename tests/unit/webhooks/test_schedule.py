"""When an event is sent again."""

from hypothesis import given
from hypothesis import strategies as st

from videoapi.webhooks.schedule import DELAYS, JITTER, MAX_TRIES, delay_after

TRIES = st.integers(1, MAX_TRIES - 1)


def test_the_delays_are_those_of_the_documentation():
    assert DELAYS == (10, 30, 120, 600, 3600, 21_600, 86_400)


@given(TRIES, st.floats(0, 1))
def test_delay_is_never_shorter_and_a_fifth_longer_at_most(tries, jitter):
    delay = delay_after(tries, jitter)
    assert DELAYS[tries - 1] <= delay <= DELAYS[tries - 1] * (1 + JITTER)


@given(TRIES, st.floats(0, 1), st.floats(0, 1))
def test_each_delay_is_longer_than_the_one_before(tries, one, other):
    later = delay_after(tries + 1, other)
    assert later is None or later > delay_after(tries, one)


@given(st.integers(MAX_TRIES, 1000))
def test_there_is_nothing_after_the_last_try(tries):
    assert delay_after(tries, 0.5) is None
