"""`make run`: settings, sockets, build, stack."""

import asyncio
import os
import sys
import time

from local import ports
from local.banner import banner
from local.build import build
from local.command import command
from local.console import Console
from local.settings import ROOT, Settings
from local.surroundings import replace_environment, scratch


def _run(settings: Settings) -> None:
    # `make` may have set up whole environments before: the person waited for those too.
    began = float(os.environ.get("RUN_BEGAN") or time.time())
    console = Console(sys.stdout, api_url=settings.api_url, environment=os.environ)
    sockets = ports.take(settings.ports(), "make run")
    build()
    with scratch(ROOT / ".local"):
        replace_environment(settings)
        from local.stack import Stack  # noqa: PLC0415 — MiniStack reads the environment at import

        print("Deploying …", flush=True)
        asyncio.run(
            Stack(settings, console).run(sockets, lambda: _say_ready(settings, began, console))
        )


def _say_ready(settings: Settings, began: float, console: Console) -> None:
    print(*banner(settings, time.time() - began, console), sep="\n", flush=True)


sys.exit(command(_run))
