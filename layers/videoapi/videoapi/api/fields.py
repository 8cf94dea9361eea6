"""The values that a request's fields may have, and what is said of all others.

Messages are for callers: they say what is wanted, never what was sent or a regular expression.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError, from_json

from videoapi.catalog.sizes import LINES, MAX_SECONDS
from videoapi.errors import ValidationError

MAX_PROMPT = 5_000  # characters; Veo itself reads 1,024 tokens
MAX_NEGATIVE_PROMPT = 1_000  # characters
MAX_SEED = 2**32 - 1
MAX_REFERENCES = 3  # images of what the video is to show
MAX_WEBHOOK_LENGTH = 2048  # characters
MAX_NAME = 64  # of a field or metadata key; longer ones are shortened in messages
MAX_PAIRS = 16  # of metadata
LONG_SIDE, SHORT_SIDE, MIN_SIDE = 1920, 1080, 64  # pixels
MODEL = "[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}"
PRINTABLE = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f]*$"
_OUT_OF_RANGE = "-?[1-9][0-9]{0,19}"  # with a minus, or with more digits than a field has
_MINUS = "(?:-(?=.*[1-9]))?"  # of a number below 0
DEFAULT_FPS, DEFAULT_SIZE = 30, "1920x1080"


def integer(value: object) -> object:
    """Let 5.0 pass as 5 (JSON knows one kind of number), and never `true` as 1."""
    if isinstance(value, bool):
        raise PydanticCustomError("int_type", "Input should be a valid integer")
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def integer_or_text(value: object) -> object:
    """Read the digits of a form's field, too; others that no field takes, to say what is wrong."""
    if isinstance(value, str) and re.fullmatch(rf"[0-9]{{1,4}}|{_OUT_OF_RANGE}", value):
        return int(value)
    return integer(value)


def seed_or_text(value: object) -> object:
    """Read the digits of a form's field, too: a seed has up to ten."""
    if isinstance(value, str) and re.fullmatch(rf"[0-9]{{1,10}}|{_OUT_OF_RANGE}", value):
        return int(value)
    return integer(value)


def number_or_text(value: object) -> object:
    """Read a decimal number in a form's field, too."""
    if isinstance(value, str) and re.fullmatch(rf"{_MINUS}[0-9]{{0,4}}\.?[0-9]{{1,9}}", value):
        return float(value)
    return value


def flag_or_text(value: object) -> object:
    """Read `true` and `false` in a form's field, too."""
    words = {"true": True, "false": False}
    return words.get(value, value) if isinstance(value, str) else value


def object_or_text(value: object) -> object:
    """Read JSON in a form's field, too."""
    if not isinstance(value, str):
        return value
    try:
        return from_json(value, allow_inf_nan=False)
    except ValueError:
        return value


def printable(name: str) -> str:
    """Return a caller's name for a field as a message may hold it."""
    shown = "".join(char if char.isprintable() else "?" for char in name[:MAX_NAME])
    return shown + ("…" if len(name) > MAX_NAME else "")


def _frame_or_lines(text: str) -> str:
    if text not in LINES and "x" not in text:
        raise PydanticCustomError(
            "size", "Input should be 720p, 1080p, or WIDTHxHEIGHT in pixels, like 1280x720"
        )
    return text if text in LINES else _within_frame(text)


