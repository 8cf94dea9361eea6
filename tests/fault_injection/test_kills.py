"""A worker may die at any moment: its task is paid once, ends, and says honestly how."""

import pytest

from tests.fault_injection.scenarios import AMBIGUOUS, POINTS
from tests.fault_injection.table import rows

KILLS = 200
RECOVERY = 60  # seconds from a death until another worker has the task
names = [point.name for point in POINTS]


@pytest.mark.parametrize("point", POINTS, ids=names)
def test_a_worker_killed(point, outcomes):
    mine = [outcome for outcome in outcomes if outcome.point == point and not outcome.retry]
    assert mine
    assert [outcome.wrong for outcome in mine if outcome.wrong] == []


@pytest.mark.parametrize("point", AMBIGUOUS, ids=[point.name for point in AMBIGUOUS])
def test_a_lost_answer_is_tried_again_where_the_caller_chose_so(point, outcomes):
    mine = [outcome for outcome in outcomes if outcome.point == point and outcome.retry]
    assert mine
    assert [outcome.wrong for outcome in mine if outcome.wrong] == []


def test_kills_at_google_are_survived_alike(outcomes_at_google):
    """The same points as at the relay, with the same endings and payments."""
    assert {outcome.point.model for outcome in outcomes_at_google} == {"veo", "omni"}
    assert [outcome.wrong for outcome in outcomes_at_google if outcome.wrong] == []


def test_no_job_is_paid_twice_against_the_callers_will(outcomes):
    assert {row.name: row.duplicates for row in rows(outcomes) if row.duplicates} == {}


@pytest.mark.long
def test_a_dead_worker_is_replaced_within_a_minute(outcomes):
    assert sum(outcome.kills for outcome in outcomes) >= KILLS
    assert max(outcome.recovery or 0 for outcome in outcomes) < RECOVERY
