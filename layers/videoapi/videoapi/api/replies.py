"""HTTP responses in either dialect: status, headers and body."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.event_handler import Response

from videoapi.api import results, waiting
from videoapi.api.openai import responses as openai_responses
from videoapi.api.rest import responses as rest_responses
from videoapi.domain.tasks import Task
from videoapi.errors import AuthenticationError, RateLimited, VideoApiError

if TYPE_CHECKING:
    from videoapi.accounts.rate_limits import Quota
    from videoapi.domain.forecast import Forecast
    from videoapi.usecases.submission import Submitted

JSON = "application/json"
NO_STORE = {
    "Cache-Control": "no-store",
    "Vary": "Authorization, User-Agent, X-API-Key, X-Stainless-Lang",
}
DEFAULT_RETRY_AFTER = 2  # seconds
MAX_RETRY_AFTER = 60  # seconds: the SDKs take no longer one; the RateLimit header tells it
DEPRECATED_SINCE = 1768089600  # 2026-01-11, the day on which the route was deprecated


def json_response(
    content: object, status: int = 200, extra: Mapping[str, str] | None = None
) -> Response[str]:
    """Return a JSON response."""
    return text(results.as_json(content), JSON, status, extra)


def text(
    content: str, content_type: str, status: int = 200, extra: Mapping[str, str] | None = None
) -> Response[str]:
    """Return a response in any text format."""
    return Response(
        status_code=status, content_type=content_type, body=content, headers=dict(extra or {})
    )


def redirect(url: str) -> Response[str]:
    """Return a 307: the same method again, at the other place."""
    return text("", "text/plain", 307, {"Location": url, **NO_STORE})


def status_headers(task: Task, *, now: float, forecast: "Forecast | None" = None) -> dict[str, str]:
    """Return what goes with a task in the REST dialect."""
    if task.ended:
        return NO_STORE
    return NO_STORE | {"Retry-After": str(waiting.retry_after(task, now=now, forecast=forecast))}


def submit_headers(submitted: "Submitted") -> dict[str, str]:
    """Return the headers that tell of a replay, and of what the key has left."""
    replay = {"Idempotency-Replayed": "true"} if submitted.replayed else {}
    return NO_STORE | rate_limit_headers(submitted.quota) | replay


def rate_limit_headers(quota: "Quota") -> dict[str, str]:
    """Return `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10)."""
    if not quota.windows:
        return {}
    policy = (f'"{each.name}";q={each.limit};w={each.seconds}' for each in quota.windows)
    state = (
        f'"{each.name}";r={max(each.limit - each.used, 0)};t={each.left(quota.now)}'
        for each in quota.windows
    )
    return {"RateLimit-Policy": ", ".join(policy), "RateLimit": ", ".join(state)}


def deprecation(task_id: str) -> dict[str, str]:
    """Return the headers of a deprecated route (RFC 9745) and where its successor is."""
    return {
        "Deprecation": f"@{DEPRECATED_SINCE}",
        "Link": f'</api/v1/tasks/{task_id}>; rel="successor-version"',
    }


def refusal(error: VideoApiError, path: str) -> dict[str, Any]:
    """Return an error as the gateway wants it, in the shape of the dialect that the path is of."""
    headers = {"Content-Type": JSON, "Cache-Control": "no-store", **error.headers}
    if isinstance(error, AuthenticationError):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, RateLimited):
        from videoapi.accounts.rate_limits import LimitReached  # noqa: PLC0415 — few roles count

        headers |= rate_limit_headers(error.quota) if isinstance(error, LimitReached) else {}
    seconds = error.retry_after
    if not error.retryable:
        headers["x-should-retry"] = "false"  # of the OpenAI SDKs
    elif seconds is None:
        seconds = DEFAULT_RETRY_AFTER
    if seconds is not None:
        headers["Retry-After"] = str(min(max(int(seconds), 1), MAX_RETRY_AFTER))
    openai = re.match("/+v1(/|$)", path)
    status, shaped = (
        openai_responses.openai_error(error)
        if openai
        else (error.status, rest_responses.rest_error(error))
    )
    if path.strip("/") == "mcp":
        from videoapi.api.mcp.jsonrpc import refused  # noqa: PLC0415 — that route's alone

        shaped = refused(error, shaped)
    return {
        "statusCode": status,
        "headers": headers,
        "body": results.as_json(shaped),
        "isBase64Encoded": False,
    }
