"""What other video APIs call the images, the length and the shape: understood, or refused by name.

Each of them decides about what is paid for, so none is dropped in silence. A name that can mean one
thing only is taken for it, in whatever case and with whatever hyphens; a value that says nothing
(`null`, one video, no stream) is left out; every other name stays, to be refused with a hint.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from videoapi.errors import ValidationError

REFERENCE, SECONDS, SIZE = "input_reference", "seconds", "size"
LAST_FRAME, REFERENCES, FRAMES = "last_frame", "reference_images", "frame_images"
SINGLE_IMAGES, IMAGE_LISTS = (REFERENCE, LAST_FRAME), (REFERENCES, FRAMES)
OPENAI_FIELDS = (
    "prompt",
    REFERENCE,
    LAST_FRAME,
    REFERENCES,
    FRAMES,
    SECONDS,
    SIZE,
    "resolution",
    "aspect_ratio",
    "model",
    "fps",
    "motion_strength",
    "camera_motion",
    "optimize_prompt",
    "negative_prompt",
    "seed",
    "generate_audio",
    "metadata",
    "webhook_url",
)
# Folded: small letters and digits alone.
_IMAGES = [
    "image", "images", "imageurl", "imageurls", "imageuri", "imagebase64", "imageb64", "imagedata",
    "img", "imgurl", "inputimage", "inputimages", "inputimageurl", "inputimagebase64",
    "inputreferenceurl", "inputreferenceimage", "picture", "photo", "promptimage",
    "firstframe", "firstframeimage", "firstframeurl", "firstframeimageurl", "firstimage",
    "startimage", "startimageurl", "startframe", "startframeimage", "startframeurl",
    "startingimage", "startingframe", "initimage", "initimageurl", "initialimage",
    "initialframe", "sourceimage", "sourceimageurl",
]  # fmt: skip
_LAST_FRAMES = [
    "lastframeimage", "lastframeurl", "lastframeimageurl", "lastimage", "lastimageurl",
    "endframe", "endframeimage", "endframeurl", "endimage", "endimageurl", "endingframe",
    "endingimage", "tailframe", "tailimage", "tailimageurl", "imagetail", "imageend",
    "finalframe", "finalimage",
]  # fmt: skip
_REFERENCES = ["referenceimageurls", "inputreferences"]  # the second is OpenRouter's
_AUDIO = ["enableaudio", "withaudio", "includeaudio"]
_LENGTHS = [
    "duration", "durationseconds", "durationsecs", "durationsec", "durationins", "secs", "sec",
    "videoduration", "videodurationseconds", "videoseconds",
    "lengthseconds", "lengthinseconds", "numseconds", "nseconds",
]  # fmt: skip
_ASPECTS = ["ratio", "aspect", "videoaspectratio"]
_SIZES = ["videosize", "framesize", "outputsize", "dimensions"]
_MEANT = (
    {name.replace("_", ""): name for name in OPENAI_FIELDS}
    | dict.fromkeys(_IMAGES, REFERENCE)
    | dict.fromkeys(_LAST_FRAMES, LAST_FRAME)
    | dict.fromkeys(_REFERENCES, REFERENCES)
    | dict.fromkeys(_AUDIO, "generate_audio")
    | dict.fromkeys(_LENGTHS, SECONDS)
    | dict.fromkeys(_SIZES, SIZE)
    | dict.fromkeys(("callbackurl", "webhook"), "webhook_url")
    | dict.fromkeys(_ASPECTS, "aspect_ratio")
    | dict.fromkeys(("videoresolution", "outputresolution"), "resolution")
    | dict.fromkeys(("framespersecond", "framerate"), "fps")
)
_SIDES = ("width", "height")
# What may be said without a consequence: the values that change nothing; None: any.
_HARMLESS: dict[str, tuple[object, ...] | None] = {
    "user": None,
    "safetyidentifier": None,
    "n": (1, "1"),
    "stream": (False, "false"),
    "watermark": (False, "false"),
    "responseformat": ("url",),
}
_NOT_TAKEN = re.compile(
    r"(style|subject|character|asset).*(image|frame|picture|reference)"
    r"|mask|video(url|uri|file)?s?$"
)
_AMBIGUOUS = re.compile(r"ref(erence)?(image|frame|picture)?(url)?")  # a first frame, or not
_ABOUT = (
    re.compile(r"image|img|frame(?!s)|picture|photo|reference"),
    re.compile(r"second|duration|length|time|frames"),
    re.compile(r"size|ratio|aspect|width|height|resolution|orientation|dimension|quality"),
)
_WRAPPED = ("imageurl", "url", "uri", "b64json", "base64", "bytesbase64encoded", "data")
_WRAPPING = {"type", "detail", "mimetype", "mediatype", "contenttype"}


def folded(name: str) -> str:
    """Return a name without what clients spell differently: case, `_`, `-`."""
    return re.sub(r"[^a-z0-9]", "", name.lower()) if name.isascii() else name


def meant(name: str) -> str | None:
    """Return the field that a name can only mean."""
    return _MEANT.get(folded(name))


def understood(fields: Mapping[str, object]) -> tuple[dict[str, object], dict[str, str]]:
    """Return the fields by our names, and for each of those the name that was sent.

    Raises `ValidationError` where two names say different things, or one asks for what is not made.
    """
    found: dict[str, object] = {}
    names: dict[str, str] = {}
    sides: dict[str, object] = {}
    for name, value in fields.items():
        key = folded(name)
        if key in _HARMLESS:
            _require_harmless(name, value)
        elif key in _SIDES:
            sides[key] = value
        elif (field := _MEANT.get(key)) and (value is not None or name == field):
            _say(found, names, field, name, _read(field, value))
        elif field is None:
            found[name] = value
    if any(side is not None for side in sides.values()):
        _say(found, names, SIZE, "width", _frame(sides))
    return found, names


LIKE = 0.65  # of 1: how alike two names are before one is taken for a typo of the other


class Words(NamedTuple):
    """What a body calls its image, its length and its shape."""

    image: str
    length: str
    shape: str


def hint(name: str, words: Words, *, known: tuple[str, ...]) -> str:
    """Return what to say of a name that is not known: which one to use, as far as can be told."""
    from difflib import get_close_matches  # noqa: PLC0415 — for unknown fields alone

    key, field = folded(name), None
    if _NOT_TAKEN.search(key):
        return f"Unknown field; the images to give are {words.image}, last_frame, reference_images"
    if _AMBIGUOUS.fullmatch(key):
        return f"Unknown field; send {words.image} to begin with it, reference_images to show it"
    if name_meant := _MEANT.get(key):
        fields = {REFERENCE: words.image, SECONDS: words.length, SIZE: words.shape}
        field = fields.get(name_meant, name_meant)
    close = get_close_matches(key, [each.replace("_", "") for each in known], 1, LIKE)
    if field is None and close:
        field = next(each for each in known if each.replace("_", "") == close[0])
    if field is None:
        about = zip(words, _ABOUT, strict=True)
        field = next((each for each, texts in about if texts.search(key)), None)
    return f"Unknown field; did you mean {field}?" if field else "Unknown field"


def _say(
    found: dict[str, object], names: dict[str, str], field: str, name: str, value: object
) -> None:
    """Keep a value, unless another name has said another one."""
    if found.get(field) is None:
        found[field], names[field] = value, name
    elif value is not None and found[field] != value and _text(found[field]) != _text(value):
        if field == REFERENCE:
            raise ValidationError.field(REFERENCE, "Send only one reference image")
        raise ValidationError.field(name, f"Says something else than {names[field]}")


def _text(value: object) -> str:
    return str(value.get("image_url") if isinstance(value, Mapping) else value)


def _require_harmless(name: str, value: object) -> None:
    harmless = _HARMLESS[folded(name)]
    if value is None or harmless is None:
        return
    if not any(value == each and isinstance(value, bool) == (each is False) for each in harmless):
        raise ValidationError.field(name, f"Only {str(harmless[0]).lower()} can be asked for")


def _read(field: str, value: object) -> object:
    """Return the images of a field as it has them, in whatever way they were wrapped."""
    if field == REFERENCES and value is not None:
        return [_unwrapped(each) for each in (value if isinstance(value, list) else [value])]
    if field not in SINGLE_IMAGES:
        return value
    if isinstance(value, list):
        if len(value) != 1:
            raise ValidationError.field(field, f"Send one image; others as {REFERENCES}")
        value = value[0]
    return _unwrapped(value)


def _unwrapped(value: object) -> object:
    """Return an image; of an object, the one text in it by the name `image_url`."""
    if not isinstance(value, Mapping):
        return value
    inside = {name: each for name, each in value.items() if folded(name) not in _WRAPPING}
    names = [name for name in inside if folded(name) in _WRAPPED]
    if len(names) != 1:
        return inside
    image = inside.pop(names[0])
    if isinstance(image, Mapping) and list(image) in (["url"], ["url", "detail"]):
        image = image["url"]
    return inside | {"image_url": image}


def _frame(sides: Mapping[str, object]) -> str:
    """Return the size that both sides say."""
    for side in _SIDES:
        if sides.get(side) is None:
            raise ValidationError.field(
                side, "Send width and height, or size", code="missing_required_parameter"
            )
        if not re.fullmatch("[0-9]{1,5}", str(sides[side])):
            raise ValidationError.field(side, "Input should be a whole number of pixels")
    return "x".join(str(sides[side]) for side in _SIDES)
