"""`/_control`: the counts, and the switches that tests turn."""

from json import JSONDecodeError
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from simulator.failures import Refusal
from simulator.ledger import Ledger
from simulator.state import State

_SWITCHES = {"seconds": (int, float), "strict": (bool,), "tiny": (bool,)}


class Control:
    """Routes without a key: the simulator listens on this machine alone."""

    def __init__(self, state: State) -> None:
        """All state is shared with the other routes."""
        self._state = state

    def routes(self) -> list[Route]:
        """Return the routes of the API port."""
        return [
            Route("/_control", self.report),
            Route("/_control/reset", self.reset, methods=["POST"]),
            Route("/_control/settings", self.change, methods=["POST"]),
        ]

    async def report(self, _request: Request) -> JSONResponse:
        """Tell all counts, all jobs and the settings that may change."""
        return JSONResponse(self._state.ledger.report() | {"settings": self._switches()})

    async def reset(self, _request: Request) -> JSONResponse:
        """Forget all jobs and counts; videos stay rendered."""
        self._state.ledger = Ledger()
        if self._state.archive:
            self._state.archive.forget()
        return JSONResponse({"reset": True})

    async def change(self, request: Request) -> JSONResponse:
        """Change some of `seconds`, `strict` and `tiny`, for the jobs to come."""
        try:
            changes = await request.json()
        except (JSONDecodeError, UnicodeDecodeError) as exc:
            raise Refusal(400, "invalid_request", "the body must be JSON") from exc
        if not isinstance(changes, dict):
            raise Refusal(400, "invalid_request", "the body must be an object")
        for name, value in changes.items():
            if type(value) not in _SWITCHES.get(name, ()):
                raise Refusal(400, "invalid_request", "no such setting, or another type", name)
        for name, value in changes.items():
            setattr(self._state.settings, name, value)
        return JSONResponse(self._switches())

    def _switches(self) -> dict[str, Any]:
        return {name: getattr(self._state.settings, name) for name in _SWITCHES}
