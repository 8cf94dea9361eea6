"""Whether another attempt follows a failure, and after how long. Pure."""

from collections.abc import Callable

from videoapi.aws.task_queue import MAX_DELAY
from videoapi.catalog.routes import RELAY
from videoapi.domain import attempts
from videoapi.domain.tasks import Task
from videoapi.domain.transitions import Change
from videoapi.providers.errors import Failure, ImageUnavailable, SubmitRefused, SubmitUnknown
from videoapi.settings import Settings

MAX_AUDIO_RETRIES = 2  # the relay's audio filter strikes at random and does not charge

type RetryableFailure = Failure | SubmitUnknown | ImageUnavailable


def delay_before_next(
    task: Task, failure: RetryableFailure, settings: Settings, *, jitter: Callable[[], float]
) -> float | None:
    """Return seconds until the next attempt, None when there is none.

    Exponential, jittered, at least what the provider asks for, and no longer than SQS can wait.
    """
    used, allowed = _counted(task, failure, settings)
    if used >= allowed:
        return None
    of_image = isinstance(failure, ImageUnavailable)
    before = task.image_failures if of_image else max(task.attempts - 1, 0)
    factor = settings.video_generation_retry_backoff**before
    delay = settings.video_generation_retry_delay * factor * jitter()
    asked = failure.retry_after if isinstance(failure, SubmitRefused) else None
    return min(max(delay, asked or 0), MAX_DELAY)


def schedule_retry(task: Task, failure: RetryableFailure, *, now: float, again_at: float) -> Change:
    """Return the change that counts the failure and lets nobody have the task until `again_at`."""
    if isinstance(failure, ImageUnavailable):
        return attempts.retry_image(task, now=now, again_at=again_at)
    return attempts.retry_submit(
        task,
        now=now,
        again_at=again_at,
        code=failure.code,
        stays=not isinstance(failure, SubmitRefused),
        audio=_is_audio(failure),
        unknown=isinstance(failure, SubmitUnknown),
    )


def _counted(task: Task, failure: RetryableFailure, settings: Settings) -> tuple[int, int]:
    """Return how many further attempts of this kind there were, and how many there may be."""
    most = settings.video_generation_max_retries
    if isinstance(failure, ImageUnavailable):
        return task.image_failures, most
    if _is_audio(failure):
        return task.audio_refusals, MAX_AUDIO_RETRIES
    if isinstance(failure, SubmitUnknown):
        again = repeats_unknown(task, settings) and not failure.final
    else:
        elsewhere = isinstance(failure, SubmitRefused) and failure.another_route
        again = elsewhere or failure.again is not None
    return task.attempts - task.audio_refusals - 1, most if again else 0


def repeats_unknown(task: Task, settings: Settings) -> bool:
    """Return whether an order whose answer was lost is sent again: to a relay alone, if chosen.

    A relay may know the idempotency key and take no second payment; Google has none.
    """
    return settings.veo3_ambiguous_submit == "retry" and (task.provider or RELAY) == RELAY


def retries_left(task: Task, settings: Settings) -> bool:
    """Return whether a task may have another attempt after a refusal."""
    return task.attempts - task.audio_refusals - 1 < settings.video_generation_max_retries


def _is_audio(failure: RetryableFailure) -> bool:
    return isinstance(failure, Failure) and failure.again == "audio"
