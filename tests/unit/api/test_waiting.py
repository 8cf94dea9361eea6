"""When a caller is told to look again, and how late it learns of an end."""

from dataclasses import replace

import pytest

from benchmarks.polling import silent, stepped
from benchmarks.waits import simulate as simulated
from tests.support.task_factory import new_task
from tests.support.untraced import untraced
from videoapi.api.waiting import MAX_SECONDS, MIN_SECONDS, retry_after
from videoapi.domain.tasks import Status
from videoapi.domain.timestamps import timestamp

NOW = 1_768_127_400.0
JOBS = 2_000
simulate = untraced(simulated)


def running(progress, *, began=-20.0, written=0.0, accepted=True):
    """Return a task that began at, and whose progress was written at, seconds from `NOW`."""
    task = new_task(now=NOW - 60, status=Status.PROCESSING)
    return replace(
        task,
        progress=progress,
        claimed_at=timestamp(NOW + began - (7 if accepted else 0)),
        accepted_at=timestamp(NOW + began) if accepted else None,
        updated_at=timestamp(NOW + written),
    )


def test_waiting_task_is_polled_every_two_seconds():
    """A task that waits for a worker is looked at every two seconds."""
    assert retry_after(new_task(now=NOW), now=NOW) == 2
    assert retry_after(new_task(now=NOW), now=NOW + 3600) == 2


def test_a_job_without_progress_is_looked_at_every_two_seconds():
    assert retry_after(running(0), now=NOW) == 2


@pytest.mark.parametrize("accepted", [True, False])
@pytest.mark.parametrize(
    ("progress", "seconds"),
    [(1, 10), (40, 10), (50, 10), (60, 6), (75, 3), (80, 2), (90, 1), (99, 1)],
)
def test_half_of_the_rest_is_waited_between_1_and_10_s(progress, seconds, accepted):
    """Half of what is left is waited for between one second and ten."""
    assert retry_after(running(progress, accepted=accepted), now=NOW) == seconds


def test_time_since_the_progress_is_not_waited_again():
    # 50 % after 10 s: 20 s in all, of which 15 are over.
    assert retry_after(running(50, began=-15, written=-5), now=NOW) == 2


@pytest.mark.parametrize("progress", [1, 50, 99, 100])
@pytest.mark.parametrize(("began", "written"), [(-900, -899), (-20, -20), (-20, -40), (5, 9)])
def test_poll_hint_stays_within_its_bounds(progress, began, written):
    """The hint stays within its bounds whatever the clocks say."""
    assert (
        MIN_SECONDS
        <= retry_after(running(progress, began=began, written=written), now=NOW)
        <= MAX_SECONDS
    )


def test_a_caller_knows_a_good_second_after_the_upstreams_end():
    seen = simulate(30, 90, stepped(1), jobs=JOBS)
    assert seen.lag <= 1.3
    assert seen.latest <= 2.2
    assert seen.reads <= 14


def test_hints_every_five_seconds_would_tell_two_seconds_later():
    fixed = simulate(30, 90, stepped(1), jobs=JOBS, hint=lambda _task, _now: 5.0)
    assert fixed.lag - simulate(30, 90, stepped(1), jobs=JOBS).lag >= 1.7


@pytest.mark.parametrize(
    ("progress", "lag", "latest"), [(stepped(10), 1.6, 4.5), (silent, 2.5, 4.5)]
)
def test_coarse_progress_or_none_is_still_seen_within_seconds(progress, lag, latest):
    seen = simulate(30, 90, progress, jobs=JOBS)
    assert seen.lag <= lag
    assert seen.latest <= latest
