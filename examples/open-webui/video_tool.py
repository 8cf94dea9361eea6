"""
title: Video API
description: Makes short videos of a prompt, or of a prompt and the URL of an image.
requirements: httpx
version: 1.0.0
"""

# Workspace → Tools → + → paste this file, then set its Valves: the address, and a key where one is
# asked for. Open WebUI in Docker reaches this machine as http://host.docker.internal:8000.

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable

import httpx
from pydantic import BaseModel, Field

OPEN = ("pending", "processing")


class Tools:
    """What a model in Open WebUI may call."""

    class Valves(BaseModel):
        """The administrator's settings."""

        url: str = Field("http://localhost:8000", description="Address of the Video API")
        key: str = Field("not-needed", description="API key")
        wait_seconds: int = Field(300, description="How long one call waits for its video")

    def __init__(self) -> None:
        """Begin with the defaults."""
        self.valves = self.Valves()

    async def generate_video(
        self,
        prompt: str,
        image_url: str = "",
        seconds: int = 6,
        __metadata__: dict[str, str] | None = None,
        __event_emitter__: Callable[[dict[str, object]], Awaitable[None]] | None = None,
    ) -> str:
        """
        Make a video. It costs money: call this once for each video that the user asks for.

        :param prompt: What moves, and how the camera does.
        :param image_url: The picture that the video starts from; empty for none.
        :param seconds: The length: 4, 6 or 8.
        :return: A link to the video, or why there is none.
        """
        wanted = {"prompt": prompt, "seconds": seconds} | (
            {"input_reference": image_url} if image_url else {}
        )
        said = f"{(__metadata__ or {}).get('message_id', '')} {wanted}"
        # The same order of the same message is paid once, however often the model calls.
        once = {"Idempotency-Key": hashlib.sha256(said.encode()).hexdigest()}
        keys = {"Authorization": f"Bearer {self.valves.key}"}
        async with httpx.AsyncClient(base_url=self.valves.url, headers=keys, timeout=30) as api:
            answer = await _asked(lambda: api.post("/v1/videos", json=wanted, headers=once))
            if answer is None:
                return f"Nothing answers at {self.valves.url}; the video may have been ordered."
            if answer.is_server_error:  # of a try whose answer was lost it says nothing
                return f"{_reason(answer)}; the video may have been ordered."
            if answer.is_error:
                return f"There is no video: {_reason(answer)}"
            video = answer.json()
            place = f"/v1/videos/{video['id']}"
            ends = time.monotonic() + self.valves.wait_seconds
            while video["status"] in OPEN and time.monotonic() < ends:
                await _tell(__event_emitter__, f"{video['status']}, {video['progress']} %")
                await asyncio.sleep(1)
                answer = await _asked(lambda: api.get(place))
                # A look that fails says nothing of the video, which is paid for.
                video = answer.json() if answer and answer.is_success else video
        await _tell(__event_emitter__, video["status"], done=True)
        if video["status"] == "completed":
            return f"[Watch the video]({video['video_url']})"
        if video["status"] in OPEN:
            return f"The video {video['id']} is still being made."
        return f"There is no video: {video['error']['message']}"


async def _asked(send: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response | None:
    """Ask what may be asked twice: what is away for a moment is asked again; None: no answer."""
    answer = None
    for seconds in (0, 1, 2, 4, 8):
        await asyncio.sleep(seconds)
        try:
            answer = await send()
        except httpx.TransportError:
            continue
        if answer.status_code not in (429, 502, 503, 504):
            break
    return answer


def _reason(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):  # not the API's own words
        return f"HTTP {answer.status_code}"


async def _tell(
    emitter: Callable[[dict[str, object]], Awaitable[None]] | None, text: str, *, done: bool = False
) -> None:
    """Show a line of progress above the model's answer."""
    if emitter is not None:
        await emitter({"type": "status", "data": {"description": text, "done": done}})
