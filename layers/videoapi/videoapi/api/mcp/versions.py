"""Which version of the protocol a request speaks, by its header and its `_meta`.

Up to 2025-11-25 a client shakes hands (`initialize`) and names the version in the header
`MCP-Protocol-Version` from then on. From 2026-07-28 on each request says it for itself, in the
header and in `_meta`, with its method's name beside, and there is no handshake.
https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http
"""

import base64
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from videoapi.api.mcp.jsonrpc import INVALID_PARAMS, Message, ProtocolError

HANDSHAKE: Final = ("2025-11-25", "2025-06-18")  # the newest first
STATELESS: Final = ("2026-07-28",)
SUPPORTED: Final = (*STATELESS, *HANDSHAKE)
HEADER_MISMATCH: Final = -32020
UNSUPPORTED_VERSION: Final = -32022
META: Final = "io.modelcontextprotocol/"
VERSION: Final = f"{META}protocolVersion"
CAPABILITIES: Final = f"{META}clientCapabilities"
_ENCODED = re.compile(r"=\?base64\?(.*)\?=")


def negotiated(wanted: str) -> str:
    """Return what a handshake offers: the version wanted, else the oldest to older clients."""
    if wanted in HANDSHAKE:
        return wanted
    return min(HANDSHAKE) if wanted < min(HANDSHAKE) else max(HANDSHAKE)


def is_stateless(message: Message, headers: Mapping[str, str]) -> bool:
    """Return whether a message is of a version without a handshake, and check its headers.

    A request without the header is taken for one of after a handshake, as clients of before
    2025-06-18 send it. Raises `ProtocolError`.
    """
    header = headers.get("mcp-protocol-version")
    if message.method == "initialize" and header in (None, *SUPPORTED):
        return False
    meta = message.params.get("_meta")
    inside = meta.get(VERSION) if isinstance(meta, dict) else None
    notifies = message.id is None
    if (inside is None or notifies) and header not in (None, *SUPPORTED):
        raise _unsupported(header, message)
    if notifies or (inside in (None, *HANDSHAKE) and header not in STATELESS):
        return header in STATELESS
    _require_envelope(meta, message)
    _require_headers(message, headers, inside)
    if inside not in STATELESS:
        raise _unsupported(inside, message)
    return True


def _require_envelope(meta: Any, message: Message) -> None:  # noqa: ANN401 — JSON
    known = meta if isinstance(meta, dict) else {}
    wrong = [
        name
        for name, kind in ((VERSION, str), (CAPABILITIES, dict))
        if not isinstance(known.get(name), kind)
    ]
    if wrong:
        text = f"params._meta: say {' and '.join(wrong)}"
        raise ProtocolError(INVALID_PARAMS, text, message_id=message.id)


def _require_headers(message: Message, headers: Mapping[str, str], version: object) -> None:
    """Compare the headers with what they repeat of the message."""
    wanted = {"MCP-Protocol-Version": version, "Mcp-Method": message.method}
    if message.method == "tools/call":
        wanted["Mcp-Name"] = message.params.get("name")
    for header, value in wanted.items():
        if value is not None and _decoded(headers.get(header.lower(), "")) != value:
            text = f"Header mismatch: {header} is missing or is not what the message says."
            raise ProtocolError(HEADER_MISMATCH, text, message_id=message.id)


def _decoded(value: str) -> str:
    """Return a header's value; what no header can hold comes as base64."""
    if encoded := _ENCODED.fullmatch(value):
        with suppress(ValueError):
            return base64.b64decode(encoded[1], validate=True).decode()
    return value


def _unsupported(requested: object, message: Message) -> ProtocolError:
    text = f"Unsupported protocol version: this server speaks {', '.join(SUPPORTED)}."
    data = {"supported": list(SUPPORTED), "requested": requested}
    return ProtocolError(UNSUPPORTED_VERSION, text, data=data, message_id=message.id)
