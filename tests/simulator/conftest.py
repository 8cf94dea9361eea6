"""One simulator for all tests, and a caller that speaks to it as the worker does."""

import io
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.support import web
from tests.support.simulator_process import Simulator, running

DONE = "[[time:0]] [[render:tiny]]"
"""A job that is completed when its POST is answered: the tiny video is rendered beforehand."""


@dataclass(frozen=True)
class Caller:
    upstream: Simulator
    http: httpx.Client
    anonymous: httpx.Client
    """Sends no key."""

    def post(self, prompt: str, **fields: Any) -> httpx.Response:
        form = {"model": "veo_3_1", "size": "1280x720", "watermark": "false", "prompt": prompt}
        form |= {name: value for name, value in fields.items() if name != "input_reference"}
        image = fields.get("input_reference", png(64, 36))
        files = {"input_reference": ("input", image, "image/png")}
        return self.http.post("/v1/videos", data=form, files=files)

    def accepted(self, prompt: str, **fields: Any) -> str:
        response = self.post(prompt, **fields)
        assert response.status_code == 200, response.text
        return str(response.json()["id"])

    def poll(self, job: str) -> httpx.Response:
        return self.http.get(f"/v1/videos/{job}")

    def ended(self, prompt: str, **fields: Any) -> dict[str, Any]:
        """Return the first poll of a job with these tokens: completed unless they say no."""
        return dict(self.poll(self.accepted(f"{prompt} {DONE}", **fields)).json())

    def content(self, job: str) -> httpx.Response:
        return self.http.get(f"/v1/videos/{job}/content")

    def file(self, tokens: str, **headers: str) -> httpx.Response:
        """Read the result file of a new job with these tokens."""
        return self.anonymous.get(self.ended(tokens)["video_url"], headers=headers)

    def rendered(self, job: str, within: float = 10) -> str:
        """Wait for the end of a render; returns the URL of the video."""
        for _ in range(int(within / 0.02)):
            poll = self.poll(job).json()
            if poll["status"] == "completed":
                return str(poll["video_url"])
            assert poll["status"] != "failed", poll
            time.sleep(0.02)
        raise AssertionError(poll)

    def task(self, key: str) -> dict[str, int]:
        return dict(self.upstream.report()["tasks"][key])

    def job(self, job: str) -> dict[str, Any]:
        return next(j for j in self.upstream.report()["jobs"] if j["id"] == job)


def png(width: int, height: int, colour: str = "navy") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="session")
def upstream() -> Iterator[Simulator]:
    with running("--seconds=60") as started:
        yield started


@pytest.fixture(scope="session")
def caller(upstream: Simulator) -> Iterator[Caller]:
    headers = {"authorization": "Bearer any"}
    with (
        httpx.Client(base_url=upstream.api, headers=headers, timeout=5) as http,
        httpx.Client(timeout=web.PATIENCE_SECONDS) as anonymous,
    ):
        calls = Caller(upstream, http, anonymous)
        calls.rendered(calls.accepted(DONE))
        yield calls
