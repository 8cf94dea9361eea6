"""Tasks that have come this far, written by the same transitions as the real ones."""

import time

from tests.support.fakes import changed, row_of, task_of
from videoapi.aws.expressions import encode
from videoapi.aws.table import Write
from videoapi.domain import endings, transitions
from videoapi.domain.ids import new_task_id
from videoapi.domain.tasks import Dialect, GenerationRequest, Status, Task
from videoapi.domain.timestamps import timestamp
from videoapi.errors import GenerationError

OWNER = "anonymous"
DAY = 24 * 3600
UPSTREAM_VIDEO = "https://cdn.example.com/video.mp4"
TO_RELAY = transitions.Destination(
    route="relay:veo_3_1",
    provider="relay",
    model="veo_3_1",
    url="https://relay.example.com/v1/videos",
)
POLICY = GenerationError(
    "Content policy violation (content_policy: PUBLIC_ERROR_MINOR)", code="content_policy_violation"
)


def new_task(*, now=None, **fields):
    now = time.time() if now is None else now
    defaults = {
        "task_id": new_task_id(),
        "owner": OWNER,
        "status": Status.PENDING,
        "created_at": timestamp(now),
        "updated_at": timestamp(now),
        "queued_at": timestamp(now),
        "due_at": timestamp(now + 120),
        "lease_until": timestamp(now),
        "request": GenerationRequest(model="veo_3_1", prompt="A fox"),
        "dialect": Dialect.REST,
    }
    return Task(**defaults | fields)


class TaskFactory:
    """Each method returns a task of its status, from the table."""

    def __init__(self, store):
        self._store = store

    def pending(self, **fields):
        task = new_task(**fields)
        assert self._store.create(task) is None
        return task

    def processing(
        self, *, now=None, progress=45, upstream_id="job:1", thumbnail_key=None, **fields
    ):
        """Write its row as it is after the changes; a call for each takes longer."""
        now = time.time() if now is None else now
        task = new_task(now=now, **fields)
        row = row_of(task)
        steps = [
            lambda: transitions.claim("worker-1", now=now, lease_seconds=40),
            lambda: transitions.begin_attempt(
                task, now=now, to=TO_RELAY, prompt="A fox, at dusk", thumbnail_key=thumbnail_key
            ),
            lambda: transitions.accept(task, upstream_id, now=now),
            lambda: transitions.renew(task, now=now, lease_seconds=40, progress=progress),
        ]
        for step in steps:
            row = changed(row, step())
            task = task_of(row)
        self._store.transact(Write("task", "Put", {"Item": encode(row)}))
        return task

    def completed(self, *, now=None, retention=DAY, result=None, **fields):
        now = time.time() if now is None else now
        task = self.processing(now=now, **fields)
        result = {
            "video_url": UPSTREAM_VIDEO,
            "content_type": "video/mp4",
            "size_bytes": 1234,
            "actual": {"seconds": 8.0, "fps": 24.0, "size": "1280x720"},
            "duration": 42.5,
        } | (result or {})
        return self._apply(task, endings.complete(task, result, now=now, retention=retention))

    def failed(self, *, error=POLICY, **fields):
        task = self.processing(**fields)
        change = endings.fail(task, error, now=time.time(), retention=DAY)
        return self._apply(task, change)

    def cancelled(self, *, begun=False, **fields):
        task = self.processing(**fields) if begun else self.pending(**fields)
        return self._apply(task, endings.cancel(task, now=time.time(), retention=DAY))

    def _apply(self, task, change):
        after = self._store.apply(task.task_id, change)
        assert after is not None
        return after
