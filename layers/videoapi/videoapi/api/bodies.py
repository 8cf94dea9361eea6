"""A request's body as its sender meant it: out of base64, out of compression.

An HTTP API hands JSON over as text, and forms as base64. A compressed JSON body has lost its bytes
by then, so its sender is asked to send it plain; a compressed form arrives whole.
"""

import base64
import binascii
import zlib
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from videoapi.errors import MalformedBody, PayloadTooLarge, UnsupportedMediaType

MAX_BODY = 6 * 1024 * 1024  # characters as the function gets it: Lambda's invocation quota
TOO_LARGE = (
    "The body is over 6 MB (about 4.4 MB of binary). Send the image's URL, or upload the image "
    "first: POST /api/v1/uploads."
)
# What an HTTP API puts for bytes that are not UTF-8; a prompt with holes would be paid for.
REPLACEMENT = "\ufffd".encode()
_CODINGS = {"gzip", "x-gzip", "deflate"}
_WINDOWS = (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS)  # gzip's or zlib's frame; none, as some deflate


def read_body(event: Mapping[str, Any], headers: Mapping[str, str]) -> bytes:
    """Return the bytes of an event's body.

    Raises `PayloadTooLarge`, `MalformedBody`, and `UnsupportedMediaType` for a coding not read.
    """
    text = event.get("body") or ""
    if len(text) > MAX_BODY:
        raise PayloadTooLarge(TOO_LARGE)
    codings = [each.strip().lower() for each in headers.get("content-encoding", "").split(",")]
    codings = [each for each in codings if each not in ("", "identity")]
    body, as_text = _received(text, encoded=bool(event.get("isBase64Encoded")))
    if codings and body:
        return _inflated(body, codings, as_text=as_text)
    if as_text and REPLACEMENT in body:
        message = "The body is not UTF-8, or holds U+FFFD, which stands for what is not."
        raise MalformedBody(message, code="invalid_encoding")
    return body


def _received(text: str, *, encoded: bool) -> tuple[bytes, bool]:
    try:
        if encoded:
            return base64.b64decode(text, validate=True), False
        return str(text).encode(), True
    except (binascii.Error, ValueError):
        raise MalformedBody("The body could not be decoded.") from None


def _inflated(body: bytes, codings: list[str], *, as_text: bool) -> bytes:
    if len(codings) > 1 or codings[0] not in _CODINGS:
        message = "Send the body without Content-Encoding, or as gzip or deflate."
        raise _not_read(message, "gzip, deflate")
    if as_text:
        message = "Send JSON without Content-Encoding: the gateway hands it on as text."
        raise _not_read(message, "identity")
    for window in _WINDOWS:
        with suppress(zlib.error):
            return _inflate(body, window)
    message = "The body is not compressed as its Content-Encoding says."
    raise MalformedBody(message, code="invalid_encoding", param="Content-Encoding")


def _inflate(body: bytes, window: int) -> bytes:
    stream = zlib.decompressobj(window)
    made = stream.decompress(body, MAX_BODY + 1)
    if len(made) > MAX_BODY:
        raise PayloadTooLarge(TOO_LARGE)
    if not stream.eof:
        raise zlib.error("the end is missing")
    return made


def _not_read(message: str, read: str) -> UnsupportedMediaType:
    return UnsupportedMediaType(
        message,
        code="unsupported_content_encoding",
        param="Content-Encoding",
        headers={"Accept-Encoding": read},
    )
