"""When the API of `make run` is open: once what was kept is back, and never after its end began.

A client that retries through a restart must find its task. Before that is back the retry would be
another task, and be paid for.
"""

import time
from threading import Event, Lock
from typing import TYPE_CHECKING

from devstack.gateway import Gateway
from devstack.snapshot import Found, Keeper, now_in_table

if TYPE_CHECKING:
    from devstack.journal import Journal

_ANSWER_SECONDS = 20  # of waiting for a relay's answers; most come within ten
_NAMED = 20  # open tasks that are told one by one


class Opening:
    """Opened by the thread that starts the stack, closed by the one that ends it, maybe first."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._journal: Journal | None = None  # of what is kept
        self._closed = False
        self._lock = Lock()

    def open(self, api_id: str, keeper: Keeper | None) -> Found:
        """Give back what was kept, then let requests in; once closed do neither."""
        found = Found()
        with self._lock:
            if self._closed:
                return found
            if keeper:
                self._journal, found = keeper.restore()
                print(*told(found), sep="\n", end="\n" if told(found) else "", flush=True)
            self._gateway.api_id = api_id
        return found

    def close(self) -> None:
        """Answer 503 from here on, instead of functions that are ended.

        Waits for a restore to end, so that its end is told of the whole.
        """
        with self._lock:
            self._closed = True
            self._gateway.api_id = ""

    @property
    def keeps(self) -> bool:
        """Whether what was kept is back, and changes are written."""
        return self._journal is not None

    def await_answers(self, hurried: Event) -> None:
        """Let the relay answer POSTs that are under way, a while and unless `hurried`.

        Cut off, each would end as `upstream_submit_unknown`, and may be paid for in vain.
        """
        until, said = time.monotonic() + _ANSWER_SECONDS, False
        while self._journal and (number := self._journal.unanswered(now_in_table())):
            if not said:
                print(f"Stopping: {number} submits wait for the relay's answer, for", end=" ")
                print(f"{_ANSWER_SECONDS} s at most (Ctrl-C again: not at all) …", flush=True)
                said = True
            if hurried.wait(0.1) or time.monotonic() > until:
                return

    def keep(self) -> None:
        """Note a clean end beside what is kept; what was not restored yet still waits."""
        if self._journal is None:
            return
        try:
            self._journal.end()
        except OSError as exc:
            print(f"All is kept, but this end could not be noted: {exc}", flush=True)
        else:
            print("Tasks, keys and files are kept for the next start.", flush=True)


def told(found: Found) -> list[str]:
    """Return what a start says of the last run: how it ended, and what goes on."""
    lines = []
    if not found.ended_well:
        lines.append("The last run ended without a stop; what it had written is all here.")
    if found.tasks or found.keys or found.files:
        lines.append(
            f"Back from the last run: {found.tasks} tasks, {found.keys} API keys,"
            f" {found.files} files."
        )
    jobs = [f"  {task} goes on: the relay's job {job}" for task, job in found.jobs.items()]
    jobs += [
        f"  {task} was being submitted: whether the relay took it is not known"
        for task in found.unknown
    ]
    lines += jobs[:_NAMED]
    if len(jobs) > _NAMED:
        lines.append(f"  and {len(jobs) - _NAMED} more; `make task ID=…` tells each")
    if found.waiting:
        lines.append(f"  {found.waiting} tasks of which nothing was sent are queued again")
    return lines
