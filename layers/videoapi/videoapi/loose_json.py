"""Look into JSON that others wrote: what is missing or of another type reads as empty."""

import json
from typing import Any, Final

_INT_MAX: Final = 10**30  # an id may be a number; 5,000 digits cannot even be printed


class Unreadable(ValueError):
    """Not a JSON object: an HTML page, a cut body, a list, nothing."""


def parsed(body: bytes | bytearray) -> dict[str, Any]:
    """Return the JSON object in `body`; raise `Unreadable` for anything else."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as exc:  # ValueError: also bad UTF-8 and 5,000 digits
        raise Unreadable from exc
    if not isinstance(answer, dict):
        raise Unreadable
    return answer


def as_dict(value: object) -> dict[str, Any]:
    """Return an object as it is, {} for everything else."""
    return value if isinstance(value, dict) else {}


def first_of(value: object) -> dict[str, Any]:
    """Return the object that a list begins with, {} for everything else."""
    return as_dict(value[0]) if isinstance(value, list) and value else {}


def as_text(value: object) -> str:
    """Return a string, or a whole number as one; "" for everything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _INT_MAX:
        return str(value)
    return ""
