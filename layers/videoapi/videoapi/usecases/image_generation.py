"""Use case: make an input image at an images endpoint.

The image is kept in the bucket and handed out as a presigned URL, which a submit accepts as
`image` without fetching it over the network.
"""

import base64
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any

from videoapi.accounts.api_keys import ApiKey
from videoapi.accounts.rate_limits import Limiter, Quota
from videoapi.aws.files import IMAGES, FileStore
from videoapi.aws.presigned import UrlSigner
from videoapi.errors import ImageLost, NotFound, ServiceError, ValidationError
from videoapi.media import images

# An HTTP API waits 30 s for its function; storing the image may take 7 s of them.
MAX_SECONDS = 22.0
MAX_INLINE = 3 * 1024 * 1024  # bytes that still fit, as base64, into Lambda's 6 MB response


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

    def parameters(self) -> dict[str, object]:
        """Return the parameters of OpenAI's `images/generations`, without those left open."""
        body = {**vars(self), "n": 1, "size": f"{self.width}x{self.height}"}
        return {k: v for k, v in body.items() if v is not None and k not in ("width", "height")}


@dataclass(frozen=True)
class GeneratedImage:
    """The response's body, and what the caller's key has left."""

    body: dict[str, Any]
    quota: Quota


# Make an image of these parameters in the seconds that are left; return its bytes.
type MakeImage = Callable[[dict[str, object], Callable[[], float]], bytes]


@dataclass(frozen=True, kw_only=True)
class ImageGeneration:
    """One images endpoint and the bucket."""

    make: MakeImage | None  # None: no endpoint is set up
    files: FileStore
    links: UrlSigner
    limiter: Limiter
    model: str
    allowed_models: Collection[str] = ()  # that a caller may name beside `model`; empty: any

    def generate(
        self, wanted: ImageRequest, caller: ApiKey, clock: Callable[[], float]
    ) -> GeneratedImage:
        """Make one image. Raises `ValidationError`, `RateLimited`, `ServiceError`.

        `NotFound` where no endpoint is set up. A `ServiceError` is retryable only where no image
        can have been paid for: the endpoint said so, or was never reached.
        """
        if self.make is None:
            raise NotFound("No images endpoint is set up here.", code="images_not_configured")
        began = clock()
        order = replace(wanted, model=self._chosen(wanted.model))
        quota = self.limiter.admit_image(caller, began)
        data = self.make(order.parameters(), lambda: began + MAX_SECONDS - clock())
        key = self._stored(data, caller.name)
        body = {
            "image_url": self.links.to(key, now=clock()).url,
            "image_b64": base64.b64encode(data).decode() if len(data) <= MAX_INLINE else None,
            "service": "openai",
            "duration": round(clock() - began, 3),
        }
        return GeneratedImage(body, quota)

    def _chosen(self, model: str | None) -> str:
        allowed = self.allowed_models
        if model in (None, self.model) or not allowed or model in allowed:
            return model or self.model
        raise ValidationError.model_not_offered(dict.fromkeys([self.model, *allowed]))

    def _stored(self, data: bytes, owner: str) -> str:
        """Check an image and put it into its owner's folder; return its key."""
        try:
            image = images.read_bytes(data)
            key = f"{IMAGES}/{owner}/{image.sha256[:32]}.{image.extension}"
            self.files.put(key, image.data, image.content_type)
        except (ValidationError, ServiceError) as exc:
            lost = ImageLost()
            for note in getattr(exc, "__notes__", ()):
                lost.add_note(note)
            raise lost from exc
        return key
