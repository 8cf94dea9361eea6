"""Ask a relay whose answers are made to fill the memory; print how much each of them took.

A process of its own for `tests/gates/test_relay_memory.py`: the peak of a
process never falls.
"""

import gzip
import json
import sys
import tempfile
import zlib
from contextlib import suppress
from pathlib import Path

import httpx

from videoapi.errors import ServiceError
from videoapi.providers.errors import SubmitRefused, SubmitUnknown
from videoapi.providers.openai_compatible.client import RelayProvider
from videoapi.providers.provider import Order

MB = 10**6
ORDER = Order(model="m", prompt="p", size="1x1", key="k")


def packed(piece, times):
    """Return gzip of one piece many times, without ever holding it."""
    packer = zlib.compressobj(1, wbits=31)
    return b"".join(packer.compress(piece) for _ in range(times)) + packer.flush()


def bodies():
    yield "lists", b'{"a":[' + b"[]," * (20 * MB) + b"[]]}"
    yield "pairs", b'{"a":[' + b"[[],[]]," * (7 * MB) + b"[]]}"
    yield "keys", b'{"status":"x",' + b",".join(b'"%d":0' % n for n in range(MB)) + b"}"
    yield "depth", b'{"a":' + b"[" * (60 * MB)
    yield "word that grows", b'{"status":"' + "\u0390".encode() * (30 * MB) + b'"}'
    yield "code that grows", b'{"id":"v","code":"' + "\u0390".encode() * (MB // 2) + b'"}'
    yield "message", b'{"error":"' + b"sensitive " * (6 * MB) + b'"}'
    yield "escapes", b'{"id":"' + b"\\u0390" * (10 * MB) + b'"}'
    yield (
        "emoji",
        b'{"id":"v","status":"done","prompt":"' + b"a" * (60 * MB) + '🦊"}'.encode(),
    )
    yield "number", b'{"progress":' + b"9" * (60 * MB) + b"}"
    yield "blanks", b" " * (60 * MB) + b'{"status":"done"}'
    yield "plain text", b"rate limit " * (5 * MB)
    yield "page", b"<p>" * (20 * MB)
    done = (
        b'{"id":"v","status":"done","prompt":"\xf0\x9f\xa6\x8a","video_url":"data:video/mp4;base64,'
    )
    yield "video", done.ljust(64 * MB, b"A") + b'"}'
    yield "video of PHP", done + b"A\\/AA" * (12 * MB) + b'"}'
    yield "too long a video", done.ljust(110 * MB, b"A")
    yield "bomb of lists", packed(b"[[],[]]," * 1000, 7500)
    yield "bomb of blanks", packed(b" " * MB, 200)
    yield "bomb in a bomb", gzip.compress(packed(b" " * MB, 200))


def high_water():
    """Return the most memory in use since `reset`, in MB."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def reset():
    Path("/proc/self/clear_refs").write_text("5")


class Body(httpx.SyncByteStream):
    """A body as a socket hands it over: httpx would keep what it is given whole."""

    def __init__(self, body):
        self.body = body

    def __iter__(self):
        for start in range(0, len(self.body), 65536):
            yield self.body[start : start + 65536]


def ask(body):
    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=Body(body)))
    relay = RelayProvider(
        transport, base_url="https://relay.example", endpoint="/v1", key=lambda: "relay-key-0123"
    )
    with suppress(ServiceError):
        relay.poll("v")
    with suppress(SubmitRefused, SubmitUnknown):
        relay.submit(ORDER)
    with suppress(ServiceError), tempfile.TemporaryFile() as file:
        relay.download("v", file)


def main():
    taken = {}
    for name, body in bodies():
        reset()
        before = high_water()
        ask(body)
        taken[name] = round(high_water() - before)
    json.dump(taken, sys.stdout)


if __name__ == "__main__":
    main()
