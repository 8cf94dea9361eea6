"""HTTP on both sides of a handler: headers, bodies, callers, answers and errors.

Powertools' resolver routes; validation is `requests`' own, because the resolver's parser truncates
form files that contain their boundary, and lets deep JSON and bad UTF-8 escape as exceptions.
Nothing escapes `Api.handle`: under `sam local` an exception would answer 200 with a traceback.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from videoapi import documentation, responses
from videoapi.errors import (
    MalformedBody,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    UnsupportedMediaType,
    VideoApiError,
)
from videoapi.keys import ANONYMOUS, ApiKey, KeyRing, Limits, presented_key
from videoapi.settings import Settings
from videoapi.storage import Links
from videoapi.tasks import Task

LARGEST_BODY = 6 * 1024 * 1024  # characters as the function gets it: Lambda's invocation quota
GATEWAY_WAITS = 30  # seconds for a function's answer
TOO_LARGE = (
    "The body is over 6 MB (about 4.4 MB of binary). Send the image's URL, or upload the image "
    "first: POST /api/v1/uploads."
)
# What an HTTP API puts for bytes that are not UTF-8; a prompt with holes would be paid for.
REPLACEMENT = "\ufffd".encode()
SERVER_ERROR = 500
OPEN = ApiKey(ANONYMOUS, Limits())
JSON = "application/json"
NO_STORE = {
    "Cache-Control": "no-store",
    "Vary": "Authorization, User-Agent, X-API-Key, X-Stainless-Lang",
}
DEPRECATED_SINCE = 1768089600  # 2026-01-11, the day of the document that deprecates the route


class Api:
    """One handler's routes, and what they need of the request at hand."""

    def __init__(
        self,
        settings: Settings,
        keys: KeyRing | None,
        logger: Logger,
        clock: Callable[[], float],
    ) -> None:
        """Take what `services` made. Without `keys` nobody is asked for one."""
        self.settings = settings
        self.clock = clock
        self.key = OPEN
        self._keys = keys
        self._logger = logger
        self._resolver = APIGatewayHttpResolver()
        self.get, self.post = self._resolver.get, self._resolver.post
        self.delete = self._resolver.delete

        @self._resolver.not_found
        def no_such_route(_: Exception) -> Response[str]:
            message = "No such route. See /docs."
            raise NotFound(message, code="route_not_found")

    def handle(self, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Answer one event (payload 2.0); a failure gets the error body of its dialect."""
        self._logger.set_correlation_id(context.aws_request_id)
        given = event.get("headers") or {}
        event = {**event, "headers": {name.lower(): given[name] for name in given}}
        answer = self._resolve(event, context)
        answer["headers"] = {
            "x-request-id": context.aws_request_id,
            "X-Content-Type-Options": "nosniff",
            **answer["headers"],
        }
        return answer

    def _resolve(self, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        path, route = str(event.get("rawPath", "")), event.get("routeKey")
        try:
            self.key = self._authenticated(event["headers"])
            return self._resolver.resolve(event, context)
        except VideoApiError as exc:
            error = _wrong_method(event) or exc if isinstance(exc, NotFound) else exc
            notes = getattr(error, "__notes__", None)
            log = self._logger.error if error.status >= SERVER_ERROR else self._logger.info
            log("refused", code=error.code, route=route, notes=notes)
            return _refusal(error, path)
        except Exception:
            self._logger.exception("unexpected", route=route)
            message = "Something went wrong here; the logs tell it under this request id."
            return _refusal(VideoApiError(message), path)

    @property
    def headers(self) -> Mapping[str, str]:
        """The request's headers, with lower-case names whatever the gateway made of them."""
        return self._resolver.current_event.headers

    @property
    def query(self) -> Mapping[str, str]:
        """The query parameters; of a repeated one, what the gateway joined with commas."""
        return self._resolver.current_event.query_string_parameters or {}

    def _authenticated(self, headers: Mapping[str, str]) -> ApiKey:
        """Return who calls; in open mode everybody is one, whatever key they send."""
        if self._keys is None or self.settings.allow_anonymous:
            return OPEN
        return self._keys.find(
            presented_key(headers.get("authorization"), headers.get("x-api-key"))
        )

    @property
    def caller(self) -> str:
        """The owner on whose behalf the request runs."""
        return self.key.name

    @property
    def received_at(self) -> float:
        """When the gateway took the request (epoch seconds); `sam local` says when it started."""
        now = self.clock()
        said = float(self._resolver.current_event.request_context.time_epoch) / 1000
        return said if 0 <= now - said <= GATEWAY_WAITS else now

    @property
    def path(self) -> str:
        """The request's path."""
        return self._resolver.current_event.path

    @property
    def media_type(self) -> str:
        """The content type without parameters, lower case; empty when there is none."""
        return self.headers.get("content-type", "").split(";", 1)[0].strip().lower()

    @property
    def base_url(self) -> str:
        """The absolute base of our own links, without a slash at the end."""
        configured = self.settings.public_url.rstrip("/")
        domain = self._resolver.current_event.request_context.domain_name
        return configured or f"https://{domain}"

    def body(self) -> bytes:
        """Return the request's bytes. Raises `PayloadTooLarge`, `MalformedBody`."""
        event = self._resolver.current_event.raw_event
        text = event.get("body") or ""
        if len(text) > LARGEST_BODY:
            raise PayloadTooLarge(TOO_LARGE)
        try:
            if event.get("isBase64Encoded"):
                return base64.b64decode(text, validate=True)
            body = str(text).encode()
        except (binascii.Error, ValueError):
            message = "The body could not be decoded."
            raise MalformedBody(message) from None
        if REPLACEMENT in body:
            message = "The body is not UTF-8, or holds U+FFFD, which stands for what is not."
            raise MalformedBody(message, code="invalid_encoding")
        return body

    def json_body(self) -> bytes:
        """Return a JSON body's bytes. Raises `UnsupportedMediaType` for any other format."""
        kind = self.media_type
        if kind not in ("", JSON) and not kind.endswith("+json"):
            message = "Send the body as application/json."
            raise UnsupportedMediaType(message, param="Content-Type")
        return self.body()

    def video(
        self, task: Task, links: Links, extra: Mapping[str, str] | None = None
    ) -> Response[str]:
        """Return a video object, in the status words that its reader knows."""
        vocabulary = self.settings.openai_status_vocabulary
        sdk = responses.speaks_sdk(self.headers, vocabulary, task.dialect)
        waits = {} if task.ended else {"openai-poll-after-ms": str(responses.POLL_AFTER * 1000)}
        content = responses.openai_video(task, links, now=self.clock(), sdk_words=sdk)
        return answer(content, extra=NO_STORE | waits | dict(extra or {}))


def answer(
    content: object, status: int = 200, extra: Mapping[str, str] | None = None
) -> Response[str]:
    """Return a JSON answer."""
    return text(responses.as_json(content), JSON, status, extra)


def text(
    content: str, content_type: str, status: int = 200, extra: Mapping[str, str] | None = None
) -> Response[str]:
    """Return an answer in any text format."""
    return Response(
        status_code=status, content_type=content_type, body=content, headers=dict(extra or {})
    )


def redirect(url: str) -> Response[str]:
    """Return a 307: the same method again, at the other place."""
    return text("", "text/plain", 307, {"Location": url, **NO_STORE})


def status_headers(task: Task) -> dict[str, str]:
    """Return what goes with a task in the REST dialect."""
    return NO_STORE if task.ended else NO_STORE | {"Retry-After": str(responses.POLL_AFTER)}


def deprecation(task_id: str) -> dict[str, str]:
    """Return the headers of a deprecated route (RFC 9745) and where its successor is."""
    return {
        "Deprecation": f"@{DEPRECATED_SINCE}",
        "Link": f'</api/v1/tasks/{task_id}>; rel="successor-version"',
    }


def _wrong_method(event: Mapping[str, Any]) -> VideoApiError | None:
    """Return the error for a path that answers other methods only; `GET …/generate` is no task."""
    allowed = documentation.methods().get(event["rawPath"], "")
    if not allowed or event["requestContext"]["http"]["method"] in allowed.split(", "):
        return None
    return MethodNotAllowed(f"This path answers {allowed}.", headers={"Allow": allowed})


def _refusal(error: VideoApiError, path: str) -> dict[str, Any]:
    extra = {"Content-Type": JSON, "Cache-Control": "no-store", **error.headers}
    if error.retryable:
        extra.setdefault("Retry-After", "2")
    else:
        extra["x-should-retry"] = "false"
    openai = path == "/v1" or path.startswith("/v1/")
    status, shaped = (
        responses.openai_error(error) if openai else (error.status, responses.rest_error(error))
    )
    return {
        "statusCode": status,
        "headers": extra,
        "body": responses.as_json(shaped),
        "isBase64Encoded": False,
    }
