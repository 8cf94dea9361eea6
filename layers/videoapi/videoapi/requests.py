"""Both dialects' submit bodies, validated into one internal request.

The REST dialect is strict: an unknown field or a number in quotes is refused by name, because a
typo must not cost money. The OpenAI dialect takes what its SDKs send: text fields of a form, and
fields this service has never heard of.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Self

import pydantic
from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Tag
from pydantic_core import PydanticCustomError, from_json

from videoapi.errors import MalformedBody, ValidationError
from videoapi.fields import (
    DEFAULT_FPS,
    DEFAULT_SIZE,
    LONGEST_NAME,
    Camera,
    Fps,
    Image,
    Metadata,
    Model,
    Prompt,
    Seconds,
    Size,
    Strength,
    flag_or_text,
    number_or_text,
    object_or_text,
    whole,
    whole_or_text,
)
from videoapi.settings import Settings
from videoapi.tasks import Dialect, GenerationRequest

MOST_FIELDS = 100  # the largest body knows a dozen


class GenerateVideo(BaseModel):
    """The body of `POST /api/v1/videos/generate`."""

    model_config = ConfigDict(extra="forbid", strict=True, title="GenerateVideo")

    image: Image
    prompt: Prompt | None = None
    duration: Annotated[Seconds | None, BeforeValidator(whole)] = None
    fps: Annotated[Fps | None, BeforeValidator(whole)] = DEFAULT_FPS
    resolution: Size | None = DEFAULT_SIZE
    motion_strength: Strength | None = None
    camera_motion: Camera | None = None
    optimize_prompt: bool | None = False
    model: Model | None = None
    metadata: Metadata | None = None


class ImageReference(BaseModel):
    """The object form of `input_reference`; files cannot be uploaded here beforehand."""

    model_config = ConfigDict(extra="ignore", strict=True)

    image_url: Image
    file_id: None = None


def _shape(reference: object) -> str:
    return "str" if isinstance(reference, str) else "ImageReference"


class CreateVideo(BaseModel):
    """The body of `POST /v1/videos`: JSON, or the fields of a form."""

    model_config = ConfigDict(extra="ignore", strict=True, title="CreateVideo")

    prompt: Prompt | None = None
    input_reference: (
        Annotated[
            Annotated[Image, Tag("str")] | Annotated[ImageReference, Tag("ImageReference")],
            Discriminator(_shape),
        ]
        | None
    ) = None
    seconds: Annotated[Seconds | None, BeforeValidator(whole_or_text)] = None
    size: Size | None = None
    model: Model | None = None
    fps: Annotated[Fps | None, BeforeValidator(whole_or_text)] = None
    motion_strength: Annotated[Strength | None, BeforeValidator(number_or_text)] = None
    camera_motion: Camera | None = None
    optimize_prompt: Annotated[bool | None, BeforeValidator(flag_or_text)] = None
    metadata: Annotated[Metadata | None, BeforeValidator(object_or_text)] = None

    @pydantic.model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.prompt or "").strip() and self.input_reference is None:
            raise PydanticCustomError("missing", "A prompt or an input_reference is needed")
        return self


@dataclass(frozen=True, kw_only=True)
class Submission:
    """One accepted wish. `image` is still as the caller gave it: text, or the bytes of a file."""

    request: GenerationRequest
    image: str | bytes | None
    image_param: str
    dialect: Dialect


def read_json(body: bytes) -> Any:  # noqa: ANN401 — JSON
    """Parse a JSON body; raise `MalformedBody` for anything that is not JSON, NaN included.

    The parser limits the depth (200) and the digits of a whole number (4,300).
    """
    try:
        return from_json(body, allow_inf_nan=False)
    except ValueError:
        text = "The body is not valid JSON."
        raise MalformedBody(text, code="invalid_json") from None


def from_rest(fields: object, settings: Settings) -> Submission:
    """Validate a REST body; raise `ValidationError` naming every bad field."""
    body = validated(GenerateVideo, fields, default_param="body")
    return Submission(
        request=GenerationRequest(
            model=_allowed(body.model, settings),
            prompt=body.prompt or None,
            seconds=body.duration,
            fps=body.fps or DEFAULT_FPS,
            size=body.resolution or DEFAULT_SIZE,
            motion_strength=body.motion_strength,
            camera_motion=body.camera_motion,
            optimize_prompt=bool(body.optimize_prompt),
            metadata=body.metadata or {},
        ),
        image=body.image,
        image_param="image",
        dialect=Dialect.DOCUMENT,
    )


def from_openai(
    fields: object, settings: Settings, *, file: bytes | None = None, form: bool = False
) -> Submission:
    """Validate an OpenAI body: JSON, or the text fields of a form and its file."""
    if file is not None and isinstance(fields, Mapping):
        fields = {**fields, "input_reference": "file"}
    body = validated(CreateVideo, fields, default_param="prompt")
    reference = body.input_reference
    as_object = isinstance(reference, ImageReference)
    text = reference.image_url if isinstance(reference, ImageReference) else reference
    return Submission(
        request=GenerationRequest(
            model=_allowed(body.model, settings),
            prompt=body.prompt or None,
            seconds=body.seconds,
            fps=body.fps or DEFAULT_FPS,
            size=body.size or DEFAULT_SIZE,
            motion_strength=body.motion_strength,
            camera_motion=body.camera_motion,
            optimize_prompt=bool(body.optimize_prompt),
            metadata=body.metadata or {},
        ),
        image=file if file is not None else text,
        image_param="input_reference",
        dialect=Dialect.OPENAI if form or as_object else Dialect.DOCUMENT,
    )


def validated[Body: BaseModel](kind: type[Body], fields: object, *, default_param: str) -> Body:
    """Return a valid body; raise `ValidationError` naming every bad field, echoing none.

    Of a body with hundreds of fields none is looked at: the answer would outgrow Lambda's 6 MB.
    """
    if isinstance(fields, Mapping) and len(fields) > MOST_FIELDS:
        text = f"The body has more than {MOST_FIELDS} fields."
        raise ValidationError(text, param=default_param)
    try:
        return kind.model_validate(fields)
    except pydantic.ValidationError as exc:
        found = exc.errors(include_url=False, include_context=False, include_input=False)
    details = [_detail(each["loc"], each["type"], each["msg"], default_param) for each in found]
    first = details[0]
    raise ValidationError(
        "; ".join(f"{each['field']}: {each['message']}" for each in details[:5]),
        code=first["code"],
        param=first["field"].split(".")[0],
        details=details,
    )


def _detail(
    place: tuple[int | str, ...], kind: str, message: str, default_param: str
) -> dict[str, str]:
    code = {
        "missing": "missing_required_parameter",
        "extra_forbidden": "unknown_parameter",
        "invalid_image": "invalid_image",
    }
    said = {
        "extra_forbidden": "Unknown field",
        "model_type": "Input should be a JSON object",
        "none_required": "Not offered here",
    }
    if place[:1] == ("input_reference",):
        place = tuple(name for name in place if name not in ("str", "ImageReference"))
    return {
        "field": ".".join(_printable(str(name)) for name in place) or default_param,
        "message": said.get(kind, message),
        "code": code.get(kind, "invalid_value"),
    }


def _printable(name: str) -> str:
    shown = "".join(char if char.isprintable() else "?" for char in name[:LONGEST_NAME])
    return shown + ("…" if len(name) > LONGEST_NAME else "")


def _allowed(model: str | None, settings: Settings) -> str:
    allowed = settings.veo3_allowed_models
    if model is None or not allowed or model in allowed:
        return model or settings.veo3_model
    raise ValidationError(
        f"model: this service offers {', '.join(allowed)}",
        code="model_not_found",
        param="model",
        details=[{"field": "model", "message": "Not offered here", "code": "model_not_found"}],
    )
