"""A command's output: as text or JSON, and in the words of `make` or of `videoapi`."""

import argparse
import json
import os

PROGRAM = "VIDEOAPI_PROGRAM"  # set by `videoapi`, which runs these commands as `make` does
_OF_VIDEOAPI = {
    "STACK=…": "--stack NAME",
    "ARGS=--list": "`videoapi keys list`",
    "ARGS=--all": "--all",
    "`make task ID=…`": "`videoapi tasks show ID`",
}


def show(options: argparse.Namespace, text: str, body: object) -> None:
    """Print a command's answer: for people, or as one JSON document."""
    print(json.dumps(body, indent=1) if options.json else typed(text))


def typed(text: str) -> str:
    """Return a message of `make`'s commands in the words of the program that was called."""
    if os.environ.get(PROGRAM) == "videoapi":
        for word, other in _OF_VIDEOAPI.items():
            text = text.replace(word, other)
    return text
