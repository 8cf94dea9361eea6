"""HTTP faults as responses: errors, HTML pages, silence, and connections that end too early."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

from simulator.failures import Failure, failure, is_error_status, of_status
from simulator.faults import Fault, Plan

type ErrorBody = Callable[[Failure, Plan | None], Any]
"""Returns the body of an error as the wire writes it; the plan may ask for another shape."""

MAX_HANG_SECONDS = 3600.0
_PAGE = (
    "<!DOCTYPE html>\n<html><head><title>{status}</title></head>"
    "<body><center><h1>{status}: origin error</h1></center><hr><center>nginx</center></body></html>"
)


class Dropped(Response):
    """The connection is closed before an answer.

    ASGI cannot say that. An interim response that nothing follows has hypercorn close the
    connection, and clients skip "100 Continue".
    """

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send the interim response alone."""
        await send({"type": "http.response.start", "status": 100, "headers": []})


class Short(Response):
    """Half the body that Content-Length announces, then the connection is closed."""

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send the first half and no end."""
        await send(
            {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        )
        half = bytes(self.body[: len(self.body) // 2])
        await send({"type": "http.response.body", "body": half, "more_body": True})


@dataclass(frozen=True, slots=True)
class HttpFaults:
    """The HTTP faults of one wire."""

    error_body: ErrorBody
    stopping: asyncio.Event

    async def response(self, fault: Fault | None, plan: Plan, request: Request) -> Response | None:
        """Return the response of an HTTP fault; None for any other, after a slow one's wait."""
        if fault is None:
            return None
        match fault.what:
            case "drop":
                return Dropped()
            case "hang":
                await _wait(fault.number or MAX_HANG_SECONDS, request, self.stopping)
                return Dropped()
            case "slow":
                await _wait(fault.number or 0, request, self.stopping)
                return None
            case "html":
                status = int(fault.number or 502)
                return HTMLResponse(_PAGE.format(status=status), status)
        known = failure(fault.what)
        return None if known is None else self._error(fault, known, plan)

    def _error(self, fault: Fault, known: Failure, plan: Plan) -> Response:
        if not is_error_status(fault.what):
            status = int(fault.number or known.status)
            return JSONResponse(self.error_body(known, plan), status)
        headers = {} if fault.number is None else {"retry-after": f"{fault.number:g}"}
        body = self.error_body(of_status(known.status), plan)
        return JSONResponse(body, known.status, headers)


async def _wait(seconds: float, request: Request, stopping: asyncio.Event) -> None:
    """Wait, but no longer than the caller or this process stays."""

    async def gone() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    watched = {asyncio.create_task(stopping.wait()), asyncio.create_task(gone())}
    await asyncio.wait(watched, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in watched:
        task.cancel()
