"""An operation of Agent Platform as a poll tells it, in pieces: its video may be large."""

import secrets
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from simulator.fault_words import Stage
from simulator.faults import Fault
from simulator.google import errors, storage
from simulator.inline import PLACE, base64_of, serialized
from simulator.jobs import Job

_TYPES: Final = "type.googleapis.com"
_RESPONSE: Final = f"{_TYPES}/cloud.ai.large_models.vision.GenerateVideoResponse"
_METADATA: Final = f"{_TYPES}/google.cloud.aiplatform.v1.GenericOperationMetadata"
FILTERED: Final = "filtered"


def poll(job: Job, fault: Fault | None) -> Iterator[bytes]:
    """Return the body of a poll."""
    state = job.state(time.time())
    operation: dict[str, Any] = {"name": job.id}
    if state in {"completed", "failed"}:
        operation |= {"done": True, **_ending(job)}
    elif fault is not None and fault.what == "done_false":
        created = datetime.fromtimestamp(job.created, UTC).isoformat().replace("+00:00", "Z")
        operation |= {"done": False, "metadata": {"@type": _METADATA, "createTime": created}}
    junk = any(each.what == "junk" for each in job.plan.of(Stage.FILE))
    return serialized(operation, base64_junk if junk else partial(base64_of, job))


def _ending(job: Job) -> dict[str, Any]:
    failure = job.failure
    if failure is not None and failure.code == FILTERED:
        filtered = {"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": [failure.message]}
        return {"response": {"@type": _RESPONSE, **filtered}}
    if job.fails:
        if failure is None:
            return {"error": {"code": 13, "message": "Internal error."}}
        return {"error": errors.operation_error(failure)}
    return {"response": {"@type": _RESPONSE, **_videos(job)}}


def _videos(job: Job) -> dict[str, Any]:
    match job.plan.option(Stage.RESULT, ""):
        case "none":
            return {}
        case "flat":
            return {"bytesBase64Encoded": PLACE}
        case "encoded":
            return {"video": PLACE, "encoding": "base64"}
    mime_type = {"mimeType": "video/mp4"}
    if uris := storage.uris(job):
        return {"raiMediaFilteredCount": 0, "videos": [{"gcsUri": u} | mime_type for u in uris]}
    count = int(job.order.fields.get("sampleCount", "1"))
    videos = [{"bytesBase64Encoded": PLACE} | mime_type for _ in range(count)]
    return {"raiMediaFilteredCount": 0, "videos": videos}


def base64_junk() -> Iterator[bytes]:
    """Yield what is no video."""
    yield secrets.token_hex(2000).encode()
