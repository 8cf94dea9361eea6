"""When a caller should look at an open task again. Pure: of the task just read, and of now.

A late look costs its caller time; one read of a status costs a millisecond.
"""

from typing import Final

from videoapi.domain.tasks import Task
from videoapi.domain.timestamps import epoch

FIRST: Final = 2  # seconds, of a task that no worker has claimed: most are taken at once
MIN_SECONDS: Final = 1  # seconds
MAX_SECONDS: Final = 10  # seconds
AHEAD: Final = 0.5  # the share of the expected rest that is waited for
WITHOUT_PROGRESS: Final = 2  # seconds, of a job that tells none
POLL_AFTER_MS: Final = 2000  # OpenAI's SDKs keep the first one that they read until the end


def retry_after(task: Task, *, now: float) -> int:
    """Return whole seconds until the next look at an open task is worth it, 1 to 10.

    Half of what is left, as progress told it when it was written: that is up to five seconds ago.
    """
    began = task.accepted_at or task.claimed_at
    if began is None:
        return FIRST
    if task.progress <= 0:
        return WITHOUT_PROGRESS
    start = epoch(began)
    whole = (epoch(task.updated_at) - start) * 100 / task.progress
    rest = start + whole - now
    return int(min(max(AHEAD * rest, MIN_SECONDS), MAX_SECONDS))
