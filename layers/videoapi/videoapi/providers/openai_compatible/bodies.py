"""Take in the body of an answer without trusting its size, its speed or its type."""

import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import IO, Final
from urllib.parse import unquote, unquote_to_bytes

import httpx

from videoapi.providers.errors import ContentMissing, NoVideo, PollFailed

_HEAD: Final = 12  # bytes: enough for the `ftyp` of an MP4, which stands at 4
_PIECE: Final = 2**20  # characters of base64 that are decoded at once; a multiple of 4
_CONTENT_TYPE: Final = re.compile(r"[\w.+-]{1,63}/[\w.+-]{1,63}", re.ASCII)
_MEDIA_TYPE_MAX: Final = 1024  # characters before the comma of a data: URL


@dataclass(frozen=True, kw_only=True)
class Content:
    """A video's whereabouts: `url` (http, https, data:), or None and `size_bytes` in the file.

    `content_type` is what the relay says, which may be wrong; None when it says nothing.
    `expires_at` (epoch seconds) is when the URL's own signature ends, None when it does not say.
    """

    url: str | None = field(default=None, repr=False)
    size_bytes: int | None = None
    content_type: str | None = None
    expires_at: float | None = None
    whole: bool = field(default=False, compare=False)  # as long as the relay had said


def received(stream: Iterator[bytes], head: bytes = b"") -> bytearray:
    """Collect what arrives until the body ends or breaks off.

    A JSON object that lost its tail cannot be parsed, so one that can is whole: a job's id is not
    given up because a proxy forgot the last chunk.
    """
    body = bytearray(head)
    with suppress(httpx.HTTPError):  # TooMuch and Cut are such
        for chunk in stream:
            body += chunk
    return body


def first_bytes(stream: Iterator[bytes]) -> bytes:
    """Take chunks off `stream` until the kind of the content can be told, or it ends."""
    head = b""
    for chunk in stream:
        head += chunk
        if len(head) >= _HEAD:
            break
    return head


def is_json(head: bytes, content_type: str) -> bool:
    """Go by the bytes first: relays send JSON as text/plain and videos as application/json."""
    if _is_mp4(head):
        return False
    return head.lstrip()[:1] in {b"{", b"["} or "json" in content_type.casefold()


def _is_mp4(head: bytes) -> bool:
    return head[4:8] == b"ftyp"


def save(
    head: bytes, stream: Iterator[bytes], headers: Mapping[str, str], into: IO[bytes]
) -> Content:
    """Write a video that came as bytes; raise `PollFailed` if it is a page of text."""
    kind = headers.get("content-type", "")
    if not head:
        raise _missing("The upstream's answer is empty")
    if not _is_mp4(head) and (head.lstrip()[:1] == b"<" or kind.casefold().startswith("text/")):
        raise PollFailed(
            "The upstream answered with a page instead of a video", upstream_status=HTTPStatus.OK
        )
    _empty(into)
    size = into.write(head)
    for chunk in stream:
        size += into.write(chunk)
    stated = headers.get("content-length", "").isdecimal()  # and held to it by `chunks`
    return Content(size_bytes=size, content_type=_plain_type(kind), whole=stated)


def _missing(reason: str) -> ContentMissing:
    return ContentMissing(reason, upstream_status=HTTPStatus.OK, why=NoVideo.EMPTY)


def _empty(into: IO[bytes]) -> None:
    """Forget what an earlier, broken attempt may have written."""
    into.seek(0)
    into.truncate()


def decode_data_url(url: str, into: IO[bytes]) -> Content:
    """Write what a `data:` URL (RFC 2397) holds; raise `ContentMissing` if that is no data.

    base64 may lack its padding, use the URL alphabet, or be broken into lines. Decoded in pieces:
    the URL alone is many MB.
    """
    comma = url.find(",", 0, _MEDIA_TYPE_MAX)
    media_type, *parameters = url[5 : max(comma, 5)].split(";")
    if comma < 0 or url[:5].casefold() != "data:":
        raise _missing("The upstream's data: URL cannot be read")
    _empty(into)
    try:
        if "base64" in (parameter.strip().casefold() for parameter in parameters):
            size = _write_base64(url, comma + 1, into)
        else:
            size = into.write(unquote_to_bytes(url[comma + 1 :]))
    except ValueError as exc:  # binascii.Error is one, so is a character beyond ASCII
        raise _missing("The upstream's data: URL holds no base64") from exc
    if not size:
        raise _missing("The upstream's data: URL is empty")
    return Content(size_bytes=size, content_type=_plain_type(media_type))


def _plain_type(told: str) -> str | None:
    match = _CONTENT_TYPE.match(told.strip())
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
