"""Read a JSON answer of any length in little memory: its long strings stay out of it.

Google answers a poll of a finished job with the whole video in base64, 20 MB and more. What arrives
is written to a file where it is wanted and forgotten where it is not; the rest is parsed.
"""

import re
from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import IO, Any, Final

from videoapi.providers.data_urls import empty, missing
from videoapi.providers.json_access import MAX_REST, UnreadableJson, parsed
from videoapi.providers.provider import Content
from videoapi.redaction import mask_key_in_body

LONG: Final = 32 * 2**10  # bytes of a string that is kept out of the JSON
_PIECE: Final = 2**20  # bytes of base64 that are decoded at once; a multiple of 4
_STRING_END: Final = re.compile(rb'["\\]')
_BRACKET: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_CLOSED_BY: Final = {b"{": b"}", b"[": b"]"}
_MARK: Final = "\0"  # what stands in the place of a long string, with its number behind it
_UNICODE_ESCAPE: Final = re.compile(rb"\\u00([0-7][0-9A-Fa-f])")  # Gson writes `=` so
_ESCAPE_LENGTH: Final = 6
_NOT_BASE64: Final = re.compile(rb"\\[nr]|[\\\s]")  # line breaks, and the escape before `/`
_TO_STANDARD_ALPHABET: Final = bytes.maketrans(b"-_", b"+/")


@dataclass
class StreamedJson:
    """An answer as it comes in; `spool` is a file for all of it, None where nobody needs that.

    Reading ends at the first long string behind JSON in which `enough` is found.
    """

    spool: IO[bytes] | None = None
    enough: re.Pattern[bytes] | None = None
    _rest: bytearray = field(default_factory=bytearray)  # the JSON without its long strings
    _ranges: list[tuple[int, int]] = field(default_factory=list)  # where those are
    _size: int = 0
    _string: int | None = None  # where in `_rest` the open string begins
    _long: int | None = None  # where in the answer, if it is a long one
    _escaped: bool = False
    _stopped: bool = False

    def take(self, stream: Iterable[bytes]) -> None:
        """Read a body to its end. Raise `UnreadableJson` if the rest alone is too long."""
        for chunk in stream:
            if self.spool:
                self.spool.write(chunk)
            self._scan(chunk)
            self._size += len(chunk)
            if len(self._rest) > MAX_REST:
                raise UnreadableJson("too long")
            if self._stopped:
                self._rest += b'"' + _closing(self._rest + b'"')
                break

    def _scan(self, chunk: bytes) -> None:
        at = 0
        while at < len(chunk) and not self._stopped:
            if self._escaped:
                self._escaped, end = False, at + 1
            elif self._string is None:
                end = chunk.find(b'"', at) + 1 or len(chunk)
                self._rest += chunk[at:end]
                self._string = len(self._rest) if self._rest[-1:] == b'"' else None
                at = end
                continue
            else:
                found = _STRING_END.search(chunk, at)
                end = found.end() if found else len(chunk)
                self._escaped = found is not None and found[0] == b"\\"
                if found and not self._escaped:
                    self._close(chunk[at : end - 1], at)
                    at = end
                    continue
            self._keep(chunk[at:end], at)
            at = end

    def _keep(self, part: bytes, at: int) -> None:
        """Keep a part of the open string, unless it is or has become a long one."""
        if self._long is not None or self._string is None:
            return
        self._rest += part
        kept = len(self._rest) - self._string
        if kept > LONG:
            self._long = self._size + at + len(part) - kept
            del self._rest[self._string :]
            self._stopped = self.enough is not None and bool(self.enough.search(self._rest))
            self._rest += b"\\u0000%d" % len(self._ranges)

    def _close(self, part: bytes, at: int) -> None:
        self._keep(part, at)
        if self._long is not None:
            self._ranges.append((self._long, self._size + at + len(part)))
        self._rest += b'"'
        self._string = self._long = None

    def parsed(self) -> dict[str, Any]:
        """Return the JSON object, or the first of a list of them; raise `UnreadableJson` for none.

        `holds` and `save` know what stands in the place of a long string.
        """
        return parsed(self._rest.lstrip(b"[ \t\r\n"))

    def mask(self, key: str) -> None:
        """Put `***` in the place of our own credential, should the answer quote it."""
        self._rest = mask_key_in_body(key, self._rest)

    def save(self, value: str, into: IO[bytes], content_type: str | None) -> Content:
        """Write to `into` what a string of the parsed JSON holds in base64, in pieces.

        Raise `ContentMissing` if it holds no base64.
        """
        empty(into)
        try:
            size = self._decode(value, into)
        except (ValueError, IndexError) as exc:  # binascii.Error is a ValueError
            raise missing("The upstream's answer holds no base64") from exc
        if not size:
            raise missing("The upstream's video is empty")
        return Content(size_bytes=size, content_type=content_type, whole=True)

    def _decode(self, value: str, into: IO[bytes]) -> int:
        if not value.startswith(_MARK):
            return into.write(_decoded(b"".join(value.encode().split())))
        if self.spool is None:
            raise ValueError("the answer was not kept")
        start, end = self._ranges[int(value[1:])]
        self.spool.seek(start)
        size, rest = 0, b""
        while start < end:
            piece = self.spool.read(min(_PIECE, end - start))
            start += len(piece)
            held = rest + piece
            # A piece may end inside of an escape: that waits for the next one.
            cut = held.rfind(b"\\", 1 - _ESCAPE_LENGTH) if start < end else -1
            cut = cut if cut >= 0 else len(held)
            plain = _NOT_BASE64.sub(b"", _UNICODE_ESCAPE.sub(_character, held[:cut]))
            whole = len(plain) - len(plain) % 4 if start < end else len(plain)
            size += into.write(_decoded(plain[:whole]))
            rest = plain[whole:] + held[cut:]
        return size


def _character(escape: re.Match[bytes]) -> bytes:
    return bytes((int(escape[1], 16),))


def _decoded(text: bytes) -> bytes:
    text = text.translate(_TO_STANDARD_ALPHABET)
    return b64decode(text + b"=" * (-len(text) % 4), validate=True)


def _closing(text: bytes | bytearray) -> bytes:
    """Return the brackets that are open at the end of JSON, closed."""
    open_still = bytearray()
    for match in _BRACKET.finditer(text):
        if match[0] in _CLOSED_BY:
            open_still += _CLOSED_BY[match[0]]
        elif match[0][:1] != b'"':
            del open_still[-1:]
    return bytes(reversed(open_still))
