"""The document's examples of errors, made by the code that makes the answers."""

from typing import Any

from tools.openapi.examples import IMAGE, NOW, PROMPT
from videoapi.accounts.api_keys import ApiKeyStore
from videoapi.accounts.budgets import exceeded
from videoapi.api.bodies import TOO_LARGE
from videoapi.api.openai import responses as openai_responses
from videoapi.api.openai.requests import from_openai
from videoapi.api.rest import responses as rest_responses
from videoapi.api.rest.requests import from_rest
from videoapi.domain.ledger import Entry, owner_key
from videoapi.domain.tasks import Dialect
from videoapi.errors import (
    AuthenticationError,
    Conflict,
    MalformedBody,
    NotFound,
    PayloadTooLarge,
    PaymentRequired,
    RateLimited,
    ServiceError,
    UnsupportedMediaType,
    ValidationError,
    VideoApiError,
)
from videoapi.settings import Settings

type Json = Any


def refusals(dialect: Dialect) -> dict[int, list[Json]]:
    """Return error bodies of a dialect by their status."""
    found: dict[int, list[Json]] = {}
    for error in _errors(dialect):
        if dialect is Dialect.OPENAI:
            status, body = openai_responses.openai_error(error)
        else:
            status, body = error.status, rest_responses.rest_error(error)
        found.setdefault(status, []).append(body)
    return found


def _daily_limit() -> RateLimited:
    error = RateLimited("This key may make 50 videos a day.", code="daily_limit_reached")
    error.retryable = False  # not within the minute that a client would wait
    return error


def _over_budget() -> PaymentRequired:
    adds = {"committed": 250_000}
    return exceeded(Entry(owner_key("bob", "2026-01-11"), adds, 0, cap=5_000_000))


def _errors(dialect: Dialect) -> list[VideoApiError]:
    openai = dialect is Dialect.OPENAI
    shared: list[VideoApiError] = [
        MalformedBody("The body is not valid JSON.", code="invalid_json"),
        _unknown_key(),
        NotFound("No such task.", code="task_not_found"),
        NotFound("No such route. See /docs.", code="route_not_found"),
        PayloadTooLarge(TOO_LARGE),
        UnsupportedMediaType("Send the body as application/json.", param="Content-Type"),
        UnsupportedMediaType(
            "Send the body without Content-Encoding, or as gzip or deflate.",
            code="unsupported_content_encoding",
            param="Content-Encoding",
        ),
        RateLimited("This key may submit 10 times a minute."),
        _daily_limit(),
        RateLimited("This key may have 5 tasks alive at once.", code="too_many_tasks_alive"),
        _over_budget(),
        PaymentRequired(
            "my-model has no known price, which a daily budget needs.",
            code="price_unknown",
            param="model",
        ),
        VideoApiError("Something went wrong here; the logs tell it under this request id."),
        ServiceError("The task table does not answer just now. Try again."),
        ValidationError(
            "This Idempotency-Key was used for a different request.",
            code="idempotency_key_reused",
            param="Idempotency-Key",
        ),
    ]
    if openai:
        return [
            *shared,
            _refused({"seconds": 5}, openai=True),
            _refused({"prompt": PROMPT, "size": "4096x2160"}, openai=True),
            NotFound("This service offers veo_3_1.", code="model_not_found", param="model"),
            NotFound("The video is not ready yet: processing, 45 %.", code="video_not_ready"),
            NotFound("There is no video: Audio filtered", code="video_failed"),
            NotFound("The video was kept for its retention time.", code="video_expired"),
        ]
    return [
        *shared,
        _refused({"image": IMAGE, "duration": 60, "promt": PROMPT}, openai=False),
        Conflict("The task has already ended: completed.", code="task_already_ended"),
    ]


def _unknown_key() -> VideoApiError:
    nowhere: Any = None
    try:
        ApiKeyStore(nowhere, "", clock=lambda: NOW).find("not a key")
    except AuthenticationError as error:
        return error
    raise AssertionError(nowhere)


def _refused(fields: Json, *, openai: bool) -> VideoApiError:
    try:
        (from_openai if openai else from_rest)(fields, Settings())
    except ValidationError as error:
        return error
    raise AssertionError(fields)
