"""The labels of a request, which reach Google's bill."""

import re
from typing import Any, Final

from simulator.google.json_body import part, refused

_KEY: Final = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_VALUE: Final = re.compile(r"[a-z0-9_-]{0,63}")
TASK: Final = "task"


def task_label(body: dict[str, Any]) -> str:
    """Return the label `task`, empty without one; raise Refusal for labels that Google refuses."""
    labels = part(body, "labels")
    for key, value in labels.items():
        if not _KEY.fullmatch(key) or not isinstance(value, str) or not _VALUE.fullmatch(value):
            raise refused("Labels have at most 63 lower-case letters, digits, underscores, dashes.")
    return str(labels.get(TASK, ""))
