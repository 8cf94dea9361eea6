"""Requests of the API and rows of its table, on their way through this process, for the console.

The functions write their tasks through this process, so that no poll is needed.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from devstack.console import Console
from devstack.host_check import App, Receive, Scope, Send, same_origin

_READ = b"DynamoDB_20120810.GetItem"
_OBSERVED = {
    b"DynamoDB_20120810.PutItem",
    b"DynamoDB_20120810.TransactWriteItems",
    b"DynamoDB_20120810.UpdateItem",
    _READ,  # what a transaction has left is read after it
}
_MAX_BODY = 1_000_000  # bytes of a body that are looked into
_UNAUTHORISED, _CLIENT_ERROR = 401, 400
#: Refusals of the gateway itself, whose message names the setting that would let it in.
_NAMES_THE_SETTING = {"host_not_allowed", "origin_not_allowed"}


@dataclass(frozen=True)
class Traffic:
    """An ASGI application before the gateway's. It changes nothing. `clock` gives seconds."""

    gateway: App
    console: Console
    api_port: int
    clock: Callable[[], float] = time.perf_counter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one connection on."""
        if scope["type"] != "http":
            await self.gateway(scope, receive, send)
        elif scope["server"][1] == self.api_port:
            await self._request(scope, receive, send)
        elif (target := dict(scope["headers"]).get(b"x-amz-target")) in _OBSERVED:
            await self._call(scope, receive, send, written=target != _READ)
        else:
            await self.gateway(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        response, began = _Response(send), self.clock()
        try:
            await self.gateway(scope, receive, response)
        finally:
            self.console.request(
                scope["method"],
                scope["raw_path"].decode("ascii", "replace"),
                response.status,
                self.clock() - began,
                task=_task_of(response) if scope["method"] == "POST" else "",
                note=_note(scope, response),
            )

    async def _call(self, scope: Scope, receive: Receive, send: Send, *, written: bool) -> None:
        body, response = bytearray(), _Response(send)

        async def listening() -> Any:
            message = await receive()
            body.extend(message.get("body", b""))
            return message

        await self.gateway(scope, listening, response)
        if response.status < _CLIENT_ERROR:
            for item in _items(bytes(body), bytes(response.body)):
                self.console.item(item, written=written)


class _Response:
    """Sends on, and keeps what the console wants to know."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.body = bytearray()

    async def __call__(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.lower(): value for name, value in message["headers"]}
        elif len(self.body) < _MAX_BODY:
            self.body += message.get("body", b"")
        await self._send(message)

    def json(self) -> dict[str, Any]:
        """Return the body as a JSON object; empty for anything else."""
        return _object(bytes(self.body))


def _object(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _task_of(response: _Response) -> str:
    body = response.json()
    return str(body.get("task_id") or body.get("id") or "")


def _note(scope: Scope, response: _Response) -> str:
    """Return an error's code, field and request id; who must be invited to read the answer."""
    headers = {name.lower(): value for name, value in scope["headers"]}
    parts = []
    if response.status >= _CLIENT_ERROR:
        error = response.json().get("error")
        error = error if isinstance(error, Mapping) else {}
        code = str(error.get("code") or "")
        names = f"{code}: {error.get('message')}" if code in _NAMES_THE_SETTING else code
        fields = [d["field"] for d in error.get("details") or [] if "field" in d]
        parts = [names, str(error.get("param") or ", ".join(fields))]
        if request_id := response.headers.get(b"x-request-id"):
            parts.append(f"request={request_id.decode('latin-1')}")
        if response.status == _UNAUTHORISED:
            parts.append("(make key NAME=… makes a key)")
    origin = headers.get(b"origin", b"").decode("latin-1")
    allowed = b"access-control-allow-origin" in response.headers
    if origin and not parts and not allowed and not same_origin(origin, headers):
        parts.append(f"(the page at {origin} cannot read this: not in CORS_ALLOW_ORIGINS)")
    return " ".join(part for part in parts if part)


def _items(request: bytes, response: bytes) -> Iterator[Mapping[str, Any]]:
    """Return the rows that a call leaves or reads, as far as it or its answer holds them whole."""
    call = _object(request)
    puts = [each["Put"] for each in call.get("TransactItems", ()) if "Put" in each]
    result = _object(response)
    rows = [put.get("Item") for put in (call, *puts)]
    rows += [result.get("Attributes"), result.get("Item")]
    return (row for row in rows if row and call.get("ReturnValues") != "ALL_OLD")
