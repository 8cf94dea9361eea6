"""A worker's hold on one task: the task as last written, its lease, and its hidden message.

A background thread beats once a second, so that a slow POST or a long copy does not lose the task.
Progress rides along: one DynamoDB write at most every 5 s, and only for a change or the lease.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

from aws_lambda_powertools import Logger

from videoapi.aws.task_queue import TaskQueue
from videoapi.aws.task_store import TaskStore
from videoapi.domain import transitions
from videoapi.domain.forecast import Source, progress_at_write
from videoapi.domain.tasks import Task
from videoapi.domain.timestamps import epoch
from videoapi.domain.transitions import Change
from videoapi.errors import ServiceError

ROOM_TO_WORK = 300  # seconds left of an invocation for an order, a download or one more task
ROOM_TO_FINISH = 60  # … for a poll of a job, or for what follows a download
PROGRESS_SECONDS = 5.0  # seconds between two progress writes
MESSAGE_MARGIN = 2  # seconds that a message stays hidden beyond the lease
WRITE_PAUSES = (0.2, 0.5, 1, 2, 4, 8)  # seconds between tries of a call that DynamoDB did not take
ROOM_TO_STOP = 40  # seconds left of an invocation after which no call is tried for longer

type Sleep = Callable[[threading.Event, float], object]  # `threading.Event.wait`, or made-up time


class LeaseLost(Exception):
    """Another worker has the task, or it has ended (a cancel): write nothing more."""


class Release(Exception):
    """The slot is of more use to others: too little time is left for a step, or a pause is long.

    `notes` are attributes of the task to write with the hand-over.
    """

    def __init__(self, delay: float = 0.0, **notes: str | None) -> None:
        """`delay` is in seconds, until the next worker may take the task."""
        super().__init__(f"after {delay:.0f} s")
        self.delay = delay
        self.notes = notes


def checkpoint(log: Logger, step: str) -> None:
    """Log a step, at DEBUG. The fault suite kills the process here, by the step's name."""
    log.debug("step", step=step)


@dataclass(frozen=True, kw_only=True)
class Message:
    """One delivery of a queue message to one invocation of the worker."""

    task_id: str
    receipt_handle: str
    request_id: str
    remaining: Callable[[], float]  # seconds until Lambda ends this invocation


