"""`make sam-local`: Docker, sockets, build, stack, and then SAM on top of it."""

import asyncio
import os
import shutil
import socket
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from devstack import ports, template
from devstack.build import BUILT, build
from devstack.command import command
from devstack.console import Console
from devstack.environment import replace_environment, scratch
from devstack.sam import engine
from devstack.sam.cli import StartApi
from devstack.sam.environment import environment
from devstack.settings import ROOT, Settings

if TYPE_CHECKING:
    from devstack.stack import Stack


def _run(settings: Settings) -> None:
    began = time.monotonic()
    architecture = template.architecture()
    engine.require_image(template.load(ROOT / "template.yaml"), architecture)
    address = engine.address(settings.aws_hosts)
    # SAM does not see edits: neither shall the worker, or the two would run different code.
    settings = replace(settings, aws_host=f"127.0.0.1,{address}", reload=False)
    # SAM listens on the API's port by itself.
    wanted = [
        replace(p, bound_here=p.bound_here and p.setting == "AWS_PORT") for p in settings.ports()
    ]
    sockets = ports.take(wanted, "make sam-local")
    build()
    environ = environment()
    console = Console(sys.stdout, api_url=settings.api_url, environment=os.environ)
    with scratch(ROOT / ".local"):
        replace_environment(settings)
        from devstack.sam import project  # noqa: PLC0415 — MiniStack reads the environment at import
        from devstack.stack import Stack  # noqa: PLC0415 — as above

        folder = project.folder(settings)
        api = StartApi(folder, environ, settings)

        async def serve() -> None:
            print("Starting the first container …", flush=True)
            await asyncio.to_thread(project.write, settings, BUILT, address)
            await api.run(lambda: _say_ready(settings, folder, began))

        print("Deploying …", flush=True)
        try:
            asyncio.run(_both(Stack(settings, console), sockets, serve))
        finally:
            shutil.rmtree(folder, ignore_errors=True)


async def _both(
    stack: "Stack",
    sockets: Sequence[socket.socket],
    serve: Callable[[], Coroutine[None, None, None]],
) -> None:
    """Run the stack, and `serve` once it is deployed; when one ends, the other does too."""
    deployed = asyncio.Event()

    async def then_serve() -> None:
        await deployed.wait()
        await serve()

    tasks = {
        asyncio.create_task(stack.run(sockets, deployed.set)),
        asyncio.create_task(then_serve()),
    }
    done, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
    for task in done:
        task.result()


def _say_ready(settings: Settings, folder: Path, began: float) -> None:
    url, seconds = settings.api_url, time.monotonic() - began
    place = folder.relative_to(ROOT)
    files = f" -t {place}/template.json -n {place}/env.json"
    if settings.api_port == Settings.api_port:
        files = ""  # samconfig.toml names these
    print(
        f"Ready after {seconds:.1f} s: {url} in Lambda containers  (AWS: {settings.aws_url})",
        "Each function's first request starts its container. Edits need a new start.",
        "One function, one event:",
        f"  .venv/sam/bin/sam local invoke StatusFunction -e events/status.json{files}",
        sep="\n",
        flush=True,
    )


sys.exit(command(_run))
