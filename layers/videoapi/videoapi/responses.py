"""A task in the words of either dialect, and every error in the shape of either.

Pure: the URL of a video is made by the `Links` that is passed in, fresh at every read.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from videoapi.errors import GenerationError, VideoApiError
from videoapi.settings import Settings
from videoapi.storage import Link, Links
from videoapi.tasks import Dialect, Status, Task, epoch, timestamp

OPENAI_WORDS = {
    Status.PENDING: "queued",
    Status.PROCESSING: "in_progress",
    Status.COMPLETED: "completed",
    Status.FAILED: "failed",
    Status.CANCELLED: "failed",
}
OPENAI_CODES = {"task_not_found": "video_not_found"}  # where its word for a failure is another …
# … or its status
OPENAI_STATUS = {"idempotency_key_reused": 409, "unsupported_content_encoding": 415}
DEFAULT_SECONDS = "8"  # what Veo makes when nobody says a length; the SDKs' type allows no null
SDK_USER_AGENT = re.compile(r"^(Async)?(Azure)?OpenAI/(?!v1 PythonBindings)")
CANCELLED = GenerationError("The task was cancelled.", code="cancelled", kind="Cancelled")
MESSAGES = {
    Status.PENDING: "Waiting for a free slot",
    Status.PROCESSING: "The video is being generated",
    Status.COMPLETED: "The video is ready",
    Status.CANCELLED: CANCELLED.message,
}


def submitted(task: Task) -> dict[str, Any]:
    """Return the document's answer to a submit."""
    return {
        "task_id": task.task_id,
        "status": task.status,
        "message": (
            "Video generation task submitted. "
            f"Poll /api/v1/tasks/{task.task_id} for status."
        ),
    }  # fmt: skip


def cancelled(task: Task) -> dict[str, Any]:
    """Return the document's answer to a cancel."""
    note = " The relay may have charged for it all the same." if task.maybe_charged else ""
    return {"success": True, "message": f"Task cancelled.{note}", "task_id": task.task_id}


def deleted(task_id: str) -> dict[str, Any]:
    """Return OpenAI's answer to a delete."""
    return {"id": task_id, "object": "video.deleted", "deleted": True}


def rest_task(task: Task, links: Links, *, now: float) -> dict[str, Any]:
    """Return the whole task for `GET /api/v1/tasks/{id}`."""
    body = {
        "task_id": task.task_id,
        "status": task.status,
        "progress": task.progress,
        "created_at": task.created_at,
        "updated_at": task.updated_at,
        "completed_at": task.completed_at,
        "video_url": _video_url(task, links, now),
        "result": _rest_result(task, links, now),
        "error": error_record(task),
        "attempts": task.attempts,
        "prompt": task.prompt_sent or task.request.prompt,
    }
    if task.image_note is not None:
        body["image_note"] = task.image_note
    if task.prompt_optimized is not None:
        body["prompt_optimized"] = bool(task.prompt_optimized)
    return body | ({"metadata": task.request.metadata} if task.request.metadata else {})


def rest_summary(task: Task) -> dict[str, Any]:
    """Return one line of `GET /api/v1/tasks`."""
    message = MESSAGES.get(task.status) or (task.error or {}).get("message", "")
    return {
        "task_id": task.task_id,
        "status": task.status,
        "progress": task.progress,
        "created_at": task.created_at,
        "updated_at": task.updated_at,
        "message": message,
    }


def rest_video(task: Task, links: Links, *, now: float) -> dict[str, Any]:
    """Return the deprecated flat status of `GET /api/v1/videos/{id}`."""
    link = video_link(task, links, now=now)
    return {
        "task_id": task.task_id,
        "status": task.status,
        "progress": task.progress,
        "video_url": link.url if link else None,
        "error": error_record(task),
        "created_at": task.created_at,
        "updated_at": task.updated_at,
    }


def openai_video(task: Task, links: Links, *, now: float, sdk_words: bool) -> dict[str, Any]:
    """Return the video object. Never a key called `url`: clients send their API key there."""
    request, created = task.request, int(epoch(task.created_at))
    link = video_link(task, links, now=now)
    return {
        "id": task.task_id,
        "object": "video",
        "model": request.model,
        "status": OPENAI_WORDS[task.status] if sdk_words else task.status,
        "progress": task.progress,
        "created": created,
        "created_at": created,
        "completed_at": int(epoch(task.completed_at)) if task.completed_at else None,
        "expires_at": _expires_at(task, links),
        "prompt": request.prompt,
        "size": request.size,
        "seconds": str(request.seconds) if request.seconds else DEFAULT_SECONDS,
        "remixed_from_video_id": None,
        "error": _openai_task_error(task),
        "video_url": link.url if link else None,
    }


