"""Validation of request bodies: every bad field is named, and no input is echoed.

An unknown field is refused by name, because a typo must not cost money. The REST dialect takes no
number in quotes either; the OpenAI dialect takes what its SDKs and their kin send: text fields of a
form, and the usual names of other services (`aliases`).
"""

from collections.abc import Mapping

import pydantic
from pydantic import BaseModel

from videoapi.api import aliases
from videoapi.api.aliases import IMAGE_LISTS, SINGLE_IMAGES
from videoapi.api.fields import printable
from videoapi.api.models import offered
from videoapi.errors import ValidationError
from videoapi.settings import Settings

MAX_FIELDS = 100  # the largest body knows two dozen
_SHAPES = ("str", "bytes", "ImageReference", "UrlObject")  # pydantic's words for how an image came


def validated[Body: BaseModel](
    kind: type[Body],
    fields: object,
    *,
    default_param: str,
    names: Mapping[str, str] | None = None,
    words: aliases.Words | None = None,
) -> Body:
    """Return a valid body; raise `ValidationError` naming every bad field, echoing none.

    `names` are those that the caller used; `words` are what the body calls the image, the length
    and the shape, for hints at other names. Of a body with hundreds of fields none is looked at:
    the answer would outgrow Lambda's 6 MB.
    """
    if isinstance(fields, Mapping):
        require_few_fields(fields, default_param)
    try:
        return kind.model_validate(fields)
    except pydantic.ValidationError as exc:
        found = exc.errors(include_url=False, include_context=False, include_input=False)
    details = [
        _detail(each["loc"], each["type"], each["msg"], default_param, names or {})
        | _hint(kind, words, each["loc"], each["type"])
        for each in found
    ]
    first = details[0]
    raise ValidationError(
        "; ".join(f"{each['field']}: {each['message']}" for each in details[:5]),
        code=first["code"],
        param=first["field"].split(".")[0],
        details=details,
    )


def require_few_fields(fields: Mapping[str, object], default_param: str) -> None:
    """Raise `ValidationError` for a body of more than 100 fields."""
    if len(fields) > MAX_FIELDS:
        text = f"The body has more than {MAX_FIELDS} fields."
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
    messages = {
        "extra_forbidden": "Unknown field",
        "model_type": "Input should be a JSON object",
        "none_required": "Not offered here",
    }
    if place[:1] and place[0] in (*SINGLE_IMAGES, *IMAGE_LISTS):
        place = (place[0], *(name for name in place[1:] if name not in _SHAPES))
    sent = (names.get(str(place[0]), place[0]), *place[1:]) if place else ()
    return {
        "field": ".".join(printable(str(name)) for name in sent) or default_param,
        "message": messages.get(kind, message),
        "code": code.get(kind, "invalid_value"),
    }


def _hint(
    kind: type[BaseModel], words: aliases.Words | None, place: tuple[int | str, ...], error: str
) -> dict[str, str]:
    """Return a better message for a name that nobody knows: the one that may be meant."""
    if words is None or error != "extra_forbidden" or len(place) != 1:
        return {}
    return {"message": aliases.hint(str(place[0]), words, known=tuple(kind.model_fields))}


def allowed_model(model: str | None, settings: Settings) -> str:
    """Return the model to use; raise `ValidationError` for one that is not offered."""
    allowed = offered(settings)
    any_model = not (settings.veo3_allowed_models or settings.routes)
    if model is None or any_model or model in allowed:
        return model or settings.veo3_model
    raise ValidationError.model_not_offered(allowed)
