"""The JSON of a request, looks into it that refuse what is not there, and its instants."""

import base64
import binascii
from datetime import UTC, datetime
from json import JSONDecodeError
from typing import Any

from starlette.requests import Request

from simulator import stills
from simulator.failures import Refusal


async def read_object(request: Request) -> dict[str, Any]:
    """Read a body; raise Refusal unless it is a JSON object."""
    try:
        body = await request.json()
    except (JSONDecodeError, UnicodeDecodeError) as exc:
        raise refused("Invalid JSON payload received. Unexpected end of string.") from exc
    if not isinstance(body, dict):
        raise refused("Invalid JSON payload received. Root element must be a message.")
    return body


def part(body: dict[str, Any], name: str) -> dict[str, Any]:
    """Return an object within an object, empty where it is missing."""
    found = body.get(name, {})
    if not isinstance(found, dict):
        raise refused(f"Invalid value at '{name}': an object is expected.")
    return found


def known(body: dict[str, Any], *names: str) -> None:
    """Refuse a field that the message has not, as proto's JSON does."""
    for name in body:
        if name not in names:
            message = f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.'
            raise refused(message)


def image(text: Any, mime_type: Any, where: str, limit: int) -> bytes:
    """Return an image that came as base64; raise Refusal unless it is one."""
    if mime_type not in {"image/jpeg", "image/png", "image/webp"}:
        raise refused(f"{where}: unsupported mime type {mime_type!r}.")
    try:
        data = base64.b64decode(str(text), validate=True)
    except (binascii.Error, ValueError) as exc:
        raise refused(f"Invalid value at '{where}' (TYPE_BYTES), Base64 decoding failed.") from exc
    if len(data) > limit:
        raise refused(f"{where}: the image is larger than {limit // 2**20} MB.")
    stills.check(data)
    return data


def rfc3339(seconds: float) -> str:
    """Return an instant, in seconds of the epoch, as proto's JSON has it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def refused(message: str) -> Refusal:
    """Return Google's plain refusal of an argument."""
    return Refusal(400, "invalid_request", message)
