"""What an ending owes: one event to the task's webhook, written with the ending itself.

An ended task that owes its event stays in the `open` index, in a partition of its own, and has no
TTL: whatever dies between the ending and the delivery, the sweeper finds it there. Pure.
"""

from dataclasses import replace
from typing import Any

from videoapi.domain.tasks import WEBHOOKS, Status, Task
from videoapi.domain.timestamps import timestamp

# That a message to the notifier may take before the sweeper sends another.
REMIND_AFTER_SECONDS = 60
# What a tombstone keeps while it owes its event.
_EVENT_STATE = (
    *("webhook_url", "webhook_event", "webhook_state", "webhook_status", "webhook_due_at"),
    *("webhook_lease", "webhook_body", "webhook_log", "due_at", "completed_at", "error"),
    *("webhook_claims", "webhook_problem"),
)
EVENT_FIELDS = ("progress", "progress_source")  # in an event; a tombstone has its request, too


def ended(task: Task, status: Status, *, now: float, retention: int) -> dict[str, Any]:
    """Return what an ending writes for the index, the TTL and the webhook."""
    until = int(now) + retention
    if task.webhook_url is None:
        return {"open": None, "due_at": None, "expires_at": until}
    return {
        "open": WEBHOOKS,
        "due_at": timestamp(now + REMIND_AFTER_SECONDS),
        "kept_until": until,
        "webhook_event": f"video.{status}",
        "webhook_state": "pending",
        "webhook_due_at": timestamp(now),
    }


def kept(task: Task) -> tuple[str, ...]:
    """Return what a deletion leaves of the webhook: all of it while an event is owed."""
    if task.owes_event:
        return _EVENT_STATE + EVENT_FIELDS
    return ("webhook_url", *EVENT_FIELDS) if task.webhook_url and not task.ended else ()


def deleted(task: Task, *, now: float, retention: int) -> dict[str, Any]:
    """Return what a deletion writes: of an open task it is an ending, sent as a cancellation."""
    # What the event needs, without the caller's own text.
    request = replace(task.request, prompt=None, negative_prompt=None, metadata={})
    if task.owes_event:
        return {"kept_until": int(now) + retention, "request": request}
    if task.ended:
        return {"open": None, "expires_at": int(now) + retention}
    ending = ended(task, Status.CANCELLED, now=now, retention=retention)
    if task.webhook_url is None:
        return ending
    return ending | {"completed_at": timestamp(now), "request": request}
