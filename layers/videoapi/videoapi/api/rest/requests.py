"""Request bodies of the REST dialect."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from videoapi.api import aliases
from videoapi.api.fields import (
    DEFAULT_FPS,
    MAX_REFERENCES,
    AspectRatio,
    Camera,
    Fps,
    Image,
    Metadata,
    Model,
    NegativePrompt,
    Prompt,
    Resolution,
    Seconds,
    Seed,
    Strength,
    Webhook,
    frame,
    integer,
    webhook,
)
from videoapi.api.validation import allowed_model, validated
from videoapi.catalog.fitting import FIRST_FRAME, LAST_FRAME, REFERENCE
from videoapi.domain.tasks import Dialect, GenerationRequest
from videoapi.settings import Settings
from videoapi.usecases.input_images import RequestedImage
from videoapi.usecases.submission import Submission

WORDS = aliases.Words("image", "duration", "resolution")


class GenerateVideo(BaseModel):
    """The body of `POST /api/v1/videos/generate`."""

    model_config = ConfigDict(extra="forbid", strict=True, title="GenerateVideo")

    last_frame: Image | None = None
    reference_images: (
        Annotated[list[Image], Field(min_length=1, max_length=MAX_REFERENCES)] | None
    ) = None
    image: Annotated[Image | None, Field(validate_default=True)] = None
    prompt: Prompt | None = None
    duration: Annotated[Seconds | None, BeforeValidator(integer)] = None
    fps: Annotated[Fps | None, BeforeValidator(integer)] = DEFAULT_FPS
    resolution: Resolution | None = None
    aspect_ratio: AspectRatio | None = None
    motion_strength: Strength | None = None
    camera_motion: Camera | None = None
    optimize_prompt: bool | None = False
    negative_prompt: NegativePrompt | None = None
    seed: Annotated[Seed | None, BeforeValidator(integer)] = None
    generate_audio: bool | None = None
    model: Model | None = None
    metadata: Metadata | None = None
    webhook_url: Webhook | None = None
    callback_url: Webhook | None = None

    @field_validator("image")
    @classmethod
    def _require_image(cls, image: str | None, info: ValidationInfo) -> str | None:
        """Require an image, but where reference images stand in its stead."""
        if image is None and info.data.get("reference_images", ()) is None:
            raise PydanticCustomError("missing", "Field required")
        return image


def from_rest(
    fields: object, settings: Settings, kind: type[GenerateVideo] = GenerateVideo
) -> Submission:
    """Validate a REST body; raise `ValidationError` naming every bad field."""
    body = validated(kind, fields, default_param="body", words=WORDS)
    url, name = webhook({"webhook_url": body.webhook_url, "callback_url": body.callback_url})
    return Submission(
        request=GenerationRequest(
            model=allowed_model(body.model, settings),
            prompt=body.prompt or None,
            seconds=body.duration,
            fps=body.fps or DEFAULT_FPS,
            size=frame(body.resolution, body.aspect_ratio, named="resolution"),
            size_named=body.resolution is not None,
            motion_strength=body.motion_strength,
            camera_motion=body.camera_motion,
            optimize_prompt=bool(body.optimize_prompt),
            negative_prompt=body.negative_prompt or None,
            seed=body.seed,
            generate_audio=body.generate_audio,
            metadata=body.metadata or {},
        ),
        images=_images(body),
        names={"size": "resolution", "webhook_url": name},
        webhook_url=url,
        dialect=Dialect.REST,
    )


def _images(body: GenerateVideo) -> tuple[RequestedImage, ...]:
    first = RequestedImage(FIRST_FRAME, body.image, "image") if body.image else None
    last = RequestedImage(LAST_FRAME, body.last_frame, "last_frame") if body.last_frame else None
    references = (
        RequestedImage(REFERENCE, image, f"reference_images.{number}")
        for number, image in enumerate(body.reference_images or ())
    )
    return (*filter(None, (first, last)), *references)
