"""HTTP on both sides of a handler: headers, bodies, callers, answers and errors.

Powertools' resolver routes; `bodies` reads what comes in, because the resolver's parser truncates
form files that contain their boundary, and lets deep JSON and bad UTF-8 escape as exceptions.
Nothing escapes `Api.handle`: under `sam local` an exception would answer 200 with a traceback.
"""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from videoapi.accounts.api_keys import ANONYMOUS, PREFIX, ApiKey, ApiKeyStore, Limits
from videoapi.api import paths, waiting
from videoapi.api.bodies import read_body
from videoapi.api.openai import responses as openai_responses
from videoapi.api.replies import JSON, NO_STORE, json_response, refusal
from videoapi.aws.presigned import UrlSigner
from videoapi.domain.forecast import Forecast
from videoapi.domain.tasks import Task
from videoapi.errors import (
    AuthenticationError,
    MethodNotAllowed,
    NotFound,
    UnsupportedMediaType,
    VideoApiError,
)
from videoapi.settings import Settings

GATEWAY_WAITS = 30  # seconds for a function's response
SERVER_ERROR = 500
OPEN = ApiKey(ANONYMOUS, Limits())
EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "Strict-Transport-Security": "max-age=31536000",  # heeded over https only (RFC 6797 §8.1)
}
BEARER_ALONE = (
    "This route takes the key as `Authorization: Bearer …` alone: it redirects, and clients would "
    "hand an `X-API-Key` on to the file's host."
)


