"""What a tool call answers: a short text, the same as data, and a finished video as a link."""

import shlex
from collections.abc import Mapping
from typing import Any

from videoapi.api import waiting
from videoapi.api.listing import RestPage
from videoapi.api.rest import responses
from videoapi.api.results import cost_of, error_record, video_link
from videoapi.aws.presigned import UrlSigner
from videoapi.domain.forecast import Forecast
from videoapi.domain.tasks import Status, Task
from videoapi.domain.timestamps import timestamp
from videoapi.errors import NotFound, ValidationError, VideoApiError
from videoapi.usecases.submission import Submitted

DEFAULT_WAIT = 2  # seconds, before what is away for a moment is asked again

type ToolResult = dict[str, Any]


def result(text: str, data: Mapping[str, Any], *links: Mapping[str, Any]) -> ToolResult:
    """Return the result of a call that went well."""
    content = [{"type": "text", "text": text}, *links]
    return {"content": content, "structuredContent": dict(data), "isError": False}


def refusal(error: VideoApiError) -> ToolResult:
    """Return the result of a call that did not: what to change, or when to try again."""
    advice = " Change that and call again." if isinstance(error, ValidationError) else ""
    if error.retryable:
        seconds = max(int(error.retry_after or DEFAULT_WAIT), 1)
        advice = f" Call again in {seconds} s with the same arguments."
    elif isinstance(error, NotFound):
        advice = " list_videos shows what there is."
    message = error.message.removeprefix("body: ").replace("Idempotency-Key", "idempotency_key")
    message += "" if message.endswith((".", "?")) else "."
    if error.code == "invalid_image":
        advice = " For a file on your own disk call create_upload first."
    content = [{"type": "text", "text": f"{message} (code: {error.code}){advice}"}]
    return {"content": content, "isError": True}


def accepted(done: Submitted, *, now: float) -> ToolResult:
    """Return the answer to a submit."""
    task, wait = done.task, _wait(done.task, now=now)
    text = f"The video is {task.status}: task_id {task.task_id}."
    if wait is not None:
        text += f" Call get_video in {wait} s."
    if done.replayed:
        text += " An earlier call with this idempotency_key had made it; nothing more is paid."
    data = {
        "task_id": task.task_id,
        "status": task.status,
        "replayed": done.replayed,
        "poll_after_seconds": wait,
        "cost": cost_of(task),
    }
    return result(text, data)


def previewed(described: Mapping[str, Any]) -> ToolResult:
    """Return what a call would order and cost."""
    price = described["cost"]["estimated"]
    costs = "an unknown price" if price is None else f"{price} USD"
    text = f"Nothing is ordered. It would be made by {described['model']}, for {costs}."
    return result(text, described)


def video(
    task: Task, links: UrlSigner, *, now: float, forecast: Forecast | None = None
) -> ToolResult:
    """Return the whole task, and a link to its video once it is there."""
    wait = _wait(task, now=now, forecast=forecast)
    data = responses.rest_task(task, links, now=now, forecast=forecast)
    data |= {"poll_after_seconds": wait}
    link = video_link(task, links, now=now) if task.status is Status.COMPLETED else None
    if link is None:
        return result(_standing(task, data, wait), data)
    until = f", until {timestamp(link.expires_at)}" if link.expires_at else ""
    made = task.result or {}
    shown = {
        "type": "resource_link",
        "uri": link.url,
        "name": f"{task.task_id}.mp4",
        "title": "The video",
        "mimeType": made.get("content_type") or "video/mp4",
    }
    if size := made.get("size_bytes"):
        shown["size"] = size
    return result(f"The video is ready. It plays at {link.url}{until}.", data, shown)


def _standing(task: Task, data: Mapping[str, Any], wait: int | None) -> str:
    """Say where a task stands that has no video to show."""
    if wait is not None:
        eta = f", ready in about {data['eta_seconds']} s" if data["eta_seconds"] else ""
        return f"{task.status}, {data['progress']} %{eta}. Call get_video again in {wait} s."
    error = error_record(task)
    if error is None:
        return "The video was made, and is gone: it was kept for its time."
    charged = " It may have been charged." if error["maybe_charged"] else ""
    again = " The same request may go well another time." if error["retryable"] else ""
    return f"{task.status}: {error['message'].rstrip('.')}. (code: {error['code']}){charged}{again}"


def page(found: RestPage) -> ToolResult:
    """Return a page of tasks, a line each."""
    lines = [
        f"{each['task_id']} {each['status']} {each['progress']} % {each['created_at']}"
        for each in found.body
    ]
    cursor = (found.following or {}).get("cursor")
    more = ["There are more: call again with cursor."] if cursor else []
    text = "\n".join([*lines, *more]) or "There are none."
    return result(text, {"videos": found.body, "next_cursor": cursor})


def models(listed: Mapping[str, Any]) -> ToolResult:
    """Return what can be made, and by what."""
    names = ", ".join(each["id"] for each in listed["data"])
    return result(f"The first is the default: {names}.", listed)


def cancelled(task: Task) -> ToolResult:
    """Return the answer to a cancel."""
    data = responses.cancelled(task)
    return result(data["message"], data)


def upload(offer: Mapping[str, Any]) -> ToolResult:
    """Return the form for a file, and the command that sends it."""
    form = [f"-F{name}={offer['fields'][name]}" for name in offer["fields"]]
    command = shlex.join(["curl", "-sSf", *form, "-Ffile=@FILE", offer["url"]])
    text = f"Send the file, then call generate_video with image={offer['reference']}:\n{command}"
    return result(text, offer)


def _wait(task: Task, *, now: float, forecast: Forecast | None = None) -> int | None:
    return None if task.ended else waiting.retry_after(task, now=now, forecast=forecast)
