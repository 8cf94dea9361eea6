"""What an order asks for, in the words that both of Google's APIs share."""

import re
from base64 import b64encode
from typing import Final

from videoapi.providers.classification import Cause, ErrorInfo
from videoapi.providers.errors import SubmitRefused
from videoapi.providers.provider import ImageRole, InputImage, Order

_TOLERANCE: Final = 0.02  # of a shape: 854x480 is 16:9
_ASPECT_RATIOS: Final = {"16:9": 16 / 9, "9:16": 9 / 16}
_MAX_LABEL: Final = 63  # characters
_NO_LABEL: Final = re.compile(r"[^a-z0-9_-]")
_SIZE: Final = re.compile(r"([1-9][0-9]{1,4})x([1-9][0-9]{1,4})")


def impossible(reason: str) -> SubmitRefused:
    """Return the refusal of an order that Google would take for nothing, or for another one."""
    return SubmitRefused(ErrorInfo(text=reason), status=400, cause=Cause.BAD_REQUEST)


def aspect_ratio_of(order: Order) -> str:
    """Return `16:9` or `9:16`; raise `SubmitRefused` for any other shape."""
    width, height = _sides(order)
    for ratio, shape in _ASPECT_RATIOS.items():
        if abs(width / height / shape - 1) <= _TOLERANCE:
            return ratio
    raise impossible(f"{order.size} is neither 16:9 nor 9:16")


def lines_of(order: Order) -> int:
    """Return the pixels of the short side."""
    return min(_sides(order))


def _sides(order: Order) -> tuple[int, int]:
    match = _SIZE.fullmatch(order.size)
    if match is None:
        raise impossible(f"{order.size[:20]!r} is no size")
    return int(match[1]), int(match[2])


def images_of(order: Order) -> dict[ImageRole, list[InputImage]]:
    """Return the images by role; raise `SubmitRefused` for roles that contradict each other."""
    by_role: dict[ImageRole, list[InputImage]] = {role: [] for role in ImageRole}
    for image in order.images:
        by_role[image.role].append(image)
    first, last, references = by_role.values()
    if len(first) > 1 or len(last) > 1:
        raise impossible("there is one first and one last frame")
    if last and not first:
        raise impossible("a last frame needs a first one")
    if references and first:
        raise impossible("reference images and frames exclude each other")
    return by_role


def base64_of(image: InputImage) -> str:
    """Return an image as Google takes it: neither http(s) nor data: URLs."""
    return b64encode(image.data).decode()


def text_of(text: str) -> str:
    """Return a text without lone surrogates, which no JSON in UTF-8 can hold."""
    return text.encode("utf-8", "replace").decode()


def labels_of(order: Order) -> dict[str, str]:
    """Return the labels that reach Google's billing export: the task and its attempt."""
    return {"task": _NO_LABEL.sub("-", order.key.casefold())[:_MAX_LABEL]}
