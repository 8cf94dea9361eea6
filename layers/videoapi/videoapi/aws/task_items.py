"""A task, and a change to one, as DynamoDB items and expressions."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from videoapi.aws.expressions import Expression, encode, flat, values
from videoapi.aws.table import Write
from videoapi.domain.ledger import Entry
from videoapi.domain.tasks import Dialect, GenerationRequest, Status, Task, shard
from videoapi.domain.transitions import Change


def listed_at(task: Task) -> str:
    """Return the sort key of lists: the creation time, and the id where two share it."""
    return f"{task.created_at}#{task.task_id}"


def index_keys(task: Task) -> dict[str, str]:
    """Return the attributes that put a live task into the two indexes."""
    return {"listed_at": listed_at(task), "open": shard(task.task_id)}


# Absent until there is something in them.
LISTS = ("late_upstream_ids", "failed_upstream_ids", "attempt_log", "webhook_log")
# Of a request: stored only where something else was said.
RARE_FIELDS: Mapping[str, object] = {
    "size_named": True,
    "negative_prompt": None,
    "seed": None,
    "generate_audio": None,
}


def update_expression(change: Change) -> dict[str, Any]:
    """Return a change in DynamoDB's words, with every name and value as a placeholder."""
    spell = Expression()
    where = _conditions(change, spell)
    assign, remove = [], []
    for name, new in change.sets.items():
        if new is None:
            remove.append(spell.name(name))
        else:
            assign.append(f"{spell.name(name)} = {spell.value(flat(name, new))}")
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
        **spell.placeholders(),
    }


def _conditions(change: Change, spell: Expression) -> list[str]:
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
    if (progress := change.sets.get("progress")) is not None:
        where.append(f"{spell.name('progress')} <= {spell.value(progress)}")
    return where


def entry_write(entry: Entry) -> Write:
    """Return an entry of the ledger as a write, which is named after its item's key."""
    spell = Expression()
    sets = {"expires_at": entry.expires_at} | ({} if entry.cap is None else {"cap": entry.cap})
    assign = (f"{spell.name(name)} = {spell.value(number)}" for name, number in sets.items())
    adds = (f"{spell.name(name)} {spell.value(number)}" for name, number in entry.adds.items())
    body = {
        "Key": encode({"task_id": entry.key}),
        "UpdateExpression": f"SET {', '.join(assign)} ADD {', '.join(adds)}",
    }
    if entry.most is not None:
        before = spell.name("committed")
        room = f"{before} <= {spell.value(entry.most)}"
        # Of a day without an item nothing is committed: too much where less than 0 may be.
        first = f"attribute_not_exists({before}) OR " if entry.most >= 0 else ""
        body["ConditionExpression"] = first + room
    return Write(entry.key, "Update", body | spell.placeholders())


def task_item(task: Task) -> dict[str, Any]:
    """Return a new task as an item, with the keys of the two indexes."""
    request = {
        name: value
        for name, value in vars(task.request).items()
        if name not in RARE_FIELDS or value != RARE_FIELDS[name]
    }
    attributes = {**vars(task), "request": request}
    lists = {name: attributes[name] or None for name in LISTS}
    return encode(attributes | lists | index_keys(task))


def decode(item: Mapping[str, Any]) -> Task:
    """Return a DynamoDB item as a task."""
    return task_of(values(item))


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
        "dialect": Dialect(known.get("dialect", Dialect.REST)),
    }
    return Task(**{"created_at": "", **known})


_NAMES = tuple(field.name for field in fields(Task))
_REQUEST_NAMES = frozenset(field.name for field in fields(GenerationRequest))
