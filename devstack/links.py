"""Links that the caller can follow: the files of the local stack at the API's own port.

A task's video lies at a port of this machine's loopback, the simulator's or MiniStack's S3. To a
phone, a colleague or a container that address means their own machine. A caller from elsewhere, and
every caller where PUBLIC_URL is set, therefore gets links below the address that it asked, and
files are served from there. Nothing else of AWS is: what is read or sent must be signed.
"""

import ipaddress
import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

from devstack.host_check import App, Receive, Scope, Send, host_of

PREFIX = "/_local/"
_LOOPBACK_NAMES = ("localhost", ".localhost")
_PASSED_ON = {b"range", b"if-range", b"if-none-match", b"if-modified-since"}
_PASSED_BACK = {
    b"accept-ranges", b"content-length", b"content-range", b"content-type", b"etag",
    b"last-modified", b"location",
}  # fmt: skip
_CORS = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"Accept-Ranges, Content-Length, Content-Range, ETag"),
]
_FORM, _JSON = b"multipart/form-data", b"application/json"


class UrlSigner:
    """Rewrites links between where files are here and where the caller finds them."""

    def __init__(
        self, aws: App, *, api_url: str, aws_port: int, files_port: int | None, public_url: str = ""
    ) -> None:
        """Take MiniStack as `aws`; `files_port` is the simulator's, None where a relay is real."""
        self._aws = aws
        self._aws_port = aws_port
        self._api_url = api_url.encode()
        self._api_port = urlsplit(api_url).port
        self._public_url = public_url.rstrip("/").encode()
        self._files_port = files_port
        self._places = {b"s3/": b"http://127.0.0.1:%d/" % aws_port}
        if files_port is not None:
            self._places[b"files/"] = b"http://127.0.0.1:%d/" % files_port

    def followed(self, scope: Scope, receive: Receive, send: Send) -> tuple[Scope, Receive, Send]:
        """Return a request and its answer with every link as its reader, or we, can follow it."""
        headers = dict(scope["headers"])
        base = self._base(headers)
        there = [] if self._is_here(scope, headers) else self._pairs(base)
        sending = _RewrittenResponse(send, [*there, (self._api_url, base)] if base else there)
        if not there or scope["method"] != "POST":
            return scope, receive, sending
        return scope, _RewrittenBody(receive, [(new, old) for old, new in there]), sending

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve what lies below `PREFIX`."""
        place = scope["path"].removeprefix(PREFIX).partition("/")[0]
        pairs = self._pairs(self._base(dict(scope["headers"])))
        if scope["method"] == "OPTIONS":
            await _preflight(scope, send)
        elif place == "files" and self._files_port and scope["method"] in {"GET", "HEAD"}:
            await self._from_simulator(scope, _RewrittenResponse(send, pairs))
        elif place == "s3" and _is_signed(scope):
            await self._aws(self._s3_scope(scope), receive, _RewrittenResponse(send, pairs))
        else:
            await _error(send, 404, "not_found", "No such file.")

    async def _from_simulator(self, scope: Scope, send: Send) -> None:
        """Stream a file of the simulator; where it breaks off, the response does."""
        path = scope["raw_path"][len(PREFIX) + len("files") :].decode("ascii", "replace")
        url = f"http://127.0.0.1:{self._files_port}{path}"
        headers = [(name, value) for name, value in scope["headers"] if name in _PASSED_ON]
        headers.append((b"accept-encoding", b"identity"))
        began = False
        try:
            async with (
                httpx.AsyncClient(timeout=30, trust_env=False) as client,
                client.stream(scope["method"], url, headers=headers) as response,
            ):
                passed_back = [(k, v) for k, v in response.headers.raw if k.lower() in _PASSED_BACK]
                start = {"status": response.status_code, "headers": [*passed_back, *_CORS]}
                await send({"type": "http.response.start", **start})
                began = True
                async for chunk in response.aiter_raw():
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                await send({"type": "http.response.body", "body": b""})
        except httpx.HTTPError:
            if not began:
                await _error(send, 502, "file_unavailable", "The simulator does not answer.")

    def _s3_scope(self, scope: Scope) -> Scope:
        """Address MiniStack's S3 as the signature has it: it signs the host."""
        own = b"127.0.0.1:%d" % self._aws_port
        cut = len(PREFIX) + len("s3")
        others = [(name, value) for name, value in scope["headers"] if name != b"host"]
        return {
            **scope,
            "path": scope["path"][cut:],
            "raw_path": scope["raw_path"][cut:],
            "headers": [*others, (b"host", own)],
            "server": ("127.0.0.1", self._aws_port),
        }

    def _base(self, headers: Mapping[bytes, bytes]) -> bytes:
        if self._public_url:
            return self._public_url
        tls = headers.get(b"x-forwarded-proto") == b"https"
        return (b"https://" if tls else b"http://") + headers.get(b"host", b"")

    def _is_here(self, scope: Scope, headers: Mapping[bytes, bytes]) -> bool:
        """Return whether loopback is this machine to the reader; a tunnel has another port."""
        if self._public_url:
            return False
        host, _, port = host_of(headers).lower().rpartition(":")
        client = (scope.get("client") or ("127.0.0.1", 0))[0]
        return port == str(self._api_port) and all(map(_is_loopback, (host.strip("[]"), client)))

    def _pairs(self, base: bytes) -> list[tuple[bytes, bytes]]:
        below = base + PREFIX.encode()
        return [(place, below + name) for name, place in self._places.items()]


