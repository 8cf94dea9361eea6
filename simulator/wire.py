"""What the routes of every wire share: an order under the tokens of its prompt, and JSON."""

from collections.abc import Callable, Iterable

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from simulator import generation
from simulator.faults import Fault, Plan
from simulator.http_faults import ErrorBody, HttpFaults, Short
from simulator.jobs import Job
from simulator.orders import Order
from simulator.state import State


class Wire:
    """The routes of one API. Handlers raise Refusal."""

    def __init__(self, state: State, error_body: ErrorBody) -> None:
        """`error_body` writes an error as this API does; `state` is shared with the others."""
        self._state = state
        self._http_faults = HttpFaults(error_body, state.stopping)

    async def _submitted(
        self, order: Order, plan: Plan, new_id: Callable[[Fault | None], str], request: Request
    ) -> tuple[Job, Fault | None] | Response:
        """Return the job that an order has begun, and the token that decides its POST.

        Return the token's own response where that is an error or a redirect.
        After a fault with `+created` the job exists, and is paid for.
        """
        fault = self._state.ledger.count_post(plan)
        job_id = new_id(fault)
        created = fault is not None and fault.created
        job = generation.accept(self._state, order, plan, job_id) if created else None
        if bad := await self._http_faults.response(fault, plan, request):
            return bad
        if fault is not None and fault.what == "redirect":
            return RedirectResponse(str(request.url), int(fault.number or 307))
        return job or generation.accept(self._state, order, plan, job_id), fault


def json_stream(pieces: Iterable[bytes], fault: Fault | None) -> Response:
    """Return a response of JSON, or what a token of the stage `poll` makes of it."""
    media_type = "application/json"
    match fault.what if fault else "":
        case "twice":
            return Response(b"".join(pieces) * 2, media_type=media_type)
        case "short":
            return Short(b"".join(pieces), media_type=media_type)
    return StreamingResponse(pieces, media_type=media_type)