def openai_list(videos: list[dict[str, Any]], *, more: bool) -> dict[str, Any]:
    """Return one page of `GET /v1/videos`."""
    return {
        "object": "list",
        "data": videos,
        "first_id": videos[0]["id"] if videos else None,
        "last_id": videos[-1]["id"] if videos else None,
        "has_more": more,
    }


def video_link(task: Task, links: Links, *, now: float) -> Link | None:
    """Return where the video plays just now: presigned at every read, or the upstream's own URL.

    None where there is none, or where it was kept for its time and is gone.
    """
    result = task.result or {}
    if key := result.get("video_key"):
        return links.kept(key, task.updated_at, now=now)  # it ended then, and does not change
    url, ends = result.get("video_url"), _upstream_end(task)
    return Link(url, ends) if url and (ends is None or now < ends) else None


def _upstream_end(task: Task) -> float | None:
    """Return when the upstream's own URL ends, as far as it told: not before the video was made."""
    ends = (task.result or {}).get("video_expires_at")
    ended = task.completed_at or task.updated_at
    return ends if isinstance(ends, int | float) and ends > epoch(ended) else None


def thumbnail_link(task: Task, links: Links, *, now: float) -> Link | None:
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


def speaks_sdk(headers: Mapping[str, str], vocabulary: str, created_in: Dialect) -> bool:
    """Whether an answer uses OpenAI's status words: the SDKs stop polling at any other.

    `headers` have lower-case names. The document's own clients read the document's words.
    """
    if vocabulary != "auto":
        return vocabulary == "openai"
    return (
        "x-stainless-lang" in headers
        or SDK_USER_AGENT.match(headers.get("user-agent", "")) is not None
        or created_in is Dialect.OPENAI
    )


def stored_dialect(headers: Mapping[str, str], settings: Settings, asked: Dialect) -> Dialect:
    """Return the dialect to store with a new task: the one its creator is answered in."""
    sdk = speaks_sdk(headers, settings.openai_status_vocabulary, asked)
    return Dialect.OPENAI if sdk else Dialect.DOCUMENT


def rest_error(error: VideoApiError) -> dict[str, Any]:
    """Return the REST dialect's error body."""
    body: dict[str, Any] = {
        "type": error.type,
        "message": error.message,
        "code": error.code,
        "retryable": error.retryable,
    }
    return {"error": body | ({"details": error.details} if error.details else {})}


def openai_error(error: VideoApiError) -> tuple[int, dict[str, Any]]:
    """Return the OpenAI dialect's status and error body."""
    status = 400 if error.status in (415, 422) else error.status
    status = OPENAI_STATUS.get(error.code, status)
    kinds = {401: "authentication_error", 429: "rate_limit_error"}
    kind = kinds.get(status, "server_error" if status >= 500 else "invalid_request_error")  # noqa: PLR2004 — HTTP
    code = OPENAI_CODES.get(error.code, error.code)
    body = {"message": error.message, "type": kind, "param": error.param, "code": code}
    return status, {"error": body}


def as_json(body: object) -> str:
    """Return a body as compact JSON text."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _rest_result(task: Task, links: Links, now: float) -> dict[str, Any] | None:
    if task.status is not Status.COMPLETED or task.result is None:
        return None
    link, thumbnail = video_link(task, links, now=now), thumbnail_link(task, links, now=now)
    ends = link.expires_at if link else None
    result = task.result
    return {
        "service": "veo3",
        "result": {
            "video_url": link.url if link else None,
            "thumbnail_url": thumbnail.url if thumbnail else None,
            "expires_at": _instant(ends),
            "content_type": result.get("content_type"),
            "size_bytes": result.get("size_bytes"),
            "requested": {
                "seconds": task.request.seconds,
                "fps": task.request.fps,
                "size": task.request.size,
            },
            "actual": result.get("actual"),
        },
        "duration": result.get("duration"),
    }


def _video_url(task: Task, links: Links, now: float) -> str | None:
    """Return where the video plays, for a completed task."""
    link = video_link(task, links, now=now) if task.status is Status.COMPLETED else None
    return link.url if link else None


def _openai_task_error(task: Task) -> dict[str, Any] | None:
    error = error_record(task)
    if error is None:
        return None
    return {
        "code": error["code"],
        "message": error["message"],
        "type": error["type"],
        "param": None,
        "retryable": error["retryable"],
    }


def _expires_at(task: Task, links: Links) -> int | None:
    """Return when the task is gone, or its video, whichever comes first."""
    if task.expires_at is None:
        return None
    copied = "video_key" in (task.result or {})
    ends = links.kept_until(task.updated_at) if copied else _upstream_end(task)
    return task.expires_at if ends is None else min(task.expires_at, int(ends))


def _instant(epoch_seconds: float | None) -> str | None:
    return None if epoch_seconds is None else timestamp(epoch_seconds)
