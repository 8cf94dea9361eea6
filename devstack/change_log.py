"""A file of changes, one a line as JSON: appended as they happen, rewritten when they are many."""

import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

_MAX_APPENDED_BYTES = 64 * 2**20  # since the last rewriting, before the next

type Change = Mapping[str, Any]


def to_json(value: object) -> str:
    """Return JSON on one line; equal values have equal texts."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


class ChangeLog:
    """The file `journal.jsonl` of one folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "journal.jsonl"
        self.line = 0
        """The number of the line that was read last, from 1."""
        self._appended_bytes = self._descriptor = 0

    def read(self) -> Iterator[Change]:
        """Yield the changes; raise `ValueError` at a line that is no JSON."""
        lines = self.path.read_bytes().split(b"\n")
        for self.line, line in enumerate(lines[:-1], start=1):  # the last is empty, or cut off
            yield json.loads(line)

    def full(self) -> bool:
        """Return whether it is time to rewrite the file."""
        return self._appended_bytes > _MAX_APPENDED_BYTES

    def append(self, change: Change) -> None:
        """Write a change, or none of it; raise `OSError` when it cannot be written."""
        line = to_json(change).encode() + b"\n"
        end = os.lseek(self._descriptor, 0, os.SEEK_END)
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError:
            os.ftruncate(self._descriptor, end)  # half a line would spoil the next one
            raise
        self._appended_bytes += len(line)

    def rewrite(self, changes: Iterable[Change]) -> None:
        """Put these changes in place of all that were written, at once."""
        new = self.path.with_name("journal.jsonl.new")
        with new.open("wb") as file:
            for change in ({"began": time.time(), "pid": os.getpid()}, *changes):
                file.write(to_json(change).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.path)
        if self._descriptor:
            os.close(self._descriptor)
        self._descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        self._appended_bytes = 0
