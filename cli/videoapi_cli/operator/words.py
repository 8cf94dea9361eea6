"""What one types next: `make` and `videoapi` have the same commands under other words."""

import os

PROGRAM = "VIDEOAPI_PROGRAM"  # set by `videoapi`, which runs these commands as `make` does
_OF_VIDEOAPI = {
    "STACK=…": "--stack NAME",
    "ARGS=--list": "`videoapi keys list`",
    "ARGS=--all": "--all",
    "`make task ID=…`": "`videoapi tasks show ID`",
}


def typed(text: str) -> str:
    """Return a message of `make`'s commands in the words of the program that was called."""
    if os.environ.get(PROGRAM) == "videoapi":
        for word, other in _OF_VIDEOAPI.items():
            text = text.replace(word, other)
    return text
