"""What a receiver is sent: one event for each ended task, with the video as OpenAI's API shows it.

The body is made at the first try and kept with the task, because a later version of this code, or a
link signed anew, would make another one of it: a receiver may compare what it gets twice.
"""

import json
import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from videoapi.domain.ids import ID_PREFIX
from videoapi.domain.tasks import Status, Task
from videoapi.domain.timestamps import epoch

MAX_BODY = 64 * 1024  # bytes, as Standard Webhooks advises for receivers

type Video = Callable[[Task], dict[str, Any]]  # the video object of an ended task


def id_of(task: Task) -> str:
    """Return the id of the one event that a task has: by it, receivers know a repetition."""
    return f"evt_{task.task_id.removeprefix(ID_PREFIX)}"


def body_of(task: Task, video: Video, *, include_prompt: bool) -> str:
    """Return the event of an ended task, or of its tombstone, as JSON of up to 64 KB."""
    kind = task.webhook_event or f"video.{task.status}"
    as_ended = replace(task, status=Status(kind.removeprefix("video.")))
    data = video(as_ended) | {"task_id": task.task_id}
    data.pop("webhook", None)  # how its delivery goes, which the event cannot know
    if not include_prompt:
        data["prompt"] = None
    ended = int(epoch(task.completed_at or task.updated_at))
    text = _event(id_of(task), kind, ended, data)
    for needless in ("prompt", "video_url", "error"):
        if len(text.encode()) > MAX_BODY:
            data[needless] = None
            text = _event(id_of(task), kind, ended, data)
    return text


def test_event(now: float) -> tuple[str, str]:
    """Return the id and the body of an event that tells of nothing."""
    event_id = f"evt_{secrets.token_hex(16)}"
    data = {"object": "test", "message": "This is what an event of this service looks like."}
    return event_id, _event(event_id, "video.test", int(now), data)


def _event(event_id: str, kind: str, created_at: int, data: dict[str, Any]) -> str:
    event = {"id": event_id, "object": "event", "created_at": created_at, "type": kind}
    return json.dumps(event | {"data": data}, ensure_ascii=False, separators=(",", ":"))
