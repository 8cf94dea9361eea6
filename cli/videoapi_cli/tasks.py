"""One task as the API tells it: how far it is, how it ended, what it cost, how it is waited for."""

from collections.abc import Callable
from typing import Any

from videoapi_cli.client import Api, object_in

ENDED = ("completed", "failed", "cancelled")
POLL_SECONDS = 2.0  # where the API does not say
Task = dict[str, Any]


def read(api: Api, task_id: str) -> Task:
    """Return a task. Raises `ApiError`."""
    return object_in(api.get(f"/api/v1/tasks/{task_id}"))


def watch(api: Api, task_id: str, report: Callable[[Task], None]) -> Task:
    """Return a task once it has ended; `report` gets every look. Raise `Stopped`, `ApiError`."""
    while True:
        response = api.get(f"/api/v1/tasks/{task_id}")
        task = object_in(response)
        if task["status"] in ENDED:
            return task
        report(task)
        after = response.headers.get("retry-after", "")
        api.clock.pause(float(after) if after.isdecimal() else POLL_SECONDS)


def state(task: Task) -> str:
    """Return what an open task is doing, and for how long."""
    place, eta = task.get("queue_position"), task.get("eta_seconds")
    if task["status"] == "pending":
        doing = "waiting" if not place else f"waiting, {place} ahead"
    else:
        doing = "being made"
    return f"{doing}, {duration(eta)} left" if isinstance(eta, int | float) else doing


def failure(task: Task) -> str:
    """Return why a task ended without a video."""
    if task["status"] == "cancelled":
        text = "cancelled"
    else:
        error = task.get("error") or {}
        text = str(error.get("message") or error.get("code") or "failed")
    return f"{text} (it may have been charged)" if maybe_charged(task) else text


def maybe_charged(task: Task) -> bool:
    """Whether a task without a video may have cost something."""
    return bool((task.get("error") or {}).get("maybe_charged"))


def dollars(task: Task, which: str = "actual") -> float | None:
    """Return what a task cost, or was `estimated` to; None where nobody knows."""
    text = (task.get("cost") or {}).get(which)
    return float(text) if isinstance(text, int | float) else None


def cost(task: Task) -> str:
    """Return a task's price in words, empty where it has none."""
    actual, estimated = dollars(task), dollars(task, "estimated")
    if actual is not None:
        return money(actual)
    return f"about {money(estimated)}" if estimated is not None else ""


def money(usd: float) -> str:
    """Return dollars with two places, and with up to six where they matter."""
    text = f"{usd:.6f}".rstrip("0")
    whole, _, rest = text.partition(".")
    return f"${whole}.{rest:0<2}"


def duration(seconds: float) -> str:
    """Return a time as m:ss."""
    minutes, rest = divmod(max(round(seconds), 0), 60)
    return f"{minutes}:{rest:02}"
