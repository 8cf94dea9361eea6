"""Whether another attempt follows a failure, and after how long: contract §4 and §6. Pure."""

from collections.abc import Callable

from videoapi.aws.task_queue import MAX_DELAY
from videoapi.domain import transitions
from videoapi.domain.tasks import Task
from videoapi.domain.transitions import Change
from videoapi.providers.errors import Failure, ImageUnavailable, SubmitRefused, SubmitUnknown
from videoapi.settings import Settings

AUDIO_RETRIES = 2  # the relay's audio filter strikes at random and does not charge

type Mishap = Failure | SubmitUnknown | ImageUnavailable


def delay_before_next(
    task: Task, mishap: Mishap, settings: Settings, *, jitter: Callable[[], float]
) -> float | None:
    """Return seconds until the next attempt, None when there is none.

    Exponential, jittered, at least what the relay asks for, and no longer than SQS can wait.
    """
    used, allowed = _counted(task, mishap, settings)
    if used >= allowed:
        return None
    before = (
        task.image_failures if isinstance(mishap, ImageUnavailable) else max(task.attempts - 1, 0)
    )
    factor = settings.video_generation_retry_backoff**before
    delay = settings.video_generation_retry_delay * factor * jitter()
    asked = mishap.retry_after if isinstance(mishap, SubmitRefused) else None
    return min(max(delay, asked or 0), MAX_DELAY)


def set_free(task: Task, mishap: Mishap, *, now: float, again_at: float) -> Change:
    """Return the change that counts the mishap and lets nobody have the task until `again_at`."""
    if isinstance(mishap, ImageUnavailable):
        return transitions.postpone(task, now=now, again_at=again_at)
    return transitions.refuse(
        task,
        now=now,
        again_at=again_at,
        audio=_is_audio(mishap),
        unknown=isinstance(mishap, SubmitUnknown),
    )


def _counted(task: Task, mishap: Mishap, settings: Settings) -> tuple[int, int]:
    """Return how many further attempts of this kind there were, and how many there may be."""
    most = settings.video_generation_max_retries
    if isinstance(mishap, ImageUnavailable):
        return task.image_failures, most
    if _is_audio(mishap):
        return task.audio_refusals, AUDIO_RETRIES
    if isinstance(mishap, SubmitUnknown):
        again = settings.veo3_ambiguous_submit == "retry"
    else:
        again = mishap.again is not None
    return task.attempts - task.audio_refusals - 1, most if again else 0


def _is_audio(mishap: Mishap) -> bool:
    return isinstance(mishap, Failure) and mishap.again == "audio"
