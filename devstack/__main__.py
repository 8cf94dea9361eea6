"""`make run`: settings, sockets, build, stack."""

import asyncio
import gc
import os
import sys
import time

from devstack import ports
from devstack.banner import banner
from devstack.build import build
from devstack.command import command
from devstack.console import Console
from devstack.environment import replace_environment, scratch
from devstack.settings import ROOT, Settings


def _run(settings: Settings) -> None:
    # `make` may have set up whole environments before: the person waited for those too.
    began = float(os.environ.get("RUN_BEGAN") or time.time())
    gc.disable()  # what is imported and deployed stays to the end: nothing to collect until then
    console = Console(sys.stdout, api_url=settings.api_url, environment=os.environ)
    sockets = ports.take(settings.ports(), "make run")
    build()
    with scratch(ROOT / ".local"):
        replace_environment(settings)
        from devstack.stack import Stack  # noqa: PLC0415 — MiniStack reads the environment at import

        print("Deploying …", flush=True)
        stack = Stack(settings, console)

        def say_ready() -> None:
            gc.freeze()
            gc.enable()
            lines = banner(settings, time.time() - began, console, stack.folder)
            print(*lines, sep="\n", flush=True)

        asyncio.run(stack.run(sockets, say_ready))


sys.exit(command(_run))
