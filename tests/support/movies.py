"""The smallest MP4 that is whole: boxes of ISO/IEC 14496-12, a second of nothing."""

import struct
from functools import cache


def box(kind, *content):
    body = b"".join(content)
    return struct.pack(">I4s", 8 + len(body), kind) + body


@cache
def mp4(*, seconds=8, fps=24, width=1280, height=720):
    """Return an MP4 with one picture track of `seconds * fps` frames that nobody could decode."""
    scale, ticks = 24_000, 24_000 // fps
    frames = seconds * fps
    clock = struct.pack(">IIIII", 0, 0, 0, scale, frames * ticks) + bytes(80)
    handler = bytes(8) + b"vide" + bytes(13)
    entry = bytes(24) + struct.pack(">HH", width, height) + bytes(50)
    table = box(
        b"stbl",
        box(b"stsd", struct.pack(">II", 0, 1), box(b"avc1", entry)),
        box(b"stts", struct.pack(">IIII", 0, 1, frames, ticks)),
    )
    media = box(b"mdia", box(b"mdhd", clock), box(b"hdlr", handler), box(b"minf", table))
    return (
        box(b"ftyp", b"isom", bytes(4), b"isom")
        + box(b"moov", box(b"mvhd", clock), box(b"trak", media))
        + box(b"mdat", bytes(64))
    )
