"""The doors of the local stack: API Gateway at `/` of its own port, and no way in for a web page.

MiniStack answers any host and allows every origin: a page from anywhere could read the stack by DNS
rebinding, or post to it. A foreign `Host` is refused here, and a write from a foreign `Origin`,
unless CORS_ALLOW_ORIGINS invites it to the API.
"""

from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any
from urllib.parse import urlsplit

type Scope = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
type Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
type App = Callable[[Scope, Receive, Send], Awaitable[None]]

#: This machine's names for itself, and Docker's name for it.
OWN_HOSTS = frozenset({"localhost", "127.0.0.1", "::1", "host.docker.internal"})
_READS = {"GET", "HEAD", "OPTIONS"}


class Gateway:
    """An ASGI application before MiniStack's; `api_id` is set while the stack is deployed."""

    def __init__(
        self,
        ministack: App,
        *,
        api_port: int,
        hosts: Collection[str] = (),
        origins: Collection[str] = (),
    ) -> None:
        """Know `hosts` as this machine's own; let pages of `origins` (`*`: all) use the API."""
        self._ministack = ministack
        self._api_port = api_port
        self._hosts = OWN_HOSTS | set(hosts)
        self._origins = frozenset(origins)
        self.api_id = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one connection through, or refuse it."""
        match scope["type"]:
            case "http":
                await self._http(scope, receive, send)
            case "websocket":
                await send({"type": "websocket.close", "code": 1008})
            case _:
                await self._ministack(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        port = scope["server"][1]
        if not self._welcome(headers, scope["method"], port):
            await _answer(send, 403, b'{"message":"Forbidden: a foreign Host or Origin"}')
        elif port != self._api_port:
            await self._ministack(scope, receive, send)
        elif not self.api_id:
            await _answer(send, 503, b'{"message":"Starting, or stopping"}', (b"retry-after", b"1"))
        else:
            await self._ministack(self._api_scope(scope), receive, send)

    def _welcome(self, headers: dict[bytes, bytes], method: str, port: int) -> bool:
        if not self._own(f"//{headers.get(b'host', b'').decode('latin-1')}"):
            return False
        if method in _READS or b"origin" not in headers:
            return True
        origin = headers[b"origin"].decode("latin-1")
        invited = port == self._api_port and not self._origins.isdisjoint({origin, "*"})
        return invited or self._own(origin)

    def _own(self, origin: str) -> bool:
        try:
            host = urlsplit(origin).hostname or ""
        except ValueError:
            return False
        return host in self._hosts or host.endswith(".localhost")

    def _api_scope(self, scope: Scope) -> Scope:
        """Address the API by path: by host MiniStack keeps /health and more to itself."""
        prefix = f"/_aws/execute-api/{self.api_id}/$default"
        return {
            **scope,
            "path": prefix + scope["path"],
            "raw_path": prefix.encode() + scope["raw_path"],
        }


async def _answer(send: Send, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    start = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        *headers,
    ]
    await send({"type": "http.response.start", "status": status, "headers": start})
    await send({"type": "http.response.body", "body": body})
