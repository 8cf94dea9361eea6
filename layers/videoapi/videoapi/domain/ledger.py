"""The ledger: what an owner's tasks of one day have committed, spent and become. Pure.

One item for each owner and each UTC day on which tasks were accepted, and one of the whole stack
where DAILY_BUDGET_USD is set. Each entry is made together with a task's own write or not at all, so
that their sums are those of the tasks: a task has committed what it cost, or what was reserved for
it while nobody knows. Amounts are in micro-dollars.
"""

from collections.abc import Mapping
from typing import NamedTuple

from videoapi.domain.tasks import Task
from videoapi.domain.timestamps import epoch

PREFIX = "usage#"
KEPT_SECONDS = 401 * 86_400  # from the beginning of its day: 400 days after its end


# The most that may be committed on a day, by an owner and by the stack; None: anything.
type Caps = tuple[int | None, int | None]


class Entry(NamedTuple):
    """Additions to one item of the ledger."""

    key: str
    adds: Mapping[str, int]
    expires_at: int  # epoch seconds
    most: int | None = None  # that may be committed before it; None: anything
    cap: int | None = None  # noted beside it, for what is reserved without its caller


def day_of(instant: str) -> str:
    """Return the UTC day of an instant, `YYYY-MM-DD`."""
    return instant[:10]


def owner_key(owner: str, day: str) -> str:
    """Return the key of an owner's item."""
    return f"{PREFIX}{owner}#{day}"


def stack_key(day: str) -> str:
    """Return the key of the whole stack's item."""
    return owner_key("", day)


def entries(task: Task, **adds: int) -> tuple[Entry, ...]:
    """Return the additions to every item that counts a task; none where nothing is added."""
    some = {name: number for name, number in adds.items() if number}
    if not some:
        return ()
    day = day_of(task.created_at)
    keys = [owner_key(task.owner, day)] + [stack_key(day)] * bool(task.in_budget)
    until = int(epoch(f"{day}T00:00:00Z")) + KEPT_SECONDS
    return tuple(Entry(key, some, until) for key in keys)


def reserved(task: Task, amount: int, caps: Caps) -> tuple[Entry, ...]:
    """Return the entries that commit an amount for a task, if no cap is exceeded by it."""
    limits = (
        each if cap is None else each._replace(most=cap - amount, cap=cap)
        for each, cap in zip(entries(task, committed=amount), caps, strict=False)
    )
    return tuple(limits)


def settled(task: Task, actual: int | None, **adds: int) -> tuple[Entry, ...]:
    """Return what the end of a task adds; the reserve stays while `actual` is not known."""
    if actual is not None:
        adds |= {"committed": actual - (task.cost_reserved or 0), "spent": actual}
    return entries(task, **adds)
