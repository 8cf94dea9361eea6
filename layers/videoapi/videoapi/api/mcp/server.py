"""The methods of the protocol: a message in, an HTTP response out. No session, no stream."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from aws_lambda_powertools.event_handler import Response

from videoapi import __version__
from videoapi.api.mcp.jsonrpc import (
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    Message,
    ProtocolError,
    error_body,
    read_message,
)
from videoapi.api.mcp.tools import Tools
from videoapi.api.mcp.versions import META, SUPPORTED, is_stateless, negotiated
from videoapi.api.replies import NO_STORE, json_response, text

#: What `make openapi` makes of the request models.
TOOLS: Final = Path(__file__).parents[1] / "assets" / "mcp_tools.json"
SERVER: Final = {"name": "video-api", "title": "Video API", "version": __version__}
CAPABILITIES: Final[dict[str, Any]] = {"tools": {}}
MAY_BE_KEPT: Final = {"ttlMs": 300_000, "cacheScope": "public"}  # until the next deploy
INSTRUCTIONS: Final = (
    "Makes short videos of images and prompts. Each generate_video costs its owner money: call it "
    "once for each video that is wanted, with an idempotency_key of your own, and repeat a call "
    "that was lost with the same key. It answers at once; then poll get_video every "
    "poll_after_seconds until its status is completed, failed or cancelled."
)
NO_RETRY: Final = {"x-should-retry": "false"}


@dataclass(frozen=True, kw_only=True)
class McpServer:
    """Answers what clients of every supported version send."""

    tools: Tools

    def answer(self, body: object, headers: Mapping[str, str]) -> Response[str]:
        """Answer a parsed body; `headers` have lower-case names."""
        stateless = True  # until it is known: what is no message at all is refused by HTTP as well
        try:
            message = read_message(body)
            stateless = is_stateless(message, headers)
            if message.id is None:
                return text("", "text/plain", 202, NO_STORE)
            result = self._stateless(message) if stateless else self._after_handshake(message)
        except ProtocolError as error:
            shaped = error_body(error.code, error.message, error.message_id, error.data)
            if not stateless:
                return json_response(shaped, extra=NO_STORE)
            status = 404 if error.code == METHOD_NOT_FOUND else 400
            return json_response(shaped, status, NO_STORE | NO_RETRY)
        return json_response({"jsonrpc": "2.0", "id": message.id, "result": result}, extra=NO_STORE)

    def _stateless(self, message: Message) -> dict[str, Any]:
        """Answer a request of 2026-07-28."""
        match message.method:
            case "server/discover":
                result = self._about() | {"supportedVersions": list(SUPPORTED)} | MAY_BE_KEPT
            case "tools/list":
                result = _listed(message) | MAY_BE_KEPT
            case _:
                result = self._called(message)
        return result | {"resultType": "complete", "_meta": {f"{META}serverInfo": SERVER}}

    def _after_handshake(self, message: Message) -> dict[str, Any]:
        """Answer a request of 2025-06-18 or 2025-11-25."""
        match message.method:
            case "initialize":
                wanted = message.params.get("protocolVersion")
                if not isinstance(wanted, str):
                    raise _invalid(message, "protocolVersion: say which version you speak")
                version = {"protocolVersion": negotiated(wanted)}
                return version | self._about() | {"serverInfo": SERVER}
            case "ping":
                return {}
            case "tools/list":
                return _listed(message)
        return self._called(message)

    def _called(self, message: Message) -> dict[str, Any]:
        if message.method != "tools/call":
            raise ProtocolError(
                METHOD_NOT_FOUND, "There is no such method here.", message_id=message.id
            )
        name, arguments = message.params.get("name"), message.params.get("arguments")
        if not isinstance(name, str) or name not in self.tools.names:
            raise _invalid(message, f"Unknown tool: there are {', '.join(self.tools.names)}.")
        if not isinstance(arguments, dict | None):
            raise _invalid(message, "arguments: say an object, with names")
        return self.tools.call(name, arguments or {})

    @staticmethod
    def _about() -> dict[str, Any]:
        return {"capabilities": CAPABILITIES, "instructions": INSTRUCTIONS}


def _listed(message: Message) -> dict[str, Any]:
    if message.params.get("cursor") is not None:
        raise _invalid(message, "cursor: all tools are on one page")
    return {"tools": _tools()}


@cache
def _tools() -> list[dict[str, Any]]:
    tools: list[dict[str, Any]] = json.loads(TOOLS.read_bytes())
    return tools


def _invalid(message: Message, text: str) -> ProtocolError:
    return ProtocolError(INVALID_PARAMS, text, message_id=message.id)
