"""Which tasks one invocation of the worker takes up, and in which order.

A message is a hint, so its worker also looks at what is due in the table: first what is paid for
and only needs a poll, a download or a write, so that a finished video never waits behind tasks
that still need a POST; then the message's own task; then whatever is overdue, the oldest first,
whose own message was lost, or is hidden because a single worker was busy when it came.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from aws_lambda_powertools import Logger

from videoapi.aws.task_queue import TaskQueue
from videoapi.aws.task_store import TaskStore
from videoapi.errors import ServiceError
from videoapi.worker.lease import ROOM_TO_WORK, Message

MAX_TASKS = 10  # tasks that one invocation looks at; another worker may have them by then
FRESH_SECONDS = 5  # in which an answer of the table still holds: a lost claim asks for no other
SPREAD = 25  # overdue tasks among which workers that lost a claim go apart


@dataclass
class _Due:
    """What was due when the table was asked, at `asked_at` (epoch seconds), the oldest first."""

    paid: bool
    asked_at: float = 0.0
    task_ids: Iterator[str] = field(default_factory=lambda: iter(()))


@dataclass(frozen=True)
class Dispatch:
    """Finds work; see the module. `clock` gives epoch seconds."""

    store: TaskStore
    queue: TaskQueue
    clock: Callable[[], float]
    log: Logger

    def tasks(self, message: Message) -> Iterator[str]:
        """Yield task ids until nothing is due, or too little time is left.

        A message whose own task has no time left is sent again.
        """
        seen: set[str] = set()
        paid, unpaid = _Due(paid=True), _Due(paid=False)
        yield from self._all(paid, message, seen)
        if seen and message.remaining() < ROOM_TO_WORK:
            self.queue.send(message.task_id)
            return
        if message.task_id not in seen:
            seen.add(message.task_id)
            yield message.task_id
        while message.remaining() >= ROOM_TO_WORK and len(seen) < MAX_TASKS:
            yield from self._all(paid, message, seen)
            other = self._next(unpaid, seen)
            if other is None:
                return
            yield other

    def _all(self, due: _Due, message: Message, seen: set[str]) -> Iterator[str]:
        while message.remaining() >= ROOM_TO_WORK and (found := self._next(due, seen)):
            yield found

    def _next(self, due: _Due, seen: set[str]) -> str | None:
        """Return the longest overdue task that was not looked at; None where there is none."""
        now = self.clock()
        try:
            if now - due.asked_at > FRESH_SECONDS:
                overdue = self.store.overdue(now, paid=due.paid)
                due.asked_at, due.task_ids = now, _spread(overdue)
            found = next((task_id for task_id in due.task_ids if task_id not in seen), None)
        except ServiceError as exc:
            self.log.warning("the table does not say what is due", reason=exc.message)
            return None
        if found is not None:
            seen.add(found)
        return found


def _spread(overdue: Iterator[str]) -> Iterator[str]:
    """Yield the oldest task, then the next ones in any order: others have lost that claim as well.

    In one order all of them would meet again at each task.
    """
    yield from islice(overdue, 1)
    following = list(islice(overdue, SPREAD))
    random.shuffle(following)
    yield from following
    yield from overdue
