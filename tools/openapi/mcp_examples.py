"""The examples of MCP's messages, made by the code that makes them."""

from typing import Any

from videoapi.api.bodies import TOO_LARGE
from videoapi.api.mcp import results
from videoapi.api.mcp.jsonrpc import INVALID_REQUEST, METHOD_NOT_FOUND, error_body, refused
from videoapi.api.rest.responses import rest_error
from videoapi.domain.tasks import Task
from videoapi.errors import (
    AuthenticationError,
    Forbidden,
    MalformedBody,
    PayloadTooLarge,
    RateLimited,
    ServiceError,
    UnsupportedMediaType,
    ValidationError,
    VideoApiError,
)
from videoapi.usecases.submission import Submitted

type Json = Any

ASKED = {"prompt": "Gentle waves", "image": "https://example.com/image.jpg", "duration": 6}
MESSAGES: Json = {
    "a tool call": {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {
            "name": "generate_video",
            "arguments": ASKED | {"idempotency_key": "the waves, first take"},
        },
    },
    "a notification": {"jsonrpc": "2.0", "method": "notifications/initialized"},
}
_ERRORS: tuple[VideoApiError, ...] = (
    MalformedBody("The body is not valid JSON.", code="invalid_json"),
    AuthenticationError("No such API key."),
    Forbidden("Pages of this origin are not invited here: it is not in CORS_ALLOW_ORIGINS."),
    PayloadTooLarge(TOO_LARGE),
    UnsupportedMediaType("Send the body as application/json."),
    RateLimited("Too many requests."),
    VideoApiError("Something went wrong here; the logs tell it under this request id."),
    ServiceError("The task table does not answer just now. Try again."),
)


def answers(task: Task, *, now: float) -> Json:
    """Return examples of good answers by their names."""
    wrong = ValidationError("duration: Input should be less than or equal to 10")
    return {
        "accepted": _answered(results.accepted(Submitted(task), now=now)),
        "a wrong call": _answered(results.refusal(wrong)),
    }


def refusals() -> dict[int, list[Json]]:
    """Return error bodies by their status."""
    found = {error.status: [refused(error, rest_error(error))] for error in _ERRORS}
    batch = "Batches are no part of MCP since 2025-06-18: send each message as a POST of its own."
    found[400].append(error_body(INVALID_REQUEST, batch, None, None))
    found[404] = [error_body(METHOD_NOT_FOUND, "There is no such method here.", 1, None)]
    return found


def _answered(result: Json) -> Json:
    return {"jsonrpc": "2.0", "id": 1, "result": result}
