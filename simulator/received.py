"""`/received`: a receiver of webhooks to look at, and such as fail, each in its own way.

A person reads it as a page, a program with `Accept: application/json` or as `/received.json`. What
a signature is worth is said of each event, and why.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from dataclasses import asdict, dataclass, field
from html import escape
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from simulator.state import State

KEPT = 200  # events, the newest
MAX_SHOWN = 64 * 1024  # bytes of a body
TOLERANCE = 300  # seconds that a timestamp may be off
SLOW_SECONDS = 15.0
HUGE = b"x" * 10_000_000

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Received webhooks</title>
<meta name="viewport" content="width=device-width"><meta http-equiv="refresh" content="3">
<link rel="icon" href="data:,">
<style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui;max-width:60rem;margin:2rem auto;
padding:0 1rem}pre{overflow:auto;padding:.75rem;border:1px solid #8888;border-radius:.5rem}
.ok{color:#197a3d}.bad{color:#c62828}@media(prefers-color-scheme:dark){.ok{color:#5bd68a}
.bad{color:#ff8a80}}small{opacity:.75}</style>
<main><h1>Received webhooks</h1>
<p>Newest first. Send <code>"webhook_url": "{here}"</code> with a submit;
<code>{here}/fail/3</code> answers 500 three times to each event, <code>/slow</code>,
<code>/gone</code> (410), <code>/redirect</code> and <code>/huge</code> do what they say.</p>
{events}</main></html>"""


@dataclass
class Received:
    """One POST, and what it is worth."""

    at: float
    path: str
    answered: int
    verified: bool
    problem: str | None
    id: str
    times: int  # that this id has come by now
    headers: dict[str, str] = field(default_factory=dict)
    event: Any = None


class Webhooks:
    """The receiver; each path has a memory of its own for `fail`."""

    def __init__(self, state: State) -> None:
        """The secret is the settings' `webhook_secret`."""
        self._state = state
        self._received: list[Received] = []

    def routes(self) -> list[Route]:
        """Return the routes of the API port."""
        ways = {
            "/received": self.take,
            "/received/fail/{times:int}": self.fail,
            "/received/slow": self.slow,
            "/received/gone": self.gone,
            "/received/redirect": self.redirect,
            "/received/huge": self.huge,
        }
        return [
            Route("/received", self.show),
            Route("/received.json", self.listed),
            *(Route(path, way, methods=["POST"]) for path, way in ways.items()),
        ]

    async def show(self, request: Request) -> Response:
        """Show what came."""
        if "application/json" in request.headers.get("accept", ""):
            return await self.listed(request)
        events = "".join(map(_shown, self._received)) or "<p>Nothing yet.</p>"
        here = escape(str(request.url.replace(query="")).rstrip("/"))
        return HTMLResponse(PAGE.replace("{here}", here).replace("{events}", events))

    async def listed(self, _request: Request) -> JSONResponse:
        """Return what came, newest first."""
        return JSONResponse([asdict(each) for each in self._received])

    async def take(self, request: Request) -> Response:
        """Take an event."""
        return await self._noted(request, Response(status_code=204))

    async def fail(self, request: Request) -> Response:
        """Answer 500 so many times to each event, then take it."""
        this = request.headers.get("webhook-id", ""), request.url.path
        before = sum((each.id, each.path) == this for each in self._received)
        status = 500 if before < request.path_params["times"] else 204
        return await self._noted(request, Response(status_code=status))

    async def slow(self, request: Request) -> Response:
        """Take longer than a sender waits."""
        response = await self._noted(request, Response(status_code=204))
        await asyncio.sleep(SLOW_SECONDS)
        return response

    async def gone(self, request: Request) -> Response:
        """Want no more of this task."""
        return await self._noted(request, Response(status_code=410))

    async def redirect(self, request: Request) -> Response:
        """Lead elsewhere, where no sender follows."""
        return await self._noted(request, RedirectResponse("/received", 307))

    async def huge(self, request: Request) -> Response:
        """Answer 10 MB."""
        return await self._noted(request, Response(HUGE))

    async def _noted(self, request: Request, response: Response) -> Response:
        """Return the response, once the event is noted with it."""
        body = (await request.body())[:MAX_SHOWN]
        event_id = request.headers.get("webhook-id", "")
        problem = unverified(request, body, self._state.settings.webhook_secret, time.time())
        seen = sum(each.id == event_id for each in self._received)
        self._received.insert(
            0,
            Received(
                at=time.time(),
                path=request.url.path,
                answered=response.status_code,
                verified=problem is None,
                problem=problem,
                id=event_id,
                times=seen + 1,
                headers={k: v for k, v in request.headers.items() if k.startswith("webhook-")},
                event=_event(body),
            ),
        )
        del self._received[KEPT:]
        return response


def unverified(request: Request, body: bytes, secret: str, now: float) -> str | None:
    """Return why a request is not signed by the secret, as Standard Webhooks has it; None if so."""
    event_id, at, signed = (
        request.headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature")
    )
    if not (event_id and at and signed):
        return "a header is missing: webhook-id, webhook-timestamp or webhook-signature"
    if not at.isdecimal() or abs(now - int(at)) > TOLERANCE:
        return "the timestamp is minutes off"
    if not secret.startswith("whsec_"):
        return "the simulator knows no secret (WEBHOOK_SECRET)"
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{event_id}.{at}.".encode() + body
    wanted = "v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
    if any(hmac.compare_digest(wanted, each) for each in signed.split(" ")):
        return None
    return "no signature is of this secret (that of an API key is another than WEBHOOK_SECRET)"


def _event(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")


def _shown(each: Received) -> str:
    kind = each.event.get("type", "?") if isinstance(each.event, dict) else "?"
    mark = (
        '<b class="ok">signature verified</b>'
        if each.verified
        else f'<b class="bad">not verified: {escape(each.problem or "")}</b>'
    )
    at = time.strftime("%H:%M:%S", time.localtime(each.at))
    event = json.dumps(each.event, indent=2, ensure_ascii=False)
    again = f", the {each.times}. time" if each.times > 1 else ""
    return (
        f"<section><h2>{escape(str(kind))}</h2><p>{mark} <small>{at}{again}, at "
        f"{escape(each.path)}, answered {each.answered}; webhook-id {escape(each.id)}</small></p>"
        f'<pre tabindex="0">{escape(event)}</pre></section>'
    )