class Api:
    """One handler's routes, and what they need of the request at hand."""

    def __init__(
        self,
        settings: Settings,
        keys: ApiKeyStore | None,
        logger: Logger,
        clock: Callable[[], float],
        *,
        bearer_alone: bool = False,
        key_later: bool = False,
    ) -> None:
        """Take what `bootstrap` made. Without `keys` nobody is asked for one.

        `bearer_alone` refuses `X-API-Key`: clients drop Authorization at a redirect to another
        host, and no other header. `key_later` leaves it to the routes to call `authenticate`.
        """
        self.settings = settings
        self.clock = clock
        self.key = OPEN
        self._keys = keys
        self._bearer_alone, self._key_later = bearer_alone, key_later
        self._headers: Mapping[str, str] = {}
        self._logger = logger
        self._resolver = APIGatewayHttpResolver()
        self.get, self.post = self._resolver.get, self._resolver.post
        self.delete = self._resolver.delete

        @self._resolver.not_found
        def no_such_route(_: Exception) -> Response[str]:
            message = "No such route. See /docs."
            raise NotFound(message, code="route_not_found")

    def handle(self, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Answer one event (payload 2.0); a failure gets the error body of its dialect.

        HEAD is answered as GET, without a body.
        """
        self._logger.set_correlation_id(context.aws_request_id)
        headers = event.get("headers") or {}
        self._headers = {name.lower(): headers[name] for name in headers}
        event = {**event, "headers": self._headers}
        head = _method(event) == "HEAD"
        response = self._resolve(_with_method(event, "GET") if head else event, context)
        response["headers"] = {
            "x-request-id": context.aws_request_id,
            **EVERYWHERE,
            **response["headers"],
        }
        return response | {"body": "", "isBase64Encoded": False} if head else response

    def _resolve(self, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        path, route = str(event.get("rawPath", "")), event.get("routeKey")
        try:
            if straight := paths.straight(path):
                return _elsewhere(event, straight)
            if not self._key_later:
                self.authenticate()
            return self._resolver.resolve(event, context)
        except VideoApiError as exc:
            error = _wrong_method(event) or exc if isinstance(exc, NotFound) else exc
            notes = getattr(error, "__notes__", None)
            log = self._logger.error if error.status >= SERVER_ERROR else self._logger.info
            log("refused", code=error.code, route=route, notes=notes)
            return refusal(error, path)
        except Exception:
            self._logger.exception("unexpected", route=route)
            message = "Something went wrong here; the logs tell it under this request id."
            return refusal(VideoApiError(message), path)

    @property
    def headers(self) -> Mapping[str, str]:
        """The request's headers, with lower-case names whatever the gateway made of them."""
        return self._headers  # Powertools makes a new mapping of them each time

    @property
    def query(self) -> Mapping[str, str]:
        """The query parameters; of a repeated one, what the gateway joined with commas."""
        return self._resolver.current_event.query_string_parameters or {}

    def authenticate(self) -> None:
        """Find out who calls; in open mode everybody is one, whatever key they send."""
        if self._keys is None or self.settings.allow_anonymous:
            self.key = OPEN
        else:
            self.key = _key_of(self._headers, self._keys, bearer_alone=self._bearer_alone)

    @property
    def caller(self) -> str:
        """The owner on whose behalf the request runs."""
        return self.key.name

    @property
    def received_at(self) -> float:
        """When the gateway took the request (epoch seconds); `sam local` says when it started."""
        now = self.clock()
        received = float(self._resolver.current_event.request_context.time_epoch) / 1000
        return received if 0 <= now - received <= GATEWAY_WAITS else now

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
        """Return the request's bytes; see `bodies` for what it raises."""
        return read_body(self._resolver.current_event.raw_event, self.headers)

    def json_body(self) -> bytes:
        """Return a JSON body's bytes. Raises `UnsupportedMediaType` for any other format."""
        kind = self.media_type
        if kind not in ("", JSON) and not kind.endswith("+json"):
            message = "Send the body as application/json."
            raise UnsupportedMediaType(message, param="Content-Type")
        return self.body()

    def video(
        self,
        task: Task,
        links: UrlSigner,
        extra: Mapping[str, str] | None = None,
        *,
        forecast: Forecast | None = None,
    ) -> Response[str]:
        """Return a video object, in the status words that its reader knows."""
        vocabulary = self.settings.openai_status_vocabulary
        sdk = openai_responses.speaks_sdk(self.headers, vocabulary, task.dialect)
        waits = {} if task.ended else {"openai-poll-after-ms": str(waiting.POLL_AFTER_MS)}
        content = openai_responses.openai_video(
            task, links, now=self.clock(), sdk_words=sdk, forecast=forecast
        )
        return json_response(content, extra=NO_STORE | waits | dict(extra or {}))


def presented_key(authorization: str | None, x_api_key: str | None) -> str:
    """Return the key of a request: `Authorization: Bearer …`, else `X-API-Key`; may be empty."""
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else (x_api_key or "")


def _key_of(headers: Mapping[str, str], keys: ApiKeyStore, *, bearer_alone: bool) -> ApiKey:
    """Return the key that a request presents. Raises `AuthenticationError`."""
    other = headers.get("x-api-key", "")
    if not bearer_alone:
        return keys.find(presented_key(headers.get("authorization"), other))
    bearer = presented_key(headers.get("authorization"), None)
    if other.startswith(PREFIX) or (other and not bearer):
        raise AuthenticationError(BEARER_ALONE)
    return keys.find(bearer)


def _method(event: Mapping[str, Any]) -> str:
    return str(event.get("requestContext", {}).get("http", {}).get("method", ""))


def _with_method(event: dict[str, Any], method: str) -> dict[str, Any]:
    context = event["requestContext"]
    http = {**context["http"], "method": method}
    return {**event, "requestContext": {**context, "http": http}}


def _wrong_method(event: Mapping[str, Any]) -> VideoApiError | None:
    """Return the error for a path that answers other methods only; `GET …/generate` is no task."""
    allowed = paths.allowed(event["rawPath"])
    if not allowed or _method(event) in allowed.split(", "):
        return None
    return MethodNotAllowed(f"This path answers {allowed}.", headers={"Allow": allowed})


def _elsewhere(event: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Lead a reader to the path without needless slashes; a writer's client might lose the body."""
    if _method(event) != "GET":
        message = f"No such route: the path is {path}, without another slash."
        raise NotFound(message, code="route_not_found")
    query = event.get("rawQueryString", "")
    where = f"{path}?{quote(query, safe='=&%+,;:@/?~!$()*')}" if query else path
    headers = {"Content-Type": "text/plain", "Location": where, **NO_STORE}
    return {"statusCode": 308, "headers": headers, "body": "", "isBase64Encoded": False}