def frame(size: str | None, aspect_ratio: str | None, *, named: str) -> str:
    """Return the size that a size (or 720p, 1080p) and an aspect ratio say together.

    Raises `ValidationError` where they contradict each other; `named` is the size's field.
    """
    if size is None or size in LINES:
        short = LINES[size or "1080p"]
        sides = (short * 16 // 9, short)
        return "{}x{}".format(*(sides[::-1] if aspect_ratio == "9:16" else sides))
    width, height = (int(side) for side in size.split("x"))
    across, down = (int(part) for part in (aspect_ratio or f"{width}:{height}").split(":"))
    if width * down != height * across:
        raise ValidationError.field("aspect_ratio", f"does not go with the {named}")
    return size


def _within_frame(size: str) -> str:
    if not re.fullmatch(r"[1-9][0-9]{1,3}x[1-9][0-9]{1,3}", size):
        raise PydanticCustomError("size", "Input should be WIDTHxHEIGHT in pixels, like 1280x720")
    sides = sorted(int(side) for side in size.split("x"))
    if sides[0] < MIN_SIDE or sides[0] > SHORT_SIDE or sides[1] > LONG_SIDE:
        raise PydanticCustomError(
            "size",
            "Input should be at most 1920x1080 (or 1080x1920) and at least 64 on each side",
        )
    if any(side % 2 for side in sides):
        raise PydanticCustomError("size", "Width and height should both be even")
    return size


def _no_control_characters(text: str) -> str:
    if any(char < " " and char not in "\t\n\r" for char in text):
        raise PydanticCustomError("text", "Control characters cannot be spoken or shown")
    return text


def _name_of_a_model(text: str) -> str:
    if not re.fullmatch(MODEL, text):
        raise PydanticCustomError(
            "model",
            "Input should be a model's name like veo_3_1, up to 100 letters, digits and . _ : / -",
        )
    return text


def _not_empty(image: object) -> object:
    """Refuse an empty image: without it a video would be made, and paid, from the prompt alone."""
    if isinstance(image, str) and not image.strip():
        raise PydanticCustomError("invalid_image", "The image is empty.")
    return image


def _max_pairs(metadata: object) -> object:
    """Look into no pair of too many: each would have something said of it."""
    if isinstance(metadata, dict) and len(metadata) > MAX_PAIRS:
        raise PydanticCustomError(
            "too_long", "There should be at most {most} pairs", {"most": MAX_PAIRS}
        )
    return metadata


def webhook(urls: Mapping[str, str | None]) -> tuple[str | None, str]:
    """Return the webhook of a request that has two names for it, and the one that was used.

    Raises `ValidationError` where they say different things.
    """
    names = [name for name, url in urls.items() if url]
    if len({urls[name] for name in names}) > 1:
        raise ValidationError.field(names[-1], f"Says something else than {names[0]}")
    name = names[0] if names else "webhook_url"
    return urls[name] or None, name


Prompt = Annotated[
    str,
    StringConstraints(max_length=MAX_PROMPT),
    AfterValidator(_no_control_characters),
    Field(json_schema_extra={"pattern": PRINTABLE}),
]
NegativePrompt = Annotated[
    str,
    StringConstraints(max_length=MAX_NEGATIVE_PROMPT),
    AfterValidator(_no_control_characters),
    Field(json_schema_extra={"pattern": PRINTABLE}),
]
Size = Annotated[str, AfterValidator(_within_frame)]
Resolution = Annotated[str, AfterValidator(_frame_or_lines)]
AspectRatio = Literal["16:9", "9:16"]
Model = Annotated[
    str,
    AfterValidator(_name_of_a_model),
    Field(json_schema_extra={"pattern": f"^{MODEL}$"}),
]
Webhook = Annotated[str, StringConstraints(max_length=MAX_WEBHOOK_LENGTH)]
Image = Annotated[str, AfterValidator(_not_empty)]
Camera = Literal["pan", "tilt", "zoom", "static"]
Metadata = Annotated[
    dict[
        Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME)],
        Annotated[str, StringConstraints(max_length=512)],
    ],
    Field(max_length=MAX_PAIRS),
    BeforeValidator(_max_pairs),
]
Seconds = Annotated[int, Field(ge=1, le=MAX_SECONDS)]
Fps = Annotated[int, Field(ge=24, le=60)]
Seed = Annotated[int, Field(ge=0, le=MAX_SEED)]
Strength = Annotated[float, Field(ge=0, le=1)]
