"""A short day; `make faults` lives through a whole one."""

import pytest

from tests.properties.day import Day, Plan, check


@pytest.mark.parametrize(
    ("seed", "skip_upload"),
    [(1, False), pytest.param(2, False, marks=pytest.mark.slow), (3, True)],
)
def test_every_task_of_a_day_ends_and_no_paid_video_is_lost(seed, skip_upload):
    plan = Plan(tasks=300, seconds=3 * 3600, slots=8, deadly=0.001, seed=seed)
    day = Day(plan, veo3_skip_upload=skip_upload)
    day.run()
    assert check(day)
