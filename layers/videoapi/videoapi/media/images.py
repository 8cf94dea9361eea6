"""Input images: what callers send, judged by content before anything is stored or paid for.

An image's declared type and name are never looked at, its first bytes are. No pixel is decoded: the
size comes from the header, and the end of a PNG or WebP is looked for, because a cut-off upload
would otherwise be noticed by the relay only, minutes later. A JPEG may lack its end: some cameras
and editors leave it out, and decoders go on without.
"""

import binascii
import hashlib
import io
import re
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import unquote_to_bytes

from videoapi.errors import ValidationError

MAX_BYTES = 20 * 1024 * 1024  # of one image, wherever it comes from
MAX_PIXELS = 50_000_000  # 150 MB of RGB for its decoder; cameras of today pass

_JPEG, _PNG, _WEBP = "image/jpeg", "image/png", "image/webp"
_EXTENSIONS = {_JPEG: "jpg", _PNG: "png", _WEBP: "webp"}

_URL = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.-]{0,31}://")
_DATA_URL = re.compile(r"data:[^,]{0,256},", re.IGNORECASE)
_FROM_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_LINE_BREAKS = b"\r\n\t"
_MAGIC_TEXT = 24  # characters of base64 = 18 bytes; WebP's magic, the longest, needs 12

_PNG_MAGIC, _PNG_END = b"\x89PNG\r\n\x1a\n", b"\0\0\0\0IEND\xaeB`\x82"
_JPEG_MAGIC = b"\xff\xd8\xff"
_MARKER, _START_OF_SCAN = 0xFF, 0xDA
_MAX_SEGMENTS = 4096  # of a JPEG before its pixels; 20 MB of the largest are 320
# Bytes to go on by for a marker that has no length: filling, TEM, restarts.
_BARE_MARKERS = {0xFF: 1, 0x01: 2} | dict.fromkeys(range(0xD0, 0xD8), 2)
# Not before the pixels: what is no marker, a second start, an end.
_BAD_MARKERS = frozenset(range(0xC0)) - {0x01} | {0xD8, 0xD9}


@dataclass(frozen=True)
class Image:
    """A checked image; sides in pixels as stored (a JPEG's EXIF rotation is not applied)."""

    data: bytes = field(repr=False)
    content_type: str
    width: int
    height: int

    @cached_property
    def sha256(self) -> str:
        """The hash of the bytes, in hexadecimal."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def extension(self) -> str:
        """The usual end of a file name, without the dot."""
        return _EXTENSIONS[self.content_type]


def is_url(text: str) -> bool:
    """Return whether a text is a URL of any scheme, not base64; `net.ssrf` checks it further."""
    return _URL.match(text) is not None


def read_inline(text: str) -> Image:
    """Read base64, bare or in a data URL; raise `ValidationError` `invalid_image`.

    Line breaks, the URL-safe alphabet and missing padding pass, in a data URL percent-encoding too.
    Blanks inside do not: they have been plus signs, and an image without those would be sent, paid
    for, and broken.
    """
    text = text.strip()
    header = _DATA_URL.match(text)
    if header:
        text = text[header.end() :].lstrip()
        as_bytes = not header[0].lower().endswith(";base64,")
        if as_bytes or "%" in text:
            _require(len(text) <= MAX_BYTES * 3, _too_large())  # 3 characters for a byte
            data = unquote_to_bytes(text.encode("ascii", "replace"))
            if as_bytes:
                return read_bytes(data)
            text = data.decode("latin-1")
    _require(len(text) <= MAX_BYTES * 3 // 2, _too_large())  # 4 characters for 3 bytes, and breaks
    start = _decoded(text[: 2 * _MAGIC_TEXT], first=_MAGIC_TEXT)
    _require(sniff(start), "is neither a URL nor the base64 of a JPEG, PNG or WebP file")
    data = _decoded(text)
    _require(data, "is damaged base64: only A-Z, a-z, 0-9, +, /, = and line breaks may be in it")
    return read_bytes(data)


def read_bytes(data: bytes) -> Image:
    """Check the bytes of a file; raise `ValidationError` `invalid_image`."""
    _require(data, "is empty")
    _require(len(data) <= MAX_BYTES, _too_large())
    content_type = sniff(data)
    _require(content_type, "is not a JPEG, PNG or WebP file")
    pixels = _pixels_start(data) if content_type == _JPEG else len(_PNG_MAGIC)
    import imagesize  # type: ignore[import-untyped]  # noqa: PLC0415 — it ships no types, and few submits carry a file

    # Only a JPEG whose segments were walked: imagesize looks for them byte by byte otherwise.
    width, height = imagesize.get(io.BytesIO(data), exif_rotation=False) if pixels else (0, 0)
    _require(width > 0 and height > 0, "is damaged: its header gives no size")
    _require(
        width * height <= MAX_PIXELS,
        f"has {width}x{height} pixels, more than {MAX_PIXELS // 1_000_000} megapixels",
    )
    _require(_is_whole(content_type, data, pixels), "is cut off: its end is missing")
    return Image(data, content_type, width, height)


def sniff(data: bytes) -> str:
    """Return the content type that the first 12 bytes show, or "" for anything not taken."""
    if data.startswith(_JPEG_MAGIC):
        return _JPEG
    if data.startswith(_PNG_MAGIC):
        return _PNG
    return _WEBP if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else ""


def _decoded(text: str, *, first: int | None = None) -> bytes:
    """Decode base64, or its `first` characters; nothing if there is anything else in it."""
    encoded = text.encode("ascii", "replace")
    if any(char in encoded for char in (b"-", b"_", b"\n", b"\r", b"\t")):
        encoded = encoded.translate(_FROM_URL_SAFE, _LINE_BREAKS)
    encoded = encoded[:first]
    try:
        return binascii.a2b_base64(encoded + b"=" * (-len(encoded) % 4), strict_mode=True)
    except binascii.Error:
        return b""


def _pixels_start(data: bytes) -> int:
    """Walk a JPEG's segments to its first scan; 0 when there is no way there."""
    at = len(b"\xff\xd8")
    for _ in range(_MAX_SEGMENTS):
        if len(data) < at + 4 or data[at] != _MARKER or data[at + 1] in _BAD_MARKERS:
            return 0
        if data[at + 1] == _START_OF_SCAN:
            return at
        at += _BARE_MARKERS.get(data[at + 1]) or 2 + int.from_bytes(data[at + 2 : at + 4])
    return 0


def components_of_first_scan(data: bytes) -> int:
    """Return how many of a JPEG's components its first scan holds; 0 where there is none."""
    at = _pixels_start(data)
    return data[at + 4] if 0 < at < len(data) - 4 else 0


def _is_whole(content_type: str, data: bytes, pixels: int) -> bool:
    """Return whether the picture ends within the data. Bytes after the end are ignored."""
    if content_type == _JPEG:
        return len(data) > pixels + 2 + int.from_bytes(data[pixels + 2 : pixels + 4])
    if content_type == _PNG:
        return data.rfind(_PNG_END, pixels) > 0
    file, chunk = (int.from_bytes(data[at : at + 4], "little") + at + 4 for at in (4, 16))
    # A last chunk of odd length may lack the byte that fills it up; the file's size counts it.
    return chunk <= min(file, len(data)) and file <= len(data) + 1


def _too_large() -> str:
    return f"is larger than {MAX_BYTES // 1024**2} MB"


def _require(condition: object, rule: str) -> None:
    if not condition:
        raise ValidationError(f"The image {rule}.", code="invalid_image")
