"""The Interactions API of Gemini Omni: create, get, cancel, delete."""

import asyncio
import secrets
import time
from contextlib import suppress
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulator import faults
from simulator.failures import Refusal
from simulator.fault_words import Stage
from simulator.faults import Fault
from simulator.google import access_tokens, api_keys, gemini_files, omni_request
from simulator.google.errors import answering, interactions_body
from simulator.google.interaction_bodies import interaction
from simulator.google.json_body import read_object
from simulator.jobs import Job
from simulator.orders import GEMINI
from simulator.wire import Wire, json_stream

PREFIXES: Final = {
    "/v1": "steps",
    "/v1beta": "outputs",
    "/v1beta1/projects/{project}/locations/global": "steps",
}
"""Where it is found, and what a caller reads there who sends no `Api-Revision`."""
REVISION: Final = "api-revision"
_POLL_SECONDS: Final = 0.05


class Interactions(Wire):
    """The routes of the Gemini API and of Agent Platform. Handlers raise Refusal."""

    def routes(self) -> list[Route]:
        """Return the routes of the API port."""
        found = []
        for prefix in PREFIXES:
            path = f"{prefix}/interactions"
            for route, handler, method in (
                (path, self.create, "POST"),
                (f"{path}/{{id}}", self.get, "GET"),
                (f"{path}/{{id}}", self.delete, "DELETE"),
                (f"{path}/{{id}}/cancel", self.cancel, "POST"),
            ):
                found.append(Route(route, answering(handler, interactions_body), methods=[method]))
        return [*found, Route("/v1beta/models/{call}", answering(_no_models), methods=["POST"])]

    async def create(self, request: Request) -> Response:
        """Accept an interaction, unless a token or a rule is against it. An empty one is billed."""
        self._state.ledger.count(GEMINI, "creates")
        body = await read_object(request)
        self._check_caller(request)
        order = omni_request.read(body, in_cloud="project" in request.path_params)
        plan = faults.parse(order.prompt, GEMINI)
        name = f"v1_{secrets.token_urlsafe(24)}"
        made = await self._submitted(order, plan, lambda _: name, request)
        if isinstance(made, Response):
            return made
        job, fault = made
        if fault is not None and fault.what == "no_id":
            return JSONResponse({"object": "interaction", "status": "in_progress"})
        if order.fields["background"] != "true":
            await self._wait(job)
        return self._response(job, request, fault)

    async def get(self, request: Request) -> Response:
        """Describe an interaction."""
        job = self._job(request)
        self._state.ledger.count(GEMINI, "polls")
        fault = job.plan.at(Stage.POLL, job.count_poll(time.time()))
        if bad := await self._http_faults.response(fault, job.plan, request):
            return bad
        job.note_seen(time.time())
        return self._response(job, request, fault)

    async def cancel(self, request: Request) -> Response:
        """Cancel an interaction that has not ended; the body may be `{}` or empty."""
        if await request.body():
            await read_object(request)
        job = self._job(request)
        self._state.ledger.count(GEMINI, "cancels")
        fault = job.plan.at(Stage.CANCEL, job.visit(Stage.CANCEL))
        if bad := await self._http_faults.response(fault, job.plan, request):
            return bad
        if job.ended(time.time()) is not None:
            message = f"Interaction {job.id} has ended and cannot be cancelled."
            raise Refusal(400, "failed_precondition", message)
        job.cancelled = time.time()
        self._keep(job)
        return self._response(job, request, None)

    async def delete(self, request: Request) -> Response:
        """Forget an interaction; what it cost stays in the bill."""
        job = self._job(request)
        job.deleted = True
        self._keep(job)
        return JSONResponse({})

    def _check_caller(self, request: Request) -> None:
        if "project" in request.path_params:
            access_tokens.require(request)
        else:
            api_keys.require(request, self._state.settings.key)

    def _job(self, request: Request) -> Job:
        self._check_caller(request)
        job = self._state.ledger.jobs.get(request.path_params["id"])
        if job is None or job.order.provider != GEMINI or job.deleted:
            raise Refusal(404, "not_found", "Requested entity was not found.")
        if job.order.fields["store"] != "true":
            raise Refusal(404, "not_found", "Requested entity was not found: store was false.")
        return job

    async def _wait(self, job: Job) -> None:
        stopping = self._state.stopping
        while job.ended(time.time()) is None and not stopping.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), _POLL_SECONDS)

    def _keep(self, job: Job) -> None:
        if self._state.archive:
            self._state.archive.add(job, None)

    def _response(self, job: Job, request: Request, fault: Fault | None) -> Response:
        prefix = request.url.path.partition("/interactions")[0]
        unversioned = REVISION not in request.headers and PREFIXES.get(prefix) == "outputs"
        files_url = gemini_files.download_url(request, job)
        return json_stream(interaction(job, files_url, older=unversioned), fault)


async def _no_models(request: Request) -> Response:
    """Refuse the other methods: Omni's interactions alone, and Veo is no longer here."""
    model, _, method = request.path_params["call"].partition(":")
    if method == "generateContent":
        raise Refusal(400, "invalid_request", "This model only supports Interactions API.")
    raise Refusal(404, "not_found", f"models/{model} is no longer available.")
