"""Errors in the shapes that Google's services give them."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from simulator.failures import SAFETY, Failure, Refusal
from simulator.fault_words import Stage
from simulator.faults import Plan
from simulator.google.failure_texts import GUIDELINES
from simulator.http_faults import ErrorBody

type Handler = Callable[[Request], Awaitable[Response]]

RPC: Final = {
    400: (3, "INVALID_ARGUMENT"),
    401: (16, "UNAUTHENTICATED"),
    402: (9, "FAILED_PRECONDITION"),
    403: (7, "PERMISSION_DENIED"),
    404: (5, "NOT_FOUND"),
    409: (10, "ABORTED"),
    429: (8, "RESOURCE_EXHAUSTED"),
    500: (13, "INTERNAL"),
    501: (12, "UNIMPLEMENTED"),
    503: (14, "UNAVAILABLE"),
    504: (4, "DEADLINE_EXCEEDED"),
}
"""google.rpc's code and word of an HTTP status (google/rpc/code.proto)."""
_UNKNOWN: Final = (2, "UNKNOWN")
_REASONS: Final = frozenset(
    {
        "API_KEY_INVALID",
        "API_KEY_SERVICE_BLOCKED",
        "ACCESS_TOKEN_EXPIRED",
        "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
        "ACCESS_TOKEN_TYPE_UNSUPPORTED",
        "BILLING_DISABLED",
        "CREDENTIALS_MISSING",
        "SERVICE_DISABLED",
    }
)
"""Codes that stand in the details as google.rpc.ErrorInfo's reason."""


def body(failure: Failure, plan: Plan | None = None) -> Any:
    """Return a google.rpc error as REST tells it; an array of one where the plan says so."""
    error: dict[str, Any] = {
        "code": failure.status,
        "message": _message(failure),
        "status": RPC.get(failure.status, _UNKNOWN)[1],
    }
    if reason := _reason(failure):
        info = "type.googleapis.com/google.rpc.ErrorInfo"
        error["details"] = [{"@type": info, "reason": reason, "domain": "googleapis.com"}]
    envelope = {"error": error}
    return [envelope] if plan and plan.option(Stage.ERROR, "") == "array" else envelope


def operation_error(failure: Failure) -> dict[str, Any]:
    """Return how an operation tells of its failure: google.rpc's number, not HTTP's."""
    number = RPC.get(failure.status, _UNKNOWN)[0]
    return {"code": number, "message": _message(failure)}


def interactions_body(failure: Failure, plan: Plan | None = None) -> Any:
    """Return an error of the Interactions API: a word as its code."""
    if _reason(failure) or (plan and plan.option(Stage.ERROR, "") == "array"):
        return body(failure, plan)
    return {"error": word_and_message(failure)}


def word_and_message(failure: Failure) -> dict[str, str]:
    """Return a failure as an interaction tells of it."""
    if failure.message == SAFETY:
        return {"code": "content_blocked", "message": failure.message}
    word = RPC.get(failure.status, _UNKNOWN)[1].lower()
    code = failure.code if isinstance(failure.code, str) else word
    return {"code": code, "message": failure.message}


def _reason(failure: Failure) -> str:
    reason = str(failure.code).upper()
    return reason if reason in _REASONS else ""


def _message(failure: Failure) -> str:
    """Return a failure's text, a relay's about safety in Google's words."""
    return GUIDELINES if failure.message == SAFETY else failure.message


def oauth_body(failure: Failure, _plan: Plan | None = None) -> Any:
    """Return an error of a token service (RFC 6749, 5.2)."""
    word = failure.code if isinstance(failure.code, str) else "internal_failure"
    return {"error": word, "error_description": failure.message}


def answering(handler: Handler, error_body: ErrorBody = body) -> Handler:
    """Return a handler that answers its Refusals in a shape of Google's."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except Refusal as refusal:
            return JSONResponse(error_body(refusal.failure, None), refusal.failure.status)

    return answer
