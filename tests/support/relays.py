"""A relay behind `MockTransport` that gives one prepared answer."""

import json

import httpx

from videoapi.providers.openai_compatible.client import RelayProvider
from videoapi.providers.provider import Order

BASE = "https://relay.example"
KEY = "relay-key-0123456789"
VIDEO = "https://cdn.example/a.mp4?sig=1"
MP4 = b"\0\0\0\x18ftypisom" + bytes(5000)


def order(**changes):
    fields = {"model": "veo_3_1", "prompt": "A quiet sea", "size": "1920x1080", "key": "vid_1-1"}
    return Order(**(fields | changes))


class Relay:
    """Answers every request with one response, error or function; remembers the requests."""

    def __init__(self, answer=None):
        self.answer = answer
        self.requests = []

    def __call__(self, request):
        request.read()
        self.requests.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer(request) if callable(self.answer) else self.answer

    def client(self, base_url=BASE, endpoint="/v1/videos", key=KEY, **more):
        return RelayProvider(
            httpx.MockTransport(self), base_url=base_url, endpoint=endpoint, key=lambda: key, **more
        )


def answering(status=200, body=None, **headers):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return Relay(httpx.Response(status, content=content, headers=headers))


class Breaks(httpx.SyncByteStream):
    """A body that breaks off after its first part."""

    def __init__(self, start):
        self.start = start

    def __iter__(self):
        yield self.start
        raise httpx.ReadError("reset")
