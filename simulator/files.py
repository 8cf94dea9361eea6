"""The result files: another origin than the API, where no key has any business.

The same routes hang on the API port too, for `[[link:same]]`: a key is a leak there as well.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from simulator.failures import Refusal
from simulator.fault_words import Stage
from simulator.faults import Fault
from simulator.http_faults import Short
from simulator.jobs import Job
from simulator.wire import Wire

_VIDEO = "video/mp4"
_STEPS = 20


class Files(Wire):
    """GET and HEAD of videos and images; Range is answered with 206."""

    def routes(self) -> list[Route]:
        """Return the routes of one port."""
        return [
            Route("/v/{id}.mp4", self.video),
            Route("/r/{id}.mp4", self.redirect),
            Route("/i/{name}.png", self.image),
        ]

    async def video(self, request: Request) -> Response:
        """Hand out a video, or what its tokens make of it."""
        job = self._read(request)
        if job.video is None or job.state(time.time()) != "completed":
            raise Refusal(404, "not_found", "no such file")
        fault = job.plan.at(Stage.FILE, job.visit(Stage.FILE))
        if bad := await self._http_faults.response(fault, job.plan, request):
            return bad
        return served(job.video.path, fault)

    async def redirect(self, request: Request) -> Response:
        """Lead to the video on the files port."""
        job = self._read(request)
        return RedirectResponse(f"{self._state.files_origin(request)}/v/{job.id}.mp4", 302)

    async def image(self, request: Request) -> Response:
        """Hand out an image that was drawn before."""
        self._count(request)
        path = self._state.folder / f"{request.path_params['name']}.png"
        if not path.is_file():
            raise Refusal(404, "not_found", "no such file")
        return FileResponse(path, media_type="image/png")

    def _read(self, request: Request) -> Job:
        self._count(request)
        job = self._state.ledger.jobs.get(request.path_params["id"])
        if job is None:
            raise Refusal(404, "not_found", "no such file")
        return job

    def _count(self, request: Request) -> None:
        self._state.ledger.calls["file_reads"] += 1
        if {"authorization", "x-goog-api-key"} & set(request.headers):
            self._state.ledger.calls["leaks"] += 1


def served(path: Path, fault: Fault | None) -> Response:
    """Return a file, or what a token of the stage `file` makes of it."""
    data = path.read_bytes()
    pause = (fault.number or 0) / _STEPS if fault else 0
    match fault.what if fault else "":
        case "short":
            return Short(data, media_type=_VIDEO)
        case "junk":
            return Response(secrets.token_bytes(len(data)), media_type=_VIDEO)
        case "no_range":
            return Response(data, media_type=_VIDEO)
        case "no_length":
            return StreamingResponse(_in_steps(data, pause), media_type=_VIDEO)
        case "trickle":
            headers = {"content-length": str(len(data))}
            return StreamingResponse(_in_steps(data, pause), 200, headers, _VIDEO)
    return FileResponse(path, media_type=_VIDEO)


async def _in_steps(data: bytes, pause: float) -> AsyncIterator[bytes]:
    step = max(len(data) // _STEPS, 1)
    for start in range(0, len(data), step):
        yield data[start : start + step]
        await asyncio.sleep(pause)
