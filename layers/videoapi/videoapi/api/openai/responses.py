"""Response bodies of the OpenAI dialect, and who reads its status words."""

import re
from collections.abc import Mapping
from typing import Any

from videoapi.api import waiting
from videoapi.api.results import cost_of, error_record, upstream_end, video_link, webhook_record
from videoapi.aws.presigned import UrlSigner
from videoapi.domain.forecast import Forecast
from videoapi.domain.tasks import Dialect, Status, Task
from videoapi.domain.timestamps import epoch
from videoapi.errors import VideoApiError
from videoapi.settings import Settings

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


def deleted(task_id: str) -> dict[str, Any]:
    """Return OpenAI's answer to a delete."""
    return {"id": task_id, "object": "video.deleted", "deleted": True}


def openai_video(
    task: Task, links: UrlSigner, *, now: float, sdk_words: bool, forecast: Forecast | None = None
) -> dict[str, Any]:
    """Return the video object; `forecast` is of use to a pending one.

    Never a key called `url`: clients send their API key there.
    """
    request, created = task.request, int(epoch(task.created_at))
    link = video_link(task, links, now=now)
    body = {
        "id": task.task_id,
        "object": "video",
        "model": request.model,
        "status": OPENAI_WORDS[task.status] if sdk_words else task.status,
        **waiting.outlook(task, now=now, forecast=forecast),
        "created": created,
        "created_at": created,
        "completed_at": int(epoch(task.completed_at)) if task.completed_at else None,
        "expires_at": _expires_at(task, links),
        "prompt": request.prompt,
        "size": request.size,
        "seconds": str(request.seconds) if request.seconds else DEFAULT_SECONDS,
        "remixed_from_video_id": None,
        "error": _openai_task_error(task),
        "cost": cost_of(task),
        "video_url": link.url if link else None,
    }
    if (webhook := webhook_record(task)) is not None:
        again = webhook["next_attempt_at"]
        body["webhook"] = webhook | {"next_attempt_at": int(epoch(again)) if again else None}
    return body


def openai_list(videos: list[dict[str, Any]], *, more: bool) -> dict[str, Any]:
    """Return one page of `GET /v1/videos`."""
    return {
        "object": "list",
        "data": videos,
        "first_id": videos[0]["id"] if videos else None,
        "last_id": videos[-1]["id"] if videos else None,
        "has_more": more,
    }


def speaks_sdk(headers: Mapping[str, str], vocabulary: str, created_in: Dialect) -> bool:
    """Return whether an answer uses OpenAI's status words: the SDKs stop polling at any other.

    `headers` have lower-case names. Clients that are no SDK read the REST dialect's words.
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
    return Dialect.OPENAI if sdk else Dialect.REST


def openai_error(error: VideoApiError) -> tuple[int, dict[str, Any]]:
    """Return the OpenAI dialect's status and error body."""
    status = 400 if error.status in (415, 422) else error.status
    status = OPENAI_STATUS.get(error.code, status)
    kinds = {401: "authentication_error", 402: "insufficient_quota", 429: "rate_limit_error"}
    kind = kinds.get(status, "server_error" if status >= 500 else "invalid_request_error")  # noqa: PLR2004 — HTTP
    code = OPENAI_CODES.get(error.code, error.code)
    body = {"message": error.message, "type": kind, "param": error.param, "code": code}
    details = {"details": error.details} if isinstance(error.details, dict) else {}
    return status, {"error": body | details}


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


def _expires_at(task: Task, links: UrlSigner) -> int | None:
    """Return when the task is gone, or its video, whichever comes first."""
    kept_until = task.expires_at or task.kept_until
    if kept_until is None:
        return None
    copied = "video_key" in (task.result or {})
    ends = links.kept_until(task.updated_at) if copied else upstream_end(task)
    return kept_until if ends is None else min(kept_until, int(ends))
