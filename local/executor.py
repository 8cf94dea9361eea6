"""How MiniStack runs the functions, adjusted at a few points of its internals.

It is pinned exactly, and `tests/local/test_executor.py` fails when another version moves a point.
"""

# ruff: noqa: SLF001 — MiniStack's internals are what this module is about
import threading
from pathlib import Path

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from local.logs import readable

#: Ctrl-C reaches the whole process group: the functions are ended by `stop`, without a traceback.
_DEAF = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
#: How long a finished handler is waited for to log: its first line, the next, in all.
_DRAIN_SECONDS = {"first_line_wait": 0.003, "idle_confirm": 0.002, "hard_cap": 0.25}

_retired: list[lambda_runtime.Worker] = []


def adjust(python: Path, stack: str) -> None:
    """Run the functions on `python`, as Lambda would, and print their logs as they come."""

    def detect(_runtime: str) -> tuple[str, str]:
        # Else the functions would run on MiniStack's own interpreter and import its packages.
        return str(python), _DEAF + lambda_runtime._PYTHON_WORKER_SCRIPT

    def read_stderr(worker: lambda_runtime.Worker) -> None:
        name = worker.func_name.removeprefix(f"{stack}-")
        process = worker._proc
        for line in process.stderr if process else ():
            if text := readable(line.rstrip("\n")):
                told = f"{name:<11} | " + text.replace("\n", f"\n{'':<11} | ") + "\n"
                print(told, end="", flush=True)  # in one piece: functions log at the same time
            worker._stderr_queue.put(line.rstrip("\n"))

    lambda_runtime._detect_runtime_binary = detect
    lambda_runtime.Worker._read_stderr = read_stderr
    lambda_svc.invalidate_worker = retire
    # A handler that logs nothing would cost 50 ms.
    lambda_runtime.Worker._drain_stderr_bounded.__defaults__ = tuple(_DRAIN_SECONDS.values())


def retire(function: str, **_scope: object) -> None:
    """Let new code come with the next invocation; one that runs ends first, as in Lambda."""
    with lambda_runtime._lock:
        keys = [key for key in lambda_runtime._workers if key.split(":")[2] == function]
        workers = [worker for key in keys for worker in lambda_runtime._workers.pop(key)]
    for worker in workers:
        _retired.append(worker)
        threading.Thread(target=_end_when_idle, args=(worker,), daemon=True).start()


def stop() -> None:
    """End every handler and let none start again; takes two seconds at most."""
    # An empty binary is what MiniStack has for a runtime that it does not know.
    lambda_runtime._detect_runtime_binary = lambda _runtime: ("", "")
    with lambda_runtime._lock:
        workers = [worker for pool in lambda_runtime._workers.values() for worker in pool]
        lambda_runtime._workers.clear()
    lambda_runtime.kill_workers([*workers, *_retired])


def _end_when_idle(worker: lambda_runtime.Worker) -> None:
    with worker._lock:  # held from the start of its process to the end of the handler
        lambda_runtime.kill_workers([worker])
    _retired.remove(worker)
