"""Request bodies of the OpenAI dialect."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

import pydantic
from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError

from videoapi.api import aliases
from videoapi.api.aliases import REFERENCE, SIZE
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
    Size,
    Strength,
    Webhook,
    flag_or_text,
    frame,
    integer_or_text,
    number_or_text,
    object_or_text,
    seed_or_text,
)
from videoapi.api.validation import allowed_model, require_few_fields, validated
from videoapi.catalog.fitting import FIRST_FRAME, LAST_FRAME
from videoapi.catalog.fitting import REFERENCE as REFERENCE_ROLE
from videoapi.domain.tasks import Dialect, GenerationRequest
from videoapi.errors import ValidationError
from videoapi.settings import Settings
from videoapi.usecases.input_images import RequestedImage
from videoapi.usecases.submission import Submission

WORDS = aliases.Words(REFERENCE, "seconds", "size")


class ImageReference(BaseModel):
    """The object form of an image; files cannot be uploaded here beforehand."""

    model_config = ConfigDict(extra="forbid", strict=True)

    image_url: Image
    file_id: None = None


class UrlObject(BaseModel):
    """OpenRouter's way of a URL; base64 and an upload's reference pass too."""

    model_config = ConfigDict(extra="forbid", strict=True)

    url: Image
    detail: str | None = None


class FrameImage(BaseModel):
    """OpenRouter's way to give the first and the last frame."""

    model_config = ConfigDict(extra="forbid", strict=True)

    type: Literal["image_url"] | None = None
    image_url: Annotated[
        Annotated[Image, Tag("str")] | Annotated[UrlObject, Tag("UrlObject")],
        Discriminator(lambda value: "str" if isinstance(value, str) else "UrlObject"),
    ]
    frame_type: Literal["first_frame", "last_frame"]


def _shape(reference: object) -> str:
    kind = type(reference).__name__
    return kind if kind in ("str", "bytes") else "ImageReference"


Reference = Annotated[
    Annotated[Image, Tag("str")]
    | Annotated[ImageReference, Tag("ImageReference")]
    | Annotated[SkipJsonSchema[bytes], Tag("bytes")],  # a form's file
    Discriminator(_shape),
]


class CreateVideo(BaseModel):
    """The body of `POST /v1/videos`: JSON, or the fields of a form."""

    model_config = ConfigDict(extra="forbid", strict=True, title="CreateVideo")

    prompt: Prompt | None = None
    input_reference: Reference | None = None
    last_frame: Reference | None = None
    reference_images: (
        Annotated[list[Reference], Field(min_length=1, max_length=MAX_REFERENCES)] | None
    ) = None
    frame_images: Annotated[list[FrameImage], Field(min_length=1, max_length=2)] | None = None
    seconds: Annotated[Seconds | None, BeforeValidator(integer_or_text)] = None
    size: Size | None = None
    resolution: Resolution | None = None
    aspect_ratio: AspectRatio | None = None
    model: Model | None = None
    fps: Annotated[Fps | None, BeforeValidator(integer_or_text)] = None
    motion_strength: Annotated[Strength | None, BeforeValidator(number_or_text)] = None
    camera_motion: Camera | None = None
    optimize_prompt: Annotated[bool | None, BeforeValidator(flag_or_text)] = None
    negative_prompt: NegativePrompt | None = None
    seed: Annotated[Seed | None, BeforeValidator(seed_or_text)] = None
    generate_audio: Annotated[bool | None, BeforeValidator(flag_or_text)] = None
    metadata: Annotated[Metadata | None, BeforeValidator(object_or_text)] = None
    webhook_url: Webhook | None = None

    @pydantic.model_validator(mode="after")
    def _require_something(self) -> Self:
        images = (self.input_reference, self.last_frame, self.reference_images, self.frame_images)
        if not (self.prompt or "").strip() and all(image is None for image in images):
            raise PydanticCustomError("missing", "A prompt or an input_reference is needed")
        return self


def from_form(body: bytes, content_type: str, settings: Settings) -> Submission:
    """Read and validate a form of the OpenAI dialect."""
    from videoapi.api.openai.multipart import read_form  # noqa: PLC0415 — a form's submits alone

    return from_openai(read_form(body, content_type), settings, form=True)


def from_openai(fields: object, settings: Settings, *, form: bool = False) -> Submission:
    """Validate an OpenAI body: JSON, or the fields of a form, where a file is `bytes`."""
    names: dict[str, str] = {}
    if isinstance(fields, Mapping):
        require_few_fields(fields, "prompt")
        fields, names = aliases.understood(fields)
    body = validated(CreateVideo, fields, default_param="prompt", names=names, words=WORDS)
    reference = body.input_reference
    as_object = isinstance(reference, ImageReference) and names[REFERENCE] == REFERENCE
    shape = SIZE if body.size is not None else "resolution"
    return Submission(
        request=GenerationRequest(
            model=allowed_model(body.model, settings),
            prompt=body.prompt or None,
            seconds=body.seconds,
            fps=body.fps or DEFAULT_FPS,
            size=_size(body, names),
            size_named=body.size is not None or body.resolution is not None,
            motion_strength=body.motion_strength,
            camera_motion=body.camera_motion,
            optimize_prompt=bool(body.optimize_prompt),
            negative_prompt=body.negative_prompt or None,
            seed=body.seed,
            generate_audio=body.generate_audio,
            metadata=body.metadata or {},
        ),
        images=_images(body, names),
        names=names | {SIZE: names.get(shape, shape)},
        webhook_url=body.webhook_url or None,
        dialect=Dialect.OPENAI if form or as_object else Dialect.REST,
    )


def _images(body: CreateVideo, names: Mapping[str, str]) -> tuple[RequestedImage, ...]:
    """Return the images in the order of their roles; OpenRouter's frames are frames as well."""
    frames: dict[str, RequestedImage] = {}
    single = ((FIRST_FRAME, REFERENCE), (LAST_FRAME, aliases.LAST_FRAME))
    for role, field in single:
        if (reference := getattr(body, field)) is not None:
            frames[role] = RequestedImage(role, _value(reference), names[field])
    for number, entry in enumerate(body.frame_images or ()):
        role, name = entry.frame_type, names[aliases.FRAMES]
        image = RequestedImage(role, _value(entry.image_url), f"{name}.{number}")
        earlier = frames.setdefault(role, image)
        if earlier.value != image.value:
            raise ValidationError.field(name, f"Says another {role} than {earlier.param}")
    references = tuple(
        RequestedImage(REFERENCE_ROLE, _value(each), f"{names[aliases.REFERENCES]}.{number}")
        for number, each in enumerate(body.reference_images or ())
    )
    return (*(frames[role] for role, _ in single if role in frames), *references)


def _value(reference: str | bytes | ImageReference | UrlObject) -> str | bytes:
    match reference:
        case ImageReference():
            return reference.image_url
        case UrlObject():
            return reference.url
    return reference


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
