"""Unpack what came compressed although nobody asked for it, in pieces that bound the memory.

Relays and their stores send gzip to clients that accept `identity` alone, with the header, or
without it (an MP4 stored as .gz). httpx would unpack a chunk at once, whatever comes of it.
"""

import shutil
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain
from typing import IO, Final

PIECE: Final = 64 * 2**10  # bytes that are unpacked at once

_GZIP: Final = b"\x1f\x8b"
_GZIP_BITS: Final = 31  # as zlib names the formats
_ZLIB_BITS: Final = 15
_LAYERS: Final = 2  # a store's .gz, and gzip on the way


class Broken(ValueError):
    """The compressed bytes are damaged, or end too early."""


def inflated(stream: Iterable[bytes], encoding: str = "") -> Iterator[bytes]:
    """Yield a body unpacked where its bytes, or `Content-Encoding: deflate`, say so.

    Raise `Broken` in the middle of it. The reader bounds the size.
    """
    deflated = "deflate" in encoding.casefold()
    for _ in range(_LAYERS):
        head, stream = _beginning(stream)
        bits = _GZIP_BITS if head.startswith(_GZIP) else _ZLIB_BITS if deflated else 0
        if not bits or (bits == _ZLIB_BITS and not _is_zlib(head)):
            break
        stream = _unpacked(stream, bits)
        deflated = False
    yield from stream


def unpack_file(file: IO[bytes], most: int) -> int | None:
    """Put in a gzip file's place what it holds; return how many bytes. None for any other file.

    Raise `Broken` if it is damaged, or holds more than `most` bytes.
    """
    file.seek(0)
    if file.read(len(_GZIP)) != _GZIP:
        file.seek(0, 2)
        return None
    file.seek(0)
    with tempfile.TemporaryFile() as plain:
        for piece in inflated(iter(partial(file.read, PIECE), b"")):
            if plain.tell() + len(piece) > most:
                raise Broken("too long")
            plain.write(piece)
        size = plain.tell()
        plain.seek(0)
        file.seek(0)
        file.truncate()
        shutil.copyfileobj(plain, file)
    return size


def _beginning(stream: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Return at least two bytes, if there are as many, and the whole stream."""
    rest, head = iter(stream), b""
    for chunk in rest:
        head += chunk
        if len(head) >= len(_GZIP):
            break
    return head, chain([head], rest) if head else rest


def _is_zlib(head: bytes) -> bool:
    """RFC 1950 §2.2: method 8, and a checksum over the first two bytes."""
    return len(head) > 1 and head[0] & 0x0F == 8 and int.from_bytes(head[:2]) % 31 == 0  # noqa: PLR2004


def _unpacked(stream: Iterable[bytes], bits: int) -> Iterator[bytes]:
    """Yield pieces; a file of several gzip members is one, what follows the last is padding."""
    member = zlib.decompressobj(bits)
    try:
        for data in stream:
            rest = data
            while rest:
                if member.eof:
                    if not _GZIP.startswith(rest[: len(_GZIP)]):
                        return
                    member = zlib.decompressobj(bits)
                yield member.decompress(rest, PIECE)
                rest = member.unused_data if member.eof else member.unconsumed_tail
    except zlib.error as exc:
        raise Broken(str(exc)) from exc
    if not member.eof:
        raise Broken("cut")
