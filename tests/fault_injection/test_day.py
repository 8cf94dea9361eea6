"""A whole day in made-up time; a short one is among the tests of `make test`."""

import pytest

from tests.properties.day import Day, Plan, check


@pytest.mark.long
def test_10_000_tasks_end_and_no_paid_video_is_lost(say):
    plan = Plan(tasks=10_000, seconds=24 * 3600, slots=30, deadly=0.0003, seed=1)
    day = Day(plan, veo3_skip_upload=False)
    day.run()
    say(f"a day of {check(day)}")
