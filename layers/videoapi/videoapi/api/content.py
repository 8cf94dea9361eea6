"""Where the files of a task are, or why there is none yet, any more, or ever."""

from collections.abc import Mapping

from videoapi.api import results, waiting
from videoapi.aws.presigned import Link, UrlSigner
from videoapi.domain.forecast import progress_of
from videoapi.domain.tasks import Status, Task
from videoapi.errors import NotFound, ValidationError

VIDEO, THUMBNAIL = "video", "thumbnail"


def variant_of(query: Mapping[str, str]) -> str:
    """Return which file is asked for. Raises `ValidationError`."""
    variant = query.get("variant", VIDEO)
    if variant not in (VIDEO, THUMBNAIL):
        raise ValidationError.field("variant", f"say {VIDEO} or {THUMBNAIL}")
    return variant


def file_link(task: Task, variant: str, links: UrlSigner, *, now: float) -> Link:
    """Return a fresh link. Raises `NotFound` saying why there is none."""
    if task.status in (Status.FAILED, Status.CANCELLED):
        reason = (results.error_record(task) or {}).get("message", "")
        raise NotFound(f"There is no video: {reason}", code="video_failed")
    if not task.ended:
        message = f"The video is not ready yet: {task.status}, {progress_of(task, now=now)} %."
        seconds = waiting.retry_after(task, now=now)
        raise NotFound(message, code="video_not_ready", retry_after=seconds)
    if task.expires_at is not None and task.expires_at <= now:
        raise _expired()
    find = results.video_link if variant == VIDEO else results.thumbnail_link
    link = find(task, links, now=now)
    if link is None and _had_file(task, variant):
        raise _expired()
    if link is None:
        message = f"This video has no {variant}."
        raise NotFound(message, code=f"{variant}_not_found", param="variant")
    return link


def _had_file(task: Task, variant: str) -> bool:
    result = task.result or {}
    video = result.get("video_key") or result.get("video_url")
    return (video if variant == VIDEO else task.thumbnail_key) is not None


def _expired() -> NotFound:
    message = "The video was kept for its retention time and is gone."
    return NotFound(message, code="video_expired")
