"""What a DynamoDB write costs in request units: the table's, and each index's that follows it.

After the developer guide, "DynamoDB item sizes and formats" and "Global secondary indexes": a unit
writes 1 KB; an index entry that moves is a deletion and a put; one that does not change is free.
"""

from collections import Counter
from collections.abc import Mapping
from math import ceil
from typing import Any

WRITE_UNIT, READ_UNIT = 1024, 4096  # bytes
LIST_OVERHEAD, ELEMENT_OVERHEAD = 3, 1  # bytes
TABLE = "table"

type Item = Mapping[str, Mapping[str, Any]]


def size_of(item: Item) -> int:
    """Return an item's size in bytes: names and values, in UTF-8."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def read_units(size: int, *, consistent: bool) -> float:
    """Return the units of a read; one that finds nothing costs the least there is."""
    return max(ceil(size / READ_UNIT), 1) * (1.0 if consistent else 0.5)


def write_units(
    table: Mapping[str, Any], before: Item | None, after: Item | None, *, transaction: bool = False
) -> Counter[str]:
    """Return the units of one item's write, by `table` and the names of its indexes.

    `table` is the table's resource in the template. A write whose condition failed (`before` is
    `after`) costs the table what it would have written, and the indexes nothing.
    """
    units = Counter({TABLE: max(_units(before), _units(after), 1) * (2 if transaction else 1)})
    key = [part["AttributeName"] for part in table["KeySchema"]]
    for index in table["GlobalSecondaryIndexes"]:
        keys = [part["AttributeName"] for part in index["KeySchema"]]
        old, new = (_entry(index, [*key, *keys], item) for item in (before, after))
        if old == new:
            continue
        moved = bool(old and new) and any(old[name] != new[name] for name in keys)
        cost = _units(old) + _units(new) if moved else max(_units(old), _units(new))
        units[index["IndexName"]] += cost
    return units


def _entry(index: Mapping[str, Any], keys: list[str], item: Item | None) -> dict[str, Any]:
    """Return what an index holds of an item; nothing, where the item lacks one of its keys."""
    if item is None or any(name not in item for name in keys):
        return {}
    names = keys if index["Projection"]["ProjectionType"] == "KEYS_ONLY" else list(item)
    return {name: item[name] for name in names}


def _units(item: Item | None) -> int:
    return ceil(size_of(item) / WRITE_UNIT) if item else 0


def _value_size(value: Mapping[str, Any]) -> int:
    ((kind, raw),) = value.items()
    match kind:
        case "N":
            return (len(str(raw)) + 1) // 2 + 1  # two digits a byte, and one more
        case "L":
            return LIST_OVERHEAD + sum(ELEMENT_OVERHEAD + _value_size(each) for each in raw)
        case "SS":
            return sum(len(each.encode()) for each in raw)
    return len(str(raw).encode())
