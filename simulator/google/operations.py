"""Veo on Agent Platform: predictLongRunning, fetchPredictOperation, and no GET of an operation."""

import time
import uuid
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from simulator import faults
from simulator.failures import Refusal
from simulator.fault_words import Stage
from simulator.faults import Fault
from simulator.google import access_tokens, operation_bodies, veo_request
from simulator.google.errors import answering
from simulator.google.json_body import read_object, refused
from simulator.jobs import Job
from simulator.orders import VERTEX
from simulator.wire import Wire, json_stream

LOCATIONS: Final = frozenset({"us-central1", "global"})
_MODEL: Final = "projects/{project}/locations/{location}/publishers/google/models/{model}"
_PAGE: Final = "<!DOCTYPE html><title>Error 404 (Not Found)!!1</title>The URL was not found."


class Operations(Wire):
    """The routes of one publisher's models. Handlers raise Refusal."""

    def routes(self) -> list[Route]:
        """Return the routes of the API port, of both versions of the API."""
        return [
            route
            for version in ("v1", "v1beta1")
            for route in (
                self._post(version, "predictLongRunning", answering(self.predict)),
                self._post(version, "fetchPredictOperation", answering(self.fetch)),
                Route(f"/{version}/{_MODEL}/operations/{{id}}", self.get),
            )
        ]

    @staticmethod
    def _post(version: str, verb: str, handler: Any) -> Route:
        return Route(f"/{version}/{_MODEL}:{verb}", handler, methods=["POST"])

    async def predict(self, request: Request) -> Response:
        """Accept a job, unless a token or a rule is against it."""
        self._state.ledger.count(VERTEX, "creates")
        wanted = await read_object(request)
        access_tokens.require(request)
        resource = _resource(request)
        order = veo_request.read(wanted, request.path_params["model"], resource)
        plan = faults.parse(order.prompt, VERTEX)
        name = f"{resource}/operations/{uuid.uuid4()}"
        made = await self._submitted(order, plan, lambda _: name, request)
        return made if isinstance(made, Response) else _accepted(*made)

    async def fetch(self, request: Request) -> Response:
        """Describe a job: every time with the whole video, once there is one."""
        access_tokens.require(request)
        self._state.ledger.count(VERTEX, "polls")
        name = (await read_object(request)).get("operationName")
        if not isinstance(name, str) or not name.startswith(f"{_resource(request)}/operations/"):
            raise refused("operationName is not an operation of this model.")
        job = self._state.ledger.jobs.get(name)
        if job is None:
            raise Refusal(404, "not_found", f"Operation not found: {name}")
        visit = job.count_poll(time.time())
        fault = job.plan.at(Stage.POLL, visit)
        if bad := await self._http_faults.response(fault, job.plan, request):
            return bad
        job.note_seen(time.time())
        return json_stream(operation_bodies.poll(job, fault), fault)

    async def get(self, _request: Request) -> Response:
        """Answer 404: these operations are read by fetchPredictOperation alone."""
        self._state.ledger.count(VERTEX, "polls")
        return HTMLResponse(_PAGE, 404)


def _resource(request: Request) -> str:
    parts = request.path_params
    if parts["location"] not in LOCATIONS:
        raise Refusal(404, "not_found", f"Veo is not served in {parts['location']}.")
    return _MODEL.format_map(parts)


def _accepted(job: Job, fault: Fault | None) -> Response:
    what = fault.what if fault else ""
    status = int(what) if what in {"201", "202"} else 200
    return JSONResponse({} if what == "no_id" else {"name": job.id}, status)
