"""What an answer of Google's says, and what it means for an order and for a video."""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import httpx

from videoapi.errors import ServiceError
from videoapi.net.retry_after import retry_after
from videoapi.providers.classification import Cause, ErrorInfo
from videoapi.providers.errors import (
    ContentMissing,
    JobFailed,
    NoContentReason,
    PollFailed,
    SubmitRefused,
    SubmitUnknown,
)
from videoapi.providers.google.errors import QUOTA_PAUSE, GoogleError, read_error, refusal_cause
from videoapi.providers.google.streamed_json import StreamedJson
from videoapi.providers.json_access import UnreadableJson, as_text
from videoapi.redaction import mask_key

_CODE: Final = re.compile(r"[A-Z][A-Z_]{2,40}")
_WHY: Final[Mapping[int, NoContentReason]] = {
    **dict.fromkeys((401, 402, 403), NoContentReason.UNAUTHORISED),
    429: NoContentReason.BUSY,
    **dict.fromkeys(range(500, 600), NoContentReason.UNAVAILABLE),
}


@dataclass(frozen=True)
class GoogleResponse:
    """An answer without our own credential, should it quote that."""

    status: int
    headers: httpx.Headers
    json: dict[str, Any]  # {} for a body that is none
    streamed: StreamedJson = field(repr=False)

    @property
    def is_success(self) -> bool:
        """Whether the status is a 2xx."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def error(self) -> GoogleError:
        """What the answer says is wrong."""
        return read_error(self.json.get("error"))

    def poll_failed(self, why: str = "") -> PollFailed:
        """Return the error of a poll that says nothing about the job.

        Of Google's own words only a code is told: a sentence may quote the prompt.
        """
        reason = why or next(filter(_CODE.fullmatch, self.error.codes), "")
        return PollFailed(
            f"The upstream answered {self.status}" + (f": {reason}" if reason else ""),
            upstream_status=self.status,
            retry_after=retry_after(self.headers),
        )

    def content_missing(self) -> ContentMissing:
        """Return the error of an answer that came in a video's place."""
        return content_missing(self.status, self.headers)


def content_missing(status: int, headers: httpx.Headers) -> ContentMissing:
    """Return the error of an HTTP answer that came in a video's place."""
    return ContentMissing(
        f"The upstream answered {status} instead of the video",
        upstream_status=status,
        retry_after=retry_after(headers),
        why=_WHY.get(status, NoContentReason.OTHER),
    )


def no_video(
    reason: str, why: NoContentReason = NoContentReason.OTHER, failure: JobFailed | None = None
) -> ContentMissing:
    """Return the error of a 200 without the video, or of a job that has none."""
    return ContentMissing(reason, upstream_status=HTTPStatus.OK, why=why, failure=failure)


def video_type(named: object) -> str:
    """Return the content type of a video, whatever an answer names."""
    content_type = as_text(named)
    return content_type if content_type.startswith("video/") else "video/mp4"


def read_response(
    response: httpx.Response, body: Iterable[bytes], key: str, streamed: StreamedJson
) -> GoogleResponse:
    """Read an answer to a request that carried `key`; its long strings stay in `streamed`.

    JSON that lost its tail cannot be parsed, so what can is whole: a job's name is not given up
    because a proxy forgot the last chunk.
    """
    document: dict[str, Any] = {}
    with suppress(UnreadableJson):
        with suppress(httpx.HTTPError):  # one that is too large, or cut
            streamed.take(body)
        streamed.mask(key)
        document = streamed.parsed()
    mask_key(key, document)
    return GoogleResponse(response.status_code, response.headers, document, streamed)


def unsent(exc: ServiceError) -> SubmitRefused:
    """Return the refusal of an order for which there is no credential."""
    account = isinstance(exc, PollFailed) and exc.unauthorised
    return SubmitRefused(
        ErrorInfo(text=exc.message),
        status=401 if account else 503,
        cause=Cause.ACCOUNT if account else Cause.TRANSIENT,
    )


def not_accepted(response: GoogleResponse) -> SubmitRefused | SubmitUnknown:
    """Return what an answer without a 2xx says of an order: certainly not taken, or unknown."""
    cause = refusal_cause(response.status, response.error)
    if cause is None:
        return SubmitUnknown(f"it answered {response.status}", upstream_status=response.status)
    pause = QUOTA_PAUSE if response.status == HTTPStatus.TOO_MANY_REQUESTS else None
    return SubmitRefused(
        response.error.info(),
        status=response.status,
        retry_after=retry_after(response.headers) or pause,
        cause=cause,
    )
