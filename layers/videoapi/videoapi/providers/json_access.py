"""Lenient access to a provider's JSON: what is missing or of another type reads as empty.

A parsed value takes up to forty times the memory of its text (`[[],[],…]`), so the text is judged
first: it may hold just so many values, and be just so long without its longest strings. Those, a
video as a `data:` URL of many MB, never go through the parser.
"""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

MAX_VALUES: Final = 200_000  # a list of all tasks has thousands; 60 MB of `[]` were 30 million
MAX_REST: Final = 4 * 2**20  # bytes, beside long strings; one emoji makes four bytes of each

_MAX_INT: Final = 10**30  # an id may be a number; 5,000 digits cannot even be printed
_LONG: Final = 64 * 2**10  # bytes of a string that the parser need not see
_TOO_LONG: Final = 2**20  # bytes of a string that reads as "" where it is no plain text
_RUN: Final = b"\\" * 4096
_MARK: Final = "\0"  # what stands in the place of a long string, with its number behind it


class UnreadableJson(ValueError):
    """Not a JSON object: an HTML page, a cut body, a list, nothing; or one that is too large."""


def parsed(body: bytes | bytearray) -> dict[str, Any]:
    """Return the JSON object that `body` begins with; raise `UnreadableJson` for anything else.

    What follows the object is not looked at: some relays write two answers one after the other. A
    sentence in a wrong encoding is no reason to lose the id beside it.
    """
    if sum(body.count(sign) for sign in b",:[{") > MAX_VALUES or body.count(b'"') > 4 * MAX_VALUES:
        raise UnreadableJson("too many values")
    try:
        encoding = json.detect_encoding(body)
        long: list[str] = []
        if len(body) > _LONG and encoding.startswith("utf-8"):
            body = b"".join(_without_long(body, long))
        if len(body) > MAX_REST:
            raise UnreadableJson("too long")
        hook = partial(_restored_object, long) if long else None
        text = body.decode(encoding, "replace").lstrip()
        response, _ = json.JSONDecoder(object_pairs_hook=hook).raw_decode(text)
    except (ValueError, RecursionError) as exc:  # ValueError: also 5,000 digits
        raise UnreadableJson from exc
    if not isinstance(response, dict):
        raise UnreadableJson
    return response


def _without_long(body: bytes | bytearray, long: list[str]) -> Iterator[bytes | bytearray]:
    """Yield the body with a mark for each long string, which goes to `long`."""
    done = 0
    for start, end in _strings(body):
        if end - start < _LONG:
            continue
        yield body[done:start]
        text = _plain(body, start, end)
        if text is not None:
            yield b"\\u0000%d" % len(long)
            long.append(text)
        elif end - start < _TOO_LONG:
            yield body[start:end]
        done = end
    yield body[done:]


def _strings(body: bytes | bytearray) -> Iterator[tuple[int, int]]:
    """Yield where each string begins and ends, without its quotation marks."""
    start = body.find(b'"') + 1
    while start:
        end = body.find(b'"', start)
        while end > start and _is_escaped(body, start, end):
            end = body.find(b'"', end + 1)
        if end < 0:
            raise UnreadableJson("cut")
        yield start, end
        start = body.find(b'"', end + 1) + 1


def _is_escaped(body: bytes | bytearray, start: int, end: int) -> bool:
    """Return whether an odd number of backslashes stands before `end`."""
    first = end
    while first - len(_RUN) >= start and body.endswith(_RUN, start, first):
        first -= len(_RUN)
    while first > start and body.endswith(b"\\", start, first):
        first -= 1
    return (end - first) % 2 == 1


def _plain(body: bytes | bytearray, start: int, end: int) -> str | None:
    """Return a string of ASCII; None where it holds anything else, or more than simple escapes.

    PHP writes `/` with a backslash, and base64 may be broken into lines.
    """
    raw: bytes | bytearray | memoryview = memoryview(body)[start:end]
    if body.find(b"\\", start, end) >= 0:
        raw = body[start:end]
        for escape, sign in ((b"\\/", b"/"), (b"\\r", b""), (b"\\n", b"")):
            raw = raw.replace(escape, sign)
        if b"\\" in raw:
            return None
    try:
        return str(raw, "ascii")
    except UnicodeDecodeError:
        return None


def _restored_object(long: list[str], pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object as the parser does, with long strings back where they are fields of it."""
    return {key: _restored(long, value) for key, value in pairs}


def _restored(long: list[str], value: object) -> object:
    if isinstance(value, list):
        return [_restored(long, each) for each in value]
    marked = isinstance(value, str) and value.startswith(_MARK)
    number = str(value)[1:] if marked else ""
    known = number.isascii() and number.isdecimal() and len(number) < len(str(MAX_VALUES))
    return long[int(number)] if known and int(number) < len(long) else value


def as_dict(value: object) -> dict[str, Any]:
    """Return an object as it is, {} for everything else."""
    return value if isinstance(value, dict) else {}


def object_in(value: object) -> dict[str, Any]:
    """Return an object, or the one that a list begins with; {} for everything else."""
    return as_dict(value) or first_of(value)


def first_of(value: object) -> dict[str, Any]:
    """Return the object that a list begins with, {} for everything else."""
    return as_dict(value[0]) if isinstance(value, list) and value else {}


def as_text(value: object) -> str:
    """Return a string, or a whole number as one; "" for everything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _MAX_INT:
        return str(value)
    return ""
