"""An interaction as the API tells it: `steps`, or `outputs` in the older schema."""

import base64
import time
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from simulator.failures import Failure
from simulator.fault_words import DONE, QUEUED, RUNNING, STOPPED, Stage
from simulator.google import storage
from simulator.google.errors import word_and_message
from simulator.google.json_body import rfc3339
from simulator.google.models import CHARACTERS_A_TOKEN, IMAGE_TOKENS
from simulator.inline import PLACE, base64_of, serialized
from simulator.jobs import Job

_WORDS: Final = {"queued": QUEUED, "in_progress": RUNNING, "completed": DONE}
_BROKEN: Final = Failure(500, "internal", "The video could not be made.")
_PIXEL: Final = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()


def interaction(job: Job, files_url: str, *, older: bool) -> Iterator[bytes]:
    """Yield an interaction's JSON; its file is at `files_url`, unless it is inline."""
    now = time.time()
    state = "completed" if _filtered(job, now) else job.state(now)
    state = "in_progress" if state == "queued" else state
    body: dict[str, Any] = {
        "id": job.id,
        "object": "interaction",
        "model": job.order.model,
        "status": _status(job, state),
        "created": rfc3339(job.created),
        "updated": rfc3339(job.ended(now) or job.created),
    }
    if state == "completed":
        content = [] if _filtered(job, now) else _content(job, files_url)
        body |= (
            _outputs(content) if _is_older(job, older=older) else {"steps": _steps(job, content)}
        )
        body["usage"] = _usage(job, made=bool(content))
    elif state == "failed" and body["status"] == "failed":
        body["errors"] = [word_and_message(job.failure or _BROKEN)]
    return serialized(body, partial(base64_of, job))


def _filtered(job: Job, now: float) -> bool:
    """Return whether it ended without a video because of a filter: a success with nothing in it."""
    code = job.failure.code if job.failure else None
    return job.state(now) == "failed" and str(code).lower() == "filtered"


def _status(job: Job, state: str) -> str:
    if state == "failed":
        return job.plan.word(STOPPED) or state
    return job.plan.word(_WORDS.get(state, frozenset())) or state


def _is_older(job: Job, *, older: bool) -> bool:
    return older or job.plan.option(Stage.RESULT, "") == "outputs"


def _content(job: Job, files_url: str) -> list[dict[str, Any]]:
    video = {"type": "video", "mime_type": "video/mp4"}
    if job.plan.option(Stage.RESULT, "") in {"none", "inputs"}:
        return []
    if job.order.fields["delivery"] == "inline":
        return [video | {"data": PLACE}]
    return [video | {"uri": uri} for uri in storage.uris(job) or [files_url]]


def _steps(job: Job, content: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if job.plan.option(Stage.RESULT, "") == "inputs":
        return [{"type": "user_input", "content": _echo(job)}]
    thought = {"type": "thought", "signature": "c2lnbmF0dXJl"}
    return [thought, {"type": "model_output", "content": content}]


def _echo(job: Job) -> list[dict[str, Any]]:
    images = int(job.order.fields["images"])
    image = {"type": "image", "mime_type": "image/png", "data": _PIXEL}
    return [{"type": "text", "text": job.order.prompt}, *([image] * images)]


def _outputs(content: list[dict[str, Any]]) -> dict[str, Any]:
    return {"outputs": content, "role": "model"}


def _usage(job: Job, *, made: bool) -> dict[str, Any]:
    inputs, video = (int(job.order.fields[name]) for name in ("input_tokens", "video_tokens"))
    images = int(job.order.fields["images"]) * IMAGE_TOKENS
    by_modality = [("text", len(job.order.prompt) // CHARACTERS_A_TOKEN), ("image", images)]
    billed = made or job.plan.option(Stage.RESULT, "") == "inputs"
    output, thought = (video, int(job.order.fields.get("thought_tokens", 0))) if billed else (0, 0)
    return {
        "total_input_tokens": inputs,
        "input_tokens_by_modality": [
            {"modality": name, "tokens": tokens} for name, tokens in by_modality if tokens
        ],
        "total_output_tokens": output,
        "output_tokens_by_modality": [{"modality": "video", "tokens": output}] if output else [],
        "total_thought_tokens": thought,
        "total_cached_tokens": 0,
        "total_tokens": inputs + output + thought,
    }
