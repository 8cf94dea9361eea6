"""What a caller is told about an open task's future, and when to look at it again. Pure.

A late look costs its caller time; one read of a status costs a millisecond.
"""

from typing import Any, Final

from videoapi.domain.forecast import Forecast, eta_seconds, progress_of, seconds_left, source_of
from videoapi.domain.tasks import Status, Task

MIN_SECONDS: Final = 1  # seconds
MAX_SECONDS: Final = 10  # seconds
AHEAD: Final = 0.5  # the share of the expected rest that is waited for
UNKNOWN: Final = 2  # seconds, where nobody knows the rest; most tasks are claimed at once
POLL_AFTER_MS: Final = 2000  # OpenAI's SDKs keep the first one that they read until the end


def outlook(task: Task, *, now: float, forecast: Forecast | None) -> dict[str, Any]:
    """Return what both dialects tell of how far a task is and how long it takes on."""
    place = 0 if task.status is Status.PROCESSING else None
    if forecast is not None:
        place = forecast.position(task, now=now)
    return {
        "progress": progress_of(task, now=now),
        "progress_source": source_of(task),
        "queue_position": place,
        "eta_seconds": eta_seconds(task, now=now, forecast=forecast),
    }


def retry_after(task: Task, *, now: float, forecast: Forecast | None = None) -> int:
    """Return whole seconds until the next look at an open task is worth it, 1 to 10.

    Half of what is left, as progress told it when it was written (that is up to five seconds ago),
    or as the forecast has it.
    """
    left: float | None
    if task.status is Status.PENDING:
        left = eta_seconds(task, now=now, forecast=forecast)
    else:
        left = seconds_left(task, now=now)
    return UNKNOWN if left is None else int(min(max(AHEAD * left, MIN_SECONDS), MAX_SECONDS))
