"""The video routes: POST, poll, content."""

import gzip
import secrets
import time

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from simulator import faults
from simulator.failures import Refusal
from simulator.fault_words import ID_NAMES, QUEUED, Stage
from simulator.faults import Fault
from simulator.http_faults import Short
from simulator.inline import base64_of
from simulator.jobs import Job
from simulator.openai_compatible import form, responses
from simulator.orders import RELAY
from simulator.wire import Wire


class Videos(Wire):
    """The relay's video API. Handlers raise Refusal."""

    def routes(self) -> list[Route]:
        """Return the routes under the endpoint of the settings."""
        endpoint = self._state.settings.endpoint
        return [
            Route(endpoint, self.create, methods=["POST"]),
            Route(f"{endpoint}/{{id}}", self.poll),
            Route(f"{endpoint}/{{id}}/content", self.content),
        ]

    async def create(self, request: Request) -> Response:
        """Accept a job, unless a token or the form is against it."""
        self._state.ledger.count(RELAY, "creates")
        order = await form.read(request, strict=self._state.settings.strict)
        self._state.check_key(request)
        plan = faults.parse(order.prompt)
        made = await self._submitted(order, plan, _job_id, request)
        return made if isinstance(made, Response) else self._accepted(*made)

    async def poll(self, request: Request) -> Response:
        """Describe a job."""
        self._state.check_key(request)
        self._state.ledger.count(RELAY, "polls")
        job, now = self._job(request), time.time()
        visit = job.count_poll(now)
        fault = job.plan.at(Stage.POLL, visit)
        if bad := await self._http_faults.response(fault, job.plan, request):
            return bad
        now = time.time()
        job.note_seen(now)
        link = self._link(job, request) if job.state(now) == "completed" else None
        response = JSONResponse(responses.poll(job, visit, now, link))
        match fault.what if fault else "":
            case "twice":
                return Response(bytes(response.body) * 2, media_type=response.media_type)
            case "short":
                return Short(response.body, media_type=response.media_type)
        return response

    async def content(self, request: Request) -> Response:
        """Hand out the video, or the way to it."""
        self._state.check_key(request)
        self._state.ledger.count(RELAY, "content_reads")
        job = self._job(request)
        if job.state(time.time()) != "completed" or job.video is None:
            raise Refusal(400, "video_not_ready", "the video is not completed")
        fault = job.plan.at(Stage.CONTENT, job.visit(Stage.CONTENT))
        if bad := await self._http_faults.response(fault, job.plan, request):
            return bad
        url = f"{self._state.files_origin(request)}/v/{job.id}.mp4"
        match fault.what if fault else "bytes":
            case "redirect":
                return RedirectResponse(url, 302)
            case "gzip":
                return Response(gzip.compress(job.video.path.read_bytes()), media_type="video/mp4")
            case "json":
                return JSONResponse(responses.placed(job.plan.option(Stage.URL, "url"), url))
        return FileResponse(job.video.path, media_type="video/mp4")

    def _accepted(self, job: Job, fault: Fault | None) -> Response:
        body = {
            "id": job.id,
            "object": "video",
            "model": job.order.model,
            "status": job.plan.word(QUEUED) or "queued",
            "progress": 0,
            "created_at": int(job.created),
        }
        what = fault.what if fault else ""
        if what in {"no_id", *ID_NAMES}:
            del body["id"]
        if what in ID_NAMES:
            body[what] = job.id
        return JSONResponse(body, int(what) if what in {"201", "202"} else 200)

    def _job(self, request: Request) -> Job:
        job = self._state.ledger.jobs.get(request.path_params["id"])
        if job is None:
            raise Refusal(400, "task_not_exist", "task_not_exist")
        return job

    def _link(self, job: Job, request: Request) -> str | None:
        """Return the URL that a poll tells, None for none."""
        plan, origin = job.plan, self._state.files_origin(request)
        only_content = any(plan.of(Stage.CONTENT)) and not any(plan.of(Stage.URL))
        file = f"{origin}/v/{job.id}.mp4"
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        match plan.option(Stage.LINK, "none" if only_content else "file"):
            case "none":
                return None
            case "inline":
                return _data_url(job)
            case what:
                return {
                    "same": f"{request.base_url}v/{job.id}.mp4",
                    "redirect": f"{origin}/r/{job.id}.mp4",
                    "inward": f"http://169.254.169.254/v/{job.id}.mp4",
                    "key": f"{file}?api_key={key}",
                }.get(what, file)


def _job_id(fault: Fault | None) -> str:
    colon = fault is not None and fault.what == "colon"
    return f"{'veo3.1:' if colon else 'video_'}{secrets.token_hex(12)}"


def _data_url(job: Job) -> str:
    """Return the video as a data URL, filled up to the asked MB."""
    return f"data:video/mp4;base64,{b''.join(base64_of(job)).decode()}"
