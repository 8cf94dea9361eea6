"""The check before the simulator's two ports, which are closed to web pages of other origins.

A page from anywhere could otherwise reset the simulator, or read videos by DNS rebinding.
"""

from collections.abc import Collection

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from devstack.host_check import HostCheck, host_of, same_origin, writes


class Guard:
    """An ASGI application before one of the simulator's."""

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        """Allow `hosts`, which it listens at, beside this machine's own names."""
        self._app = app
        self._host_check = HostCheck(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through, or refuse it."""
        if scope["type"] == "http" and not self._allowed(scope):
            error = {"code": "forbidden", "message": "a foreign Host or Origin"}
            await JSONResponse({"error": error}, 403)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _allowed(self, scope: Scope) -> bool:
        headers = dict(scope["headers"])
        if not self._host_check.knows(host_of(headers), scope["server"][0]):
            return False
        origin = headers.get(b"origin", b"").decode("latin-1")
        return not writes(scope["method"], headers) or same_origin(origin, headers)
