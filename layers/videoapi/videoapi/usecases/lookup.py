"""Use case: find the caller's own task."""

from videoapi.aws.task_store import TaskStore
from videoapi.domain.tasks import Task
from videoapi.errors import NotFound


def get_owned_task(store: TaskStore, task_id: str, owner: str) -> Task:
    """Return a task of this owner. Raises `NotFound`, for another owner's task too."""
    task = store.get(task_id)
    if task is None or task.owner != owner:
        message = "No such task."
        raise NotFound(message, code="task_not_found")
    return task
