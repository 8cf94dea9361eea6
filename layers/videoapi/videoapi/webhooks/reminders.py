"""The sweeper's part: a message for each event that is owed, and that none is on its way for."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from aws_lambda_powertools import Logger

from videoapi.aws.task_queue import TaskQueue
from videoapi.aws.task_store import TaskStore

MAX_SENT = 500  # messages of one sweep, the longest overdue first


@dataclass(frozen=True)
class Reminders:
    """Finds events that nobody tells; `clock` gives epoch seconds."""

    store: TaskStore
    queue: TaskQueue
    clock: Callable[[], float]
    log: Logger

    def sweep(self) -> int:
        """Send messages for what is overdue, none while others wait; return how many.

        Nothing is written: who takes an event moves its time on, and a message too many finds
        nothing to do. Raises `ServiceError`; a later sweep makes up for it.
        """
        overdue = list(islice(self.store.events_due(self.clock()), MAX_SENT))
        if not overdue or self.queue.waiting():
            return 0
        for task_id in overdue:
            self.queue.send(task_id)
        self.log.info("events are due", number=len(overdue))
        return len(overdue)
