"""Caps on money: what a key's owner, and the whole stack, may commit on one UTC day.

A task is accepted with a reserve of the most that it can cost, in the transaction that writes it:
however many come at once, no more than the caps allow are let in.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from videoapi.domain import ledger
from videoapi.domain.ledger import Entry
from videoapi.domain.money import dollars_text
from videoapi.domain.tasks import Task
from videoapi.domain.timestamps import epoch, timestamp
from videoapi.errors import PaymentRequired

DAY = 86_400


def no_price(task: Task) -> PaymentRequired:
    """Return the error for a task whose price nobody knows, so that no cap can be kept."""
    text = f"{task.request.model} has no known price, which a daily budget needs."
    return PaymentRequired(text, code="price_unknown", param="model")


def require_room(entries: Iterable[Entry], found: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise `PaymentRequired` for an entry that has no room in the items as they were read."""
    for entry in entries:
        committed = found.get(entry.key, {}).get("committed", 0)
        if entry.most is not None and committed > entry.most:
            raise exceeded(entry)


def exceeded(entry: Entry) -> PaymentRequired:
    """Return the error for an entry that has no room."""
    owner, day = entry.key.removeprefix(ledger.PREFIX).rsplit("#", 1)
    resets_at = timestamp(epoch(f"{day}T00:00:00Z") + DAY)
    cap = f"of ${dollars_text(entry.cap or 0)} of this key" if owner else "of this service"
    need = f"this video may cost ${dollars_text(entry.adds['committed'])}"
    error = PaymentRequired(
        f"The daily budget {cap} has no room: {need}. The next day begins at {resets_at}."
    )
    error.details = {"resets_at": resets_at}
    return error
