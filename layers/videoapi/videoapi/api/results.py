"""What both dialects show of a task: its links, when they end, and its error.

Pure: the URL of a video is made by the `UrlSigner` that is passed in, fresh at every read.
"""

import json
from typing import Any

from videoapi.aws.presigned import Link, UrlSigner
from videoapi.domain.money import dollars
from videoapi.domain.tasks import Status, Task
from videoapi.domain.timestamps import epoch
from videoapi.errors import GenerationError

CANCELLED = GenerationError("The task was cancelled.", code="cancelled", kind="Cancelled")


def video_link(task: Task, links: UrlSigner, *, now: float) -> Link | None:
    """Return where the video plays just now: presigned at every read, or the upstream's own URL.

    None where there is none, or where it was kept for its time and is gone.
    """
    result = task.result or {}
    if key := result.get("video_key"):
        return links.kept(key, task.updated_at, now=now)  # it ended then, and does not change
    url, ends = result.get("video_url"), upstream_end(task)
    return Link(url, ends) if url and (ends is None or now < ends) else None


def upstream_end(task: Task) -> float | None:
    """Return when the upstream's own URL ends, as far as it told: not before the video was made."""
    ends = (task.result or {}).get("video_expires_at")
    ended = task.completed_at or task.updated_at
    return ends if isinstance(ends, int | float) and ends > epoch(ended) else None


def thumbnail_link(task: Task, links: UrlSigner, *, now: float) -> Link | None:
    """Return where the thumbnail is, for a completed task that has one."""
    if task.status is not Status.COMPLETED or task.thumbnail_key is None:
        return None
    # It was written between the first claim and the first attempt, maybe hours before the end.
    return links.kept(task.thumbnail_key, task.claimed_at or task.created_at, now=now)


def error_record(task: Task) -> dict[str, Any] | None:
    """Return the task's `error`: stored for a failure, derived for a cancellation."""
    if task.status is Status.CANCELLED:
        return CANCELLED.as_record() | {"maybe_charged": task.maybe_charged}
    return task.error


def cost_of(task: Task) -> dict[str, Any]:
    """Return what a task costs: what it was expected to, and what it came to once that is known."""
    return {
        "currency": "USD",
        "estimated": dollars(task.cost_estimated),
        "actual": dollars(task.cost_actual),
        "final": task.cost_actual is not None,
    }


def webhook_record(task: Task) -> dict[str, Any] | None:
    """Return how the delivery of a task's event goes; None without a webhook."""
    if task.webhook_url is None:
        return None
    return {
        "state": task.webhook_state or "pending",
        "attempts": len(task.webhook_log),
        "last_status": task.webhook_status,
        "next_attempt_at": task.webhook_due_at,
    }


def as_json(body: object) -> str:
    """Return a body as compact JSON text."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def current_video_url(task: Task, links: UrlSigner, now: float) -> str | None:
    """Return where the video plays, for a completed task."""
    link = video_link(task, links, now=now) if task.status is Status.COMPLETED else None
    return link.url if link else None
