"""SAM CLI under its own Python, adjusted at two points; a script, for `local` is not there.

SAM is pinned by its lock, and `tests/e2e/test_sam_local.py` fails when a version moves a point.
"""

# ruff: noqa: SLF001 — SAM's internals are what this script is about
import os
import signal
import threading
from typing import Any

# These live in .venv/sam, where no type checker looks.
from samcli.cli.main import cli  # type: ignore[import-not-found]
from samcli.local.docker.container import Container  # type: ignore[import-not-found]
from samcli.local.docker.lambda_image import LambdaImage  # type: ignore[import-not-found]

_write, _build = Container._handle_data_writing, LambdaImage.build
_images: dict[tuple[str, ...], str] = {}


def write(stream: Any, data: bytes, event: threading.Event | None) -> None:
    """Print a container's output, and let an answer go once its REPORT is there.

    SAM overlooks a REPORT that comes in one piece with the lines before it, and answers a second
    later: every fast request on a busy machine.
    """
    _write(stream, data, event)
    if event and b"REPORT RequestId: " in data:
        event.set()


def build(image: Any, runtime: str, *arguments: Any, **named: Any) -> str:
    """Build a function's image once and not, for 30 MB of layers, at each container's start."""
    _kind, _image, layers, architecture = arguments
    key = (runtime, architecture, *(layer.name for layer in layers))
    if key not in _images:
        _images[key] = _build(image, runtime, *arguments, **named)
    return _images[key]


def end_with_parent() -> None:
    """Stop with all containers when the process at the other end of standard input does."""
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGTERM)


Container._handle_data_writing = staticmethod(write)
LambdaImage.build = build
threading.Thread(target=end_with_parent, daemon=True).start()
cli(prog_name="sam")
