"""Recovery of tasks without a worker: the sweeper's round, and the end of a dead letter."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from videoapi.aws.task_queue import MAX_DELAY, TaskQueue
from videoapi.aws.task_store import TaskStore
from videoapi.domain import endings, transitions
from videoapi.domain.tasks import Task
from videoapi.domain.timestamps import epoch
from videoapi.domain.transitions import MESSAGE_GRACE
from videoapi.errors import ServiceError
from videoapi.metrics import Metrics
from videoapi.settings import Settings
from videoapi.worker.endings import AWAY_SECONDS, MAX_CRASHES, reason_to_give_up
from videoapi.worker.retries import repeats_unknown

MAX_FAILED = 20  # tasks of one sweep that cannot be queued, beside one for each slot


@dataclass(frozen=True)
class Recovery:
    """Finds tasks that no worker has although they are due; resolves dead letters."""

    settings: Settings
    store: TaskStore
    queue: TaskQueue
    webhooks: TaskQueue
    clock: Callable[[], float]
    metrics: Metrics
    log: Logger

    def sweep(self) -> int:
        """Wake workers for what is overdue; return how many messages were sent.

        Workers go on with what is overdue by themselves (`dispatch`), so as many messages as there
        are slots do, and none while others wait in the queue. Two sweeps at once send once. A task
        that cannot be queued keeps no other back; raises `ServiceError` at the end, so that the
        alarm on errors hears of it.
        """
        now = self.clock()
        queued = failed = 0
        for task_id in () if self._has_backlog() else self._overdue(now):
            try:
                queued += self._requeue(task_id, now)
            except Exception:
                self.log.exception("an overdue task could not be queued", task_id=task_id)
                failed += 1
            if max(queued, failed - MAX_FAILED) >= self.settings.video_max_concurrent:
                break
        if queued:
            self.metrics.queued_again(queued)
            self.log.warning("tasks were queued again", queued=queued)
        if failed:
            raise ServiceError(f"{failed} overdue tasks were not queued; a later sweep will.")
        return queued

    def resolve_dead_letter(self, task_id: str) -> None:
        """Deal with a dead letter: a message that was received five times for nothing.

        Its workers died, and the task ends if they died over it, or a service was away, and the
        message goes back.
        """
        task, now = self.store.get(task_id), self.clock()
        if task is None or task.ended:
            return
        held_for = max(epoch(task.lease_until) - now, 0.0)
        unknown = task.intent_at is not None and task.upstream_id is None
        fails = unknown and not repeats_unknown(task, self.settings)  # by any worker, too
        if held_for or not self._ended(task, now, 1 if fails else MAX_CRASHES):
            self.queue.send(task_id, delay=min(held_for + AWAY_SECONDS, MAX_DELAY))

    def _ended(self, task: Task, now: float, crashes: int) -> bool:
        """End a task that no worker should take up again; return whether that was so."""
        error = reason_to_give_up(task, now, self.settings, crashes=crashes)
        if error is None:
            return False
        change = endings.abandon(task, error, now=now, retention=self.settings.retention_seconds)
        ended = self.store.apply(task.task_id, change)
        if ended is None:
            return False
        self.webhooks.remind(ended)
        self.metrics.ended(error.code)
        return True

    def _overdue(self, now: float) -> Iterator[str]:
        yield from self.store.overdue(now, paid=True)
        yield from self.store.overdue(now, paid=False)

    def _has_backlog(self) -> bool:
        """Return whether messages wait. Not knowing is no: a message too many does no harm."""
        try:
            return self.queue.waiting() > 0
        except ServiceError:
            self.log.warning("the queue does not say how long it is")
            return False

    def _requeue(self, task_id: str, now: float) -> bool:
        task = self.store.get(task_id)
        if task is None or task.ended or epoch(task.lease_until) > now:
            return False
        if self._ended(task, now, MAX_CRASHES + 1):
            return False
        change = transitions.requeue(task, now=now, grace=MESSAGE_GRACE)
        if self.store.apply(task_id, change) is None:
            return False
        self.queue.send(task_id)
        return True
