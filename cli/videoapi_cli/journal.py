"""What a batch has ordered and downloaded, beside its videos: a line a step, as JSON.

While the server knows a row's task, the row's key alone keeps it from being paid twice. A server
forgets an ended task after its retention; from then on these notes, or the row's file, do that. A
row with neither is ordered, and paid, again.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from videoapi_cli.errors import Unwritable, UsageError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

NAME = ".videoapi-batch.jsonl"


class Journal:
    """The steps of every order of one server into one folder. Raises `Unwritable`."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self._path = folder / NAME
        self._url = url
        self._lock = threading.Lock()
        self._known: dict[str, dict[str, Any]] = {}
        try:
            lines = self._path.read_text(encoding="utf-8", errors="replace").split("\n")
        except FileNotFoundError:
            lines = []
        except OSError as exc:
            raise self._unusable(exc) from exc
        for line in lines:
            self._learn(line)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other runs out of the folder, where the system can. Raises `UsageError`, too.

        They would pay nothing twice, but write the same files at the same time.
        """
        try:
            file = self._path.open("a", encoding="utf-8")
        except OSError as exc:
            raise self._unusable(exc) from exc
        with file:
            try:
                if fcntl is not None:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as exc:
                message = f"Another run is making videos into {self.folder}."
                raise UsageError(message, "Run this once more when that one has ended.") from exc
            except OSError:
                pass  # a file system without locks
            yield

    def _unusable(self, exc: OSError) -> Unwritable:
        return Unwritable(
            f"{self._path}, the notes of what is paid: {exc.strerror}.",
            "Mend that, and run the same command again: nothing is paid twice.",
        )

    def _learn(self, line: str) -> None:
        try:
            step = json.loads(line)
            if step["url"] == self._url:
                self._known.setdefault(step["key"], {}).update(step)
        except (ValueError, KeyError, TypeError):
            return  # half a line, of a run that was killed

    def known(self, key: str) -> dict[str, Any]:
        """Return what is known of an order: `task_id`, `file`; empty for a new one."""
        return self._known.get(key, {})

    def names(self) -> set[str]:
        """Return the files of all orders."""
        return {step["file"] for step in self._known.values() if "file" in step}

    def write(self, key: str, **step: Any) -> None:
        """Note a step before the next one is taken."""
        entry = {"key": key, "url": self._url, "at": int(time.time()), **step}
        with self._lock:
            self._known.setdefault(key, {}).update(entry)
            try:
                with self._path.open("a", encoding="utf-8") as file:
                    file.write(f"\n{json.dumps(entry)}")
            except OSError as exc:
                raise self._unusable(exc) from exc
