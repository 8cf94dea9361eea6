"""Client of an OpenAI-compatible images endpoint: one POST, and the image behind its response."""

import io
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from videoapi.errors import ImageLost, RateLimited, ServiceError, ValidationError
from videoapi.net.downloads import Fetcher
from videoapi.net.http_client import FAILURES, post_json
from videoapi.net.receiving import DownloadFailed
from videoapi.net.ssrf import origin
from videoapi.providers.data_urls import decode_data_url
from videoapi.providers.errors import ContentMissing
from videoapi.providers.json_access import UnreadableJson, first_of, parsed

MAX_RESPONSE = 40 * 1024 * 1024  # bytes: one image of 20 MB as base64, and words around it
REFUSED, RATE_LIMITED = frozenset({400, 413, 422}), 429
ACCOUNT_REFUSED = frozenset({401, 402, 403, 404, 405})  # or the address is not the endpoint's
# Said by the endpoint, or by an edge that never reached it; not 504 or 524: a late image may have
# been made.
NOT_MADE = frozenset({500, 502, 503, 521, 522, 523, 525, 526, 530})
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
BUSY_SECONDS = 5  # until another try is worth it


@dataclass(frozen=True, kw_only=True)
class OpenAIImages:
    """One images endpoint. The key goes there and nowhere else."""

    transport: httpx.BaseTransport
    fetcher: Fetcher  # of images behind a URL
    base_url: str  # without `/v1/images/generations`
    key: Callable[[], str]

    def make(self, parameters: dict[str, object], left: Callable[[], float]) -> bytes:
        """Return the bytes of one image; `left` says how many seconds it may still take.

        Raises `ValidationError`, `RateLimited` and `ServiceError` where no image was made, and
        `ImageLost` where one may have been paid for.
        """
        response = self._post(parameters, left())
        if response.status_code == RATE_LIMITED:
            message = "The image service is busy. Try again."
            raise RateLimited(message, retry_after=BUSY_SECONDS)
        if response.status_code in REFUSED:
            message = "The image service refused the request."
            raise ValidationError(message, code="upstream_rejected", param="prompt")
        if response.status_code in ACCOUNT_REFUSED:
            raise _account_refused()
        if response.status_code in NOT_MADE:
            raise ImageLost() if _was_sent_on(response) else _not_made()
        try:
            image = first_of(parsed(response.content).get("data")) if response.is_success else {}
            text = str(image.get("b64_json") or image.get("url"))
            is_data = text[:5].casefold() == "data:"  # some have it in either
            if is_data or image.get("b64_json"):
                decode_data_url(text if is_data else f"data:;base64,{text}", into := io.BytesIO())
                return into.getvalue()
            return self.fetcher.image(text, seconds=left(), trusted={origin(self.base_url)})
        except (UnreadableJson, ValueError, ContentMissing, ValidationError, DownloadFailed) as exc:
            raise ImageLost from exc

    def _post(self, parameters: dict[str, object], seconds: float) -> httpx.Response:
        try:
            return post_json(
                self.transport,
                f"{self.base_url.rstrip('/').removesuffix('/v1')}/v1/images/generations",
                parameters,
                key=self.key(),
                seconds=seconds,
                limit=MAX_RESPONSE,
            )
        except NOT_SENT as exc:
            raise _not_made() from exc
        except FAILURES as exc:
            raise ImageLost from exc


def _was_sent_on(response: httpx.Response) -> bool:
    """Return whether the endpoint tells that it lost the answer of another one."""
    from videoapi.providers.openai_compatible.lost_answers import (  # noqa: PLC0415 — of few answers
        tells_of_a_lost_answer,
    )

    return tells_of_a_lost_answer((), response.content)


def _account_refused() -> ServiceError:
    message = "The image service refused this service: its key, its account or its address."
    error = ServiceError(message, code="upstream_account_error")
    error.retryable = False
    return error


def _not_made() -> ServiceError:
    message = "The image service did not deliver an image. Try again."
    return ServiceError(message, retry_after=BUSY_SECONDS)
