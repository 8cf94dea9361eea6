"""The video routes: POST, poll, content."""

import base64
import gzip
import secrets
import time
from dataclasses import replace
from functools import partial
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from simulator import faults, stills, trouble
from simulator.camera import Motion, Shot
from simulator.faults import BAD, Fault, Plan, Stage
from simulator.jobs import Job
from simulator.openai_compatible import answers, form
from simulator.openai_compatible.errors import Refusal, failure
from simulator.openai_compatible.form import Order
from simulator.render import Spec
from simulator.state import State

_TINY = Spec(Shot(Motion.ZOOM, 0.5, 64, 36), fps=24, frames=24, source="tiny")
_MEGABYTE = 1_000_000


class Relay:
    """The relay's video API. Handlers raise Refusal."""

    def __init__(self, state: State) -> None:
        """All state is shared with the other routes."""
        self._state = state

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
        ledger = self._state.ledger
        ledger.calls["creates"] += 1
        order = await form.read(request, strict=self._state.settings.strict)
        self._state.check_key(request)
        plan = faults.parse(order.prompt)
        ledger.posts[plan.key] += 1
        fault = plan.at(Stage.SUBMIT, ledger.posts[plan.key] - 1)
        job = self._accept(order, plan) if fault is not None and fault.created else None
        if bad := await trouble.answer(fault, plan, request, self._state.stopping):
            return bad
        if fault is not None and fault.what == "redirect":
            return RedirectResponse(str(request.url), int(fault.number or 307))
        return self._accepted(job or self._accept(order, plan, fault), fault)

    async def poll(self, request: Request) -> Response:
        """Tell of a job."""
        self._state.check_key(request)
        self._state.ledger.calls["polls"] += 1
        job, now = self._job(request), time.time()
        visit = job.visit(Stage.POLL)
        job.polls.append(round(now - job.created, 3))
        fault = job.plan.at(Stage.POLL, visit)
        if bad := await trouble.answer(fault, job.plan, request, self._state.stopping):
            return bad
        now = time.time()
        if job.seen is None and job.ended(now):
            job.seen = now
        link = self._link(job, request) if job.state(now) == "completed" else None
        answer = JSONResponse(answers.poll(job, visit, now, link))
        if fault is not None and fault.what == "twice":
            return Response(bytes(answer.body) * 2, media_type=answer.media_type)
        return answer

    async def content(self, request: Request) -> Response:
        """Hand out the video, or the way to it."""
        self._state.check_key(request)
        self._state.ledger.calls["content_reads"] += 1
        job = self._job(request)
        if job.state(time.time()) != "completed" or job.video is None:
            raise Refusal(400, "video_not_ready", "the video is not completed")
        fault = job.plan.at(Stage.CONTENT, job.visit(Stage.CONTENT))
        if bad := await trouble.answer(fault, job.plan, request, self._state.stopping):
            return bad
        url = f"{self._state.files_origin(request)}/v/{job.id}.mp4"
        match fault.what if fault else "bytes":
            case "redirect":
                return RedirectResponse(url, 302)
            case "gzip":
                return Response(gzip.compress(job.video.path.read_bytes()), media_type="video/mp4")
            case "json":
                return JSONResponse(answers.placed(job.plan.option(Stage.URL, "url"), url))
        return FileResponse(job.video.path, media_type="video/mp4")

    def _accept(self, order: Order, plan: Plan, fault: Fault | None = None) -> Job:
        """Take the order in; `fault` may ask for an id of another form."""
        spec = self._spec(order, plan)
        image = order.image
        draw = partial(stills.draw, faults.without_tokens(order.prompt), order.width, order.height)
        still = draw if image is None or spec is _TINY else partial(stills.decode, image)
        failing = plan.at(Stage.FAIL, self._state.ledger.accepted[plan.key])
        doomed = failing is not None or plan.word(BAD) is not None
        name = secrets.token_hex(12)
        colon = fault is not None and fault.what == "colon"
        job = Job(
            id=f"veo3.1:{name}" if colon else f"video_{name}",
            plan=plan,
            order=replace(order, image=None),
            input_bytes=len(image or b""),
            spec=spec,
            seconds=float(plan.option(Stage.TIME, str(self._state.settings.seconds))),
            failure=failure(failing.what) if failing else None,
            video=None if doomed else self._state.renders.start(spec, still),
        )
        if self._state.archive:
            self._state.archive.add(job, image)
        self._state.ledger.add(job)
        return job

    def _spec(self, order: Order, plan: Plan) -> Spec:
        match plan.option(Stage.RENDER, "tiny" if self._state.settings.tiny else "asked"):
            case "tiny":
                return _TINY
            case "veo":
                fps, seconds = form.FPS_OF_VEO, form.SECONDS_OF_VEO
                order = replace(order, width=1280, height=720, seconds=seconds, fps=fps)
        words = faults.without_tokens(order.prompt).encode()
        source = sha256(b"text" + words if order.image is None else b"file" + order.image)
        return Spec(
            shot=Shot(order.motion, order.strength, order.width, order.height),
            fps=order.fps,
            frames=order.seconds * order.fps,
            source=source.hexdigest(),
        )

    def _accepted(self, job: Job, fault: Fault | None) -> Response:
        body = {
            "id": job.id,
            "object": "video",
            "model": job.order.model,
            "status": job.plan.word(faults.QUEUED) or "queued",
            "progress": 0,
            "created_at": int(job.created),
        }
        what = fault.what if fault else ""
        if what in {"no_id", *faults.ID_NAMES}:
            del body["id"]
        if what in faults.ID_NAMES:
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


def _data_url(job: Job) -> str:
    """Return the video as a data URL, filled up to the asked MB by a box that players skip."""
    megabytes = max(fault.number or 0 for fault in job.plan.of(Stage.LINK))
    data = job.video.path.read_bytes() if job.video else b""
    filling = max(int(megabytes * _MEGABYTE) - len(data), 0)
    data += (filling.to_bytes(4) + b"free").ljust(filling, b"\0") if filling else b""
    return f"data:video/mp4;base64,{base64.b64encode(data).decode()}"
