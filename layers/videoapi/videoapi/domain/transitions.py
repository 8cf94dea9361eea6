"""Every change in the life of a task, as data: what must hold, and what is then written.

`task_store` turns a `Change` into one conditional UpdateItem, or into a transaction where it has
entries for the ledger; the tests' in-memory store applies the same value. `endings` has those that
end a task. So the rules stand here once, and no write can create, resurrect or rewrite a task.

    pending ──claim──▶ processing ──complete──▶ completed
       │                  │  ▲ claim (lease ran out), renew, begin_attempt, accept,
       │                  │  │ retry_submit, retry_image, release
       ├─────cancel───────┼──▶ cancelled
       └──────fail────────┴──▶ failed              any ──delete──▶ deleted (a tombstone)

A condition that fails is a normal outcome: another writer was first.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from videoapi.domain.forecast import Source, progress_at_write
from videoapi.domain.ledger import Entry
from videoapi.domain.tasks import OPEN, PAID, Status, Task
from videoapi.domain.timestamps import epoch, timestamp

RUNNING = frozenset({Status.PROCESSING})
LEGAL: Mapping[Status, frozenset[Status]] = dict.fromkeys(Status, frozenset[Status]()) | {
    Status.PENDING: RUNNING | {Status.FAILED, Status.CANCELLED},
    Status.PROCESSING: RUNNING | {Status.COMPLETED, Status.FAILED, Status.CANCELLED},
}
NEVER = timestamp(0)  # past by any clock
NOTHING: Mapping[str, Any] = MappingProxyType({})
# Of an ending, what others change before its writer can look: the delivery of its event.
PASSED_ON = frozenset({"open", "due_at", "kept_until", "expires_at", "request"})
TICK = 0.0015  # seconds: at least the next millisecond after a float was rounded
MESSAGE_GRACE = 60  # seconds that a sent message may take before the sweeper sends another


class Change(NamedTuple):
    """One conditional write. All of `leaves`, `equals` and `lease_before` must hold.

    A write that comes late takes no progress back: its condition is also that there is no more.
    """

    leaves: frozenset[Status]  # the status before must be one of these
    equals: Mapping[str, Any] = NOTHING  # as they were seen; None = absent
    lease_before: str | None = None  # the lease must have run out by this instant
    sets: Mapping[str, Any] = NOTHING  # None removes the attribute
    keeps: Mapping[str, Any] = NOTHING  # written only where absent
    appends: Mapping[str, str] = NOTHING  # added to a list
    adds: Mapping[str, int] = NOTHING  # added to a number, 0 where absent
    entries: tuple[Entry, ...] = ()  # made with it, in one transaction

    def made(self, task: Task | None) -> bool:
        """Return whether a task is as this left it: botocore repeats a write with a lost answer.

        What was a condition and was not changed must still hold: a task that was cancelled, or
        taken over, since then is no longer ours. Whatever `updated_at` says: the heartbeat writes
        it, too, but after no end.
        """
        if task is None or not ("status" in self.sets or task.status in self.leaves):
            return False
        found = vars(task)
        ends = bool(self.sets.get("webhook_event") or self.sets.get("request"))  # what is told
        left = {name: seen for name, seen in self.equals.items() if name not in self.sets}
        changed = {
            name: new for name, new in self.sets.items() if name in found and new is not None
        }
        changed = {
            name: new for name, new in changed.items() if not _moved_by_others(name, ends=ends)
        }
        left = {name: new for name, new in left.items() if not _moved_by_others(name, ends=ends)}
        return bool(changed) and all(found[name] == seen for name, seen in (left | changed).items())


def _moved_by_others(name: str, *, ends: bool) -> bool:
    if not ends:
        return name == "updated_at"
    return name in PASSED_ON or name.startswith("webhook_")


class Destination(NamedTuple):
    """Whom an attempt's POST goes to: the route as it is set, and what it stands for."""

    route: str
    provider: str
    model: str  # in the provider's own words
    url: str  # where the provider's jobs live


def entering(status: Status) -> frozenset[Status]:
    """Return the statuses that a task may be in before it."""
    return frozenset(before for before, after in LEGAL.items() if status in after)


def claim(lease_owner: str, *, now: float, lease_seconds: int) -> Change:
    """Take a pending task, or one whose worker died, for `lease_seconds`."""
    return Change(
        leaves=entering(Status.PROCESSING),
        lease_before=timestamp(now),
        sets={
            "status": Status.PROCESSING,
            "updated_at": timestamp(now),
            "lease_owner": lease_owner,
            "lease_until": timestamp(now + lease_seconds),
            "due_at": timestamp(now + lease_seconds),
        },
        keeps={"claimed_at": timestamp(now)},
        adds={"claims": 1},
    )


