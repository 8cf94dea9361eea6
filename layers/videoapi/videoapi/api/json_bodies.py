"""A request's JSON, and why it is none: at which place, or in which field.

Apart from `bodies`, because the parser is pydantic's and most functions read no JSON.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from pydantic_core import from_json

from videoapi.api.fields import printable
from videoapi.errors import MalformedBody

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_json(body: bytes) -> Any:  # noqa: ANN401 — JSON
    """Parse a JSON body; raise `MalformedBody` for anything that is not JSON, NaN included.

    A byte order mark is skipped (RFC 8259 §8.1). The parser limits the depth (200) and the digits
    of a whole number (4,300).
    """
    body = body.removeprefix(BYTE_ORDER_MARK)
    try:
        read = from_json(body, allow_inf_nan=False)
    except ValueError as exc:
        problem = str(exc)
    else:
        if name := _said_twice(body):
            raise MalformedBody.field(printable(name), "Send it once", code="invalid_json")
        return read
    if "hex escape" in problem and (name := _half_a_pair(body)):
        message = "holds half a surrogate pair, which is no character"
        raise MalformedBody.field(name, message, code="invalid_json")
    where = re.search(r"at (line \d+ column \d+)$", problem)
    reason = f": {problem}" if where else ""
    raise MalformedBody(f"The body is not valid JSON{reason}.", code="invalid_json")


def _said_twice(body: bytes) -> str:
    """Return a name that an object has twice, "" without one: the parser keeps the last value."""
    twice: list[str] = []

    def note(pairs: list[tuple[str, Any]]) -> None:
        if not twice and len(dict(pairs)) < len(pairs):
            names = Counter(name for name, _ in pairs)
            twice.append(next(name for name in names if names[name] > 1))

    json.loads(body, object_pairs_hook=note)
    return "".join(twice)


def _half_a_pair(body: bytes) -> str:
    """Return which field of an object holds what UTF-8 cannot say; Python's own parser reads it."""
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    fields = read if isinstance(read, dict) else {"body": read}
    return next((printable(name) for name in fields if _lone((name, fields[name]))), "")


def _lone(value: object) -> bool:
    return re.search("[\ud800-\udfff]", "".join(_texts(value))) is not None


def _texts(value: object) -> Iterator[str]:
    """Every text within a value, in no more memory than the value's own."""
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str(text):
                yield text
            case dict(pairs):
                waiting += [*pairs, *pairs.values()]
            case list(items) | tuple(items):
                waiting += items
            case _:
                pass
