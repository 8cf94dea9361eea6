"""What a person reads while `make run` runs: one line a request, one line a change of a task.

Prompts are shown on a terminal alone: what is piped is a log, and no log holds one. The video is
named by its route of this API, which stays good; a signed URL would be a secret in a log, and runs
out.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import IO, Any

_PROMPT_SHOWN = 60  # characters
_REMEMBERED = 2_000  # tasks whose last state is known, to tell a change from a repetition
_BOLD, _DIM, _RED, _GREEN, _YELLOW, _CYAN = "1", "2", "31", "32", "33", "36"
_CLIENT_ERROR, _SERVER_ERROR = 400, 500
_END = {"completed": _GREEN, "failed": _RED, "cancelled": _YELLOW}


class Console:
    """Writes whole lines to one stream, from any thread."""

    def __init__(
        self,
        stream: IO[str],
        *,
        api_url: str,
        environment: Mapping[str, str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Colour a terminal only, unless NO_COLOR is set (no-color.org) or it is a dumb one."""
        self.terminal = stream.isatty()
        self._coloured = (
            self.terminal
            and not environment.get("NO_COLOR")
            and environment.get("TERM", "") != "dumb"
        )
        self._stream = stream
        self._api_url = api_url
        self._clock = clock
        self._tasks: dict[str, tuple[str, int]] = {}
        self._prompts: dict[str, str] = {}
        self._lock = threading.Lock()

    def line(self, text: str) -> None:
        """Write a text under the time of day, further lines of it indented as far."""
        now = datetime.fromtimestamp(self._clock()).strftime("%H:%M:%S")  # noqa: DTZ006 — the reader's
        body = text.replace("\n", f"\n{'':{len(now)}} ")
        with suppress(OSError):  # the reader has gone; the stack runs on
            self._stream.write(f"{self.painted(now, _DIM)} {body}\n")
            self._stream.flush()

    def request(
        self, method: str, path: str, status: int, seconds: float, *, task: str = "", note: str = ""
    ) -> None:
        """Write a line for one request and its response; `note` ends the line."""
        parts = [
            method,
            printable(path),
            self.painted(str(status), _colour_of(status)),
            f"{seconds * 1000:.0f} ms",
            self.painted(task, _CYAN) if task and task not in path else "",
            self._shown(task) if method == "POST" else "",
            printable(note, 300),
        ]
        self.line(" ".join(part for part in parts if part))

    def item(self, item: Mapping[str, Any], *, written: bool = True) -> None:
        """Write a line for a task's row, as DynamoDB spells it, when its state has changed.

        Of one that was read and not `written`: its end alone, if it has a line already. A task's
        end is a transaction, whose answer holds no row.
        """
        task = item.get("task_id", {}).get("S", "")
        if not task.startswith("vid_") or "status" not in item:
            return
        state = (item["status"]["S"], int(item.get("progress", {}).get("N", "0")))
        with self._lock:
            if not written and (state[0] not in _END or task not in self._tasks):
                return
            before = self._tasks.pop(task, None)
            self._tasks[task] = state  # the newest last
            if len(self._tasks) > _REMEMBERED:
                forgotten = next(iter(self._tasks))
                del self._tasks[forgotten]
                self._prompts.pop(forgotten, None)
            if self.terminal:
                self._prompts[task] = _request(item).get("prompt") or ""
        if state != before and (text := self._described(task, item, state, before)):
            self.line(f"{self.painted(task, _CYAN)} {text}")

    def painted(self, text: str, code: str) -> str:
        """Return a text in a colour (of ECMA-48), where there are colours."""
        return f"\x1b[{code}m{text}\x1b[0m" if self._coloured and text else text

    def highlighted(self, text: str) -> str:
        """Return a text so that it is seen first."""
        return self.painted(text, _BOLD)

    def _described(
        self, task: str, item: Mapping[str, Any], state: tuple[str, int], before: Any
    ) -> str:
        status, progress = state
        if status == "processing":
            began = before is None or before[0] != status
            return "started" if began and not progress else f"{progress} %"
        if status not in _END:
            return ""  # the request's line, or the worker's warning, has told it
        seconds = f"{_seconds(item):.0f} s{_place(item)}"
        match status:
            case "completed":
                end = f"done in {seconds}", f"{self._api_url}/v1/videos/{task}/content"
            case "failed":
                end = f"failed after {seconds}:", _reason(item)
            case _:
                end = f"cancelled after {seconds}", "(may be charged)" * ("intent_at" in item)
        return f"{self.painted(end[0], _END[status])} {end[1]}".rstrip()

    def _shown(self, task: str) -> str:
        prompt = printable(self._prompts.get(task, ""), _PROMPT_SHOWN)
        return f'"{prompt}"' if prompt else ""


def printable(text: str, most: int = 120) -> str:
    """Return a caller's text on one line, shortened and without a terminal's control characters."""
    clean = "".join(c if c.isprintable() else " " for c in text)
    return clean if len(clean) <= most else clean[: most - 1] + "…"


def _colour_of(status: int) -> str:
    if status < _CLIENT_ERROR:
        return _GREEN
    return _YELLOW if status < _SERVER_ERROR else _RED


def _seconds(item: Mapping[str, Any]) -> float:
    began, ended = (item.get(name, {}).get("S") for name in ("created_at", "completed_at"))
    if not began or not ended:
        return 0.0
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(began)).total_seconds()


def _place(item: Mapping[str, Any]) -> str:
    """Return who made it, where that is not the relay."""
    provider = item.get("provider", {}).get("S", "relay")
    return "" if provider == "relay" else f" at {provider}"


def _reason(item: Mapping[str, Any]) -> str:
    """Return a failure's code and message, without the prompt that a relay may quote in it."""
    error = json.loads(item.get("error", {}).get("S", "{}"))
    message = str(error.get("message", ""))
    for prompt in (_request(item).get("prompt"), item.get("prompt_sent", {}).get("S")):
        message = message.replace(prompt, "***") if prompt else message
    return printable(f"{error.get('code', '')}: {message}", 300)


def _request(item: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(item.get("request", {}).get("S", "{}"))
    return found
