"""Use cases that keep tasks out of limbo: the sweeper's round, and the end of a dead letter."""

from collections.abc import Callable

from aws_lambda_powertools import Logger

from videoapi import transitions
from videoapi.errors import GenerationError, ServiceError
from videoapi.measurements import Measurements
from videoapi.queue import LONGEST_DELAY, TaskQueue
from videoapi.settings import Settings
from videoapi.store import TaskStore
from videoapi.tasks import Status, Task, epoch
from videoapi.transitions import MESSAGE_GRACE, seconds_since

BACKLOG_PATIENCE = 900  # seconds: while messages wait in the queue, a young pending task is one


class Recovery:
    """Finds tasks that nobody works on although somebody should."""

    def __init__(
        self,
        settings: Settings,
        store: TaskStore,
        queue: TaskQueue,
        *,
        clock: Callable[[], float],
        measurements: Measurements,
        log: Logger,
    ) -> None:
        """Take the adapters that `services` made."""
        self._settings = settings
        self._store = store
        self._queue = queue
        self._clock = clock
        self._measurements = measurements
        self._log = log

    def sweep(self) -> int:
        """Queue again what is overdue; return how many. Two sweeps at once send once.

        Overdue is a pending task whose message was never sent (or is long gone), and a processing
        one whose worker died together with its message. One that cannot be queued keeps no other
        back; raises `ServiceError` at the end, so that the alarm on errors hears of it.
        """
        now, backlog = self._clock(), self._has_backlog()
        queued = failed = 0
        for task_id in self._store.overdue(now):
            try:
                queued += self._requeue(task_id, now, backlog=backlog)
            except Exception:  # noqa: BLE001 — whatever is wrong with one task; raised at the end
                self._log.exception("an overdue task could not be queued", task_id=task_id)
                failed += 1
        if queued:
            self._measurements.queued_again(queued)
            self._log.warning("tasks were queued again", queued=queued)
        if failed:
            raise ServiceError(f"{failed} overdue tasks were not queued; a later sweep will.")
        return queued

    def bury(self, task_id: str) -> None:
        """Deal with a dead letter: a message whose workers crashed again and again.

        The task ends as failed, unless somebody works on it or its paid job is worth resuming.
        """
        task, now = self._store.get(task_id), self._clock()
        if task is None or task.ended:
            return
        held_for = epoch(task.lease_until) - now
        if held_for > 0 or (task.upstream_id is not None and not self._overtime(task, now)):
            self._queue.send(task_id, delay=min(max(held_for, 0) + 1, LONGEST_DELAY))
            return
        retention = self._settings.task_retention_hours * 3600
        error = _crashed(task)
        change = transitions.abandon(task, error, now=now, retention=retention)
        if self._store.apply(task_id, change) is None:
            self._queue.send(task_id)
        else:
            self._measurements.ended(error.code)

    def _has_backlog(self) -> bool:
        """Whether messages wait. Not knowing is no: a message too many does no harm."""
        try:
            return self._queue.waiting() > 0
        except ServiceError:
            self._log.warning("the queue does not say how long it is")
            return False

    def _requeue(self, task_id: str, now: float, *, backlog: bool) -> bool:
        task = self._store.get(task_id)
        if task is None or task.ended:
            return False
        waits = task.status is Status.PENDING and backlog
        if waits and seconds_since(task.queued_at, now) < BACKLOG_PATIENCE:
            return False
        change = transitions.requeue(task, now=now, grace=MESSAGE_GRACE)
        if self._store.apply(task_id, change) is None:
            return False
        self._queue.send(task_id)
        return True

    def _overtime(self, task: Task, now: float) -> bool:
        return seconds_since(task.claimed_at, now) > self._settings.video_task_timeout


def _crashed(task: Task) -> GenerationError:
    if task.intent_at is not None and task.upstream_id is None:
        return GenerationError(
            "The worker died while it submitted; whether the relay took the job is unknown.",
            code="upstream_submit_unknown",
            kind="ServiceError",
            retryable=True,
            maybe_charged=True,
        )
    return GenerationError(
        "The worker died again and again on this task.",
        code="worker_crashed",
        kind="ServiceError",
        retryable=True,
        maybe_charged=task.maybe_charged,
    )
