import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.task_factory import new_task
from videoapi.domain.ids import derived_task_id, is_task_id, new_task_id
from videoapi.domain.tasks import SHARDS, Dialect, Status, shard
from videoapi.domain.timestamps import epoch, timestamp

EPOCHS = st.floats(0, 4_000_000_000)


def test_id_is_vid_and_24_or_more_lower_case_characters():
    """An id is vid and at least 24 lower case letters and digits."""
    ids = {new_task_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(re.fullmatch(r"vid_[a-z0-9]{24,}", task_id) for task_id in ids)
    assert all(map(is_task_id, ids))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "vid_",
        "vid_short",
        "vid_" + "a" * 65,
        "vid_" + "A" * 26,
        "vid_" + "a" * 25 + "é",
        "vid_" + "a" * 26 + "\n",
        " vid_" + "a" * 26,
        "fingerprint#anonymous#" + "a" * 64,
    ],
)
def test_anything_else_is_no_id(text):
    assert not is_task_id(text)


def test_key_is_always_the_same_id_of_its_owner():
    assert derived_task_id("anna", "k") == derived_task_id("anna", "k")
    ids = {derived_task_id(*pair) for pair in [("anna", "k"), ("bert", "k"), ("anna", "l")]}
    assert len(ids) == 3
    assert all(map(is_task_id, ids))


def test_no_owner_and_key_can_be_read_as_another_owner_and_key():
    assert derived_task_id("ab", "c") != derived_task_id("a", "bc")


def test_tasks_are_spread_over_all_shards():
    counts = {str(number): 0 for number in range(SHARDS)}
    for _ in range(2000):
        counts[shard(new_task_id())] += 1
    assert all(count > 2000 / SHARDS / 2 for count in counts.values())


@given(EPOCHS, EPOCHS)
def test_comparing_instants_as_texts_compares_them_in_time(one, other):
    first, second = timestamp(one), timestamp(other)
    assert len(first) == len(second) == len("2026-01-11T10:30:00.000Z")
    if one <= other:
        assert first <= second


@given(EPOCHS)
def test_an_instant_is_kept_to_the_millisecond(now):
    assert -0.000_001 <= now - epoch(timestamp(now)) < 0.001_001


@pytest.mark.parametrize("status", Status)
def test_only_a_pending_and_a_processing_task_have_not_ended(status):
    assert new_task(status=status).ended is (status not in {"pending", "processing"})


def test_maybe_charged_from_the_intent_on():
    """Money may be gone from the intent on and after an unknown answer."""
    assert not new_task().maybe_charged
    assert new_task(intent_at="2026-01-11T10:30:00.000Z").maybe_charged
    assert new_task(unknown_submits=1).maybe_charged


def test_rest_dialect_keeps_its_stored_value():
    """Rows of every version hold `document`."""
    assert Dialect("document") is Dialect.REST
