"""`make run`: settings, sockets, build, stack."""

import asyncio
import sys
import time

from local import ports
from local.banner import banner
from local.build import build
from local.command import command
from local.settings import ROOT, Settings
from local.surroundings import replace_environment, scratch


def _run(settings: Settings) -> None:
    began = time.monotonic()
    sockets = ports.take(settings.ports(), "make run")
    build()
    with scratch(ROOT / ".local"):
        replace_environment(settings)
        from local.stack import Stack  # noqa: PLC0415 — MiniStack reads the environment at import

        print("Deploying …", flush=True)
        asyncio.run(Stack(settings).run(sockets, lambda: _say_ready(settings, began)))


def _say_ready(settings: Settings, began: float) -> None:
    print(*banner(settings, time.monotonic() - began), sep="\n", flush=True)


sys.exit(command(_run))
