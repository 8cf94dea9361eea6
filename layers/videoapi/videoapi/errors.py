"""Every way in which a request or a task can end badly, as one family.

VideoApiError
├── ValidationError        a field is wrong (422 REST, 400 OpenAI)
├── MalformedBody          the body cannot be read at all (400)
├── PaymentRequired        a cap on money allows no more, or cannot be kept (402)
├── AuthenticationError    no key, or not a known one (401)
├── Forbidden              a web page of a foreign origin may not ask (403)
├── NotFound               no such task, route or file for this caller (404)
├── MethodNotAllowed       the route has other methods (405)
├── Conflict               the task's state does not allow it (409)
├── PayloadTooLarge        more bytes than a Lambda function can be handed (413)
├── UnsupportedMediaType   a body in a format that the route does not read (415)
├── RateLimited            a limit of ours was reached (429)
├── ServiceError           something behind us is away for a moment (503)
│   └── ImageLost          an image may have been made, and paid, that did not arrive
└── GenerationError        the generation itself ended without a video (stored on the task)

An adapter translates its vendor's error into one of these once; `replies` turns them into either
dialect. The text of a message is for people, `code` is for programs.
"""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Self


class VideoApiError(Exception):
    """What both dialects need to know of a failure."""

    type: ClassVar[str] = "ServiceError"
    status: ClassVar[int] = 500
    default_code: ClassVar[str] = "internal_error"
    retryable: bool = False

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        param: str | None = None,
        details: list[dict[str, Any]] | None = None,
        retry_after: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`param` names the bad field; `details` lists all of them.

        `retry_after` is in seconds; `headers` are for `api` alone, and go out as they are.
        """
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.param = param
        self.details: Any = details
        self.retry_after = retry_after
        self.headers = dict(headers or {})

    @classmethod
    def field(cls, name: str, message: str, *, code: str = "") -> Self:
        """Return the error of one bad field."""
        error = cls(f"{name}: {message}", code=code, param=name)
        error.details = [{"field": name, "message": message, "code": error.code}]
        return error


class ValidationError(VideoApiError):
    """One or more fields are wrong. Never carries what the caller sent."""

    type = "ValidationError"
    status = 422
    default_code = "invalid_value"

    @classmethod
    def model_not_offered(cls, offered: Iterable[str]) -> Self:
        """Return the error of a `model` that is not among those on offer."""
        message = f"this service offers {', '.join(offered)}"
        return cls.field("model", message, code="model_not_found")


class MalformedBody(VideoApiError):
    """The body is not JSON, not a form, or not what its headers say."""

    type = "MalformedBody"
    status = 400
    default_code = "malformed_body"


class AuthenticationError(VideoApiError):
    """No API key, or one that is not known here."""

    type = "AuthenticationError"
    status = 401
    default_code = "invalid_api_key"


class Forbidden(VideoApiError):
    """A web page of this origin may not call the route."""

    type = "Forbidden"
    status = 403
    default_code = "forbidden"


class PaymentRequired(VideoApiError):
    """A cap on money is used up, or cannot be kept because the price is unknown."""

    type = "PaymentRequired"
    status = 402
    default_code = "budget_exceeded"


class NotFound(VideoApiError):
    """The caller has no such task, file or route. Another owner's task is not found either."""

    type = "NotFound"
    status = 404
    default_code = "not_found"


class MethodNotAllowed(VideoApiError):
    """There is such a path, but not with this method; `Allow` in the headers says with which."""

    type = "MethodNotAllowed"
    status = 405
    default_code = "method_not_allowed"


class Conflict(VideoApiError):
    """The state of the task, or of an earlier request with this key, does not allow it."""

    type = "Conflict"
    status = 409
    default_code = "conflict"


class PayloadTooLarge(VideoApiError):
    """Over 6 MB as the function gets it (the quota of a synchronous Lambda invocation)."""

    type = "PayloadTooLarge"
    status = 413
    default_code = "request_too_large"


class UnsupportedMediaType(VideoApiError):
    """The route reads other formats."""

    type = "UnsupportedMediaType"
    status = 415
    default_code = "unsupported_media_type"


class RateLimited(VideoApiError):
    """A limit of this service was reached."""

    type = "RateLimited"
    status = 429
    default_code = "rate_limited"
    retryable = True


class ServiceError(VideoApiError):
    """Something behind this service does not answer just now.

    Nothing was charged, unless `retryable` is set to False.
    """

    status = 503
    default_code = "service_unavailable"
    retryable = True


class ImageLost(ServiceError):
    """No image arrived of what may have been paid for: another try may pay twice."""

    retryable = False

    def __init__(
        self, message: str = "No image arrived, but one may have been made and charged for."
    ) -> None:
        super().__init__(message)


class GenerationError(VideoApiError):
    """The generation ended without a video. Stored on the task as `error`.

    `kind` is the REST dialect's error type; `maybe_charged`: the relay may have taken money.
    """

    status = 502
    default_code = "generation_failed"

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        kind: str = "VideoGenerationError",
        retryable: bool = False,
        maybe_charged: bool = False,
    ) -> None:
        """The fields of the task's `error` object in the REST dialect."""
        super().__init__(message, code=code)
        self.detail = message  # for the log; of a relay's refusal its own words
        self.kind = kind
        self.retryable = retryable
        self.maybe_charged = maybe_charged

    def as_record(self) -> dict[str, Any]:
        """Return the `error` object as it is stored and as the REST dialect shows it."""
        return {
            "type": self.kind,
            "message": self.message,
            "code": self.code,
            "retryable": self.retryable,
            "maybe_charged": self.maybe_charged,
        }
