"""One task's story, for an operator: what happened when, and what was paid."""

from typing import Any

from videoapi.domain.tasks import Task
from videoapi_cli.operator import webhooks
from videoapi_cli.operator.hints import hint, name_of


def story(task: Task, bucket: str, relay: str = "") -> list[str]:
    """Return the lines of a task's story."""
    lines = {
        name: f"\n{'':24}".join(fact) if isinstance(fact, list) else fact
        for name, fact in facts(task, bucket, relay).items()
    }
    return [f"{name:24}{line}" for name, line in lines.items()]


def facts(task: Task, bucket: str, relay: str = "") -> dict[str, object]:
    """Return a task's story by name: times in their order, jobs' ids, charge state."""
    times = {
        "created": task.created_at,
        "claimed (first)": task.claimed_at,
        "queued (last)": task.queued_at if task.queued_at >= task.created_at else None,
        "last POST": task.intent_at,
        "accepted": task.accepted_at,
        "ended": task.completed_at,
    }
    in_order = sorted(((k, at) for k, at in times.items() if at), key=lambda each: each[1])
    found: dict[str, object] = {
        "status": f"{task.status} ({task.progress} %)",
        "owner": task.owner,
        "model": task.request.model,
        "seconds": task.request.seconds,
        **dict(in_order),
        "provider": task.provider,
        "its model": task.upstream_model,
        "asked at": task.upstream_url,
        "POSTs begun": task.attempts,
        "attempts": _attempts(task),
        "refused by audio filter": task.audio_refusals,
        "answers lost": task.unknown_submits,
        "its job": task.upstream_id,
        "its job ended": task.job_ended_at,
        "jobs learnt too late": ", ".join(task.late_upstream_ids),
        "jobs not followed": ", ".join(_not_followed(task)),
        "held by": task.lease_owner,
        "held until": None if task.ended else task.lease_until,
        "video": _address(task.result or {}, bucket),
        "error": task.error and f"{task.error['code']}: {task.error['message']}",
        "look at": task.error and hint(task.error["code"], task.provider, relay),
        "charged": _charged(task),
        **webhooks.facts(task),
    }
    return {name: fact for name, fact in found.items() if fact not in (None, "", 0, [])}


def _not_followed(task: Task) -> list[str]:
    """Return the jobs that were given up; an order that is repeated may get the same one again."""
    return [job_id for job_id in task.failed_upstream_ids if job_id != task.upstream_id]


def _address(result: dict[str, Any], bucket: str) -> str | None:
    """Return where the video lies: a copy in our bucket, or the provider's own URL."""
    copied = result.get("video_key")
    return f"s3://{bucket}/{copied}" if copied else result.get("video_url")


def _attempts(task: Task) -> list[str]:
    """Return a line for each attempt: when it began, its route, and how it ended."""
    lines: list[str] = []
    for entry in task.attempt_log:
        what = entry.partition(" ")[2]
        if ":" in what or not lines:  # a route; else the code that the attempt before came to
            lines.append(entry)
        else:
            lines[-1] += f"  {what}"
    if lines and lines[-1] == task.attempt_log[-1]:
        lines[-1] += f"  {_last_outcome(task)}".rstrip()
    return lines


def _last_outcome(task: Task) -> str:
    if task.ended:
        return task.error["code"] if task.error else str(task.status)
    return "accepted" if task.upstream_id else ""


def _charged(task: Task) -> str:
    late, whom = len(task.late_upstream_ids), name_of(task.provider)
    if task.error and not task.error["maybe_charged"] and not late:
        return f"no, unless {whom} charges for failed jobs" if task.upstream_id else "no"
    jobs = late + (task.upstream_id is not None)
    stopped = task.cancel_asked_at is not None and task.done_at is None
    if jobs > stopped:
        return f"yes, for {jobs - stopped} job(s) that {whom} took"
    if jobs:
        return f"maybe ({whom} was asked to stop the job before it was done)"
    return "maybe (a POST was begun, and its answer was lost)" if task.maybe_charged else "no"
