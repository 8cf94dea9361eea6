"""Every AWS call as botocore sends it, with the DynamoDB units that it costs.

botocore reports each call of every session that is made after this module was imported.
"""

import io
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from botocore.handlers import BUILTIN_HANDLERS

from benchmarks.units import TABLE, Item, read_units, size_of, write_units
from tests.support.moto import DataServices, client, template
from tests.support.permissions import PERMISSIONS


@dataclass
class Call:
    """One AWS call: bodies in bytes, DynamoDB units by table and index."""

    name: str
    sent: int = 0
    received: int = 0
    written: Counter[str] = field(default_factory=Counter)
    read: float = 0.0


@dataclass
class Operation:
    """What one operation took; the caller's own request and answer, and what it logged."""

    calls: list[Call]
    request: int = 0
    answer: int = 0
    log_lines: list[str] = field(default_factory=list)
    seconds: float = 0.0  # in made-up time
    creates: int = 0
    polls: int = 0

    def count(self, *prefixes: str) -> int:
        """Return how many calls have a name that begins so."""
        return sum(call.name.startswith(prefixes) for call in self.calls)

    @property
    def written(self) -> Counter[str]:
        """DynamoDB write units, by table and index."""
        return sum((call.written for call in self.calls), Counter())

    @property
    def read(self) -> float:
        """DynamoDB read units."""
        return sum(call.read for call in self.calls)

    @property
    def writes(self) -> int:
        """DynamoDB writes, however large."""
        return sum(bool(call.written) for call in self.calls)


class Meter:
    """Counts the calls that are made inside `counting`."""

    def __init__(self) -> None:
        """Nothing is counted until `counting`."""
        self.calls: list[Call] | None = None

    @contextmanager
    def counting(self) -> Iterator[list[Call]]:
        """Count the calls that are made inside."""
        found: list[Call] = []
        self.calls = found
        try:
            yield found
        finally:
            self.calls = None

    def sent(self, event_name: str, params: Any, context: Any, **_: object) -> None:
        """Before a call: its body, and for a write what the table held."""
        if self.calls is None:
            return
        service, operation = event_name.split(".")[1:]
        call = Call(f"{service}:{operation}", sent=_length(params["body"]))
        self.calls.append(call)
        context["metered"] = call
        if operation in _WRITES:
            context["items"] = self._items()

    def answered(
        self,
        event_name: str,
        http_response: Any,
        parsed: Any,
        model: Any,
        context: Any,
        **_: object,
    ) -> None:
        """After a call: the size of its answer, and what it changed or read."""
        call = context.pop("metered", None)
        if call is None:
            return
        streams = model.has_streaming_output
        length = http_response.headers.get("content-length", 0)
        call.received = int(length) if streams else len(http_response.content)
        if "items" in context:
            transaction = event_name.endswith("TransactWriteItems")
            call.written = _written(context.pop("items"), self._items(), transaction=transaction)
        if call.name in ("dynamodb:GetItem", "dynamodb:Query"):
            items = parsed.get("Items", [parsed["Item"]] if "Item" in parsed else [])
            size = sum(map(size_of, items))
            call.read = read_units(size, consistent=call.name == "dynamodb:GetItem")
        if call.name == "dynamodb:BatchGetItem":
            found = parsed["Responses"][DataServices.table]
            call.read = sum(read_units(size_of(item), consistent=True) for item in found)

    def _items(self) -> dict[str, Item]:
        """Look at the whole table without being counted."""
        calls, self.calls = self.calls, None
        with PERMISSIONS.of(None):
            found = client("dynamodb").scan(TableName=DataServices.table)["Items"]
        self.calls = calls
        return {item["task_id"]["S"]: item for item in found}


METER = Meter()
BUILTIN_HANDLERS += [("before-call", METER.sent), ("after-call", METER.answered)]
_WRITES = {"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"}


@cache
def table_resource() -> dict[str, Any]:
    """Return the table's properties in the template."""
    return dict(template()["Resources"]["TasksTable"]["Properties"])


def _written(before: dict[str, Item], after: dict[str, Item], *, transaction: bool) -> Counter[str]:
    """Return the units of a write. One that changed nothing (a failed condition) costs too."""
    changed = [key for key in before | after if before.get(key) != after.get(key)]
    units = (
        write_units(table_resource(), before.get(key), after.get(key), transaction=transaction)
        for key in changed
    )
    return sum(units, Counter()) or Counter({TABLE: 1})


def _length(body: bytes | str | io.IOBase) -> int:
    if isinstance(body, bytes | str):
        return len(body)
    at = body.tell()
    size = body.seek(0, io.SEEK_END) - at
    body.seek(at)
    return size
