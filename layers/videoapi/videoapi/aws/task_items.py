"""How a task, and a change to one, look in DynamoDB.

Attributes are strings, numbers and lists of strings; what is nested (`request`, `result`, `error`)
is one JSON string, because only Python reads it. A `None` is never stored.
"""

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from videoapi.domain.tasks import Dialect, GenerationRequest, Status, Task, shard
from videoapi.domain.transitions import Change


def listed_at(task: Task) -> str:
    """Return the sort key of lists: the creation time, and the id where two share it."""
    return f"{task.created_at}#{task.task_id}"


def index_keys(task: Task) -> dict[str, str]:
    """Return the attributes that put a live task into the two indexes."""
    return {"listed_at": listed_at(task), "open": shard(task.task_id)}


LISTS = ("late_upstream_ids", "failed_upstream_ids")  # absent until there is something in them
JSON_ATTRIBUTES = frozenset({"request", "result", "error"})


def update_expression(change: Change) -> dict[str, Any]:
    """Return a change in DynamoDB's words, with every name and value as a placeholder."""
    spell = _Placeholders()
    where = [
        f"{spell.name('status')} IN ({', '.join(spell.value(s) for s in sorted(change.leaves))})"
    ]
    for name, seen in change.equals.items():
        place = spell.name(name)
        where.append(
            f"attribute_not_exists({place})" if seen is None else f"{place} = {spell.value(seen)}"
        )
    if change.lease_before is not None:
        where.append(f"{spell.name('lease_until')} <= {spell.value(change.lease_before)}")
    assign, remove = [], []
    for name, new in change.sets.items():
        if new is None:
            remove.append(spell.name(name))
        else:
            assign.append(f"{spell.name(name)} = {spell.value(_flat(name, new))}")
    for name, first in change.keeps.items():
        place = spell.name(name)
        assign.append(f"{place} = if_not_exists({place}, {spell.value(first)})")
    for name, added in change.appends.items():
        place = spell.name(name)
        before = f"if_not_exists({place}, {spell.value([])})"
        assign.append(f"{place} = list_append({before}, {spell.value([added])})")
    for name, number in change.adds.items():
        place = spell.name(name)
        assign.append(f"{place} = if_not_exists({place}, {spell.value(0)}) + {spell.value(number)}")
    update = "SET " + ", ".join(assign) + (" REMOVE " + ", ".join(remove) if remove else "")
    return {
        "UpdateExpression": update,
        "ConditionExpression": " AND ".join(where),
        "ExpressionAttributeNames": spell.names,
        "ExpressionAttributeValues": spell.values,
    }


class _Placeholders:
    """`#name` and `:n` for an expression; DynamoDB has 573 reserved words."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.values: dict[str, Any] = {}

    def name(self, attribute: str) -> str:
        self.names[f"#{attribute}"] = attribute
        return f"#{attribute}"

    def value(self, value: object) -> str:
        placeholder = f":{len(self.values)}"
        self.values[placeholder] = _encode(value)
        return placeholder


def task_item(task: Task) -> dict[str, Any]:
    """Return a new task as an item, with the keys of the two indexes."""
    attributes = {**vars(task), "request": vars(task.request)}
    return encode(attributes | dict.fromkeys(LISTS) | index_keys(task))


def encode(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return attributes as a DynamoDB item, without those that are None."""
    return {
        name: _encode(_flat(name, value)) for name, value in attributes.items() if value is not None
    }


def decode(item: Mapping[str, Any]) -> Task:
    """Return a DynamoDB item as a task."""
    return task_of(values(item))


def values(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return a DynamoDB item as plain values."""
    return {name: _decode(name, value) for name, value in item.items()}


def task_of(item: Mapping[str, Any]) -> Task:
    """Return plain values as a task.

    What only an index or another version of this code writes is left out, in the request as well:
    a task outlives the deployment, and the roll-back, of the code that wrote it.
    """
    known = {name: item[name] for name in _NAMES if name in item}
    request = {k: v for k, v in known.get("request", {}).items() if k in _REQUEST_NAMES}
    known |= {
        "request": GenerationRequest(**{"model": "", **request}),
        "status": Status(known["status"]),
        "dialect": Dialect(known.get("dialect", Dialect.DOCUMENT)),
    }
    return Task(**{"created_at": "", **known})


_NAMES = tuple(field.name for field in fields(Task))
_REQUEST_NAMES = frozenset(field.name for field in fields(GenerationRequest))


def _flat(name: str, value: object) -> object:
    return json.dumps(value, ensure_ascii=False) if name in JSON_ATTRIBUTES else value


def _encode(value: object) -> dict[str, Any]:
    if isinstance(value, list):
        return {"L": [_encode(each) for each in value]}
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
