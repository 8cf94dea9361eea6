"""What a caller's key made and spent, a row a day: the ledger's items, for people and for JSON."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from videoapi.aws.table import Table
from videoapi.domain.ledger import owner_key
from videoapi.domain.money import dollars
from videoapi.errors import ValidationError

MAX_DAYS = 92  # of one answer, both ends included: a quarter; and of one read, 100
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_COUNTS = ("completed", "failed", "cancelled", "seconds")


def spent(table: Table, owner: str, query: Mapping[str, str], *, now: float) -> dict[str, Any]:
    """Return an owner's days from `from` to `to`: this month so far, where nothing is said.

    A day is the UTC day on which tasks were accepted; one without any has zeros. Raise
    `ValidationError` naming the bad parameter.
    """
    first, last = _span(query, datetime.fromtimestamp(now, UTC).date())
    days = [(first + timedelta(n)).isoformat() for n in range((last - first).days + 1)]
    found = table.read_all([owner_key(owner, day) for day in days])
    rows = [day_row(day, found.get(owner_key(owner, day), {})) for day in days]
    return {"currency": "USD", "days": rows}


def day_row(day: str, item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of a day; what is reserved is what open and unknown costs may come to."""
    spent = item.get("spent", 0)
    return {
        "date": day,
        **{name: item.get(name, 0) for name in _COUNTS},
        "usd_spent": dollars(spent),
        "usd_reserved": dollars(item.get("committed", 0) - spent),
    }


def _span(query: Mapping[str, str], today: date) -> tuple[date, date]:
    last = _day(query, "to") or today
    first = _day(query, "from") or last.replace(day=1)
    if first > last:
        until = "to" if "to" in query else "today"
        raise ValidationError.field("from", f"say a day that is not after {until}")
    if (last - first).days >= MAX_DAYS:
        raise ValidationError.field("from", f"say at most {MAX_DAYS} days, both ends included")
    return first, last


def _day(query: Mapping[str, str], name: str) -> date | None:
    text = query.get(name)
    if text is None:
        return None
    try:
        return date.fromisoformat(text if _DAY.fullmatch(text) else "")
    except ValueError:
        raise ValidationError.field(name, "say a day as YYYY-MM-DD") from None
