"""One run: MiniStack in this process, the functions and the stand-in as its children."""

import asyncio
import logging
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack.app import app as ministack

from devstack import executor, permissions, recorder, template
from devstack.build import BUILT, TOOLS
from devstack.command import stop_signals
from devstack.console import Console
from devstack.deploy import STACK, deploy
from devstack.fixups import reconcile
from devstack.function_settings import function_settings
from devstack.gateway import Gateway
from devstack.links import Links
from devstack.readiness import Opening
from devstack.reload import Reloader
from devstack.settings import ROOT, Settings
from devstack.simulator_process import StandIn
from devstack.snapshot import Keeper, take_place
from devstack.traffic import Traffic

if TYPE_CHECKING:
    from hypercorn.typing import Framework


class Stack:
    """Serves from `run`'s beginning to its end; nothing of it is left after that."""

    def __init__(self, settings: Settings, console: Console) -> None:
        self._settings = settings
        self._console = console
        self._stand_in: StandIn | None = None
        self._place = take_place(settings)
        self._gateway = Gateway(
            ministack,
            api_port=settings.api_port,
            hosts=settings.allowed_hosts,
            origins=settings.cors_origins,
            links=Links(
                ministack,
                api_url=settings.api_url,
                aws_port=settings.aws_port,
                files_port=settings.upstream_files_port if settings.simulated else None,
                public_url=settings.said.get("PUBLIC_URL", ""),
            ),
        )
        self._opening = Opening(self._gateway)
        self._hurried = threading.Event()  # told to stop a second time

    async def run(self, sockets: Sequence[socket.socket], ready: Callable[[], None]) -> None:
        """Serve on `sockets`, now its own, until a signal of `stop_signals`.

        Call `ready` once requests are answered; raise `RuntimeError` when the start fails.
        """
        stopped, shutdown = asyncio.Event(), asyncio.Event()

        def stop() -> None:
            if stopped.is_set():
                self._hurried.set()
            stopped.set()

        for number in stop_signals():
            asyncio.get_running_loop().add_signal_handler(number, stop)
        config = Config()
        config.bind = [f"fd://{opened.detach()}" for opened in sockets]
        config.keep_alive_timeout, config.graceful_timeout = 75, 1
        config.loglevel = "WARNING"
        permissions.adjust()
        executor.adjust(
            TOOLS / "runtime/bin/python", STACK, self._console.line, debug=self._settings.debug
        )
        if self._settings.simulated:
            keep_in = self._place.folder / "relay" if self._place else None
            self._stand_in = StandIn(self._settings, keep_in)
        observed = Traffic(self._gateway, self._console, api_port=self._settings.api_port)
        application = cast("Framework", observed)
        serving = asyncio.create_task(serve(application, config, shutdown_trigger=shutdown.wait))
        stopping = asyncio.create_task(stopped.wait())
        starting = _in_thread(self._start)
        try:
            await _first(starting, stopping, serving)
            if starting.done():
                starting.result()
                ready()
                await _first(stopping, serving)
        finally:
            try:
                await _in_thread(self._end)
            finally:
                shutdown.set()
                await serving

    def _start(self) -> None:
        said = function_settings(self._settings)
        built = template.load(BUILT / "template.yaml")
        secrets, named = template.secrets(built, said)
        keeper = boto3.client("secretsmanager")
        for name, value in secrets.items():
            keeper.create_secret(Name=name, SecretString=value)
        try:
            deployment = deploy(BUILT, template.parameters(built, said) | named)
        except RuntimeError as exc:
            raise RuntimeError(template.by_variable(built, str(exc))) from None
        names = deployment.physical_ids
        found = self._opening.open(reconcile(deployment), self._keeper(names))
        if found.open:  # else they would wait for the next of its minutes
            boto3.client("lambda").invoke(
                FunctionName=names["SweeperFunction"], InvocationType="Event"
            )
        if self._settings.reload:
            source = template.load(ROOT / "template.yaml")
            functions = boto3.client("lambda")
            Reloader(ROOT, source, deployment.physical_ids, functions, self._console.line).start()
        if self._stand_in:
            self._stand_in.wait_until_ready()

    def _keeper(self, names: Mapping[str, str]) -> Keeper | None:
        if self._place is None:
            return None
        table, bucket = names["TasksTable"], names["FilesBucket"]
        record = partial(recorder.record, table=table, bucket=bucket)
        port = self._settings.upstream_files_port
        origin = f"http://127.0.0.1:{port}" if self._settings.simulated else ""
        return Keeper(self._place.folder, table, bucket, record, origin)

    def _take_no_more(self) -> None:
        """Let the worker be given no further task."""
        functions = boto3.client("lambda")
        with suppress(BotoCoreError, ClientError):  # whatever it is, the end goes on
            for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
                functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)

    def _end(self) -> None:
        print("Stopping: ending the functions …", flush=True)
        self._opening.close()
        if not self._settings.simulated and self._opening.keeps:  # nobody pays the stand-in
            self._take_no_more()
            self._opening.await_answers(self._hurried)
        logging.disable()  # what MiniStack says of handlers that are ended under it
        if self._stand_in:
            self._stand_in.ask_to_stop()
        executor.stop()
        if self._stand_in:
            self._stand_in.wait_for_end()
        self._opening.keep()


async def _first(*futures: asyncio.Future[Any]) -> None:
    await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)


def _in_thread(work: Callable[[], None]) -> asyncio.Future[None]:
    """Do `work` beside the loop, in a thread that nobody has to wait for at the end."""
    future: Future[None] = Future()

    def run() -> None:
        try:
            work()
        except Exception as exc:  # noqa: BLE001 — handed to whoever awaits
            future.set_exception(exc)
        else:
            future.set_result(None)

    threading.Thread(target=run, daemon=True).start()
    return asyncio.wrap_future(future)
