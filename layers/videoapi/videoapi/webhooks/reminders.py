"""The sweeper's part: a message for each event that is owed, and that none has come for."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from aws_lambda_powertools import Logger

from videoapi.aws.task_queue import TaskQueue
from videoapi.aws.task_store import TaskStore
from videoapi.domain.outbox import REMIND_AFTER_SECONDS
from videoapi.webhooks import changes

MAX_SENT = 500  # messages of one sweep, the longest overdue first
BUSY_SECONDS = 900  # between two messages for one event, while others wait
MARGIN_SECONDS = 10  # of the sweep's time that are left unused: one call may be slow


@dataclass(frozen=True)
class Reminders:
    """Finds events that nobody tells; `clock` gives epoch seconds."""

    store: TaskStore
    queue: TaskQueue
    clock: Callable[[], float]
    log: Logger

    def sweep(self, remaining: Callable[[], float]) -> int:
        """Send messages for what is overdue while `remaining` seconds allow; return how many.

        Each event's is noted first, so that a long queue gets no second one a minute later. A
        message too many finds nothing to do. Raises `ServiceError`; a later sweep makes up for it.
        """
        overdue = list(islice(self.store.events_due(self.clock()), MAX_SENT))
        if not overdue:
            return 0
        apart, sent = BUSY_SECONDS if self.queue.waiting() else REMIND_AFTER_SECONDS, 0
        for due_at, task_id in overdue:
            if remaining() < MARGIN_SECONDS:
                break
            noted = changes.remind(due_at, again_at=self.clock() + apart)
            if (task := self.store.apply(task_id, noted)) is not None:
                self.queue.send(task_id, group=task.owner)
                sent += 1
        self.log.info("events are due", number=len(overdue), sent=sent)
        return sent
