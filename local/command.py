"""The frame of `make run` and `make sam-local`: a refusal is said in words, without a traceback."""

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from local.ports import PortError
from local.settings import ROOT, Settings


def command(run: Callable[[Settings], None]) -> int:
    """Run until SIGINT or SIGTERM; return the exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        run(Settings.read(os.environ, ROOT / os.environ.get("ENV_FILE", ".env")))
    except (ValueError, RuntimeError, OSError, PortError) as exc:
        print(f"The stack does not start: {exc}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
