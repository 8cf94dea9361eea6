"""Use case: make an input image, through any OpenAI-compatible images endpoint.

The image is kept in the bucket and handed out as a presigned URL, which a submit accepts as
`image` without fetching it over the network.
"""

import base64
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import httpx

from videoapi.accounts.api_keys import ApiKey
from videoapi.accounts.rate_limits import Limiter
from videoapi.aws.files import IMAGES, Files
from videoapi.aws.presigned import Links
from videoapi.errors import NotFound, RateLimited, ServiceError, ValidationError
from videoapi.media import images
from videoapi.media.images import MAX_BYTES
from videoapi.net.downloads import Fetcher
from videoapi.net.http_client import FAILURES, post_json
from videoapi.net.receiving import DownloadFailed
from videoapi.providers.json_access import UnreadableJson, first_of, parsed

# An HTTP API waits 30 s for its function; storing the image may take 7 s of them.
LONGEST_SECONDS = 22.0
LARGEST_ANSWER = 2 * MAX_BYTES  # of the endpoint: one image as base64, and words around it
LARGEST_INLINE = 3 * 1024 * 1024  # bytes that still fit, as base64, into Lambda's 6 MB answer
REFUSED, RATE_LIMITED = 400, 429
NOT_MADE = frozenset({500, 502, 503})  # not 504: what is late may have been made all the same
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True, kw_only=True)
class ImageRequest:
    """What an image is to be like, after validation. None leaves it to the endpoint."""

    prompt: str
    width: int = 1024  # pixels
    height: int = 1024
    quality: str | None = None
    negative_prompt: str | None = None
    seed: int | None = None
    model: str | None = None


@dataclass(frozen=True)
class Made:
    """The answer's body, and the headers that tell what the caller's key has left."""

    body: dict[str, Any]
    rate_limit: dict[str, str]


class ImageGeneration:
    """One images endpoint and the bucket."""

    def __init__(
        self,
        transport: httpx.BaseTransport,
        fetcher: Fetcher,
        files: Files,
        links: Links,
        limiter: Limiter,
        *,
        base_url: str,
        model: str,
        allowed_models: Collection[str] = (),
        key: Callable[[], str],
    ) -> None:
        """`base_url` without `/v1/images/generations`; the key goes there and nowhere else.

        `allowed_models` are those that a caller may name beside `model`; empty: any.
        """
        self._transport = transport
        self._fetcher = fetcher
        self._files = files
        self._links = links
        self._limiter = limiter
        self._base_url = base_url.rstrip("/").removesuffix("/v1")
        self._model = model
        self._allowed_models = allowed_models
        self._key = key

    def generate(self, wanted: ImageRequest, caller: ApiKey, clock: Callable[[], float]) -> Made:
        """Make one image. Raises `ValidationError`, `RateLimited`, `ServiceError`.

        `NotFound` where no endpoint is set up. A `ServiceError` is retryable only where no image
        can have been paid for: the endpoint said so, or was never reached.
        """
        if not self._base_url:
            raise NotFound("No images endpoint is set up here.", code="images_not_configured")
        began = clock()
        model = self._chosen(wanted.model)
        rate_limit = self._limiter.admit_image(caller, began)
        end = began + LONGEST_SECONDS
        answer = self._asked(wanted, model, seconds=end - clock())
        image = self._image(answer, seconds=end - clock())
        key = f"{IMAGES}/{caller.name}/{image.sha256[:32]}.{image.extension}"
        self._store(key, image)
        inline = len(image.data) <= LARGEST_INLINE
        body = {
            "image_url": self._links.to(key, now=clock()).url,
            "image_b64": base64.b64encode(image.data).decode() if inline else None,
            "service": "openai",
            "duration": round(clock() - began, 3),
        }
        return Made(body, rate_limit)

    def _chosen(self, model: str | None) -> str:
        allowed = self._allowed_models
        if model in (None, self._model) or not allowed or model in allowed:
            return model or self._model
        raise ValidationError.model_not_offered(dict.fromkeys([self._model, *allowed]))

    def _asked(self, wanted: ImageRequest, model: str, *, seconds: float) -> dict[str, Any]:
        body = {
            "model": model,
            "prompt": wanted.prompt,
            "n": 1,
            "size": f"{wanted.width}x{wanted.height}",
            "quality": wanted.quality,
            "negative_prompt": wanted.negative_prompt,
            "seed": wanted.seed,
        }
        said = {name: value for name, value in body.items() if value is not None}
        try:
            response = post_json(
                self._transport,
                f"{self._base_url}/v1/images/generations",
                said,
                key=self._key(),
                seconds=seconds,
                limit=LARGEST_ANSWER,
            )
        except NOT_SENT as exc:
            raise _not_made() from exc
        except FAILURES as exc:
            raise _maybe_paid() from exc
        if response.status_code == RATE_LIMITED:
            raise RateLimited("The image service is busy. Try again.", headers={"Retry-After": "5"})
        if response.status_code == REFUSED:
            raise ValidationError(
                "The image service refused the request.", code="upstream_rejected", param="prompt"
            )
        if response.status_code in NOT_MADE:
            raise _not_made()
        try:
            told = parsed(response.content) if response.is_success else {}
        except UnreadableJson as exc:
            raise _maybe_paid() from exc
        return first_of(told.get("data"))

    def _image(self, answer: dict[str, Any], *, seconds: float) -> images.Image:
        try:
            if text := answer.get("b64_json"):
                return images.read_bytes(base64.b64decode(str(text)))
            return images.read_bytes(self._fetcher.image(str(answer.get("url")), seconds=seconds))
        except (ValueError, ValidationError, DownloadFailed) as exc:
            raise _maybe_paid() from exc

    def _store(self, key: str, image: images.Image) -> None:
        try:
            self._files.put(key, image.data, image.content_type)
        except ServiceError as exc:
            raise _maybe_paid(*getattr(exc, "__notes__", ())) from exc


def _not_made() -> ServiceError:
    return ServiceError(
        "The image service did not deliver an image. Try again.", headers={"Retry-After": "5"}
    )


def _maybe_paid(*notes: str) -> ServiceError:
    error = ServiceError("No image arrived, but one may have been made and charged for.")
    error.retryable = False
    for note in notes:
        error.add_note(note)
    return error