@dataclass
class Lease:
    """The hold on a task that was claimed, and whose message was hidden, just now.

    It lasts `seconds` without a heartbeat, and is renewed at a third of them.
    """

    task: Task
    message: Message
    store: TaskStore
    queue: TaskQueue
    seconds: int
    clock: Callable[[], float]
    sleep: Sleep
    expected_seconds: int | None = None  # that its job takes, by those that ended before it
    usage: Mapping[str, int] = field(default_factory=dict)  # tokens of its job, where it is told
    posting: bool = False  # a POST may have begun, and its job is not in the table yet

    def __post_init__(self) -> None:
        """Begin where the claim has left the task."""
        self._owner = self.task.lease_owner
        self._renewed = self._hidden = epoch(self.task.lease_until) - self.seconds
        self._progress: int = self.task.progress
        self._source: Source | None = self.task.progress_source
        self._shown = self._progress, self._source
        self._written = 0  # with the estimate of that moment
        self._lost = threading.Event()

    def apply(self, change: Change) -> Task:
        """Make one conditional write; raise `LeaseLost` when its condition does not hold.

        One that hung while the heartbeat wrote more progress is made again, with no less than that.
        """
        while (changed := self.write(change)) is None:
            changed = self.read()
            if changed is None:
                raise LeaseLost
            if change.made(changed):
                break
            if change.sets.get("progress", 100) >= changed.progress:
                raise LeaseLost
            progress = progress_at_write(changed, now=self.clock())
            change = change._replace(sets={**change.sets, "progress": progress})
        self.task = changed
        return changed

    def write(self, change: Change) -> Task | None:
        """Make one conditional write, also without the lease; None when its condition fails."""
        return self._persist(lambda: self.store.apply(self.task.task_id, change))

    def read(self) -> Task | None:
        """Return the task as it stands in the table; None when it was deleted."""
        return self._persist(lambda: self.store.get(self.task.task_id))

    def item(self, key: str) -> dict[str, Any]:
        """Return another item of the table, as plain values; empty where there is none."""
        return self._persist(lambda: self.store.read(key)) or {}

    def _persist[Result](self, call: Callable[[], Result]) -> Result:
        """Make a call to the table, again and again for 15 s; raise its `ServiceError` then.

        Once a POST may have begun whose job the table does not know, go on until the invocation
        ends: what came of it, which may have cost money, is known to this process alone.
        """
        pauses = iter(WRITE_PAUSES)
        while True:
            try:
                return call()
            except ServiceError:
                pause = next(pauses, 0.0)
                if not pause and not (self.posting and self.message.remaining() > ROOM_TO_STOP):
                    raise
                self.sleep(threading.Event(), pause or WRITE_PAUSES[-1])

    def advance(self, progress: int | None) -> None:
        """Take note of progress; it never goes back, and 100 is for the end.

        None is a poll that told none: unless another one does, callers read an estimate.
        """
        self._progress = max(self._progress, min(progress or 0, 99))
        if progress is not None or self._source is None:
            self._source = "estimate" if progress is None else "provider"

    def with_progress(self) -> Task:
        """Return the task as last written, with the progress that is known of it by now."""
        progress = max(self.task.progress, self._progress, self._written)
        return replace(self.task, progress=progress, progress_source=self._source)

    def heartbeat(self) -> None:
        """Renew what is due. A service that is away is tried again while the lease lasts.

        Lease and message together, the message first: one that came back before the lease has run
        out would be dropped, and a worker that died would be missed until the next sweep.
        """
        task, now, shown = self.task, self.clock(), (self._progress, self._source)
        if task.lease_owner != self._owner:
            return  # given up already, and free for the next worker
        age = now - self._renewed
        due = age >= self.seconds / 3 or (shown != self._shown and age >= PROGRESS_SECONDS)
        if due or self._hidden < self._renewed:
            with suppress(ServiceError):
                self.queue.hide(self.message.receipt_handle, seconds=self.seconds + MESSAGE_MARGIN)
                self._hidden = now
        if due:
            with suppress(ServiceError):
                self._renew(task, now, *shown)

    def _renew(self, task: Task, now: float, progress: int, source: Source | None) -> None:
        # What callers read until now: no write goes below it, whatever its source says from now on.
        seen = max(task.progress, self._written)
        task = replace(task, progress=seen, progress_source=self._shown[1])
        change = transitions.renew(
            task, now=now, lease_seconds=self.seconds, progress=progress, source=source
        )
        self._written = change.sets["progress"]  # also where the answer to the write is lost
        if self.store.apply(task.task_id, change) is None:
            self._lost.set()
        else:
            self._renewed, self._shown = now, (progress, source)

    def check(self) -> None:
        """Raise `LeaseLost` once the task is not ours any more."""
        if self._lost.is_set() or self.clock() - self._renewed >= self.seconds:
            raise LeaseLost

    def require(self, seconds: float) -> None:
        """Hand over before the function's own time runs out in the middle of a step."""
        if self.message.remaining() < seconds:
            raise Release

    def wait_hidden(self, seconds: float) -> None:
        """Sleep with the message hidden, for a task that is not ours any more."""
        with suppress(ServiceError):
            self.queue.hide(self.message.receipt_handle, seconds=self.seconds + MESSAGE_MARGIN)
        self.sleep(threading.Event(), seconds)

    def wait(self, seconds: float) -> None:
        """Sleep, but not beyond the loss of the lease; raise `LeaseLost` then."""
        self.sleep(self._lost, seconds)
        self.check()


@contextmanager
def run_heartbeat(lease: Lease, *, every: float = 1.0) -> Iterator[None]:
    """Renew the lease in the background, each second, until the block ends."""
    done = threading.Event()

    def run() -> None:
        while not done.wait(every):
            lease.heartbeat()

    thread = threading.Thread(target=run, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
