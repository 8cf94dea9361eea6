"""The form of a POST, read as a relay reads it: refusals are 400 with the field at fault."""

import re

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request

from simulator import stills
from simulator.camera import Motion, motion_in
from simulator.failures import Refusal
from simulator.orders import VEO_FPS, VEO_SECONDS, Order

STRICT_LENGTHS = frozenset({4, 6, 8})
FULL_HD = 1080
_SIZE = re.compile(r"(?P<width>[1-9]\d{0,2}[02468])x(?P<height>[1-9]\d{0,2}[02468])")
_DEFAULT_SIZE = "1280x720"
_IMAGES = (("-components", (1, 3)), ("-fl", (1, 2)), ("veo_3_1", (0, 2)), ("", (0, 1)))
"""How many images a model takes, by what is in its name: references, or first and last frame."""
_MAX_SECONDS = 60
_MAX_FPS = 120
_UNIT_INTERVAL = re.compile(r"0(\.\d+)?|1(\.0+)?|\d(\.\d+)?e-\d+")
_FORM = "multipart/form-data"
_BOOLEANS = frozenset({"true", "false"})


async def read(request: Request, *, strict: bool) -> Order:
    """Read a POST; raises Refusal. Reads the body to its end, or a refusal would be lost."""
    if not request.headers.get("content-type", "").lower().startswith(_FORM):
        await request.body()
        raise Refusal(400, "invalid_request", f"the body must be {_FORM}")
    async with request.form() as form:
        images = await _images(form)
        fields = {name: ", ".join(map(_shown, form.getlist(name))) for name in form}
    for name in ("model", "prompt"):
        _require(name, "it must not be empty", holds=bool(fields.get(name, "").strip()))
    _require("watermark", "true or false", holds=fields.get("watermark", "false") in _BOOLEANS)
    width, height = _size(fields.get("size", _DEFAULT_SIZE))
    seconds = _number(fields, "seconds", VEO_SECONDS, range(1, _MAX_SECONDS + 1))
    fps = _number(fields, "fps", VEO_FPS, range(1, _MAX_FPS + 1))
    if strict:
        fps = VEO_FPS
        _require("seconds", "4, 6 or 8", holds=seconds in STRICT_LENGTHS)
        is_short_enough = seconds == VEO_SECONDS or min(width, height) < FULL_HD
        _require("seconds", "8 for 1080p", holds=is_short_enough)
    return Order(
        model=fields["model"],
        prompt=fields["prompt"],
        width=width,
        height=height,
        seconds=seconds,
        fps=fps,
        motion=_motion(fields),
        strength=_strength(fields),
        image=images[0] if images else None,
        fields=fields,
    )


async def _images(form: FormData) -> list[bytes]:
    """Return the images in their order, as many as the model takes."""
    references = form.getlist("input_reference")
    model = str(form.get("model", ""))
    least, most = next(limits for words, limits in _IMAGES if words in model)
    found = []
    for upload in references:
        if not isinstance(upload, UploadFile):
            raise Refusal(400, "invalid_request", "a file is needed", "input_reference")
        data = await upload.read()
        stills.check(data)
        found.append(data)
    _require("input_reference", f"{least} to {most} files", holds=least <= len(found) <= most)
    return found


def _shown(value: UploadFile | str) -> str:
    if isinstance(value, str):
        return value
    return f"{value.filename} {value.content_type} {value.size} bytes"


def _require(param: str, allowed: str, *, holds: bool) -> None:
    if not holds:
        raise Refusal(400, "invalid_request", f"{param} is not valid: {allowed}", param)


def _size(size: str) -> tuple[int, int]:
    match = _SIZE.fullmatch(size)
    if match is None:
        raise Refusal(400, "invalid_request", "size is not valid: WIDTHxHEIGHT, even", "size")
    return int(match["width"]), int(match["height"])


def _number(fields: dict[str, str], name: str, default: int, allowed: range) -> int:
    text = fields.get(name, str(default))
    holds = text.isdecimal() and int(text) in allowed
    _require(name, f"an integer from {allowed[0]} to {allowed[-1]}", holds=holds)
    return int(text)


def _strength(fields: dict[str, str]) -> float:
    text = fields.get("motion_strength", "0.5")
    holds = _UNIT_INTERVAL.fullmatch(text) is not None
    _require("motion_strength", "a number from 0 to 1", holds=holds)
    return float(text)


def _motion(fields: dict[str, str]) -> Motion:
    motion = fields.get("camera_motion") or motion_in(fields["prompt"])
    _require("camera_motion", ", ".join(Motion), holds=motion in set(Motion))
    return Motion(motion)
