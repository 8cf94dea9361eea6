"""Gemini's Interactions: what an order is as one, and what one says of its video.

Seen with `Api-Revision: 2026-05-20`: steps, of which the model's output holds the video. Without
that header the older `outputs` may come, which are read as well.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from videoapi.providers.classification import Cause
from videoapi.providers.errors import JobFailed, PollFailed
from videoapi.providers.google.errors import GoogleError, read_error
from videoapi.providers.google.orders import (
    aspect_ratio_of,
    base64_of,
    images_of,
    impossible,
    labels_of,
    lines_of,
    text_of,
)
from videoapi.providers.google.responses import GoogleResponse
from videoapi.providers.json_access import as_dict, as_text, first_of
from videoapi.providers.provider import ImageRole, InputImage, Job, JobState, Order

ID: Final = re.compile(r"[A-Za-z0-9_-]{1,512}")  # it is spliced into a path

_MAX_PARTS: Final = 1000  # steps, and contents of one, that are looked at
_MAX_TOKENS: Final = 10**12
_STATES: Final = {
    "queued": JobState.QUEUED,
    "in_progress": JobState.RUNNING,
    "completed": JobState.DONE,
}
# Nobody is there to act or to go on: it stays without a video, and may have been paid for.
_ENDED: Final = frozenset(
    {"failed", "cancelled", "incomplete", "requires_action", "budget_exceeded"}
)
_TASKS: Final = {
    ImageRole.FIRST_FRAME: "image_to_video",
    ImageRole.LAST_FRAME: "image_to_video",
    ImageRole.REFERENCE: "reference_to_video",
}
_RESOLUTIONS: Final = ((2160, "4k"), (1080, "1080p"), (720, "720p"), (0, "360p"))


def interaction_of(order: Order) -> dict[str, Any]:
    """Return an order as a background interaction.

    Raise `SubmitRefused` for what Google would drop: an empty input is billed as a whole clip, and
    a length in the wrong place is ignored and billed at ten seconds.
    """
    if not (order.prompt.strip() or order.images):
        raise impossible("there is neither a prompt nor an image")
    if order.negative_prompt:
        raise impossible("this model takes no negative prompt")
    if order.generate_audio is False:
        raise impossible("this model always makes sound")
    images = images_of(order)
    lines = lines_of(order)
    form = {
        "type": "video",
        "aspect_ratio": aspect_ratio_of(order),
        "resolution": next(name for least, name in _RESOLUTIONS if lines >= least),
        "delivery": "uri",
    }
    if order.seconds is not None:
        form["duration"] = f"{order.seconds}s"
    task = next((_TASKS[role] for role in ImageRole if images[role]), "text_to_video")
    config: dict[str, Any] = {"video_config": {"task": task}}
    if order.seed is not None:
        config["seed"] = order.seed
    return {
        "model": order.model,
        "background": True,
        "store": True,
        "input": [{"type": "user_input", "content": list(_content(order, images))}],
        "response_format": form,
        "generation_config": config,
        "labels": labels_of(order),
    }


def _content(
    order: Order, images: Mapping[ImageRole, list[InputImage]]
) -> Iterator[dict[str, str]]:
    """Yield the prompt, which names the images by their place, and the images in that order."""
    names = [
        *("<FIRST_FRAME>" for _ in images[ImageRole.FIRST_FRAME]),
        *("<LAST_FRAME>" for _ in images[ImageRole.LAST_FRAME]),
        *(f"<IMAGE_REF_{at}>" for at in range(len(images[ImageRole.REFERENCE]))),
    ]
    yield {"type": "text", "text": text_of(" ".join([*names, order.prompt]).strip())}
    for image in (image for role in ImageRole for image in images[role]):
        yield {"type": "image", "data": base64_of(image), "mime_type": image.content_type}


def read_interaction(response: GoogleResponse, job_id: str) -> Job:
    """Read a poll of an interaction; raise `PollFailed` if it says nothing of this one."""
    interaction = response.json
    named = as_text(interaction.get("id"))
    if not response.is_success or not interaction:
        raise response.poll_failed()
    if named not in ("", job_id):
        raise response.poll_failed("another interaction")
    ids, usage = (named,) if named else (), usage_of(interaction)
    word = as_text(interaction.get("status")).casefold()
    failure = _failure(interaction, word, usage)
    if failure is not None:
        if failure.retryable and not ids:
            raise response.poll_failed("a failure without its interaction's id")
        return Job(state=JobState.FAILED, failure=failure, ids=ids, usage=usage)
    if not word:
        raise response.poll_failed("no status")
    return Job(state=_STATES.get(word, JobState.RUNNING), ids=ids, usage=usage)


def _failure(
    interaction: Mapping[str, Any], word: str, usage: Mapping[str, int]
) -> JobFailed | None:
    if word in _ENDED:
        return _ending(interaction, word, usage)
    if word == "completed" and not video_in(interaction) and not is_billed(usage):
        # Filtered: no video was made, none is billed. One that is billed and not shown may come.
        error = _error_in(interaction)
        return JobFailed((error or GoogleError(("content_blocked",))).info(), cause=Cause.POLICY)
    return None


def _ending(interaction: Mapping[str, Any], word: str, usage: Mapping[str, int]) -> JobFailed:
    """Return how an interaction ended; another one is never ordered in its place."""
    error = _error_in(interaction) or GoogleError(message=f"it ended as {word}")
    cause = Cause.ACCOUNT if word == "budget_exceeded" else error.cause()
    billed = is_billed(usage)
    if word != "failed" or billed:
        cause = Cause.UNKNOWN if cause is Cause.TRANSIENT else cause
    failure = JobFailed(error.info(), cause=cause, final=True)
    failure.maybe_charged = billed or word in {"cancelled", "incomplete", "requires_action"}
    return failure


def _error_in(interaction: Mapping[str, Any]) -> GoogleError:
    return read_error(first_of(interaction.get("errors")) or interaction.get("error"))


def video_in(interaction: Mapping[str, Any]) -> dict[str, Any]:
    """Return the first video that the model put out, {} for none; what went in is none of it."""
    for content in _outputs(interaction):
        if content.get("type") == "video" and (content.get("uri") or content.get("data")):
            return content
    return {}


def _outputs(interaction: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for step in _objects(interaction.get("steps")):
        if step.get("type") == "model_output":
            yield from _objects(step.get("content"))
    yield from _objects(interaction.get("outputs"))


def _objects(value: object) -> list[dict[str, Any]]:
    return [as_dict(each) for each in value[:_MAX_PARTS]] if isinstance(value, list) else []


def usage_of(interaction: Mapping[str, Any]) -> dict[str, int]:
    """Return the tokens that are billed, by kind, as far as the answer tells them."""
    usage = as_dict(interaction.get("usage"))
    counts: dict[str, Any] = {
        "input_tokens": usage.get("total_input_tokens"),
        "output_tokens": usage.get("total_output_tokens"),
        "thought_tokens": usage.get("total_thought_tokens"),
    }
    for part in _objects(usage.get("output_tokens_by_modality")):
        counts[f"{as_text(part.get('modality')).casefold()[:20]}_tokens"] = part.get("tokens")
    return {name: int(count) for name, count in counts.items() if _is_count(count)}


def is_billed(usage: Mapping[str, int]) -> bool:
    """Return whether more than words was put out: a filtered video may be told of in words."""
    words = usage.get("text_tokens", 0)
    return bool(usage.get("video_tokens")) or usage.get("output_tokens", 0) > words


def _is_count(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 <= value < _MAX_TOKENS  # NaN is not


def accepted_id(response: GoogleResponse) -> str | None:
    """Return the id of an interaction that was begun; None for anything that is no such."""
    named = as_text(response.json.get("id"))
    return named if ID.fullmatch(named) else None


def require_id(job_id: str) -> str:
    """Return an id that can stand in a path; raise `PollFailed` for any other."""
    if not ID.fullmatch(job_id):
        raise PollFailed("The job's id is no interaction's")
    return job_id
