"""Items and expressions in DynamoDB's own format.

Attributes are strings, numbers, lists, and sets of strings; what is nested (`request`, `result`,
`error`, `more_images`) is one JSON string, because only Python reads it. A `None` is never stored.
"""

import json
from collections.abc import Mapping
from typing import Any

JSON_ATTRIBUTES = frozenset({"request", "more_images", "result", "error"})


class Expression:
    """The placeholders of one request, `#name` and `:0`; DynamoDB has 573 reserved words."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._values: dict[str, Any] = {}

    def name(self, attribute: str) -> str:
        """Return the placeholder of an attribute's name, whatever signs that has."""
        plain = attribute.isidentifier() and attribute.isascii()
        placeholder = f"#{attribute}" if plain else f"#_{len(self._names)}"
        self._names[placeholder] = attribute
        return placeholder

    def value(self, value: object) -> str:
        """Return the placeholder of a value."""
        placeholder = f":{len(self._values)}"
        self._values[placeholder] = _encode(value)
        return placeholder

    def placeholders(self) -> dict[str, Any]:
        """Return the request's parameters that resolve the placeholders."""
        return {"ExpressionAttributeNames": self._names, "ExpressionAttributeValues": self._values}


def encode(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return attributes as a DynamoDB item, without those that are None."""
    return {
        name: _encode(flat(name, value)) for name, value in attributes.items() if value is not None
    }


def values(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return a DynamoDB item as plain values."""
    return {name: _decode(name, value) for name, value in item.items()}


def flat(name: str, value: object) -> object:
    """Return a nested attribute as JSON text, and any other as it is."""
    return json.dumps(value, ensure_ascii=False, default=vars) if name in JSON_ATTRIBUTES else value


def _encode(value: object) -> dict[str, Any]:
    if isinstance(value, list):
        return {"L": [_encode(each) for each in value]}
    if isinstance(value, frozenset):
        return {"SS": sorted(value)}
    if isinstance(value, int):
        return {"N": str(value)}
    return {"S": str(value)}


def _decode(name: str, value: Mapping[str, Any]) -> Any:  # noqa: ANN401 — JSON
    ((kind, raw),) = value.items()
    match kind:
        case "N":
            return int(raw)
        case "L":
            return [_decode(name, each) for each in raw]
    return json.loads(raw) if name in JSON_ATTRIBUTES else raw
