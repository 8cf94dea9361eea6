"""Read `data:` URLs (RFC 2397), which hold a whole video in an answer."""

import re
from base64 import b64decode
from http import HTTPStatus
from typing import IO, Final
from urllib.parse import unquote, unquote_to_bytes

from videoapi.providers.errors import ContentMissing, NoContentReason
from videoapi.providers.provider import Content

_PIECE: Final = 2**20  # characters of base64 that are decoded at once; a multiple of 4
_CONTENT_TYPE: Final = re.compile(r"[\w.+-]{1,63}/[\w.+-]{1,63}", re.ASCII)
_MAX_MEDIA_TYPE: Final = 1024  # characters before the comma of a data: URL


def missing(reason: str) -> ContentMissing:
    """Return the error of a 200 that holds no video."""
    return ContentMissing(reason, upstream_status=HTTPStatus.OK, why=NoContentReason.EMPTY)


def empty(into: IO[bytes]) -> None:
    """Drop from a file what an earlier, broken attempt may have written."""
    into.seek(0)
    into.truncate()


def decode_data_url(url: str, into: IO[bytes]) -> Content:
    """Write what a `data:` URL (RFC 2397) holds; raise `ContentMissing` if that is no data.

    base64 may lack its padding, use the URL alphabet, or be broken into lines. Decoded in pieces:
    the URL alone is many MB.
    """
    comma = url.find(",", 0, _MAX_MEDIA_TYPE)
    media_type, *parameters = url[5 : max(comma, 5)].split(";")
    if comma < 0 or url[:5].casefold() != "data:":
        raise missing("The upstream's data: URL cannot be read")
    empty(into)
    try:
        if "base64" in (parameter.strip().casefold() for parameter in parameters):
            size = _write_base64(url, comma + 1, into)
        else:
            size = into.write(unquote_to_bytes(url[comma + 1 :]))
    except ValueError as exc:  # binascii.Error is one, so is a character beyond ASCII
        raise missing("The upstream's data: URL holds no base64") from exc
    if not size:
        raise missing("The upstream's data: URL is empty")
    return Content(size_bytes=size, content_type=plain_type(media_type))


def plain_type(content_type: str) -> str | None:
    """Return a content type without its parameters; None for what is none."""
    match = _CONTENT_TYPE.match(content_type.strip())
    return match[0].lower() if match else None


_TO_STANDARD_ALPHABET: Final = str.maketrans("-_", "+/", " \t\r\n")


def _write_base64(url: str, start: int, into: IO[bytes]) -> int:
    if "%" in url:
        url, start = unquote(url[start:]), 0
    size = 0
    rest = ""
    for at in range(start, len(url), _PIECE):
        piece = rest + url[at : at + _PIECE].translate(_TO_STANDARD_ALPHABET)
        whole = len(piece) - len(piece) % 4
        size += into.write(b64decode(piece[:whole], validate=True))
        rest = piece[whole:]
    return size + into.write(b64decode(rest + "=" * (-len(rest) % 4), validate=True))
