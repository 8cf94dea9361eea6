"""What commands print: text for people or one JSON document on standard output, and failures."""

import functools
import json
import os
import select
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import httpx
import typer

from videoapi_cli.client import LOCAL, Api, Clock
from videoapi_cli.errors import CliError, UsageError

Url = Annotated[
    str, typer.Option("--url", envvar="VIDEOAPI_URL", help="The API's address.", show_default=True)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]


@dataclass(frozen=True)
class Overrides:
    """What a test gives a command in place of the network and of time."""

    transport: httpx.BaseTransport | None = None
    clock: Clock = field(default_factory=Clock)


def connect(ctx: typer.Context, url: str) -> Api:
    """Return the API that the options and `VIDEOAPI_KEY` name. Raise `UsageError`."""
    overrides = ctx.obj or Overrides()
    key = os.environ.get("VIDEOAPI_KEY", "").strip()
    if not (key.isascii() and key.isprintable()):
        raise UsageError("VIDEOAPI_KEY is no key.", "Copy it once more: vak_…")
    return Api(
        url=url or LOCAL, key=key, transport=overrides.transport, clock=overrides.clock, say=warn
    )


def warn(text: str) -> None:
    """Say something beside the answer."""
    print(text, file=sys.stderr, flush=True)


def ask(question: str) -> str:
    """Ask on standard error; return the answer's line in small letters.

    Raise `typer.Abort` where the input ends, KeyboardInterrupt at Ctrl-C.
    """
    print(f"{question}: ", end="", file=sys.stderr, flush=True)
    _wait_for_line()
    if not (line := sys.stdin.readline()):
        raise typer.Abort
    return line.strip().lower()


def _wait_for_line() -> None:
    """Wait until standard input has a line, or raise KeyboardInterrupt.

    A signal that comes just before a blocking `read` does not end it: Python would hear of the
    Ctrl-C at the next key. `select` on `signal.set_wakeup_fd` has no such gap.
    """
    if sys.platform == "win32":  # has no `select` on a console, and needs none: `read` ends there
        return
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        select.select([sys.stdin, reader], [], [])
    finally:
        signal.set_wakeup_fd(before)
        os.close(reader)
        os.close(writer)


def answer(body: object, text: str, *, as_json: bool) -> None:
    """Print a command's answer."""
    print(_document(body) if as_json else text)


def _document(body: object) -> str:
    """Return JSON, in letters that standard output has."""
    unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    return json.dumps(body, ensure_ascii=not unicode, indent=1)


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], nothing: str) -> str:
    """Return rows in columns, or what to say where there are none."""
    if not rows:
        return nothing
    lines = [columns, *[["" if cell is None else str(cell) for cell in row] for row in rows]]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = (zip(line, widths, strict=True) for line in lines)
    return "\n".join("  ".join(f"{c:{width}}" for c, width in line).rstrip() for line in padded)


def failed(problem: CliError, *, as_json: bool) -> typer.Exit:
    """Print a failure; return the exit with its code."""
    if as_json:
        print(_document({"error": problem.as_json()}))
    else:
        warn(str(problem))
        if problem.next_step:
            warn(problem.next_step)
    return typer.Exit(problem.exit_code)


def in_words[**P](command: Callable[P, Any]) -> Callable[P, None]:
    """Return a command whose failures are told in words, with their exit codes."""

    @functools.wraps(command)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        as_json = bool(kwargs.get("as_json"))
        try:
            command(*args, **kwargs)
        except CliError as exc:
            raise failed(exc, as_json=as_json) from exc
        except KeyboardInterrupt as exc:
            raise typer.Exit(130) from exc
        except typer.Abort as exc:  # Ctrl-C at a question
            raise typer.Exit(130) from exc
        except BrokenPipeError as exc:  # `| head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from exc

    return guarded
