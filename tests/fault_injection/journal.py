"""What the functions' processes did, line by line, as `injector` wrote it down."""

import json
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

PATIENCE = 0.05  # seconds between two looks


@dataclass(frozen=True)
class Entry:
    """One thing that happened: `at` in epoch seconds, `what` in `injector`'s words."""

    at: float
    pid: int
    task: str
    what: str
    function: str
    more: dict[str, Any]

    def is_step(self, name):
        return self.what == "step" and self.more["name"] == name


@dataclass(frozen=True)
class Hold:
    """One worker's time with one message, from its delivery to its return or death."""

    task: str
    pid: int
    began: float
    ended: float
    killed: bool


class Journal:
    """Reads the file as it grows; any thread may ask."""

    def __init__(self, path):
        self._path = path
        self._offset = 0
        self._by_task = defaultdict(list)
        self._by_function = defaultdict(list)
        self._lock = threading.Lock()
        path.touch()

    def of(self, task_id, function="worker"):
        """Return what the processes of one function did to a task, oldest first."""
        with self._lock:
            self._read()
            return list(self._by_task[function, task_id])

    def entries(self, function="worker"):
        """Return all that the processes of one function did, oldest first."""
        with self._lock:
            self._read()
            return list(self._by_function[function])

    def holder(self, task_id):
        """Return the process that works on the task just now, None if nobody does."""
        entries = self.of(task_id)
        if not entries or entries[-1].what in {"returned", "killed"}:
            return None
        return entries[-1].pid

    def busy(self):
        """Return the processes that work on a task just now, with its id."""
        return {hold.pid: hold.task for hold in self.holds() if hold.ended == float("inf")}

    def holds(self):
        """Return every worker's time with every message; one that goes on ends at infinity."""
        begun, holds = {}, []
        for entry in self.entries():
            if entry.what == "received":
                begun[entry.pid] = entry
            elif entry.what in {"returned", "killed"} and (first := begun.pop(entry.pid, None)):
                killed = entry.what == "killed"
                holds.append(Hold(first.task, first.pid, first.at, entry.at, killed))
        now_held = (Hold(e.task, e.pid, e.at, float("inf"), killed=False) for e in begun.values())
        return [*holds, *now_held]

    def wait(self, task_id, wanted, *, function="worker", times=1, seconds=60):
        """Return the task's entry that is wanted, the first or that of as many `times`."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            found = [entry for entry in self.of(task_id, function) if wanted(entry)]
            if len(found) >= times:
                return found[times - 1]
            time.sleep(PATIENCE)
        raise TimeoutError(f"{task_id}: not within {seconds} s:\n{self.story(task_id)}")

    def story(self, task_id):
        """Return what workers did to a task, for a person."""
        return "\n".join(map(str, self.of(task_id)))

    def note(self, task_id, pid, what, **more):
        """Add what was done to a worker from outside, as if it had said so itself."""
        entry = {"at": time.time(), "pid": pid, "task": task_id, "what": what, **more}
        with self._path.open("a") as file:
            file.write(json.dumps(entry | {"function": "worker"}) + "\n")

    def _read(self):
        with self._path.open("rb") as file:
            file.seek(self._offset)
            data = file.read()
        whole = data.rfind(b"\n") + 1
        self._offset += whole
        for line in data[:whole].splitlines():
            fields = json.loads(line)
            names = ("at", "pid", "task", "what", "function")
            known = {name: fields.pop(name) for name in names}
            entry = Entry(**known, more=fields)
            self._by_function[entry.function].append(entry)
            self._by_task[entry.function, entry.task].append(entry)
