"""The doors of the stand-in's two ports: no way in for a web page, as at the API's and AWS's.

A page from anywhere could else reset the stand-in, or read prompts and videos by DNS rebinding.
"""

from collections.abc import Collection

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from devstack.doors import Doors, host_of, same_origin, writes


class Guard:
    """An ASGI application before one of the stand-in's."""

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        """Know `hosts`, which it listens at, beside this machine's own names."""
        self._app = app
        self._doors = Doors(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through, or refuse it."""
        if scope["type"] == "http" and not self._welcome(scope):
            error = {"code": "forbidden", "message": "a foreign Host or Origin"}
            await JSONResponse({"error": error}, 403)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _welcome(self, scope: Scope) -> bool:
        headers = dict(scope["headers"])
        if not self._doors.know(host_of(headers), scope["server"][0]):
            return False
        origin = headers.get(b"origin", b"").decode("latin-1")
        return not writes(scope["method"], headers) or same_origin(origin, headers)
