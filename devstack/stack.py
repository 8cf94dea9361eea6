"""One run: MiniStack in this process, the functions and the simulator as its children."""

import asyncio
import logging
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack.app import app as ministack

from devstack import executor, expressions, permissions, recorder, template, video_providers
from devstack.build import BUILT, TOOLS
from devstack.command import stop_signals
from devstack.console import Console
from devstack.deploy import STACK, deploy
from devstack.fixups import apply_fixups
from devstack.function_settings import function_settings
from devstack.gateway import Gateway
from devstack.links import UrlSigner
from devstack.readiness import Readiness
from devstack.reload import Reloader
from devstack.settings import ROOT, Settings
from devstack.simulator_process import SimulatorProcess
from devstack.snapshot import Snapshot, take_folder
from devstack.traffic import Traffic
from devstack.webhook_secret import webhook_secret

if TYPE_CHECKING:
    from hypercorn.typing import Framework


class Stack:
    """Serves from `run`'s beginning to its end; nothing of it is left after that."""

    def __init__(self, settings: Settings, console: Console) -> None:
        self._settings = settings
        self._console = console
        self._simulator: SimulatorProcess | None = None
        self._kept_folder = take_folder(settings)
        self._webhook_secret = webhook_secret(settings.values, self.folder)
        self._gateway = Gateway(
            ministack,
            api_port=settings.api_port,
            hosts=settings.allowed_hosts,
            origins=settings.writing_origins,
            links=UrlSigner(
                ministack,
                api_url=settings.api_url,
                aws_port=settings.aws_port,
                files_port=settings.upstream_files_port if settings.needs_simulator else None,
                public_url=settings.values.get("PUBLIC_URL", ""),
            ),
        )
        self._readiness = Readiness(self._gateway)
        self._hurried = threading.Event()  # a second signal asks to stop

    @property
    def folder(self) -> Path | None:
        """Where this run keeps tasks, keys and files; None for nowhere."""
        return self._kept_folder.folder if self._kept_folder else None

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
        expressions.adjust()
        executor.adjust(
            TOOLS / "runtime/bin/python", STACK, self._console.line, debug=self._settings.debug
        )
        if self._settings.needs_simulator:
            keep_in = self._kept_folder.folder / "relay" if self._kept_folder else None
            self._simulator = SimulatorProcess(
                self._settings, keep_in, webhook_secret=self._webhook_secret
            )
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
        values = function_settings(self._settings) | {"WEBHOOK_SECRET": self._webhook_secret}
        built = template.load(BUILT / "template.yaml")
        secrets, named = template.secrets(built, values)
        secrets_manager = boto3.client("secretsmanager")
        for name, value in secrets.items():
            secrets_manager.create_secret(Name=name, SecretString=value)
        try:
            deployment = deploy(BUILT, template.parameters(built, values) | named)
        except RuntimeError as exc:
            raise RuntimeError(template.by_variable(built, str(exc))) from None
        names = deployment.physical_ids
        found = self._readiness.open(apply_fixups(deployment), self._snapshot(names))
        if found.open:  # the schedule would start it within a minute
            boto3.client("lambda").invoke(
                FunctionName=names["SweeperFunction"], InvocationType="Event"
            )
        if self._settings.reload:
            source = template.load(ROOT / "template.yaml")
            functions = boto3.client("lambda")
            Reloader(ROOT, source, deployment.physical_ids, functions, self._console.line).start()
        if self._simulator:
            self._simulator.wait_until_ready()

    def _snapshot(self, names: Mapping[str, str]) -> Snapshot | None:
        if self._kept_folder is None:
            return None
        table, bucket = names["TasksTable"], names["FilesBucket"]
        record = partial(recorder.record, table=table, bucket=bucket)
        port = self._settings.upstream_files_port
        origin = f"http://127.0.0.1:{port}" if self._settings.needs_simulator else ""
        here = f"http://127.0.0.1:{self._settings.upstream_port}"
        origins = dict.fromkeys(video_providers.simulated(self._settings.values), here)
        return Snapshot(self._kept_folder.folder, table, bucket, record, origin, origins)

    def _take_no_more(self) -> None:
        """Stop the queue from handing tasks to the worker."""
        functions = boto3.client("lambda")
        with suppress(BotoCoreError, ClientError):  # the stop must go on
            for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
                functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)

    def _end(self) -> None:
        print("Stopping: ending the functions …", flush=True)
        self._readiness.close()
        if video_providers.paid(self._settings.values) and self._readiness.keeps:
            self._take_no_more()
            self._readiness.await_answers(self._hurried)
        logging.disable()  # what MiniStack says of handlers that are ended under it
        if self._simulator:
            self._simulator.ask_to_stop()
        executor.stop()
        if self._simulator:
            self._simulator.wait_for_end()
        self._readiness.keep()


async def _first(*futures: asyncio.Future[Any]) -> None:
    await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)


def _in_thread(work: Callable[[], None]) -> asyncio.Future[None]:
    """Do `work` beside the loop, in a daemon thread."""
    future: Future[None] = Future()

    def run() -> None:
        try:
            work()
        except Exception as exc:  # noqa: BLE001 — raised where the future is awaited
            future.set_exception(exc)
        else:
            future.set_result(None)

    threading.Thread(target=run, daemon=True).start()
    return asyncio.wrap_future(future)