def renew(
    task: Task, *, now: float, lease_seconds: int, progress: int, source: Source | None = None
) -> Change:
    """Keep the lease and show the progress, in one write; `source` says where it is from."""
    who = {"progress_source": source} if source else {}
    return Change(
        leaves=RUNNING,
        equals={"lease_owner": task.lease_owner},
        sets={
            "updated_at": timestamp(now),
            "progress": max(progress, progress_at_write(task, now=now)),
            "lease_until": timestamp(now + lease_seconds),
            "due_at": timestamp(now + lease_seconds),
            **who,
        },
    )


def begin_attempt(
    task: Task,
    *,
    now: float,
    to: Destination,
    prompt: str,
    optimized: bool | None = None,
    thumbnail_key: str | None = None,
    image_note: str | None = None,
    expected_seconds: int | None = None,
) -> Change:
    """Write down that a POST is about to begin. From here on money may be spent."""
    change = held(
        task,
        now,
        seen={"intent_at": None},
        intent_at=timestamp(now),
        attempts=task.attempts + 1,
        route=to.route,
        provider=to.provider,
        upstream_model=to.model,
        upstream_url=to.url,
        prompt_sent=prompt,
        prompt_optimized=None if optimized is None else int(optimized),
        thumbnail_key=thumbnail_key,
        image_note=image_note,
        expected_seconds=expected_seconds or task.expected_seconds,
    )
    return change._replace(appends=logged(now, to.route))


def accept(task: Task, upstream_id: str, *, now: float) -> Change:
    """Save the paid job's id: every worker resumes it. No other attempt must have begun since."""
    return Change(
        leaves=RUNNING,
        equals={"attempts": task.attempts, "upstream_id": None},
        sets={"upstream_id": upstream_id, "accepted_at": timestamp(now), "open": PAID},
    )


def accepted_late(upstream_id: str) -> Change:
    """Note beside a task the id of a job that came too late for it. Nothing else changes."""
    return Change(leaves=frozenset(Status), appends={"late_upstream_ids": upstream_id})


def note_done(task: Task, *, now: float) -> Change:
    """Note that the job says it is done, before its video is had: it is never ordered again."""
    return held(task, now, done_at=timestamp(now))


def release(task: Task, *, now: float, again_at: float, **notes: str | None) -> Change:
    """Hand the task over: another worker may take it from `again_at` on, a paid one before others.

    `notes` are what this one knows of a finished video: `result_url`, `empty_since`. An intent
    that landed although its answer was lost is undone: only the holder could post, and did not.
    """
    free = freed(again_at, now, grace=0 if task.upstream_id else MESSAGE_GRACE)
    known: dict[str, Any] = {"intent_at": task.intent_at, "attempts": task.attempts, **notes}
    return held(task, now, **free, **known)


def requeue(task: Task, *, now: float, grace: int) -> Change:
    """Note that a message is sent (again), before it is; of several that saw the same, one wins.

    `queued_at` always changes: a writer that saw the one before loses its condition.
    """
    later = max(now, epoch(task.queued_at) + TICK)
    return Change(
        leaves=OPEN,
        equals={"queued_at": task.queued_at, "lease_owner": task.lease_owner},
        sets={"queued_at": timestamp(later), "due_at": timestamp(now + grace)},
    )


def unsent(task: Task, *, now: float) -> Change:
    """Note that a waiting task's message was not sent: a replay or the next sweep sends it."""
    return Change(
        leaves=frozenset({Status.PENDING}),
        equals={"queued_at": task.queued_at},
        sets={"queued_at": NEVER, "due_at": timestamp(now)},
    )


def held(task: Task, now: float, seen: Mapping[str, Any] | None = None, **sets: object) -> Change:
    """Return a change that only the holder of the lease can make, knowing of every paid job."""
    return Change(
        leaves=RUNNING,
        equals={"lease_owner": task.lease_owner, "upstream_id": task.upstream_id, **(seen or {})},
        sets={"updated_at": timestamp(now), **sets},
    )


def cancel_asked(*, now: float) -> Change:
    """Note beside a task that was given up that its provider was asked to stop its job."""
    return Change(leaves=frozenset(LEGAL) - OPEN, sets={"cancel_asked_at": timestamp(now)})


def freed(again_at: float, now: float, *, grace: float = MESSAGE_GRACE) -> dict[str, Any]:
    """Return what a hand-over writes; the next worker may begin at `again_at` (epoch seconds)."""
    # One second early: a delayed message is due exactly then, and clocks differ by less.
    return {
        "lease_owner": "",
        "lease_until": timestamp(max(now, again_at - 1)),
        "queued_at": timestamp(now),
        "due_at": timestamp(again_at + grace),
        "claims": 0,
    }


def logged(now: float, what: str) -> dict[str, str]:
    """Return the entry of the log of attempts."""
    return {"attempt_log": f"{timestamp(now)} {what}"} if what else {}
