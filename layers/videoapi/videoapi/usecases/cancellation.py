"""Use cases: a caller gives a task up (cancel), or wants it gone (delete)."""

from collections.abc import Callable
from dataclasses import dataclass

from videoapi.aws.files import INPUTS, FileStore, video_key
from videoapi.aws.task_store import TaskStore
from videoapi.domain import transitions
from videoapi.domain.tasks import Status, Task
from videoapi.errors import Conflict
from videoapi.metrics import Metrics
from videoapi.usecases.lookup import get_owned_task


@dataclass(kw_only=True, eq=False, repr=False)
class Cancellation:
    """Ends or removes tasks for their owner. The relay offers no way to stop a paid job."""

    store: TaskStore
    files: FileStore
    retention_seconds: int
    clock: Callable[[], float]
    measurements: Metrics

    def cancel(self, task_id: str, owner: str) -> Task:
        """End a live task. Raises `NotFound`, and `Conflict` when it has ended already."""
        get_owned_task(self.store, task_id, owner)
        change = transitions.cancel(now=self.clock(), retention=self.retention_seconds)
        cancelled = self.store.apply(task_id, change)
        if cancelled is None:
            ended = get_owned_task(self.store, task_id, owner)
            if change.made(ended):  # by this very call, whose first answer was lost
                return ended
            message = f"The task has already ended: {ended.status}."
            raise Conflict(message, code="task_already_ended")
        self.measurements.ended(Status.CANCELLED)
        return cancelled

    def delete(self, task_id: str, owner: str) -> None:
        """Remove a task and its files; a live one is cancelled with it. Raises `NotFound`.

        Files first: whatever fails in between, the caller can try again.
        """
        while True:  # its status, which only goes forward, may change in between
            task = get_owned_task(self.store, task_id, owner)
            self.files.delete(_files_of(task))
            change = transitions.delete(task, now=self.clock(), retention=self.retention_seconds)
            if self.store.apply(task_id, change) is not None:
                break
            if change.made(self.store.get(task_id, deleted=True)):  # its first answer was lost
                break
        if not task.ended:
            self.measurements.ended(Status.CANCELLED)


def _files_of(task: Task) -> list[str]:
    result = task.result or {}
    # What may serve other tasks stays: another task's input, an upload, a made image.
    mine = f"{INPUTS}/{task.owner}/{task.task_id}/"
    own = [image["key"] for image in task.images if image.get("key", "").startswith(mine)]
    # A worker may have died after a copy that the task does not know of.
    copied = video_key(task.owner, task.task_id) if task.done_at else result.get("video_key")
    return [*own, *filter(None, (copied, task.thumbnail_key))]
