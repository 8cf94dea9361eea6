"""Request bodies of the OpenAI dialect."""

from collections.abc import Mapping
from typing import Annotated, Self

import pydantic
from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Tag
from pydantic_core import PydanticCustomError

from videoapi.api import aliases
from videoapi.api.aliases import REFERENCE
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
    Size,
    Strength,
    flag_or_text,
    frame,
    integer_or_text,
    number_or_text,
    object_or_text,
)
from videoapi.api.openai.multipart import read_form
from videoapi.api.validation import allowed_model, require_few_fields, validated
from videoapi.domain.tasks import Dialect, GenerationRequest
from videoapi.errors import ValidationError
from videoapi.settings import Settings
from videoapi.usecases.submission import Submission

WORDS = aliases.Words(REFERENCE, "seconds", "size")


class ImageReference(BaseModel):
    """The object form of `input_reference`; files cannot be uploaded here beforehand."""

    model_config = ConfigDict(extra="forbid", strict=True)

    image_url: Image
    file_id: None = None


def _shape(reference: object) -> str:
    return "str" if isinstance(reference, str) else "ImageReference"


class CreateVideo(BaseModel):
    """The body of `POST /v1/videos`: JSON, or the fields of a form."""

    model_config = ConfigDict(extra="forbid", strict=True, title="CreateVideo")

    prompt: Prompt | None = None
    input_reference: (
        Annotated[
            Annotated[Image, Tag("str")] | Annotated[ImageReference, Tag("ImageReference")],
            Discriminator(_shape),
        ]
        | None
    ) = None
    seconds: Annotated[Seconds | None, BeforeValidator(integer_or_text)] = None
    size: Size | None = None
    resolution: Resolution | None = None
    aspect_ratio: AspectRatio | None = None
    model: Model | None = None
    fps: Annotated[Fps | None, BeforeValidator(integer_or_text)] = None
    motion_strength: Annotated[Strength | None, BeforeValidator(number_or_text)] = None
    camera_motion: Camera | None = None
    optimize_prompt: Annotated[bool | None, BeforeValidator(flag_or_text)] = None
    metadata: Annotated[Metadata | None, BeforeValidator(object_or_text)] = None

    @pydantic.model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.prompt or "").strip() and self.input_reference is None:
            raise PydanticCustomError("missing", "A prompt or an input_reference is needed")
        return self


def from_form(body: bytes, content_type: str, settings: Settings) -> Submission:
    """Read and validate a form of the OpenAI dialect."""
    form = read_form(body, content_type)
    file, name = form.file, form.file_name
    return from_openai(form.fields, settings, file=file, file_name=name, form=True)


def from_openai(
    fields: object,
    settings: Settings,
    *,
    file: bytes | None = None,
    file_name: str = REFERENCE,
    form: bool = False,
) -> Submission:
    """Validate an OpenAI body: JSON, or the text fields of a form and its file."""
    names: dict[str, str] = {}
    if isinstance(fields, Mapping):
        require_few_fields(fields, "prompt")
        fields, names = aliases.understood(fields)
        if file is not None:
            fields[REFERENCE], names[REFERENCE] = "file", file_name
    body = validated(CreateVideo, fields, default_param="prompt", names=names, words=WORDS)
    reference = body.input_reference
    as_object = isinstance(reference, ImageReference) and names[REFERENCE] == REFERENCE
    text = reference.image_url if isinstance(reference, ImageReference) else reference
    return Submission(
        request=GenerationRequest(
            model=allowed_model(body.model, settings),
            prompt=body.prompt or None,
            seconds=body.seconds,
            fps=body.fps or DEFAULT_FPS,
            size=_size(body, names),
            motion_strength=body.motion_strength,
            camera_motion=body.camera_motion,
            optimize_prompt=bool(body.optimize_prompt),
            metadata=body.metadata or {},
        ),
        image=file if file is not None else text,
        image_param=names.get(REFERENCE, REFERENCE),
        dialect=Dialect.OPENAI if form or as_object else Dialect.REST,
    )


def _size(body: CreateVideo, names: Mapping[str, str]) -> str:
    """Return the one size that `size`, `resolution` and `aspect_ratio` say."""
    if body.size is None:
        named = names.get("resolution", "resolution")
        return frame(body.resolution, body.aspect_ratio, named=named)
    size = frame(body.size, body.aspect_ratio, named=names["size"])
    short = min(int(side) for side in size.split("x"))
    if body.resolution not in (None, size, f"{short}p"):
        raise ValidationError.field(
            names["resolution"], f"Says something else than {names['size']}"
        )
    return size
