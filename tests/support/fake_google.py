"""Google behind `MockTransport`: prepared answers in turn, and the requests that they met."""

import base64
import json

import httpx

from videoapi.providers.google.gemini import GeminiProvider
from videoapi.providers.google.vertex import VertexProvider
from videoapi.providers.provider import ImageRole, InputImage, Order

TOKEN = "ya29.a-token-of-google-0123456789"
ANOTHER = "ya29.another-token-0123456789"
PARENT = "projects/my-project/locations/us-central1"
MODEL = f"{PARENT}/publishers/google/models/veo-3.1-generate-001"
NAME = f"{MODEL}/operations/0b4e2a8c-5f7d-4d63-9c1d-2f0d3a1b7e55"
HOST = "https://us-central1-aiplatform.googleapis.com"
KEY = "AIzaSyKeyOfTheGeminiApi0123456789"
JOB = "v1_ChdhYmNkZWYtMDEyMzQ1Njc4OQ"
GEMINI = "https://generativelanguage.googleapis.com/v1beta"
FILE = f"{GEMINI}/files/abc-123"
MP4 = b"\0\0\0\x18ftypisom" + bytes(range(256)) * 20
BASE64 = base64.b64encode(MP4).decode()


class Google:
    """Answers with each of its answers in turn, the last one for ever; errors are raised.

    A function is called with the request.
    """

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = []

    def __call__(self, request):
        request.read()
        self.requests.append(request)
        response = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(response, Exception):
            raise response
        return response(request) if callable(response) else response

    @property
    def bodies(self):
        return [json.loads(request.content) for request in self.requests]

    def vertex(self, **changes):
        known = {
            "project": "my-project",
            "location": "us-central1",
            "token": lambda: TOKEN,
            "renewed_token": lambda: ANOTHER,
        }
        return VertexProvider(httpx.MockTransport(self), **(known | changes))

    def gemini(self, **changes):
        known = {"key": lambda: KEY, "renewed_key": lambda: KEY}
        return GeminiProvider(httpx.MockTransport(self), **(known | changes))


def answer(body, status=200, **headers):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    # As a stream, which a socket gives too: httpx would not tell a cut body of bytes.
    return httpx.Response(status, stream=Pieces(content), headers=headers)


class Pieces(httpx.SyncByteStream):
    """A body in pieces of a socket's size, which may break off."""

    def __init__(self, body, breaks=None, piece=65536):
        self.body = body
        self.breaks = breaks
        self.piece = piece

    def __iter__(self):
        for start in range(0, len(self.body), self.piece):
            yield self.body[start : start + self.piece]
        if self.breaks:
            raise self.breaks


def error(status, message, *, name="", reason=None, code=None):
    """Return an HTTP error as Google spells it."""
    body = {"code": code or status, "message": message, "status": name}
    if reason:
        body["details"] = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}]
    return answer({"error": body}, status)


def order(**changes):
    fields = {
        "model": "veo-3.1-generate-001",
        "prompt": "A quiet sea",
        "size": "1280x720",
        "key": "vid_01ABC-1",
    }
    return Order(**(fields | changes))


def image(role=ImageRole.FIRST_FRAME, kind="image/png"):
    return InputImage(data=b"\x89PNG" + role.encode(), content_type=kind, role=role)


def done(response):
    return answer({"name": NAME, "done": True, "response": response})


def interaction(status="completed", **more):
    """Return a look at an interaction; `video` is its output's part, if any."""
    video = more.pop("video", None)
    steps = [{"type": "thought"}, {"type": "model_output", "content": [video] if video else []}]
    known = {"id": JOB, "object": "interaction", "status": status, "steps": steps}
    return answer(known | more)
