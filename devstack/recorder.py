"""Where MiniStack's table and bucket are watched: a change goes into the journal, then is made.

MiniStack is pinned exactly; `tests/devstack/test_recorder.py` fails when another version moves a
point.
"""

# ruff: noqa: SLF001 — MiniStack's internals are what this module is about
from typing import Any

from ministack.services import dynamodb, s3

from devstack.journal import Journal


class Objects(dict[str, Any]):
    """A bucket's objects by key."""

    def __init__(self, journal: Journal, objects: dict[str, Any]) -> None:
        super().__init__(objects)
        self._journal = journal

    def __setitem__(self, key: str, record: dict[str, Any]) -> None:
        self._journal.put_file(key, record["body"], record["content_type"])
        super().__setitem__(key, record)

    def pop(self, key: str, *default: Any) -> Any:
        """Remove an object, as every deletion does."""
        self._journal.remove_file(key)
        return super().pop(key, *default)


def record(journal: Journal, *, table: str, bucket: str) -> None:
    """Write every change of a table, whose key is `task_id`, and of a bucket from here on."""
    set_item = dynamodb._set_item
    remove_item = dynamodb._remove_item

    def set_recorded(held: dict[str, Any], key: str, sort_key: str, item: dict[str, Any]) -> Any:
        if held["TableName"] == table:
            journal.put_item(key, item)
        return set_item(held, key, sort_key, item)

    def remove_recorded(held: dict[str, Any], key: str, sort_key: str) -> Any:
        if held["TableName"] == table:
            journal.remove_item(key)
        return remove_item(held, key, sort_key)

    dynamodb._set_item, dynamodb._remove_item = set_recorded, remove_recorded
    for (_account, name), held in s3._buckets._data.items():
        if name == bucket:
            held["objects"] = Objects(journal, held["objects"])
