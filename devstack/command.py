"""The frame of `make run` and `make sam-local`: an error is one sentence, without a traceback."""

import io
import os
import signal
import sys
from collections.abc import Buffer, Callable
from types import FrameType
from typing import NoReturn, TextIO

from devstack import checks, relay_check
from devstack.ports import PortError
from devstack.settings import ROOT, Settings


def command(run: Callable[[Settings], None]) -> int:
    """Run until SIGINT, SIGTERM or SIGHUP (the terminal was closed); return the exit code.

    What is written from here on, prompts among it, is the user's alone to read.
    """
    os.umask(0o077)
    sys.stdout, sys.stderr = _lossy(sys.stdout), _lossy(sys.stderr)
    for number in stop_signals():
        signal.signal(number, _interrupt)
    try:
        run(_settings())
    except (ValueError, RuntimeError, OSError, PortError) as exc:
        print(f"The stack does not start: {exc}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _settings() -> Settings:
    """Return the settings, once they and the relay that they name are known to be good."""
    named = os.environ.get("ENV_FILE")
    path = ROOT / (named or ".env")
    if named and not path.exists():
        raise ValueError(f"ENV_FILE={named}: there is no {path}")
    settings, warnings = checks.checked(os.environ, path)
    about_relay = relay_check.check(settings)
    for warning in [*warnings, *([about_relay] if about_relay else [])]:
        print(f"Warning: {warning}", file=sys.stderr)
    return settings


def stop_signals() -> list[signal.Signals]:
    """Return the signals of a clean stop: SIGHUP among them, unless `nohup` switched it off."""
    hangup = [] if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else [signal.SIGHUP]
    return [signal.SIGINT, signal.SIGTERM, *hangup]


class LossyFile(io.FileIO):
    """A file whose unwritable output is dropped: a stop must not fail for want of a reader.

    A terminal that was closed answers EIO, and `| tee` that Ctrl-C ended first EPIPE.
    """

    def write(self, data: Buffer, /) -> int:
        """Write, or drop, all of it."""
        rest = memoryview(data).cast("B")
        while rest:
            try:
                rest = rest[super().write(rest) :]
            except OSError:
                break
        return len(memoryview(data).cast("B"))


def _lossy(stream: TextIO) -> io.TextIOWrapper:
    stream.flush()
    # Without a buffer between: a signal's exception would leave there what is written already.
    return io.TextIOWrapper(
        LossyFile(stream.fileno(), "w", closefd=False),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=True,
    )


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
