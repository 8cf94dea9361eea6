"""Which tasks one invocation of the worker takes up, and in which order.

A message is a hint, so its worker also looks at what is due in the table: first what is paid for
and only needs a look, a download or a write, so that a finished video never waits behind tasks
that still need a POST; then the message's own task; then whatever is overdue, the oldest first,
whose own message was lost, or is hidden because a single worker was busy when it came.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from videoapi.aws.task_queue import TaskQueue
from videoapi.aws.task_store import TaskStore
from videoapi.errors import ServiceError
from videoapi.worker.lease import ROOM_TO_WORK, Message

MAX_TASKS = 10  # tasks that one invocation looks at; another worker may have them by then


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
        yield from self._paid(message, seen)
        if seen and message.remaining() < ROOM_TO_WORK:
            self.queue.send(message.task_id)
            return
        if message.task_id not in seen:
            seen.add(message.task_id)
            yield message.task_id
        while message.remaining() >= ROOM_TO_WORK and len(seen) < MAX_TASKS:
            yield from self._paid(message, seen)
            other = self._next(seen, paid=False)
            if other is None:
                return
            yield other

    def _paid(self, message: Message, seen: set[str]) -> Iterator[str]:
        while message.remaining() >= ROOM_TO_WORK and (found := self._next(seen, paid=True)):
            yield found

    def _next(self, seen: set[str], *, paid: bool) -> str | None:
        """Return the longest overdue task that was not looked at; None where there is none."""
        try:
            due = self.store.overdue(self.clock(), paid=paid)
            found = next((task_id for task_id in due if task_id not in seen), None)
        except ServiceError as exc:
            self.log.warning("the table does not say what is due", reason=exc.message)
            return None
        if found is not None:
            seen.add(found)
        return found
