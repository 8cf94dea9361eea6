"""A function's log lines for a person: Powertools' JSON as one short line, metrics left out."""

import json
import re
from pathlib import Path
from typing import Any

from devstack.settings import ROOT

_LEVEL_AND_MESSAGE = ("level", "message")
#: Fields that the prefix already says, or that are printed below.
_LEFT_OUT = {
    *_LEVEL_AND_MESSAGE,
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
#: What the console tells by itself, in a request's line or a task's, and steps between two of them.
_ON_CONSOLE = {"refused", "failed", "an order was answered", "the order was accepted"}
_QUIET = {"DEBUG", "INFO"}
#: MiniStack unpacks a function to …/ministack-lambda-<stack>-<function>-<random>/code, `executor`
#: a layer to …/ministack-lambda-layers-<random>/layer_0.
_UNPACKED = re.compile(r'"/[^"\n]*/ministack-lambda-[^/"\n]+/(code|layer_\d+)/([^"\n]+)"')
#: How MiniStack's worker leads to the handler's module, which is not the project's code.
_MACHINERY = re.compile(
    r'^  File "[^"\n]*(?:<frozen importlib|/importlib/__init__\.py|/_worker\.py)[^\n]*\n'
    r"(?:    [^\n]*\n)*",
    re.MULTILINE,
)


def readable(line: str, *, debug: bool = False) -> str | None:
    """Return the line for a person, or None for one that is left out."""
    try:
        entry = json.loads(line)
    except ValueError:
        return line
    if not isinstance(entry, dict):
        return line
    if "_aws" in entry:
        return None  # CloudWatch's embedded metrics
    if not debug and entry.get("level") == "INFO" and entry.get("message") in _ON_CONSOLE:
        return None
    return _describe(entry)


def in_repository(text: str, function: str, root: Path = ROOT) -> str:
    """Put the paths of the files that one edits in place of those that a function runs from."""

    def source(found: re.Match[str]) -> str:
        kind, name = found.groups()
        if kind == "code":
            candidates = [root / "functions" / function.replace("-", "_") / name]
        else:
            inside = name.removeprefix("python/")
            candidates = [folder / inside for folder in sorted((root / "layers").glob("*/"))]
        written = next((path for path in candidates if path.is_file()), None)
        return f'"{written.relative_to(root)}"' if written else found[0]

    return _UNPACKED.sub(source, text)


def without_machinery(traceback: str) -> str:
    """Return a traceback from the function's own code on."""
    return _MACHINERY.sub("", traceback)


def _describe(entry: dict[str, Any]) -> str:
    level, message = (entry.get(key, "") for key in _LEVEL_AND_MESSAGE)
    facts = [f"{k}={v}" for k, v in entry.items() if k not in _LEFT_OUT and v is not None]
    # The id of `x-request-id`, by which a caller asks what went wrong.
    request = entry.get("correlation_id") or entry.get("function_request_id")
    if level not in _QUIET and request:
        facts.append(f"request={request}")
    text = " ".join(part for part in (level, str(message), *facts) if part)
    traceback = without_machinery(entry.get("exception") or "").rstrip()
    return "\n".join(part for part in (text, traceback) if part)
