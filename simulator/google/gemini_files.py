"""The Files API, as far as the results of interactions lie in it: metadata and download."""

import hashlib
import time
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from simulator.failures import Refusal
from simulator.fault_words import Stage
from simulator.faults import Fault
from simulator.files import served
from simulator.google import api_keys
from simulator.google.errors import answering
from simulator.google.json_body import rfc3339
from simulator.jobs import Job
from simulator.orders import GEMINI
from simulator.wire import Wire

KEPT_SECONDS: Final = 48 * 3600
_ID_CHARACTERS: Final = 12


class GeminiFiles(Wire):
    """The routes of one file. Handlers raise Refusal."""

    def routes(self) -> list[Route]:
        """Return the routes of the API port."""
        return [
            route
            for version in ("v1", "v1beta")
            for route in (
                Route(f"/{version}/files/{{id}}:download", answering(self.download)),
                Route(f"/{version}/files/{{id}}", answering(self.describe)),
            )
        ]

    async def describe(self, request: Request) -> Response:
        """Describe a file; a `content` token keeps it PROCESSING, or has it FAILED."""
        job, now = self._job(request), time.time()
        self._state.ledger.count(GEMINI, "content_reads")
        fault = job.plan.at(Stage.CONTENT, job.visit(Stage.CONTENT))
        if bad := await self._http_faults.response(fault, job.plan, request):
            return bad
        name = f"files/{file_id(job)}"
        made = job.ended(now) or now
        return JSONResponse(
            {
                "name": name,
                "mimeType": "video/mp4",
                "createTime": rfc3339(made),
                "expirationTime": rfc3339(made + KEPT_SECONDS),
                "uri": str(request.url.replace(query="")),
                "downloadUri": download_url(request, job),
                "state": _state(job, fault, now),
                "source": "GENERATED",
            }
        )

    async def download(self, request: Request) -> Response:
        """Hand out the video of a file that is ACTIVE, or lead to it."""
        job, now = self._job(request), time.time()
        self._state.ledger.count(GEMINI, "file_reads")
        waits = job.plan.at(Stage.CONTENT, job.visits[Stage.CONTENT])
        if request.query_params.get("alt") != "media" or job.video is None:
            raise Refusal(400, "invalid_request", "Say alt=media to download a file.")
        if _state(job, waits, now) != "ACTIVE":
            raise Refusal(400, "failed_precondition", "The file is not in an ACTIVE state.")
        fault = job.plan.at(Stage.FILE, job.visit(Stage.FILE))
        if bad := await self._http_faults.response(fault, job.plan, request):
            return bad
        if fault is not None and fault.what == "redirect":
            url = f"{self._state.files_origin(request)}/v/{job.id}.mp4"
            return RedirectResponse(url, int(fault.number or 302))
        return served(job.video.path, fault)

    def _job(self, request: Request) -> Job:
        api_keys.require(request, self._state.settings.key)
        now, wanted = time.time(), request.path_params["id"]
        for job in self._state.ledger.jobs.values():
            has_file = job.order.provider == GEMINI and job.state(now) == "completed"
            if has_file and file_id(job) == wanted:
                return job
        message = "You do not have permission to access the File or it may not exist."
        raise Refusal(403, "permission_denied", message)


def file_id(job: Job) -> str:
    """Return the id of a job's file."""
    return hashlib.sha256(job.id.encode()).hexdigest()[:_ID_CHARACTERS]


def download_url(request: Request, job: Job) -> str:
    """Return where a job's file is downloaded, under the name that the caller used for us."""
    return f"{request.base_url}v1beta/files/{file_id(job)}:download?alt=media"


def _state(job: Job, fault: Fault | None, now: float) -> str:
    match fault.what if fault else "":
        case "broken":
            return "FAILED"
        case "processing":
            seconds = fault.number if fault else None
            ended = job.ended(now) or now
            return "ACTIVE" if seconds is not None and now - ended >= seconds else "PROCESSING"
    return "ACTIVE"
