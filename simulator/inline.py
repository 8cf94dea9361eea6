"""Videos within JSON: as base64, in pieces, filled up to a size where a token asks for one."""

import base64
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from simulator.fault_words import Stage
from simulator.jobs import Job

PLACE: Final = "@video@"
"""What stands in a body where its video comes."""
_MEGABYTE = 1_000_000
_PIECE = 3 * 2**18
"""Bytes of a video at a time: a multiple of three, or base64 would be padded within."""


def serialized(body: dict[str, Any], video: Callable[[], Iterator[bytes]]) -> Iterator[bytes]:
    """Yield the body's JSON, the video in each of its places."""
    for number, text in enumerate(json.dumps(body).split(PLACE)):
        if number:
            yield from video()
        yield text.encode()


def base64_of(job: Job) -> Iterator[bytes]:
    """Yield the job's video as base64, of the size in MB that its `link` token asks for."""
    for piece in _in_pieces(_video(job)):
        yield base64.b64encode(piece)


def _video(job: Job) -> Iterator[bytes]:
    """Yield the video, filled up by a box that players skip."""
    megabytes = max((fault.number or 0 for fault in job.plan.of(Stage.LINK)), default=0)
    data = job.video.path.read_bytes() if job.video else b""
    yield data
    filling = int(megabytes * _MEGABYTE) - len(data)
    if filling > len(b"sizefree"):
        yield filling.to_bytes(4) + b"free"
        left = filling - len(b"sizefree")
        for _ in range(left // _PIECE):
            yield bytes(_PIECE)
        yield bytes(left % _PIECE)


def _in_pieces(parts: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for part in parts:
        rest += part
        whole = len(rest) - len(rest) % _PIECE
        for start in range(0, whole, _PIECE):
            yield rest[start : start + _PIECE]
        rest = rest[whole:]
    if rest:
        yield rest
