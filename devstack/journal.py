"""Items and files of one deployment on disk, each as soon as it is written: they survive a crash.

`journal.jsonl` holds one change a line, and beside it are the files' bodies. A change is written
before its request is answered, so that everything that the table ever answered is here; a line that
a crash cut off was never answered. Each start rewrites the file without what has been replaced, in
one rename. (A power cut may lose the last seconds: nothing waits for the disk.)
"""

import json
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Self

from devstack.change_log import Change, ChangeLog, to_json

_OLD_ITEMS, _OLD_FILES = "items.json", "files.json"  # what earlier versions kept


@dataclass(frozen=True)
class Body:
    """A file's content: where it lies, and its type."""

    path: Path
    content_type: str


def is_open(item: Mapping[str, Any]) -> bool:
    """Return whether a task has not ended; one that has may owe an event to its webhook."""
    partition = item.get("open", {"S": "webhooks"})["S"]
    return str(partition) != "webhooks"


class Journal:
    """The items and files of one folder, by key."""

    def __init__(self, folder: Path) -> None:
        """Read the folder; raise `RuntimeError` when it is damaged, and leave it then."""
        self._folder = folder
        self._items: dict[str, str] = {}  # as they are written
        self._files: dict[str, tuple[str, str]] = {}
        self._lock = Lock()
        self._log = ChangeLog(folder)
        self.ended_well = True
        """Whether the last run wrote its end; true for a new folder."""
        if self._log.path.exists():
            self._read()
        else:
            self._read_old()

    @property
    def items(self) -> list[dict[str, Any]]:
        """Return the items, in DynamoDB's JSON."""
        return [json.loads(text) for text in self._items.values()]

    def unanswered(self, now: str) -> int:
        """Return how many POSTs are under way: begun, by a worker that lives, and not answered."""
        with self._lock:
            sent = [text for text in self._items.values() if '"intent_at"' in text]
        held = (json.loads(text) for text in sent if '"upstream_id"' not in text)
        return sum(is_open(item) and item["lease_until"]["S"] > now for item in held)

    @property
    def files(self) -> dict[str, Body]:
        """Return the files by key."""
        return {k: Body(self._folder / name, kind) for k, (name, kind) in self._files.items()}

    def begin(self) -> Self:
        """Begin to write: from here on every change is appended."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._folder.chmod(0o700)  # earlier versions let everybody read it
        self._log.rewrite(self._changes())
        used = {name for name, _ in self._files.values()}
        for path in self._folder.iterdir():
            if _is_body(path.name) and path.name not in used:
                path.unlink()
        for name in (_OLD_ITEMS, _OLD_FILES):
            (self._folder / name).unlink(missing_ok=True)
        return self

    def end(self) -> None:
        """Note that the run ended as it should."""
        with self._lock:
            self._append({"ended": time.time()})

    def put_item(self, key: str, item: Mapping[str, Any]) -> None:
        """Write an item; raise `OSError` when it cannot be written."""
        text = to_json(item)
        with self._lock:
            if self._items.get(key) != text:
                self._append({"key": key, "item": item})
                self._items[key] = text

    def remove_item(self, key: str) -> None:
        """Remove an item."""
        with self._lock:
            if key in self._items:
                self._append({"key": key, "item": None})
                del self._items[key]

    def put_file(self, key: str, body: bytes, content_type: str) -> None:
        """Write a file, its body first."""
        with self._lock:
            before = self._files.get(key)
            if before and before[1] == content_type and self._has(before[0], body):
                return
            name = secrets.token_hex(16)
            (self._folder / name).write_bytes(body)
            self._append({"file": key, "name": name, "type": content_type})
            self._files[key] = name, content_type
            self._drop(before)

    def remove_file(self, key: str) -> None:
        """Remove a file."""
        with self._lock:
            if before := self._files.get(key):
                self._append({"file": key, "name": None})
                del self._files[key]
                self._drop(before)

    def _has(self, name: str, body: bytes) -> bool:
        path = self._folder / name
        with suppress(OSError):
            return path.stat().st_size == len(body) and path.read_bytes() == body
        return False

    def _drop(self, file: tuple[str, str] | None) -> None:
        if file:
            (self._folder / file[0]).unlink(missing_ok=True)

    def _append(self, change: Change) -> None:
        if self._log.full():
            self._log.rewrite(self._changes())
        self._log.append(change)

    def _changes(self) -> Iterator[Change]:
        """Yield changes that make the present state from an empty one."""
        for key, text in self._items.items():
            yield {"key": key, "item": json.loads(text)}
        for key, (name, kind) in self._files.items():
            yield {"file": key, "name": name, "type": kind}

    def _read(self) -> None:
        try:
            for change in self._log.read():
                self._apply(change)
        except (ValueError, KeyError) as exc:
            raise RuntimeError(
                f"{self._log.path} is damaged in line {self._log.line} ({exc}): repair it, or move"
                f" {self._folder} away to start afresh"
            ) from None

    def _apply(self, change: Change) -> None:
        self.ended_well = "ended" in change
        if "item" in change:
            _put(self._items, change["key"], change["item"] and to_json(change["item"]))
        elif "file" in change:
            _put(self._files, change["file"], change["name"] and (change["name"], change["type"]))

    def _read_old(self) -> None:
        """Read what an earlier version saved at a clean stop."""
        with suppress(FileNotFoundError):
            for item in json.loads((self._folder / _OLD_ITEMS).read_text()):
                self._items[item["task_id"]["S"]] = to_json(item)
            for name, (key, kind) in json.loads((self._folder / _OLD_FILES).read_text()).items():
                self._files[key] = name, kind


def _put[T](kept: dict[str, T], key: str, value: T | None) -> None:
    if value is None:
        kept.pop(key, None)
    else:
        kept[key] = value


def _is_body(name: str) -> bool:
    """Return whether a name is a body's: 32 hexadecimal digits, or an earlier version's."""
    return name.isdecimal() or (len(name) == 32 and not set(name) - set("0123456789abcdef"))  # noqa: PLR2004
