"""`/_control`: the counts, and the switches that tests turn."""

from json import JSONDecodeError
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from simulator import faults
from simulator.failures import Refusal
from simulator.google import access_tokens
from simulator.google.token_service import TOKEN_SECONDS
from simulator.ledger import Ledger
from simulator.state import State

_SWITCHES = {
    "seconds": (int, float),
    "strict": (bool,),
    "tiny": (bool,),
    "auth_faults": (str,),
    "webhook_secret": (str,),
}


class Control:
    """Routes without a key: the simulator listens on this machine alone."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> list[Route]:
        """Return the routes of the API port."""
        return [
            Route("/_control", self.report),
            Route("/_control/bill", self.bill),
            Route("/_control/token", self.token, methods=["POST"]),
            Route("/_control/reset", self.reset, methods=["POST"]),
            Route("/_control/settings", self.change, methods=["POST"]),
        ]

    async def report(self, _request: Request) -> JSONResponse:
        """Return all counts, all jobs and the settings that may change."""
        return JSONResponse(self._state.ledger.report() | {"settings": self._switches()})

    async def bill(self, request: Request) -> PlainTextResponse:
        """Return what was billed as CSV, of one provider where `?provider=` names it."""
        billed = self._state.ledger.bill(request.query_params.get("provider"))
        rows = ["job_id,time,amount", *(f"{job},{at},{usd:.6f}" for job, at, usd in billed)]
        return PlainTextResponse("\n".join(rows) + "\n", media_type="text/csv")

    async def token(self, _request: Request) -> JSONResponse:
        """Issue an access token without any exchange, for curl and for tests."""
        token = access_tokens.issue("control", (access_tokens.CLOUD_PLATFORM,), TOKEN_SECONDS)
        return JSONResponse({"access_token": token})

    async def reset(self, _request: Request) -> JSONResponse:
        """Forget all jobs and counts; videos stay rendered."""
        self._state.ledger = Ledger()
        if self._state.archive:
            self._state.archive.forget()
        return JSONResponse({"reset": True})

    async def change(self, request: Request) -> JSONResponse:
        """Change some of the switches, for the jobs and the tokens to come."""
        try:
            changes = await request.json()
        except (JSONDecodeError, UnicodeDecodeError) as exc:
            raise Refusal(400, "invalid_request", "the body must be JSON") from exc
        if not isinstance(changes, dict):
            raise Refusal(400, "invalid_request", "the body must be an object")
        for name, value in changes.items():
            if type(value) not in _SWITCHES.get(name, ()):
                raise Refusal(400, "invalid_request", "no such setting, or another type", name)
        if "auth_faults" in changes:
            faults.parse(changes["auth_faults"])
            self._state.ledger.forget_auth_visits()
        for name, value in changes.items():
            setattr(self._state.settings, name, value)
        return JSONResponse(self._switches())

    def _switches(self) -> dict[str, Any]:
        shown = _SWITCHES.keys() - {"webhook_secret"}
        return {name: getattr(self._state.settings, name) for name in _SWITCHES if name in shown}
