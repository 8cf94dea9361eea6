"""Paths of the documentation: what a path answers, and which one was meant by a slash too many.

A gateway matches a path to the letter, except that several slashes in front select as one does. So
any function may be handed `//v1/videos`, and `/v1/videos/` goes to the `$default` route.
"""

import re

from videoapi.api.documentation import methods
from videoapi.domain.ids import ID_PREFIX

_SEGMENT = re.compile(r"[A-Za-z0-9._~:@-]+")  # of an id or a model's name: safe in a header


def allowed(path: str) -> str:
    """Return what a path answers, as an `Allow` header has it; empty for no documented path."""
    documented = methods()
    if path in documented:
        return documented[path]
    segments = path.split("/")
    for pattern, answers in documented.items():
        if _fits(pattern.split("/"), segments):
            return answers
    return ""


def straight(path: str) -> str:
    """Return a documented path that differs from this one in slashes only; empty if there is none.

    An encoded slash (`%2F`) counts as part of a name, unless the gateway has decoded it.
    """
    squeezed = re.sub(r"/{2,}", "/", path).rstrip("/") or "/"
    return squeezed if path not in ("", squeezed) and allowed(squeezed) else ""


def _fits(pattern: list[str], segments: list[str]) -> bool:
    return len(pattern) == len(segments) and all(
        each == segment or _names(each, segment)
        for each, segment in zip(pattern, segments, strict=True)
    )


def _names(variable: str, segment: str) -> bool:
    """Return whether a segment can be what a pattern leaves open: `edits` is no task's id."""
    if variable == "{task_id}":
        return segment.startswith(ID_PREFIX) and _SEGMENT.fullmatch(segment) is not None
    return variable.startswith("{") and _SEGMENT.fullmatch(segment) is not None
