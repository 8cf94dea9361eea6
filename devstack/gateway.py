"""The local stack's API Gateway at `/` of its own port, closed to web pages of other origins.

MiniStack answers any host and allows every origin. What `doors` does not know is refused here, in
the words of the dialect that was spoken to and with the setting that would let it in.
"""

import json
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from devstack.host_check import App, HostCheck, Receive, Scope, Send, host_of, same_origin, writes
from devstack.links import PREFIX, UrlSigner

_FORM = b"multipart/form-data"
MAX_READ = 8 * 1024 * 1024  # bytes of a body that is refused


class Gateway:
    """An ASGI application before MiniStack's; `api_id` is set while the stack is deployed."""

    def __init__(
        self,
        ministack: App,
        *,
        api_port: int,
        hosts: Collection[str] = (),
        origins: Collection[str] = (),
        links: UrlSigner | None = None,
    ) -> None:
        """Know `hosts` as this machine's own; let pages of `origins` (`*`: all) use the API."""
        self._links = links
        self._ministack = ministack
        self._api_port = api_port
        self._host_check = HostCheck(hosts, origins)
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
        to_api = scope["server"][1] == self._api_port
        if refusal := self._refusal(scope, to_api=to_api):
            await refusal.answer(scope, receive, send)
        elif not to_api:
            await self._ministack(scope, receive, send)
        elif not self.api_id:
            await STARTING.answer(scope, receive, send)
        elif self._links is None:
            await self._ministack(self._api_scope(scope), receive, send)
        elif scope["path"].startswith(PREFIX):
            await self._links(scope, receive, send)
        else:
            scope, receive, send = self._links.followed(scope, receive, send)
            await self._ministack(self._api_scope(scope), receive, send)

    def _refusal(self, scope: Scope, *, to_api: bool) -> "Refusal | None":
        headers = {name.lower(): value for name, value in scope["headers"]}
        host = host_of(headers)
        if not self._host_check.knows(host, scope["server"][0]):
            return host_refused(host)
        if b"origin" not in headers or (to_api and scope["path"].startswith(PREFIX)):
            return None  # files are for every page, as a CDN's or S3's are; a form is signed
        origin = headers[b"origin"].decode("latin-1")
        preflight = to_api and _is_preflight(scope["method"], headers)
        if not writes(scope["method"], headers) and not preflight:
            return None
        welcome = self._invited(origin, headers, to_api=to_api)
        return None if welcome or same_origin(origin, headers) else origin_refused(origin)

    def _invited(self, origin: str, headers: dict[bytes, bytes], *, to_api: bool) -> bool:
        if to_api:
            return self._host_check.may_write(origin)
        # An upload's form goes to S3, which its signature opens; a page of the API's own may as
        # well. The other AWS APIs are for no page: anybody can sign as `test`.
        form = headers.get(b"content-type", b"").startswith(_FORM)
        return form and (self._host_check.may_write(origin) or self._of_the_api(origin))

    def _of_the_api(self, origin: str) -> bool:
        try:
            page = urlsplit(origin)
            return page.port == self._api_port and self._host_check.knows(page.netloc, "")
        except ValueError:
            return False

    def _api_scope(self, scope: Scope) -> Scope:
        """Address the API by path: by host MiniStack keeps /health and more to itself."""
        prefix = f"/_aws/execute-api/{self.api_id}/$default"
        return {
            **scope,
            "path": prefix + scope["path"],
            "raw_path": prefix.encode() + scope["raw_path"],
        }


@dataclass(frozen=True)
class Refusal:
    """A response of the gateway's own, in the shape of the dialect of the path."""

    status: int
    code: str
    message: str
    retry: bool = False
    headers: tuple[tuple[bytes, bytes], ...] = ()

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it once the body is read: a connection closed above one loses its answer."""
        read, more = 0, True
        while more and read < MAX_READ:
            message = await receive()
            read, more = read + len(message.get("body", b"")), message.get("more_body", False)
        body = json.dumps({"error": self._error(scope["path"])}).encode()
        start = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"x-request-id", secrets.token_hex(16).encode()),
            (b"cache-control", b"no-store"),
            *([] if self.retry else [(b"x-should-retry", b"false")]),
            *self.headers,
        ]
        await send({"type": "http.response.start", "status": self.status, "headers": start})
        await send({"type": "http.response.body", "body": body})

    def _error(self, path: str) -> dict[str, object]:
        if path == "/v1" or path.startswith("/v1/"):
            kind = "server_error" if self.retry else "invalid_request_error"
            return {"message": self.message, "type": kind, "param": None, "code": self.code}
        return {
            "type": "ServiceError" if self.retry else "Forbidden",
            "message": self.message,
            "code": self.code,
            "retryable": self.retry,
        }


STARTING = Refusal(
    503,
    "service_unavailable",
    "Starting, or stopping.",
    retry=True,
    headers=((b"retry-after", b"1"), (b"refresh", b"1")),  # the latter for a browser, opened early
)


def host_refused(host: str) -> Refusal:
    """Return the refusal of a request that names another machine."""
    message = (
        f"This machine is not known as {_printable(host)} here: name it in ALLOWED_HOSTS, with "
        "commas, in .env or the environment of `make run`."
    )
    return Refusal(403, "host_not_allowed", message)


def origin_refused(origin: str) -> Refusal:
    """Return the refusal of a write by a page of an origin that is not allowed."""
    message = (
        f"Pages of {_printable(origin)} are not invited here: name the origin in "
        "CORS_ALLOW_ORIGINS, with commas, in .env or the environment of `make run`."
    )
    return Refusal(403, "origin_not_allowed", message)


def _is_preflight(method: str, headers: dict[bytes, bytes]) -> bool:
    """Return whether a browser asks if a page may: MiniStack's refusal has a third shape."""
    return method == "OPTIONS" and b"access-control-request-method" in headers


def _printable(text: str) -> str:
    clean = "".join(c if c.isprintable() else "?" for c in text)
    return clean[:100] or "nothing"
