"""Response bodies of the REST dialect."""

from typing import Any

from videoapi.api import waiting
from videoapi.api.results import (
    CANCELLED,
    cost_of,
    current_video_url,
    error_record,
    thumbnail_link,
    video_link,
    webhook_record,
)
from videoapi.aws.presigned import UrlSigner
from videoapi.domain.forecast import Forecast, progress_of
from videoapi.domain.tasks import GenerationRequest, Status, Task
from videoapi.domain.timestamps import timestamp
from videoapi.errors import VideoApiError

MESSAGES = {
    Status.PENDING: "Waiting for a free slot",
    Status.PROCESSING: "The video is being generated",
    Status.COMPLETED: "The video is ready",
    Status.CANCELLED: CANCELLED.message,
}


def submitted(task: Task) -> dict[str, Any]:
    """Return the body of the response to a submit."""
    return {
        "task_id": task.task_id,
        "status": task.status,
        "message": (
            "Video generation task submitted. "
            f"Poll /api/v1/tasks/{task.task_id} for status."
        ),
        "cost": cost_of(task),
    }  # fmt: skip


def cancelled(task: Task) -> dict[str, Any]:
    """Return the body of the response to a cancel."""
    note = " The provider may have charged for it all the same." if task.maybe_charged else ""
    return {"success": True, "message": f"Task cancelled.{note}", "task_id": task.task_id}


def rest_task(
    task: Task, links: UrlSigner, *, now: float, forecast: Forecast | None = None
) -> dict[str, Any]:
    """Return the whole task for `GET /api/v1/tasks/{id}`; `forecast` is of use to a pending one."""
    body = {
        "task_id": task.task_id,
        "status": task.status,
        **waiting.outlook(task, now=now, forecast=forecast),
        "created_at": task.created_at,
        "updated_at": task.updated_at,
        "completed_at": task.completed_at,
        "video_url": current_video_url(task, links, now),
        "result": _rest_result(task, links, now),
        "error": error_record(task),
        "cost": cost_of(task),
        "attempts": task.attempts,
        "provider": task.provider,
        "model": task.upstream_model or task.request.model,
        "prompt": task.prompt_sent or task.request.prompt,
    }
    if (webhook := webhook_record(task)) is not None:
        body["webhook"] = webhook
    if task.image_note is not None:
        body["image_note"] = task.image_note
    if task.prompt_optimized is not None:
        body["prompt_optimized"] = bool(task.prompt_optimized)
    return body | ({"metadata": task.request.metadata} if task.request.metadata else {})


def rest_summary(task: Task, *, now: float) -> dict[str, Any]:
    """Return one line of `GET /api/v1/tasks`."""
    message = MESSAGES.get(task.status) or (task.error or {}).get("message", "")
    return {
        "task_id": task.task_id,
        "status": task.status,
        "progress": progress_of(task, now=now),
        "created_at": task.created_at,
        "updated_at": task.updated_at,
        "message": message,
        "cost": cost_of(task),
    }


def rest_video(task: Task, links: UrlSigner, *, now: float) -> dict[str, Any]:
    """Return the deprecated flat status of `GET /api/v1/videos/{id}`."""
    link = video_link(task, links, now=now)
    return {
        "task_id": task.task_id,
        "status": task.status,
        "progress": progress_of(task, now=now),
        "video_url": link.url if link else None,
        "error": error_record(task),
        "cost": cost_of(task),
        "created_at": task.created_at,
        "updated_at": task.updated_at,
    }


def rest_error(error: VideoApiError) -> dict[str, Any]:
    """Return the REST dialect's error body."""
    body: dict[str, Any] = {
        "type": error.type,
        "message": error.message,
        "code": error.code,
        "retryable": error.retryable,
    }
    return {"error": body | ({"details": error.details} if error.details else {})}


def _rest_result(task: Task, links: UrlSigner, now: float) -> dict[str, Any] | None:
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
            "requested": _requested(task.request) | _images_of(task),
            "actual": result.get("actual"),
        },
        "duration": result.get("duration"),
    }


def _requested(request: GenerationRequest) -> dict[str, Any]:
    asked = {"seconds": request.seconds, "fps": request.fps, "size": request.size}
    further = {
        "negative_prompt": request.negative_prompt,
        "seed": request.seed,
        "generate_audio": request.generate_audio,
    }
    return asked | {name: value for name, value in further.items() if value is not None}


def _images_of(task: Task) -> dict[str, Any]:
    """Return what more images than the first were asked for: never where they are."""
    roles = task.image_roles
    last = {"last_frame": True} if "last_frame" in roles else {}
    return last | ({"reference_images": n} if (n := roles.count("reference")) else {})


def _instant(epoch_seconds: float | None) -> str | None:
    return None if epoch_seconds is None else timestamp(epoch_seconds)
