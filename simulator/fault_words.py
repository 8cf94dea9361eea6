"""The words of the `[[tokens]]` by stage; docs/simulator.md explains them, `faults` reads them."""

import re
from enum import StrEnum
from typing import Final

PROVIDERS: Final = frozenset({None, "relay", "vertex", "gemini"})
"""Whom a token may name before its stage."""


class Stage(StrEnum):
    """What a token speaks of."""

    SUBMIT = "submit"
    POLL = "poll"
    CONTENT = "content"
    FILE = "file"
    LLM = "llm"
    IMAGE = "image"
    FAIL = "fail"
    STATUS = "status"
    WORD = "word"
    PROGRESS = "progress"
    WRAP = "wrap"
    ERROR = "error"
    URL = "url"
    LINK = "link"
    TIME = "time"
    KEY = "key"
    RENDER = "render"
    RESULT = "result"
    CANCEL = "cancel"
    STS = "sts"
    IAM = "iam"


QUEUED = frozenset(
    {
        "queued",
        "pending",
        "submitted",
        "not_start",
        "notstarted",
        "preparing",
        "created",
        "starting",
        "unknown",
        "in_queue",
        "queueing",
        "queuing",
        "waiting",
        "staged",
        "throttled",
    }
)
RUNNING = frozenset(
    {"processing", "in_progress", "running", "generating", "active", "retrying", "upscaling"}
)
DONE = frozenset(
    {
        "completed",
        "complete",
        "success",
        "succeeded",
        "succeed",
        "finished",
        "done",
        "ready",
        "video_generation_successful",
        "published",
    }
)
BAD = frozenset(
    {
        "failed",
        "failure",
        "fail",
        "error",
        "cancelled",
        "canceled",
        "expired",
        "timeout",
        "timed_out",
        "rejected",
        "blocked",
        "prompt_blocked",
        "generation_failed",
        "aborted",
        "nsfw",
    }
)
STOPPED = frozenset({"incomplete", "budget_exceeded", "requires_action"})
"""States of an interaction that never become a video."""
ID_NAMES = frozenset(
    {"task_id", "taskId", "video_id", "job_id", "run_id", "generation_id", "request_id"}
)

HTTP: Final = frozenset({"drop", "hang", "html", "slow"})
AUTH_STAGES: Final = frozenset({Stage.STS, Stage.IAM})
"""Their requests carry no prompt: `auth_faults` of the settings has their tokens."""
HTTP_STAGES: Final = AUTH_STAGES | {
    Stage.SUBMIT,
    Stage.POLL,
    Stage.CONTENT,
    Stage.FILE,
    Stage.LLM,
    Stage.IMAGE,
    Stage.CANCEL,
}
WORDS: Final = {
    Stage.SUBMIT: HTTP | ID_NAMES | {"201", "202", "no_id", "colon", "redirect"},
    Stage.POLL: HTTP | {"twice", "short", "done_false"},
    Stage.CONTENT: HTTP | {"bytes", "gzip", "redirect", "json", "processing", "broken"},
    Stage.FILE: HTTP | {"short", "junk", "trickle", "no_range", "no_length", "redirect"},
    Stage.CANCEL: HTTP,
    Stage.STS: HTTP | {"expires"},
    Stage.IAM: HTTP | {"expires"},
    Stage.RESULT: frozenset({"flat", "encoded", "outputs", "inputs", "none"}),
    Stage.LLM: HTTP | {"refusal", "empty", "long"},
    Stage.IMAGE: HTTP | {"url", "b64", "empty"},
    Stage.STATUS: QUEUED | RUNNING | DONE | BAD | STOPPED,
    Stage.PROGRESS: frozenset({"percent", "none", "null", "back", "stuck"}),
    Stage.WRAP: frozenset({"envelope"}),
    Stage.ERROR: frozenset({"nested", "flat", "string", "null", "int", "reason", "array"}),
    Stage.WORD: frozenset({"status", "state", "task_status"}),
    Stage.LINK: frozenset({"none", "same", "redirect", "inline", "inward", "key"}),
    Stage.RENDER: frozenset({"tiny", "veo"}),
}
PATTERNS: Final = {
    Stage.TIME: re.compile(r"\d+(\.\d+)?"),
    Stage.KEY: re.compile(r"[\w.-]+"),
    Stage.URL: re.compile(
        r"(?:[a-z_]+(?:\[0\])?\.){0,4}(?:(?:[a-z]+_)*urls?(?:\[0\])?|fail_reason)"
    ),
}
NUMBERED: Final = frozenset(
    {"hang", "html", "slow", "trickle", "inline", "redirect", "processing", "expires", "filtered"}
)
"""What may have a number behind it; a failure's is its HTTP status, a filter's its support code."""
NEEDS_NUMBER: Final = frozenset({"slow", "trickle", "expires"})
