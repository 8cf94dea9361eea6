"""Every change in the delivery of an event, as data: its condition, and what it writes.

    pending ──begin_try──▶ (leased) ──settle──▶ delivered, disabled, or failed after the last try
                              │  ▲
                              └──┴─ try_later, put_off (a service of AWS is away)

The lease lasts for one POST. When a notifier dies with it, another one tries: the event may then be
sent twice, under the same id, and is never lost.
"""

from videoapi.aws.task_queue import MAX_DELAY
from videoapi.domain.outbox import EVENT_FIELDS, REMIND_AFTER_SECONDS
from videoapi.domain.tasks import OPEN, Status, Task, WebhookState
from videoapi.domain.timestamps import timestamp
from videoapi.domain.transitions import Change
from videoapi.webhooks.schedule import DELAYS

LEASE_SECONDS = 30  # of a try: three times what a POST may take
READABLE_SECONDS = 24 * 3600  # that a task can be read at least after its event is settled
_UNTIL_SETTLED = (
    *("open", "due_at", "kept_until", "webhook_due_at", "webhook_lease", "webhook_body"),
    *("webhook_claims", "webhook_problem"),
)
ENDED = frozenset(Status) - OPEN


def begin_try(task: Task, lease: str, body: str | None, *, now: float) -> Change:
    """Take the event for one try, and keep its body for those that follow.

    Each try that died without a result delays the next one further.
    """
    claims = min(task.webhook_claims, len(DELAYS))
    until = timestamp(now + max(LEASE_SECONDS, DELAYS[claims - 1] if claims else 0))
    return Change(
        leaves=ENDED,
        equals={"webhook_state": "pending", "webhook_due_at": task.webhook_due_at},
        sets={
            "webhook_lease": lease,
            "webhook_due_at": until,
            "webhook_body": body,
            "due_at": until,
        },
        adds={"webhook_claims": 1},
    )


def settle(
    task: Task, state: WebhookState, entry: str, status: int | None, *, now: float
) -> Change:
    """Settle the event: it is sent no more, and the task gets its TTL."""
    until = max(task.kept_until or 0, int(now) + READABLE_SECONDS)
    return Change(
        leaves=ENDED,
        equals=_held(task),
        sets={
            "webhook_state": state,
            "webhook_status": status,
            "expires_at": until,
            **dict.fromkeys(_UNTIL_SETTLED),
            **(dict.fromkeys(("request", *EVENT_FIELDS)) if task.status is Status.DELETED else {}),
        },
        appends={"webhook_log": entry},
    )


def try_later(task: Task, entry: str, status: int | None, *, now: float, again_at: float) -> Change:
    """Note a try that failed, and when the next one may begin."""
    change = put_off(task, now=now, again_at=again_at)
    return change._replace(
        sets={**change.sets, "webhook_status": status}, appends={"webhook_log": entry}
    )


def put_off(task: Task, *, now: float, again_at: float, problem: str | None = None) -> Change:
    """Give the event back without a try: nothing is counted for a `problem` of ours."""
    # Where SQS can hold a message back for so long, one is sent.
    grace = REMIND_AFTER_SECONDS if again_at - now <= MAX_DELAY else 0
    return Change(
        leaves=ENDED,
        equals=_held(task),
        sets={
            "webhook_due_at": timestamp(again_at),
            "webhook_lease": None,
            "webhook_claims": None,
            "webhook_problem": problem,
            "due_at": timestamp(again_at + grace),
        },
    )


def wait(task: Task, *, now: float, again_at: float) -> Change:
    """Let an event that nobody holds wait, without a try, while its receiver's host rests."""
    change = put_off(task, now=now, again_at=again_at)
    return change._replace(
        equals={"webhook_state": "pending", "webhook_due_at": task.webhook_due_at}
    )


def remind(due_at: str, *, again_at: float) -> Change:
    """Note that a message for an overdue event is sent, before it is; of several, one sends."""
    return Change(
        leaves=ENDED,
        equals={"webhook_state": "pending", "due_at": due_at},
        sets={"due_at": timestamp(again_at)},
    )


def is_due(task: Task, *, now: float) -> bool:
    """Return whether a try may begin; one second early is on time, as clocks differ."""
    return task.owes_event and (task.webhook_due_at or "") <= timestamp(now + 1)


def _held(task: Task) -> dict[str, str | None]:
    return {"webhook_state": "pending", "webhook_lease": task.webhook_lease}
