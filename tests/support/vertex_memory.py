"""Look at a finished job of 100 MB, fetch its video; print how much memory each of them took.

A process of its own for `tests/gates/test_vertex_memory.py`: the peak of a process never falls.
"""

import base64
import json
import sys
import tempfile

import httpx

from tests.support.fake_google import NAME, Google
from tests.support.relay_memory import MB, Body, high_water, reset

START = b'{"name":"%s","done":true,"response":{"videos":[{"bytesBase64Encoded":"' % NAME.encode()
END = b'","mimeType":"video/mp4"}]}}'
VIDEO = b"\0\0\0\x18ftypisom" + bytes(100 * MB)


def taken_by(act, body):
    vertex = Google(httpx.Response(200, stream=Body(body))).vertex()
    reset()
    before = high_water()
    act(vertex)
    return round(high_water() - before)


def fetch(vertex):
    with tempfile.TemporaryFile() as file:
        vertex.download(NAME, file)
        assert file.tell() == len(VIDEO)


def main():
    body = START + base64.b64encode(VIDEO) + END
    json.dump(
        {
            "poll": taken_by(lambda vertex: vertex.poll(NAME), body),
            "download": taken_by(fetch, body),
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
