"""A function's log lines for a person: Powertools' JSON as one short line, metrics left out."""

import json
from typing import Any

_TOLD = ("level", "message")
#: Where and by whom, which the prefix or nobody needs; the traceback is printed below.
_LEFT_OUT = {
    *_TOLD,
    "cold_start",
    "correlation_id",
    "exception",
    "exception_name",
    "function_arn",
    "function_memory_size",
    "function_name",
    "function_request_id",
    "location",
    "service",
    "stack_trace",
    "timestamp",
    "xray_trace_id",
}


def readable(line: str) -> str | None:
    """The line as a person wants it, or None when nobody does."""
    try:
        entry = json.loads(line)
    except ValueError:
        return line
    if not isinstance(entry, dict):
        return line
    if "_aws" in entry:
        return None  # CloudWatch's embedded metrics
    return _told(entry)


def _told(entry: dict[str, Any]) -> str:
    level, message = (entry.get(key, "") for key in _TOLD)
    facts = " ".join(f"{k}={v}" for k, v in entry.items() if k not in _LEFT_OUT and v is not None)
    text = " ".join(part for part in (level, str(message), facts) if part)
    return "\n".join(part for part in (text, entry.get("exception")) if part)
