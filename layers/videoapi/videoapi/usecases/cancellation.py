"""Use cases: a caller gives a task up (cancel), or wants it gone (delete)."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from videoapi.aws.files import INPUTS, FileStore, video_key
from videoapi.aws.task_queue import TaskQueue
from videoapi.aws.task_store import TaskStore
from videoapi.catalog.routes import RELAY
from videoapi.domain import endings
from videoapi.domain.tasks import Status, Task
from videoapi.domain.timestamps import epoch
from videoapi.errors import Conflict, ServiceError
from videoapi.metrics import Metrics
from videoapi.usecases.lookup import get_owned_task

MARGIN_SECONDS = 2  # after the end of a lease
MAX_RACES = 5  # writes of its worker's that a cancel may meet


@dataclass(kw_only=True, eq=False, repr=False)
class Cancellation:
    """Ends or removes tasks for their owner. A worker stops the paid job where its provider can."""

    store: TaskStore
    queue: TaskQueue
    webhooks: TaskQueue
    files: FileStore
    retention_seconds: int
    clock: Callable[[], float]
    metrics: Metrics

    def cancel(self, task_id: str, owner: str) -> Task:
        """End a live task. Raises `NotFound`, and `Conflict` when it has ended already.

        Whether it has cost anything is decided by the task as it was seen: its worker may go on.
        """
        task = get_owned_task(self.store, task_id, owner)
        for _ in range(MAX_RACES):
            if task.ended:
                message = f"The task has already ended: {task.status}."
                raise Conflict(message, code="task_already_ended")
            change = endings.cancel(task, now=self.clock(), retention=self.retention_seconds)
            cancelled = self.store.apply(task_id, change)
            if cancelled is not None:
                self.metrics.ended(Status.CANCELLED)
                self.webhooks.remind(cancelled)
                self._wake_worker(cancelled)
                return cancelled
            task = get_owned_task(self.store, task_id, owner)
            if change.made(task):  # by this very call, whose first answer was lost
                self.webhooks.remind(task)
                return task
        raise ServiceError("The task changes too quickly. Try again.")

    def delete(self, task_id: str, owner: str) -> None:
        """Remove a task and its files; a live one is cancelled with it. Raises `NotFound`.

        Files first: whatever fails in between, the caller can try again.
        """
        while True:  # it may go on in between, and ends soon
            task = get_owned_task(self.store, task_id, owner)
            self.files.delete(_files_of(task))
            change = endings.delete(task, now=self.clock(), retention=self.retention_seconds)
            left = self.store.apply(task_id, change)
            if left is None and change.made(found := self.store.get(task_id, deleted=True)):
                left = found  # its first answer was lost
            if left is not None:
                break
        self.webhooks.remind(left)
        if not task.ended:
            self.metrics.ended(Status.CANCELLED)
            self._wake_worker(task)

    def _wake_worker(self, task: Task) -> None:
        """Send a message for the job of a task whose worker may have died.

        It comes once the lease has run out: until then the task's own worker stops the job.
        """
        if not _stoppable(task):
            return
        held_for = max(epoch(task.lease_until) - self.clock(), 0.0)
        with suppress(ServiceError):  # its own worker lives, as a rule
            self.queue.send(task.task_id, delay=held_for + MARGIN_SECONDS)


def _stoppable(task: Task) -> bool:
    """Return whether a job may run that its provider can stop; few need the table of models."""
    if task.intent_at is None or task.done_at or task.provider in (None, RELAY):
        return False
    from videoapi.catalog.models import find  # noqa: PLC0415 — as above

    row = find(task.provider, task.upstream_model or "")
    return row is not None and row.cancel


def _files_of(task: Task) -> list[str]:
    result = task.result or {}
    # What may serve other tasks stays: another task's input, an upload, a made image.
    folder = f"{INPUTS}/{task.owner}/{task.task_id}/"
    own = [image["key"] for image in task.images if image.get("key", "").startswith(folder)]
    # A worker may have died after a copy that the task does not know of.
    copied = video_key(task.owner, task.task_id) if task.done_at else result.get("video_key")
    return [*own, *filter(None, (copied, task.thumbnail_key))]
