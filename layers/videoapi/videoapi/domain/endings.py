"""The changes that end a task, and those that are made after its end.

Each of them that ends a task settles its cost with the ledger: what was charged where that is
certain, and else its reserve stays. It is made of the task as it was seen, so its condition holds
everything by which that was decided.
"""

from collections.abc import Mapping
from typing import Any

from videoapi.domain import ledger, outbox
from videoapi.domain.tasks import OPEN, Status, Task
from videoapi.domain.timestamps import timestamp
from videoapi.domain.transitions import LEGAL, Change, entering, held
from videoapi.errors import GenerationError

KEPT_BY_TOMBSTONE = (
    *("task_id", "owner", "created_at", "fingerprint"),
    *("attempts", "unknown_submits", "upstream_id", "late_upstream_ids", "failed_upstream_ids"),
    *("provider", "upstream_model", "upstream_url", "attempt_log"),
    *("cost_estimated", "cost_reserved", "cost_actual", "in_budget"),
)
# Of a job that may run.
KEPT_WHILE_PAID = ("intent_at", "accepted_at", "done_at", "cancel_asked_at", "job_ended_at")
ENDED = frozenset(LEGAL) - OPEN


def complete(
    task: Task,
    result: Mapping[str, Any],
    *,
    now: float,
    retention: int,
    charged: int | None = None,
    ordered: int | None = None,
) -> Change:
    """End with a video. `retention` in seconds; `charged` for it in micro-dollars, None: unknown.

    `ordered` is its length in seconds, which counts where nobody tells what was made. What an order
    cost whose answer was lost before is not known either.
    """
    change = held(task, now, result=dict(result), progress=100)
    actual = None if task.unknown_submits else charged
    made = (result.get("actual") or {}).get("seconds") or ordered or task.request.seconds or 0
    ending = _ending(task, Status.COMPLETED, now, retention)
    return _settled(change, task, ending, actual, completed=1, seconds=round(made))


def fail(
    task: Task, error: GenerationError, *, now: float, retention: int, charged: int | None = None
) -> Change:
    """End without a video, by the worker that holds the lease.

    `charged` is in micro-dollars, where that is known although something was.
    """
    change = held(task, now, error=error.as_record())
    ending = _ending(task, Status.FAILED, now, retention)
    actual = _none_if(error.maybe_charged) if charged is None else charged
    return _settled(change, task, ending, actual, failed=1)


def abandon(task: Task, error: GenerationError, *, now: float, retention: int) -> Change:
    """End a task that no worker holds (a dead letter), unless one has come back to it."""
    change = Change(
        leaves=entering(Status.FAILED),
        equals={"lease_until": task.lease_until, "upstream_id": task.upstream_id},
        lease_before=timestamp(now),
        sets={"error": error.as_record(), "updated_at": timestamp(now)},
    )
    ending = _ending(task, Status.FAILED, now, retention)
    return _settled(change, task, ending, _none_if(error.maybe_charged), failed=1)


def cancel(task: Task, *, now: float, retention: int) -> Change:
    """End because the caller says so. What was already paid shows in `intent_at`, which stays."""
    change = Change(
        leaves=entering(Status.CANCELLED),
        equals=_seen_of_payment(task),
        sets={"updated_at": timestamp(now)},
    )
    ending = _ending(task, Status.CANCELLED, now, retention)
    return _settled(change, task, ending, _none_if(task.maybe_charged), cancelled=1)


def delete(task: Task, *, now: float, retention: int) -> Change:
    """Leave a tombstone: out of every list, yet a late retry finds it and does not pay again.

    Only of the task as it was seen: an ending in between brings files that must go too. An open one
    is cancelled with it. An event that is owed is still sent.
    """
    ended = task.status in (Status.COMPLETED, Status.FAILED)
    kept = KEPT_BY_TOMBSTONE + (() if ended else KEPT_WHILE_PAID) + outbox.kept(task)
    gone = {name: None for name in vars(task) if name not in kept}
    change = Change(
        leaves=frozenset({task.status}),
        equals={"thumbnail_key": task.thumbnail_key, "webhook_state": task.webhook_state},
        sets={
            **gone,
            "listed_at": None,
            "status": Status.DELETED,
            "updated_at": timestamp(now),
            **outbox.deleted(task, now=now, retention=retention),
        },
    )
    if task.ended:
        return change
    change = change._replace(equals={**change.equals, **_seen_of_payment(task)})
    return _settled(change, task, {}, _none_if(task.maybe_charged), cancelled=1)


def job_ended(task: Task, *, now: float, charged: int | None = None) -> Change:
    """Note beside a task that was given up that its paid job has ended, and costs no place more.

    With what was `charged` for it, where that is known now and was not before.
    """
    change = Change(leaves=ENDED, sets={"job_ended_at": timestamp(now)})
    if charged is None or task.cost_actual is not None or _may_have_several(task):
        return change
    change = change._replace(equals={"cost_actual": None})
    return _settled(change, task, {}, charged)


def _ending(task: Task, status: Status, now: float, retention: int) -> dict[str, Any]:
    """Return what every ending writes but a deletion's."""
    return {
        "status": status,
        "completed_at": timestamp(now),
        "lease_owner": "",
        **outbox.ended(task, status, now=now, retention=retention),
    }


def _settled(
    change: Change, task: Task, ending: Mapping[str, Any], actual: int | None, **adds: int
) -> Change:
    """Return a change that writes the cost of a task too, and `adds` to the ledger's counts."""
    sets = {**change.sets, **ending, "cost_actual": actual}
    return change._replace(sets=sets, entries=ledger.settled(task, actual, **adds))


def _seen_of_payment(task: Task) -> dict[str, Any]:
    """Return the condition that nothing was ordered, refused or lost since a task was seen."""
    return {"intent_at": task.intent_at, "attempts": task.attempts}


def _none_if(maybe_charged: bool) -> int | None:  # noqa: FBT001 — one thing is asked
    return None if maybe_charged else 0


def _may_have_several(task: Task) -> bool:
    """Return whether other jobs of a task may have cost something, too."""
    return task.unknown_submits > 0 or len({task.upstream_id, *task.late_upstream_ids} - {None}) > 1
