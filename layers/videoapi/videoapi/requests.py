"""Both dialects' submit bodies, validated into one internal request.

An unknown field is refused by name, because a typo must not cost money. The REST dialect takes no
number in quotes either; the OpenAI dialect takes what its SDKs and their kin send: text fields of a
form, and the usual names of other services (`aliases`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Self

import pydantic
from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Tag
from pydantic_core import PydanticCustomError

from videoapi import aliases
from videoapi.aliases import REFERENCE
from videoapi.errors import ValidationError
from videoapi.fields import (
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
    number_or_text,
    object_or_text,
    printable,
    whole,
    whole_or_text,
)
from videoapi.forms import read_form
from videoapi.models import offered
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
    resolution: Resolution | None = None
    aspect_ratio: AspectRatio | None = None
    motion_strength: Strength | None = None
    camera_motion: Camera | None = None
    optimize_prompt: bool | None = False
    model: Model | None = None
    metadata: Metadata | None = None


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
    seconds: Annotated[Seconds | None, BeforeValidator(whole_or_text)] = None
    size: Size | None = None
    resolution: Resolution | None = None
    aspect_ratio: AspectRatio | None = None
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


#: What the bodies call the three things that have the most other names.
HINTS: dict[type[BaseModel], aliases.Words] = {
    GenerateVideo: aliases.Words("image", "duration", "resolution"),
    CreateVideo: aliases.Words(REFERENCE, "seconds", "size"),
}


@dataclass(frozen=True, kw_only=True)
class Submission:
    """One accepted wish. `image` is still as the caller gave it: text, or the bytes of a file."""

    request: GenerationRequest
    image: str | bytes | None
    image_param: str
    dialect: Dialect


def from_rest(fields: object, settings: Settings) -> Submission:
    """Validate a REST body; raise `ValidationError` naming every bad field."""
    body = validated(GenerateVideo, fields, default_param="body")
    return Submission(
        request=GenerationRequest(
            model=_allowed(body.model, settings),
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
        dialect=Dialect.DOCUMENT,
    )


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
        _require_few(fields, "prompt")
        fields, names = aliases.understood(fields)
        if file is not None:
            fields[REFERENCE], names[REFERENCE] = "file", file_name
    body = validated(CreateVideo, fields, default_param="prompt", names=names)
    reference = body.input_reference
    as_object = isinstance(reference, ImageReference) and names[REFERENCE] == REFERENCE
    text = reference.image_url if isinstance(reference, ImageReference) else reference
    return Submission(
        request=GenerationRequest(
            model=_allowed(body.model, settings),
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
        dialect=Dialect.OPENAI if form or as_object else Dialect.DOCUMENT,
    )


def from_form(body: bytes, content_type: str, settings: Settings) -> Submission:
    """Read and validate a form of the OpenAI dialect."""
    form = read_form(body, content_type)
    file, name = form.file, form.file_name
    return from_openai(form.fields, settings, file=file, file_name=name, form=True)


def _size(body: CreateVideo, names: Mapping[str, str]) -> str:
    """Return the one size that `size`, `resolution` and `aspect_ratio` say."""
    if body.size is None:
        named = names.get("resolution", "resolution")
        return frame(body.resolution, body.aspect_ratio, named=named)
    size = frame(body.size, body.aspect_ratio, named=names["size"])
    short = min(int(side) for side in size.split("x"))
    if body.resolution not in (None, size, f"{short}p"):
        raise aliases.refused(names["resolution"], f"Says something else than {names['size']}")
    return size


def validated[Body: BaseModel](
    kind: type[Body],
    fields: object,
    *,
    default_param: str,
    names: Mapping[str, str] | None = None,
) -> Body:
    """Return a valid body; raise `ValidationError` naming every bad field, echoing none.

    `names` are those that the caller used. Of a body with hundreds of fields none is looked at: the
    answer would outgrow Lambda's 6 MB.
    """
    if isinstance(fields, Mapping):
        _require_few(fields, default_param)
    try:
        return kind.model_validate(fields)
    except pydantic.ValidationError as exc:
        found = exc.errors(include_url=False, include_context=False, include_input=False)
    details = [
        _detail(each["loc"], each["type"], each["msg"], default_param, names or {})
        | _hint(kind, each["loc"], each["type"])
        for each in found
    ]
    first = details[0]
    raise ValidationError(
        "; ".join(f"{each['field']}: {each['message']}" for each in details[:5]),
        code=first["code"],
        param=first["field"].split(".")[0],
        details=details,
    )


def _require_few(fields: Mapping[str, object], default_param: str) -> None:
    if len(fields) > MOST_FIELDS:
        text = f"The body has more than {MOST_FIELDS} fields."
        raise ValidationError(text, param=default_param)


def _detail(
    place: tuple[int | str, ...],
    kind: str,
    message: str,
    default_param: str,
    names: Mapping[str, str],
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
    if place[:1] == (REFERENCE,):
        place = tuple(name for name in place if name not in ("str", "ImageReference"))
    sent = (names.get(str(place[0]), place[0]), *place[1:]) if place else ()
    return {
        "field": ".".join(printable(str(name)) for name in sent) or default_param,
        "message": said.get(kind, message),
        "code": code.get(kind, "invalid_value"),
    }


def _hint(kind: type[BaseModel], place: tuple[int | str, ...], error: str) -> dict[str, str]:
    """Return a better message for a name that nobody knows: the one that may be meant."""
    words = HINTS.get(kind)
    if words is None or error != "extra_forbidden" or len(place) != 1:
        return {}
    return {"message": aliases.hint(str(place[0]), words, known=tuple(kind.model_fields))}


def _allowed(model: str | None, settings: Settings) -> str:
    allowed = offered(settings)
    if model is None or not settings.veo3_allowed_models or model in allowed:
        return model or settings.veo3_model
    raise ValidationError(
        f"model: this service offers {', '.join(allowed)}",
        code="model_not_found",
        param="model",
        details=[{"field": "model", "message": "Not offered here", "code": "model_not_found"}],
    )
