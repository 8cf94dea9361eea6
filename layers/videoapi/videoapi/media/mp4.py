"""What an MP4 says of itself: length, rate, size, and whether it was cut off on its way.

A walk over the boxes of ISO/IEC 14496-12, without a decoder that would run what a relay sends.
`inspect` is strict, so what it tells is true. `is_cut` is lenient, because it decides about a paid
video: players take files whose tail, order or brand this module would doubt.
"""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

MAX_BOXES = 20_000  # at the top; a fragment per frame of 10 s at 60/s makes 1,200
MAX_HEADER = 2 * 1024 * 1024  # bytes of moov; ten minutes with sound need about 1 MB

_MATROSKA = b"\x1aE\xdf\xa3"
_NEEDED = frozenset({b"moov", b"mdat"})
_OF_THE_VIDEO = frozenset({b"moov", b"mdat", b"moof"})
_BOX_HEADER = 8  # bytes: size and type
_SIDES = 40  # where width and height are in stsd: its own 8 bytes, an entry's 8, and 24 of it


@dataclass(frozen=True)
class Movie:
    """The first picture track. None: the container does not say, as fragmented ones may."""

    seconds: float | None
    fps: float | None  # frames over seconds, so an average
    width: int  # pixels as coded; neither rotation nor pixel aspect is applied
    height: int


def inspect(file: BinaryIO) -> Movie:
    """Read a whole, seekable MP4 and rewind it; raise `ValueError` saying what is wrong with it."""
    try:
        return _movie(_header(file))
    except (struct.error, IndexError):
        raise ValueError("the MP4 is cut off or damaged: a field is missing") from None
    finally:
        file.seek(0)


def is_cut(file: BinaryIO, *, whole: bool) -> bool:
    """Return whether a download is no video, or a part. `whole`: as long as its sender had said.

    Without a length, a box of the video that ends after the file shows where it was cut.
    """
    file.seek(0)
    if file.read(4) == _MATROSKA:  # WebM: no boxes, and whatever plays is delivered
        return False
    end, at, found = file.seek(0, os.SEEK_END), 0, set()
    for _ in range(MAX_BOXES):
        file.seek(at)
        head = file.read(16)
        if len(head) < _BOX_HEADER:
            break
        size, kind = struct.unpack_from(">I4s", head)
        found.add(kind)
        size = int.from_bytes(head[8:16]) if size == 1 else size or end - at
        at += max(size, _BOX_HEADER)
        if at > end:
            return (kind in _OF_THE_VIDEO and not whole) or not found >= _NEEDED
    return not found >= _NEEDED


def _header(file: BinaryIO) -> memoryview:
    """Return the content of moov, once every box is known to be whole and media to be there."""
    file.seek(0)
    _require(file.read(8)[4:] == b"ftyp", "this is not an MP4")
    found: dict[bytes, tuple[int, int]] = {}
    for kind, at, length in _top_boxes(file):
        if length:
            found.setdefault(kind, (at, length))
    for name in ("moov", "mdat"):
        _require(name.encode() in found, f"the MP4 is cut off or damaged: it has no {name}")
    at, length = found[b"moov"]
    _require(length <= MAX_HEADER, "the MP4's header is too large")
    file.seek(at)
    return memoryview(file.read(length))


def _top_boxes(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Yield each box's type, and where its content starts and how long it is."""
    end = file.seek(0, os.SEEK_END)
    at = 0
    for _ in range(MAX_BOXES):
        file.seek(at)
        kind, start, size = _box(file.read(16), end - at)
        yield kind, at + start, size - start
        at += size
        if at == end:
            return
    raise ValueError("the MP4 has too many boxes")


def _movie(moov: memoryview) -> Movie:
    track = _picture_track(moov)
    table = _find(track, b"mdia", b"minf", b"stbl")
    width, height = struct.unpack_from(">HH", _find(table, b"stsd"), _SIDES)
    _require(width and height, "the MP4's picture has no size")
    scale = _scale(_find(track, b"mdia", b"mdhd"))
    frames, ticks = _samples(_find(table, b"stts"))
    fragments = _first(moov, b"mvex")
    if fragments is None:
        _require(frames, "the MP4 holds no frame")
        seconds = ticks / scale
    else:  # the time table speaks only of what precedes them
        seconds = _declared(fragments) / _scale(_find(moov, b"mvhd"))
    return Movie(seconds or None, frames * scale / ticks if ticks else None, width, height)


def _picture_track(moov: memoryview) -> memoryview:
    for kind, track in _children(moov):
        if kind == b"trak" and bytes(_find(track, b"mdia", b"hdlr")[8:12]) == b"vide":
            return track
    raise ValueError("the MP4 has no picture track")


def _samples(stts: memoryview) -> tuple[int, int]:
    """Return the number of frames and the sum of their durations, in the track's time scale."""
    (count,) = struct.unpack_from(">I", stts, 4)
    entries = stts[8 : 8 + 8 * count]
    _require(len(entries) == 8 * count, "the MP4 is cut off or damaged: its time table is short")
    frames = ticks = 0
    for number, duration in struct.iter_unpack(">II", entries):
        frames += number
        ticks += number * duration
    return frames, ticks


def _declared(mvex: memoryview) -> int:
    """Return the length with all fragments, in the movie's time scale; 0 when it is not said."""
    mehd = _first(mvex, b"mehd")
    if mehd is None:
        return 0
    duration: int = struct.unpack_from(">4xQ" if mehd[0] == 1 else ">4xI", mehd)[0]
    return duration


def _scale(box: memoryview) -> int:
    """Return the ticks a second of an mvhd or mdhd."""
    scale: int = struct.unpack_from(">20xI" if box[0] == 1 else ">12xI", box)[0]
    _require(scale, "the MP4 is damaged: its clock stands still")
    return scale


def _find(box: memoryview, *path: bytes) -> memoryview:
    """Follow a path of box types, taking the first of each."""
    for name in path:
        found = _first(box, name)
        if found is None:
            raise ValueError(f"the MP4 is damaged: its header has no {name.decode()}")
        box = found
    return box


def _first(box: memoryview, name: bytes) -> memoryview | None:
    return next((content for kind, content in _children(box) if kind == name), None)


def _children(box: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Yield type and content of the boxes in a box; a rest too short for one is padding."""
    while len(box) >= _BOX_HEADER:
        kind, start, size = _box(box, len(box))
        yield kind, box[start:size]
        box = box[size:]


def _box(head: bytes | memoryview, room: int) -> tuple[bytes, int, int]:
    """Return type, length of the header and whole length of the box that starts here."""
    size, kind = struct.unpack_from(">I4s", head)
    start = _BOX_HEADER
    if size == 1:
        start, size = 16, int.from_bytes(head[8:16])  # the 64-bit form
    elif size == 0:  # to the end
        size = room
    _require(start <= size <= room, "the MP4 is cut off or damaged: a box ends after the file")
    return kind, start, size


def _require(condition: object, message: str) -> None:
    if not condition:
        raise ValueError(message)