class _RewrittenResponse:
    """Sends an answer on, with other links in its headers and in JSON."""

    def __init__(self, send: Send, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        self._send = send
        self._pairs = [(old, new) for old, new in pairs if old != new]
        self._start: dict[str, Any] | None = None
        self._body = bytearray()

    async def __call__(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            headers = [
                (name, _replaced(value, self._pairs) if name.lower() in _LINKING else value)
                for name, value in message["headers"]
            ]
            message = {**message, "headers": headers}
            if self._pairs and _holds_json(headers):
                self._start = message  # until the length is known
                return
        elif self._start is not None:
            self._body += message.get("body", b"")
            if message.get("more_body"):
                return
            body = _replaced(bytes(self._body), self._pairs)
            await self._send(_with_length(self._start, len(body)))
            message, self._start = {"type": "http.response.body", "body": body}, None
        await self._send(message)


class _RewrittenBody:
    """Receives a body whole, with other links in it."""

    def __init__(self, receive: Receive, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        self._receive = receive
        self._pairs = list(pairs)
        self._done = False

    async def __call__(self) -> Any:
        body = bytearray()
        while not self._done:
            message = await self._receive()
            if message["type"] != "http.request":
                return message
            body += message.get("body", b"")
            if not message.get("more_body"):
                self._done = True
                return {"type": "http.request", "body": _replaced(bytes(body), self._pairs)}
        return await self._receive()


_LINKING = {b"location", b"link", b"content-location"}


def _replaced(text: bytes, pairs: Iterable[tuple[bytes, bytes]]) -> bytes:
    for old, new in pairs:
        text = text.replace(old, new)
    return text


def _holds_json(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return any(name.lower() == b"content-type" and _JSON in value for name, value in headers)


def _with_length(start: dict[str, Any], length: int) -> dict[str, Any]:
    others = [pair for pair in start["headers"] if pair[0].lower() != b"content-length"]
    return {**start, "headers": [*others, (b"content-length", b"%d" % length)]}


def _is_signed(scope: Scope) -> bool:
    if scope["method"] == "POST":  # an upload's form: its fields hold policy and signature
        kinds = [value for name, value in scope["headers"] if name == b"content-type"]
        return any(kind.startswith(_FORM) for kind in kinds)
    return scope["method"] in {"GET", "HEAD"} and b"X-Amz-Signature=" in scope["query_string"]


def _is_loopback(host: str | None) -> bool:
    if host is None:
        return False
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.endswith(_LOOPBACK_NAMES)


async def _preflight(scope: Scope, send: Send) -> None:
    asked = dict(scope["headers"]).get(b"access-control-request-headers", b"range")
    headers = [
        *_CORS,
        (b"access-control-allow-methods", b"GET, HEAD, POST"),
        (b"access-control-allow-headers", asked),
        (b"access-control-max-age", b"600"),
    ]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def _error(send: Send, status: int, code: str, message: str) -> None:
    error = {"type": "ServiceError", "message": message, "code": code, "retryable": False}
    body = json.dumps({"error": error}).encode()
    headers = [(b"content-type", _JSON), (b"content-length", b"%d" % len(body)), *_CORS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
