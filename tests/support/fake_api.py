"""An API in memory for the command line's tests: keys, limits, prices, uploads, tasks, files."""

import base64
import hashlib
import json
import threading
from dataclasses import dataclass, field
from typing import Any

import httpx

from videoapi_cli.client import Clock, Stopped

URL = "http://api.test"
SUBMITS = ("/api/v1/videos/generate", "/v1/videos")
JPEG = b"\xff\xd8\xff\xe0 a picture"


class Killed(BaseException):
    """The process is gone."""


class FakeClock(Clock):
    """Time that passes when somebody waits for it."""

    def __init__(self) -> None:
        self.time = 0.0
        super().__init__(now=lambda: self.time)

    def pause(self, seconds: float) -> None:
        if self.stop.is_set():
            raise Stopped
        self.time += seconds


@dataclass(eq=False)
class FakeApi:
    """`orders` are the paid ones; `kill_at` is the request at which the client dies."""

    price: float | None = 0.5
    unpriced: str = ""  # a model
    unasked: str = ""  # a model whose price it cannot say just now
    prices: bool = True  # knows dry_run
    alive: int | None = None  # tasks that may live at a time
    budget: float | None = None
    looks: int = 1  # at a task until it ends
    kill_at: int | None = None
    kill_after: bool = False  # the server has done what was asked
    orders: list[dict[str, Any]] = field(default_factory=list)
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: list[httpx.Request] = field(default_factory=list)
    scripted: list[httpx.Response | Exception] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._keys: dict[str, tuple[str, str]] = {}
        self._uploads: dict[str, bytes] = {}
        self._lock = threading.RLock()
        self.transport = httpx.MockTransport(self.handle)

    def handle(self, request: httpx.Request) -> httpx.Response:
        with self._lock:
            self.requests.append(request)
            if self.kill_at is None or len(self.requests) < self.kill_at:
                return self._answered(request)
            if self.kill_after and len(self.requests) == self.kill_at:
                self._answered(request)
        raise Killed

    def paid(self) -> list[str]:
        """Return what tells the paid orders apart."""
        return sorted(each["prompt"] for each in self.orders)

    def asked(self, method: str, path: str) -> list[httpx.Request]:
        return [r for r in self.requests if r.method == method and r.url.path == path]

    def _answered(self, request: httpx.Request) -> httpx.Response:
        if self.scripted:
            response = self.scripted.pop(0)
            if isinstance(response, Exception):
                raise response
            return response
        if request.url.host == "files.test":
            return self._file(request)
        routes = {
            ("POST", SUBMITS[0]): self._submit,
            ("POST", SUBMITS[1]): self._submit,
            ("POST", "/api/v1/uploads"): self._upload,
            ("GET", "/openapi.json"): self._openapi,
            ("GET", "/api/v1/tasks"): self._listed,
            ("GET", "/v1/models"): self._models,
            ("GET", "/api/v1/usage"): self._usage,
        }
        return routes.get((request.method, request.url.path), self._of_a_task)(request)

    def _of_a_task(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        task = next((self.tasks[part] for part in path.split("/") if part in self.tasks), None)
        if task is None:
            return refused(404, "task_not_found", "No such task.")
        if request.method == "DELETE":
            return self._deleted(path, task)
        if path.endswith("/content"):
            where = f"http://files.test/{task['task_id']}.mp4"
            return httpx.Response(307, headers={"location": where})
        return self._seen(task)

    def _openapi(self, _: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"name": "dry_run" if self.prices else ""})

    def _models(self, _: httpx.Request) -> httpx.Response:
        price = {"resolution": "1080p", "audio": True, "usd": 0.4, "per": "second"}
        video = {"durations": [4, 8], "sizes": ["1280x720"], "pricing": [price]}
        models = [{"id": "veo", "video": video}, {"id": "other", "video": {"pricing": None}}]
        return httpx.Response(200, json={"object": "list", "data": models})

    def _usage(self, request: httpx.Request) -> httpx.Response:
        day = {"date": request.url.params["to"], "completed": 2, "failed": 1, "cancelled": 0}
        day |= {"seconds": 16, "usd_spent": 3.2, "usd_reserved": 0}
        none = dict.fromkeys(day, 0) | {"date": request.url.params["from"]}
        return httpx.Response(200, json={"currency": "USD", "days": [none, day]})

    def _upload(self, _: httpx.Request) -> httpx.Response:
        name = f"upload_{len(self._uploads)}"
        form = {"reference": name, "url": f"http://files.test/{name}", "fields": {"a": "b"}}
        return httpx.Response(201, json=form)

    def _file(self, request: httpx.Request) -> httpx.Response:
        assert "authorization" not in request.headers
        if request.method == "POST":
            self._uploads[request.url.path[1:]] = request.content
            return httpx.Response(204)
        return httpx.Response(200, content=video_of(self.tasks[request.url.path[1:-4]]["prompt"]))

    def _submit(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        if body.get("duration", 0) > 10:
            return refused(422, "invalid_value", "duration: at most 10", field="duration")
        if len(body.get("prompt", "")) > 4000:
            return refused(422, "invalid_value", "prompt: too long", field="prompt")
        known = not self.unpriced or body.get("model") != self.unpriced
        cost = {"currency": "USD", "estimated": self.price if known else None}
        if "dry_run" in request.url.params:
            away = refused(503, "service_unavailable", "It is away.")
            priced = httpx.Response(200, json={"dry_run": True, "model": "veo", "cost": cost})
            return away if self.unasked and body.get("model") == self.unasked else priced
        key, text = request.headers["idempotency-key"], json.dumps(body, sort_keys=True)
        rest = request.url.path == SUBMITS[0]
        if key in self._keys:
            return self._replayed(key, text, rest=rest)
        if (limit := self._limit()) is not None:
            return limit
        self.orders.append(body)
        task_id = "vid_" + hashlib.sha256(key.encode()).hexdigest()[:26]
        self._keys[key] = (text, task_id)
        self.tasks[task_id] = {
            "task_id": task_id,
            "status": "pending",
            "progress": 0,
            "created_at": f"2026-11-26T00:00:{len(self.orders):02}.000Z",
            "message": "Waiting",
            "prompt": body.get("prompt", ""),
            "cost": cost | {"actual": None, "final": False},
            "looks": self.looks,
        }
        return accepted(task_id, rest=rest)

    def _replayed(self, key: str, text: str, *, rest: bool) -> httpx.Response:
        before, task_id = self._keys[key]
        if before != text:
            where = {"location": f"/api/v1/tasks/{task_id}"}
            return refused(422, "idempotency_key_reused", "Another request.", headers=where)
        return accepted(task_id, rest=rest, headers={"idempotency-replayed": "true"})

    def _limit(self) -> httpx.Response | None:
        alive = sum(each["status"] == "pending" for each in self.tasks.values())
        if self.alive is not None and alive >= self.alive:
            message = f"This key may have {self.alive} tasks alive at once."
            return refused(429, "too_many_tasks_alive", message, headers={"retry-after": "10"})
        if self.budget is not None and (len(self.orders) + 1) * (self.price or 0) > self.budget:
            details = {"resets_at": "2026-11-27T00:00:00Z"}
            return refused(402, "budget_exceeded", "The day's budget is spent.", details=details)
        return None

    def _seen(self, task: dict[str, Any]) -> httpx.Response:
        task["looks"] -= 1
        if task["status"] == "pending" and task["looks"] < 0:
            bad = "[[fail" in task["prompt"]
            task["status"] = "failed" if bad else "completed"
            task["progress"] = 0 if bad else 100
            task["cost"] |= {"actual": 0 if bad else self.price, "final": True}
            error = {"message": "Content policy violation", "maybe_charged": False}
            task["error"] = error if bad else None
        return httpx.Response(200, json=task, headers={"retry-after": "2"})

    def _deleted(self, path: str, task: dict[str, Any]) -> httpx.Response:
        if path.startswith("/v1/"):
            del self.tasks[task["task_id"]]
            return httpx.Response(200, json={"id": task["task_id"], "deleted": True})
        if task["status"] != "pending":
            return refused(409, "task_already_ended", "The task has already ended.")
        task |= {"status": "cancelled", "error": {"maybe_charged": False}}
        return httpx.Response(200, json={"success": True, "message": "Task cancelled."})

    def _listed(self, request: httpx.Request) -> httpx.Response:
        query = dict(request.url.params)
        limit, skip = int(query["limit"]), int(query.get("cursor", 0))
        found = list(reversed(self.tasks.values()))[skip : skip + limit]
        following = f"{URL}/api/v1/tasks?limit={limit}&cursor={skip + limit}"
        more = {"link": f'<{following}>; rel="next"'} if skip + limit < len(self.tasks) else {}
        return httpx.Response(200, json=found, headers=more)


def accepted(task_id: str, *, rest: bool, headers: dict[str, str] | None = None) -> httpx.Response:
    body = {"task_id" if rest else "id": task_id, "status": "pending"}
    return httpx.Response(202 if rest else 200, json=body, headers=headers)


def refused(
    status: int,
    code: str,
    message: str,
    *,
    field: str = "",
    details: object = None,
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    error: dict[str, Any] = {"type": "Error", "code": code, "message": message}
    if field:
        details = [{"field": field, "message": "at most 10", "code": code}]
    retry = {} if status in (429, 503) else {"x-should-retry": "false"}
    body = {"error": error | ({"details": details} if details else {})}
    return httpx.Response(status, json=body, headers=retry | (headers or {}))


def video_of(prompt: str) -> bytes:
    """Return the bytes of a prompt's video."""
    return b"\0\0\0\x18ftypmp42" + base64.b64encode(prompt.encode())
