"""When the API of `make run` is open: once what was kept is back, and never after its end began.

A client that retries through a restart must find its task. Before that is back the retry would be
another task, and be paid for.
"""

from threading import Lock
from typing import TYPE_CHECKING

from local.gateway import Gateway
from local.keep import Found, Keeper

if TYPE_CHECKING:
    from local.journal import Journal

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
