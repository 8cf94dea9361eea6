"""`python -m simulator [--port 8001] [--files-port 8002] …`: run a simulator until a signal.

Says `ready API_ORIGIN FILES_ORIGIN` on its standard output once both ports listen.
"""

import asyncio
import signal
import socket
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, cast

from hypercorn.asyncio import serve
from hypercorn.config import Config
from starlette.applications import Starlette

from simulator import app, settings
from simulator.archive import Archive
from simulator.render import Renders
from simulator.state import State

if TYPE_CHECKING:
    from hypercorn.typing import Framework

GRACE = 0.4
"""Seconds for answers under way at the end; what hangs on purpose is cut off."""


async def run(chosen: settings.Settings, folder: Path) -> None:
    """Serve until SIGTERM, SIGINT or, with `--with-parent`, the end of standard input."""
    hosts = chosen.host.split(",")
    sockets, chosen.port = _listen(hosts, chosen.port)
    files_sockets, chosen.files_port = _listen(hosts, chosen.files_port)
    state = State(chosen, folder, Renders(folder))
    if chosen.keep_in:
        state.archive = Archive(folder)
        state.ledger.restore(state.archive.load(state.renders, days=chosen.keep_days))
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signal_number, state.stopping.set)
    if chosen.with_parent:
        loop.add_reader(sys.stdin, state.stopping.set)
    servers = [
        _serve(app.api(state), sockets, state.stopping),
        _serve(app.files(state), files_sockets, state.stopping),
    ]
    origins = [f"http://{hosts[0]}:{port}" for port in (chosen.port, chosen.files_port)]
    print("ready", *origins, flush=True)
    await state.stopping.wait()
    await asyncio.wait(servers, timeout=GRACE)
    state.renders.stop()


def _listen(hosts: list[str], port: int) -> tuple[list[socket.socket], int]:
    """Return a listening socket for each host, all on the port (a free one for 0), and the port."""
    sockets = []
    for host in hosts:
        sockets.append(socket.create_server((host, port)))
        port = sockets[0].getsockname()[1]
    return sockets, port


def _serve(
    served: Starlette, sockets: list[socket.socket], stopping: asyncio.Event
) -> asyncio.Task[None]:
    config = Config()
    config.bind = [f"fd://{listening.detach()}" for listening in sockets]
    config.backlog = 512
    config.graceful_timeout = GRACE
    # Longer than any poll interval: a connection must not close while the next poll is sent.
    config.keep_alive_timeout = 75
    config.loglevel = "WARNING"
    # hypercorn's scopes are TypedDicts, Starlette's are mappings: the same protocol in other types.
    framework = cast("Framework", served)
    return asyncio.create_task(serve(framework, config, shutdown_trigger=stopping.wait))


if __name__ == "__main__":
    read = settings.read(sys.argv[1:])
    with tempfile.TemporaryDirectory(prefix="upstream-") as scratch:
        asyncio.run(run(read, Path(read.keep_in or scratch)))
