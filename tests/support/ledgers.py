"""What the ledger has to hold, by the tasks of a `FakeStore`."""

from collections import Counter

from videoapi.domain.ledger import day_of, owner_key, stack_key
from videoapi.domain.tasks import OPEN, Status


def sums_of(store):
    """Return what the tasks add up to, by the ledger's keys."""
    sums = {}
    for rows in store.history.values():
        row = rows[-1]
        day, adds = day_of(row["created_at"]), _added_by(rows)
        for key in [owner_key(row["owner"], day)] + [stack_key(day)] * bool(row.get("in_budget")):
            sums.setdefault(key, Counter()).update(adds)
    return _plain(sums)


def ledger_of(store):
    """Return what the ledger holds, but for the caps."""
    return _plain({key: Counter(item) for key, item in store.ledger.items()})


def _added_by(rows):
    row, ends = rows[-1], [each for each in rows if each["status"] not in OPEN]
    actual = row.get("cost_actual")
    reserved = row.get("cost_reserved", 0)
    adds = Counter(committed=reserved if actual is None else actual, spent=actual or 0)
    if ends:
        status = ends[0]["status"]
        adds[str(Status.CANCELLED if status is Status.DELETED else status)] = 1
        made = (ends[0].get("result", {}).get("actual") or {}).get("seconds")
        adds["seconds"] = round(made or 0)
    return adds


def _plain(sums):
    return {
        key: {name: number for name, number in item.items() if number and name != "cap"}
        for key, item in sums.items()
    }
