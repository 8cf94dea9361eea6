"""One task's story, for an operator: what happened when, and what was paid."""

from typing import Any

from videoapi.domain.tasks import Task
from videoapi_cli.operator import webhooks
from videoapi_cli.operator.hints import hint, name_of


def story(told: Task, bucket: str, relay: str = "") -> list[str]:
    """Return the lines of a task's story."""
    lines = {
        name: f"\n{'':24}".join(fact) if isinstance(fact, list) else fact
        for name, fact in facts(told, bucket, relay).items()
    }
    return [f"{name:24}{line}" for name, line in lines.items()]


def facts(told: Task, bucket: str, relay: str = "") -> dict[str, object]:
    """Return a task's story by name: times in their order, jobs' ids, charge state."""
    times = {
        "created": told.created_at,
        "claimed (first)": told.claimed_at,
        "queued (last)": told.queued_at if told.queued_at >= told.created_at else None,
        "last POST": told.intent_at,
        "accepted": told.accepted_at,
        "ended": told.completed_at,
    }
    in_order = sorted(((k, at) for k, at in times.items() if at), key=lambda each: each[1])
    found: dict[str, object] = {
        "status": f"{told.status} ({told.progress} %)",
        "owner": told.owner,
        "model": told.request.model,
        "seconds": told.request.seconds,
        **dict(in_order),
        "provider": told.provider,
        "its model": told.upstream_model,
        "asked at": told.upstream_url,
        "POSTs begun": told.attempts,
        "attempts": _attempts(told),
        "refused by audio filter": told.audio_refusals,
        "answers lost": told.unknown_submits,
        "its job": told.upstream_id,
        "its job ended": told.job_ended_at,
        "jobs learnt too late": ", ".join(told.late_upstream_ids),
        "jobs given back": ", ".join(told.failed_upstream_ids),
        "held by": told.lease_owner,
        "held until": None if told.ended else told.lease_until,
        "video": _address(told.result or {}, bucket),
        "error": told.error and f"{told.error['code']}: {told.error['message']}",
        "look at": told.error and hint(told.error["code"], told.provider, relay),
        "charged": _charged(told),
        **webhooks.facts(told),
    }
    return {name: fact for name, fact in found.items() if fact not in (None, "", 0, [])}


def _address(result: dict[str, Any], bucket: str) -> str | None:
    """Return where the video lies: a copy in our bucket, or the provider's own URL."""
    copied = result.get("video_key")
    return f"s3://{bucket}/{copied}" if copied else result.get("video_url")


def _attempts(told: Task) -> list[str]:
    """Return a line for each attempt: when it began, its route, and how it ended."""
    lines: list[str] = []
    for entry in told.attempt_log:
        what = entry.partition(" ")[2]
        if ":" in what or not lines:  # a route; else the code that the attempt before came to
            lines.append(entry)
        else:
            lines[-1] += f"  {what}"
    if lines and lines[-1] == told.attempt_log[-1]:
        lines[-1] += f"  {_last_outcome(told)}".rstrip()
    return lines


def _last_outcome(told: Task) -> str:
    if told.ended:
        return told.error["code"] if told.error else str(told.status)
    return "accepted" if told.upstream_id else ""


def _charged(told: Task) -> str:
    late, whom = len(told.late_upstream_ids), name_of(told.provider)
    if told.error and not told.error["maybe_charged"] and not late:
        return f"no, unless {whom} charges for failed jobs" if told.upstream_id else "no"
    jobs = late + (told.upstream_id is not None)
    stopped = told.cancel_asked_at is not None and told.done_at is None
    if jobs > stopped:
        return f"yes, for {jobs - stopped} job(s) that {whom} took"
    if jobs:
        return f"maybe ({whom} was asked to stop the job before it was done)"
    return "maybe (a POST was begun, and its answer was lost)" if told.maybe_charged else "no"
