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
    sockets = ports.listen(settings.aws_hosts, settings.aws_port, "AWS_PORT")
    sockets += ports.listen(settings.api_hosts, settings.api_port, "API_PORT")
    if settings.stand_in:
        ports.check_free(settings.upstream_port, "UPSTREAM_PORT")
        ports.check_free(settings.upstream_files_port, "UPSTREAM_FILES_PORT")
    build()
    with scratch(ROOT / ".local"):
        replace_environment(settings)
        from local.stack import Stack  # noqa: PLC0415 — MiniStack reads the environment at import

        print("Deploying …", flush=True)
        asyncio.run(Stack(settings).run(sockets, lambda: _say_ready(settings, began)))


def _say_ready(settings: Settings, began: float) -> None:
    print(*banner(settings, time.monotonic() - began), sep="\n", flush=True)


sys.exit(command(_run))
