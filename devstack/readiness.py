"""When the API of `make run` takes requests: after the restore, and until the stop begins.

A client that retries through a restart must find its task. Before that is back the retry would be
another task, and be paid for.
"""

import time
from threading import Event, Lock
from typing import TYPE_CHECKING

from devstack.gateway import Gateway
from devstack.snapshot import Found, Snapshot
from videoapi.domain.timestamps import timestamp

if TYPE_CHECKING:
    from devstack.journal import Journal

_ANSWER_SECONDS = 20  # of waiting for a relay's answers; most come within ten
_NAMED = 20  # open tasks that are listed one by one


class Readiness:
    """Opened by the thread that starts the stack, closed by the one that stops it."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._journal: Journal | None = None  # of what is kept
        self._closed = False
        self._lock = Lock()

    def open(self, api_id: str, snapshot: Snapshot | None) -> Found:
        """Restore the snapshot, then take requests; do neither once closed."""
        found = Found()
        with self._lock:
            if self._closed:
                return found
            if snapshot:
                self._journal, found = snapshot.restore()
                print(*summary(found), sep="\n", end="\n" if summary(found) else "", flush=True)
            self._gateway.api_id = api_id
        return found

    def close(self) -> None:
        """Answer 503 from here on; the functions are about to end.

        Wait for a restore to end, so that the stop knows all of it.
        """
        with self._lock:
            self._closed = True
            self._gateway.api_id = ""

    @property
    def keeps(self) -> bool:
        """Return whether the snapshot is restored, and changes are written."""
        return self._journal is not None

    def await_answers(self, hurried: Event) -> None:
        """Wait for the relay's answers to POSTs under way, 20 s at most, less when `hurried`.

        A POST that is cut off ends as `upstream_submit_unknown`, and may be paid for in vain.
        """
        until, printed = time.monotonic() + _ANSWER_SECONDS, False
        while self._journal and (number := self._journal.unanswered(timestamp(time.time()))):
            if not printed:
                print(f"Stopping: {number} submits wait for the relay's answer, for", end=" ")
                print(f"{_ANSWER_SECONDS} s at most (Ctrl-C again: not at all) …", flush=True)
                printed = True
            if hurried.wait(0.1) or time.monotonic() > until:
                return

    def keep(self) -> None:
        """Write a clean end into the journal; do nothing when the restore never happened."""
        if self._journal is None:
            return
        try:
            self._journal.end()
        except OSError as exc:
            print(f"All is kept, but this end could not be noted: {exc}", flush=True)
        else:
            print("Tasks, keys and files are kept for the next start.", flush=True)


def summary(found: Found) -> list[str]:
    """Return the lines that a start prints about the last run: how it ended, and what continues."""
    lines = []
    if not found.ended_well:
        lines.append("The last run ended without a stop; what it had written is all here.")
    if found.tasks or found.keys or found.files:
        lines.append(
            f"Back from the last run: {_count(found.tasks, 'task')},"
            f" {_count(found.keys, 'API key')}, {_count(found.files, 'file')}."
        )
    jobs = [f"  {task} continues: the relay's job {job}" for task, job in found.jobs.items()]
    jobs += [
        f"  {task} was being submitted: whether the relay took it is not known"
        for task in found.unknown
    ]
    lines += jobs[:_NAMED]
    if len(jobs) > _NAMED:
        lines.append(f"  and {len(jobs) - _NAMED} more; `make task ID=…` tells each")
    if found.waiting:
        lines.append(f"  queued again: {_count(found.waiting, 'task')} of which nothing was sent")
    return lines


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
