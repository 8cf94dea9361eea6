"""When no worker should take a task up again, for workers, the sweeper and dead letters. Pure."""

from videoapi.domain.tasks import Task
from videoapi.domain.timestamps import seconds_since
from videoapi.errors import GenerationError
from videoapi.settings import Settings

MAX_CRASHES = 5  # workers that may die over a task before it is ended
MAX_WAIT_SECONDS = 4 * 24 * 3600  # until a task that nothing was sent for is given up
AWAY_SECONDS = 60.0  # that a task waits for a service of AWS to come back


def reason_to_give_up(
    task: Task, now: float, settings: Settings, *, crashes: int = MAX_CRASHES + 1
) -> GenerationError | None:
    """Return how a task ends that no worker should take up again; None for any other.

    Crashes are claims that nobody gave back: an outage of a service is none. A paid job is resumed
    until its deadline, VIDEO_TASK_TIMEOUT after its acceptance, whatever it does to its workers.
    `crashes` is how many claims are too many; a worker that asks has just made one more.
    """
    late = seconds_since(task.accepted_at, now) > settings.video_task_timeout
    if task.claims >= crashes and (task.upstream_id is None or late):
        return _crashed(task)
    if task.intent_at is None and seconds_since(task.created_at, now) > MAX_WAIT_SECONDS:
        return GenerationError(
            "No attempt came about within four days.",
            code="task_timeout",
            kind="ServiceError",
            retryable=True,
            maybe_charged=task.maybe_charged,
        )
    return None


def _crashed(task: Task) -> GenerationError:
    if task.intent_at is not None and task.upstream_id is None:
        return GenerationError(
            "The worker died while it submitted; whether the job was taken is unknown.",
            code="upstream_submit_unknown",
            kind="ServiceError",
            retryable=True,
            maybe_charged=True,
        )
    return GenerationError(
        "The worker died again and again on this task.",
        code="worker_crashed",
        kind="ServiceError",
        retryable=True,
        maybe_charged=task.maybe_charged,
    )
