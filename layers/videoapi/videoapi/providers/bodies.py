"""Take in the body of an answer without trusting its size, its speed or its type."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import IO, Final

import httpx

from videoapi.providers.data_urls import empty, missing, plain_type
from videoapi.providers.errors import PollFailed
from videoapi.providers.provider import Content

_HEAD: Final = 12  # bytes: enough for the `ftyp` of an MP4, which stands at 4


def received(stream: Iterator[bytes], head: bytes = b"") -> bytearray:
    """Collect what arrives until the body ends or breaks off.

    A JSON object that lost its tail cannot be parsed, so one that can is whole: a job's id is not
    given up because a proxy forgot the last chunk.
    """
    body = bytearray(head)
    with suppress(httpx.HTTPError):  # ResponseTooLarge and Cut are such
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
        raise missing("The upstream's answer is empty")
    if not _is_mp4(head) and (head.lstrip()[:1] == b"<" or kind.casefold().startswith("text/")):
        raise PollFailed(
            "The upstream answered with a page instead of a video", upstream_status=HTTPStatus.OK
        )
    empty(into)
    size = into.write(head)
    for chunk in stream:
        size += into.write(chunk)
    stated = headers.get("content-length", "").isdecimal()  # and held to it by `chunks`
    return Content(size_bytes=size, content_type=plain_type(kind), whole=stated)
