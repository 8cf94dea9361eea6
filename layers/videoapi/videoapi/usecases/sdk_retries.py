"""How an SDK's own retry without a key finds the task of its first try.

The official SDKs repeat a POST that got no answer and say so in `X-Stainless-Retry-Count`. What
their submits asked for is remembered by its fingerprint, in the same transaction as the task.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from videoapi.aws.expressions import Expression, encode
from videoapi.aws.table import Table, Write
from videoapi.aws.task_store import TaskStore
from videoapi.domain.tasks import Status, Task
from videoapi.domain.timestamps import epoch
from videoapi.errors import ServiceError, VideoApiError
from videoapi.usecases.caller import Caller

WINDOW = 15 * 60  # seconds in which a retry means its first task
MAX_TRY_SECONDS = 100  # from one try to the next: the gateway answers in 30, then a back-off
NAME = "fingerprint"  # of the write
BADLY = (Status.FAILED, Status.CANCELLED, Status.DELETED)


class RetryRecord(NamedTuple):
    """What is remembered of a submit, and what it found.

    `began` is when the request was received (epoch seconds), `number` the retry's, 0 for a
    first try; `superseded` is the task that a retry was led to and that is not the one it means.
    """

    began: float
    until: float
    number: int
    superseded: str = ""

    def write(self, task: Task) -> Write:
        """Return the write that remembers `task`; its condition fails for the other of the two.

        A first try may be overtaken by its own retry (a cold start, a slow line): it then finds a
        retry that began after it. A retry finds whatever was written since it looked.
        """
        began = int(self.began * 1000)
        item: dict[str, Any] = {
            "task_id": _key(task.owner, task.fingerprint),
            "twin": task.task_id,  # as it is stored since the first version
            "expires_at": int(self.until),
        }
        free = Expression()
        name, value = free.name, free.value
        if self.number:
            item["retried_at"] = began
            condition = (
                f"attribute_not_exists({name('task_id')})"
                f" OR {name('expires_at')} <= {value(int(self.began))}"
                f" OR {name('twin')} = {value(self.superseded)}"
            )
        else:
            retried = name("retried_at")
            condition = f"attribute_not_exists({retried}) OR {retried} <= {value(began)}"
        body = {"Item": encode(item), "ConditionExpression": condition, **free.placeholders()}
        return Write(NAME, "Put", body)

    def meant(self, task: Task) -> bool:
        """Return whether a remembered task can be the one of this retry's first try.

        Not if it ended badly before that try can have begun: nobody would want it back.
        """
        if task.status not in BADLY:
            return True
        ended = epoch(task.completed_at or task.updated_at)
        return ended >= self.began - MAX_TRY_SECONDS * self.number


def earlier(table: TaskStore, task: Task, caller: Caller) -> tuple[Task | None, RetryRecord | None]:
    """Return the task of this SDK retry's first try, and how to remember this one.

    A count of 0 is always a new request; a key's earlier task is found by the put itself.
    """
    if caller.idempotency_key is not None or caller.retry_count is None:
        return None, None
    record = RetryRecord(
        began=caller.now if caller.received_at is None else caller.received_at,
        until=caller.now + WINDOW,
        number=caller.retry_count,
    )
    if not record.number:
        return None, record
    recent = recent_duplicate(table, task.owner, task.fingerprint, now=caller.now)
    found = table.get(recent, deleted=True) if recent else None
    record = record._replace(superseded=recent or "")
    return (found if found and record.meant(found) else None), record


def forbid_ambiguous_retry(
    table: TaskStore, task: Task, caller: Caller, refusal: VideoApiError
) -> None:
    """Have an SDK not repeat a refused first try: a repetition would find an older task."""
    first = caller.idempotency_key is None and caller.retry_count == 0
    if not first or not refusal.retryable:
        return
    with suppress(ServiceError):
        if recent_duplicate(table, task.owner, task.fingerprint, now=caller.now):
            refusal.retryable = False


def recent_duplicate(table: Table, owner: str, fingerprint: str, *, now: float) -> str | None:
    """Return the id of the owner's remembered task with this fingerprint. One read."""
    item = table.read(_key(owner, fingerprint))
    return None if item is None or item["expires_at"] <= now else task_id_in(item)


def task_id_in(item: Mapping[str, Any]) -> str:
    """Return which task a record names."""
    return str(item["twin"])


def _key(owner: str, fingerprint: str) -> str:
    return f"fingerprint#{owner}#{fingerprint}"
