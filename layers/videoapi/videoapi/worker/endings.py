"""When no worker should take a task up again, for workers, the sweeper and dead letters. Pure."""

from videoapi.domain.tasks import Task
from videoapi.domain.timestamps import seconds_since
from videoapi.errors import GenerationError

CRASHES = 5  # workers that may die over a task before it is ended
LONGEST_WAIT = 4 * 24 * 3600  # seconds until a task that nothing was sent for is given up


def hopeless(
    task: Task, now: float, timeout: float, *, crashes: int = CRASHES + 1
) -> GenerationError | None:
    """Return how a task ends that no worker should take up again; None for any other.

    Crashes are claims that nobody gave back: an outage of a service is none. A paid job is resumed
    until its deadline, `timeout` seconds after its acceptance, whatever it does to its workers.
    `crashes` is how many claims are too many; a worker that asks has just made one more.
    """
    late = task.accepted_at is not None and seconds_since(task.accepted_at, now) > timeout
    if task.claims >= crashes and (task.upstream_id is None or late):
        return _crashed(task)
    if task.intent_at is None and seconds_since(task.created_at, now) > LONGEST_WAIT:
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
            "The worker died while it submitted; whether the relay took the job is unknown.",
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
