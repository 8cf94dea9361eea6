"""How MiniStack runs the functions, adjusted at a few points of its internals.

It is pinned exactly; `tests/devstack/test_executor.py` fails when another version moves a point.
"""

# ruff: noqa: SLF001 — MiniStack's internals are what this module is about
import io
import os
import re
import subprocess
import threading
import time
import zipfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from devstack.deploy import layer_folder
from devstack.logs import in_repository, readable

#: Ctrl-C and a closed terminal reach the whole process group: the functions are ended by `stop`,
#: without a traceback.
_IGNORE_SIGINT = (
    "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
)
#: What escapes a handler, or its import, is logged as Lambda does it, which MiniStack leaves out.
_LOG_ESCAPED = """
def _log_escaped():
    import json, sys, traceback
    entry = {"level": "ERROR", "message": "unhandled", "exception": traceback.format_exc()}
    print(json.dumps(entry), file=sys.stderr, flush=True)
"""
_ESCAPED = re.compile(r"^( +)except Exception as e:\n", re.MULTILINE)
#: How long a finished handler is waited for to log: its first line, the next, in all.
_DRAIN_SECONDS = {"first_line_wait": 0.003, "idle_confirm": 0.002, "hard_cap": 0.25}
#: How long `stop` waits, in all, for the threads of handlers that it has ended.
_JOIN_SECONDS = 2.0
#: What the names of those threads begin with: MiniStack's own that read the logs, and ours.
_READER, _RETIREMENT = "stderr-", "retire-"

#: MiniStack's own start of a process, which would unpack all layers again for each.
_spawn = lambda_runtime.Worker._spawn

_retired: list[lambda_runtime.Worker] = []
_unpacked: dict[str, str] = {}  # the folders of layers, by ARN
_unpacking = threading.Lock()
_stopped = threading.Event()


def script() -> str:
    """Return the script of a function's process: MiniStack's, with unhandled exceptions logged."""
    worker = lambda_runtime._PYTHON_WORKER_SCRIPT
    logging = _ESCAPED.sub(r"\g<0>\1    _log_escaped()\n", worker)
    return _IGNORE_SIGINT + _LOG_ESCAPED + logging


def adjust(python: Path, stack: str, say: Callable[[str], None], *, debug: bool = False) -> None:
    """Run the functions on `python`, as Lambda would, and `say` their logs as they come."""

    def detect(_runtime: str) -> tuple[str, str]:
        # Else the functions would run on MiniStack's own interpreter and import its packages.
        return str(python), script()

    def reader(worker: lambda_runtime.Worker) -> Callable[[], None]:
        """Take the log of a process that has just begun, before any thread reads of it.

        MiniStack reads it, too, where a process ends at once: a text stream that two threads read
        at a time breaks the interpreter. It gets an empty one.
        """
        process = worker._proc
        if process is None or process.stderr is None:
            return lambda: None
        stderr, process.stderr = process.stderr, io.StringIO()
        return partial(read_stderr, worker, process, stderr)

    def read_stderr(
        worker: lambda_runtime.Worker, process: subprocess.Popen[str], stderr: IO[str]
    ) -> None:
        name = worker.func_name.removeprefix(f"{stack}-")
        if _stopped.is_set():  # started while `stop` ended the others: nobody else would end it
            process.kill()
        with stderr:
            for line in stderr:
                if text := readable(line.rstrip("\n"), debug=debug):
                    text = in_repository(text, name).replace("\n", f"\n{'':<11} | ")
                    say(f"{name:<11} | {text}")
                worker._stderr_queue.put(line.rstrip("\n"))
        process.wait()
        # MiniStack leaves the pipes to the collector. The lock: what the handler answered is read.
        # A broken one: half a request still stands in its buffer.
        with worker._lock, suppress(BrokenPipeError), process:
            pass

    _stopped.clear()
    _unpacked.clear()
    lambda_runtime.Worker._spawn = spawn
    lambda_runtime._detect_runtime_binary = detect
    lambda_runtime.Worker._read_stderr = property(reader)
    lambda_svc.invalidate_worker = retire
    # A handler that logs nothing would cost 50 ms.
    lambda_runtime.Worker._drain_stderr_bounded.__defaults__ = tuple(_DRAIN_SECONDS.values())


def spawn(worker: lambda_runtime.Worker) -> None:
    """Start a function's process with its layers mounted, as Lambda does it, not copied."""
    config = worker.config
    if attached := config.get("Layers"):
        variables = {**config.get("Environment", {}).get("Variables", {})}
        variables["_LAMBDA_LAYERS_DIRS"] = os.pathsep.join(_mounted(attached))
        worker.config = {**config, "Layers": [], "Environment": {"Variables": variables}}
    try:
        _spawn(worker)
    finally:
        worker.config = config


def _mounted(attached: Iterable[str | dict[str, str]]) -> list[str]:
    """Return the folders of these layers; unpack what does not say where it lies unpacked."""
    arns = [layer if isinstance(layer, str) else layer["Arn"] for layer in attached]
    with _unpacking:
        for arn in arns:
            if arn not in _unpacked:
                content = lambda_svc._resolve_layer_zip(arn) or b""
                with zipfile.ZipFile(io.BytesIO(content)) as archive:
                    folder = archive.comment.decode() or str(layer_folder())
                    if not archive.comment:
                        archive.extractall(folder)
                _unpacked[arn] = folder
        return [_unpacked[arn] for arn in arns]


def retire(function: str, **_scope: object) -> None:
    """Let new code come with the next invocation; one that runs ends first, as in Lambda."""
    with lambda_runtime._lock:
        keys = [key for key in lambda_runtime._workers if key.split(":")[2] == function]
        workers = [worker for key in keys for worker in lambda_runtime._workers.pop(key)]
    for worker in workers:
        _retired.append(worker)
        name = f"{_RETIREMENT}{function}"
        threading.Thread(target=_end_when_idle, args=(worker,), daemon=True, name=name).start()


def stop() -> None:
    """End every handler and let none start again; takes two seconds, four where one is deaf."""
    _stopped.set()
    # An empty binary is what MiniStack has for a runtime that it does not know.
    lambda_runtime._detect_runtime_binary = lambda _runtime: ("", "")
    with lambda_runtime._lock:
        workers = [worker for pool in lambda_runtime._workers.values() for worker in pool]
        lambda_runtime._workers.clear()
    for worker in (*workers, *_retired):
        worker._tmpdir = None  # `scratch` removes it with all the others
    lambda_runtime.kill_workers([*workers, *_retired])
    until = time.monotonic() + _JOIN_SECONDS
    for thread in threading.enumerate():
        if thread.name.startswith((_READER, _RETIREMENT)):
            thread.join(max(0.0, until - time.monotonic()))


def _end_when_idle(worker: lambda_runtime.Worker) -> None:
    with worker._lock:  # held from the start of its process to the end of the handler
        lambda_runtime.kill_workers([worker])
    _retired.remove(worker)
