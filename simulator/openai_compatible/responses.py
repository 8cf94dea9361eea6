"""A job as a poll tells it, in every dialect of the relays."""

from typing import Any

from simulator.failures import Failure
from simulator.fault_words import BAD, DONE, QUEUED, RUNNING, Stage
from simulator.jobs import Job
from simulator.openai_compatible import errors

_CLASSES = {"queued": QUEUED, "in_progress": RUNNING, "completed": DONE, "failed": BAD}
_CAPITALS = {
    "queued": "QUEUED",
    "in_progress": "IN_PROGRESS",
    "completed": "SUCCESS",
    "failed": "FAILURE",
}
_FALL = 30
_BROKEN = Failure(500, "INVALID_IMAGE", "The input image could not be decoded.")


def poll(job: Job, visit: int, now: float, link: str | None) -> dict[str, Any]:
    """Return the body of the poll with this number; `link` is the URL of the video, if any."""
    state, plan = job.state(now), job.plan
    enveloped = plan.option(Stage.WRAP, "") == "envelope"
    usual = _CAPITALS[state] if enveloped else state
    seconds = job.spec.frames / job.spec.fps
    body: dict[str, Any] = {
        "task_id" if enveloped else "id": job.id,
        "object": "video",
        "model": job.order.model,
        "created_at": int(job.created),
        plan.option(Stage.WORD, "status"): plan.word(_CLASSES[state]) or usual,
        "seconds": f"{seconds:g}",
        "size": f"{job.spec.shot.width}x{job.spec.shot.height}",
    }
    body |= _progress(job, visit, now, "percent" if enveloped else "int")
    if state == "completed":
        body["completed_at"] = int(job.ended(now) or now)
        body |= placed(plan.option(Stage.URL, "video_url"), link)
    if state == "failed":
        body |= _failure(job)
    return {"code": "success", "message": "", "data": body} if enveloped else body


def placed(path: str, value: str | None) -> dict[str, Any]:
    """Return an object that holds the value at a path such as `output[0].url`."""
    held: Any = value
    for name in reversed(path.split(".")):
        held = {name.removesuffix("[0]"): [held] if name.endswith("[0]") else held}
    result: dict[str, Any] = held
    return result


def _progress(job: Job, visit: int, now: float, usual: str) -> dict[str, Any]:
    progress = job.progress(now)
    match job.plan.option(Stage.PROGRESS, usual):
        case "none":
            return {}
        case "null":
            return {"progress": None}
        case "percent":
            return {"progress": f"{progress}%"}
        case "back" if visit % 2:
            return {"progress": max(progress - _FALL, 0)}
        case "stuck":
            return {"progress": progress if job.ended(now) else 1}
    return {"progress": progress}


def _failure(job: Job) -> dict[str, Any]:
    if job.video is not None and job.video.broken:
        return errors.body(_BROKEN)
    if job.failure is None:
        return {"error": None}
    return errors.body(job.failure, job.plan)
