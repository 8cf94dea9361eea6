"""Request bodies of the REST dialect."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

from videoapi.api import aliases
from videoapi.api.fields import (
    DEFAULT_FPS,
    AspectRatio,
    Camera,
    Fps,
    Image,
    Metadata,
    Model,
    Prompt,
    Resolution,
    Seconds,
    Strength,
    frame,
    integer,
)
from videoapi.api.validation import allowed_model, validated
from videoapi.domain.tasks import Dialect, GenerationRequest
from videoapi.settings import Settings
from videoapi.usecases.submission import Submission

WORDS = aliases.Words("image", "duration", "resolution")


class GenerateVideo(BaseModel):
    """The body of `POST /api/v1/videos/generate`."""

    model_config = ConfigDict(extra="forbid", strict=True, title="GenerateVideo")

    image: Image
    prompt: Prompt | None = None
    duration: Annotated[Seconds | None, BeforeValidator(integer)] = None
    fps: Annotated[Fps | None, BeforeValidator(integer)] = DEFAULT_FPS
    resolution: Resolution | None = None
    aspect_ratio: AspectRatio | None = None
    motion_strength: Strength | None = None
    camera_motion: Camera | None = None
    optimize_prompt: bool | None = False
    model: Model | None = None
    metadata: Metadata | None = None


def from_rest(fields: object, settings: Settings) -> Submission:
    """Validate a REST body; raise `ValidationError` naming every bad field."""
    body = validated(GenerateVideo, fields, default_param="body", words=WORDS)
    return Submission(
        request=GenerationRequest(
            model=allowed_model(body.model, settings),
            prompt=body.prompt or None,
            seconds=body.duration,
            fps=body.fps or DEFAULT_FPS,
            size=frame(body.resolution, body.aspect_ratio, named="resolution"),
            motion_strength=body.motion_strength,
            camera_motion=body.camera_motion,
            optimize_prompt=bool(body.optimize_prompt),
            metadata=body.metadata or {},
        ),
        image=body.image,
        image_param="image",
        dialect=Dialect.REST,
    )
