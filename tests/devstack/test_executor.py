"""The points of MiniStack that `devstack.executor` adjusts: a version that moves one fails here."""

# ruff: noqa: SLF001 — MiniStack's internals are what this module is about
import io
import shutil
import sys
import threading
import time
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from devstack import deploy, executor

ADJUSTED = [
    (lambda_runtime, "_detect_runtime_binary"),
    (lambda_runtime.Worker, "_spawn"),
    (lambda_runtime.Worker, "_read_stderr"),
    (lambda_runtime.Worker._drain_stderr_bounded, "__defaults__"),
    (lambda_svc, "invalidate_worker"),
]
CONFIG = {
    "FunctionName": "video-api-worker",
    "FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:video-api-worker",
    "Runtime": "python3.13",
    "Handler": "app.handler",
    "Timeout": 10,
}


@pytest.fixture(autouse=True)
def said(monkeypatch, tmp_path):
    """Adjust MiniStack; the lines that functions log come here, from threads: no printing."""
    lines = []
    for owner, name in ADJUSTED:
        monkeypatch.setattr(owner, name, getattr(owner, name))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    executor.adjust(sys.executable, "video-api", lines.append)
    yield lines
    executor.stop()


def zipped(name, code):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr(name, code)
    return archive.getvalue()


def acquire(code, **config):
    code = zipped("app.py", code)
    worker, _ = lambda_runtime.acquire_worker(CONFIG["FunctionName"], CONFIG | config, code)
    return worker


HOLDS = """
import os, time
def handler(event, context):
    open(event, "w").close()
    while os.path.exists(event):
        time.sleep(0.01)
    return "done"
"""


@pytest.fixture
def held(tmp_path):
    """A handler that runs until `sign` is gone: its worker, thread, results and sign."""
    sign, results, worker = tmp_path / "sign", [], acquire(HOLDS)
    running = threading.Thread(target=lambda: results.append(worker.invoke(str(sign), "r")))
    running.start()
    wait_for(sign.exists)
    return worker, running, results, sign


def test_the_waits_for_logs_are_still_called_so():
    drain = lambda_runtime.Worker._drain_stderr_bounded
    assert drain.__code__.co_varnames[1:4] == tuple(executor._DRAIN_SECONDS)


def test_functions_run_on_the_given_python(tmp_path):
    python = tmp_path / "python"
    python.symlink_to(sys.executable)
    executor.adjust(python, "video-api", lambda _: None)
    worker = acquire("import sys\ndef handler(event, context): return sys.executable")
    assert worker.invoke({}, "r")["result"] == str(python)


def test_logs_are_printed_as_they_come_with_the_functions_name(said):
    worker = acquire("def handler(event, context): print('said')")
    logged = worker.invoke({}, "r")["log"]
    executor.stop()  # and with it the thread that reads them: on a busy machine it comes later
    assert logged + worker._drain_stderr() == "said"
    assert said == ["worker      | said"]


def test_layers_are_unpacked_once_for_all_processes(monkeypatch):
    contents = {"arn:one": zipped("python/one.py", ""), "arn:two": zipped("python/two.py", "")}
    monkeypatch.setattr(lambda_svc, "_resolve_layer_zip", contents.pop)
    code = "import one, two\ndef handler(event, context): return [one.__file__, two.__file__]"
    environment = {"Variables": {"SAID": "yes"}}
    workers = [
        acquire(code, Layers=["arn:one", "arn:two"]),
        acquire(code, Layers=[{"Arn": "arn:one"}, {"Arn": "arn:two"}], Environment=environment),
    ]
    first, second = (worker.invoke({}, "r")["result"] for worker in workers)
    assert first == second
    assert workers[1].config["Environment"] == environment
    assert len(workers[1].config["Layers"]) == 2


def test_layer_of_the_build_is_mounted_as_it_was(monkeypatch, tmp_path):
    """Not unpacked: its files lie there already, and outlast the next build."""
    source = tmp_path / "built/python/one.py"
    source.parent.mkdir(parents=True)
    source.touch()
    folder = deploy.linked(tmp_path / "built")
    content = deploy.zipped([("python/one.py", source)], folder)
    shutil.rmtree(tmp_path / "built")
    monkeypatch.setattr(lambda_svc, "_resolve_layer_zip", {"arn:one": content}.get)
    code = "import one\ndef handler(event, context): return one.__file__"
    worker = acquire(code, Layers=["arn:one"])
    assert worker.invoke({}, "r")["result"] == f"{folder}/python/one.py"


def test_layer_is_copied_where_files_cannot_be_linked(monkeypatch, tmp_path):
    def link(*_):
        raise OSError

    monkeypatch.setattr("os.link", link)
    (tmp_path / "built").mkdir()
    (tmp_path / "built/one.py").write_text("1")
    assert Path(deploy.linked(tmp_path / "built"), "one.py").read_text() == "1"


ESCAPES = {
    "a handler": "def handler(event, context):\n    return missing",
    "an import": "missing\ndef handler(event, context): pass",
}


@pytest.mark.parametrize("code", ESCAPES.values(), ids=ESCAPES)
def test_what_escapes_is_told_with_file_and_line(code, said):
    worker = acquire(code)
    with suppress(RuntimeError):  # an import that fails
        assert worker.invoke({}, "r")["status"] == "error"
    wait_for(lambda: any("NameError: name 'missing' is not defined" in each for each in said))
    output = "\n".join(said)
    line = 1 + code.splitlines().index(next(x for x in code.splitlines() if "missing" in x))
    assert "worker      | ERROR unhandled" in output
    assert f'app.py", line {line}, in ' in output


def test_log_of_a_process_is_read_by_one_thread_alone():
    """MiniStack reads it, too, where a process ends at once; a text stream is for one."""
    worker = acquire("def handler(event, context): return 1")
    worker.invoke({}, "r")
    with pytest.raises(io.UnsupportedOperation):
        worker._proc.stderr.fileno()
    assert worker._proc.stderr.read(4096) == ""


def test_a_handler_that_logs_nothing_waits_for_no_log():
    worker = acquire("def handler(event, context): return 1")
    worker.invoke({}, "cold")

    def seconds():
        began = time.perf_counter()
        worker.invoke({}, "warm")
        return time.perf_counter() - began

    # MiniStack would wait 50 ms each time; a busy machine may take as long some of the times.
    assert any(seconds() < 0.050 for _ in range(100))


def test_new_code_lets_a_running_handler_end(held):
    worker, running, results, sign = held
    lambda_svc.invalidate_worker(CONFIG["FunctionName"], qualifier="$LATEST")
    assert acquire("def handler(event, context): return 'new'").invoke({}, "r")["result"] == "new"
    sign.unlink()
    running.join()
    assert results[0]["result"] == "done"
    wait_for(lambda: worker._proc is None)


def test_a_stop_ends_running_handlers_and_starts_no_other(held):
    _, running, results, _ = held
    executor.stop()
    running.join(timeout=5)
    assert results[0]["status"] == "error"
    with pytest.raises(RuntimeError, match="Unsupported runtime"):
        acquire("").invoke({}, "r")


def test_a_stop_leaves_the_removal_of_layers_to_others():
    """A copy of all layers for each worker took half a minute to remove under load."""
    worker = acquire("def handler(event, context): return 1")
    assert worker.invoke({}, "r")["result"] == 1
    folder = Path(worker._tmpdir)
    executor.stop()
    assert folder.exists()
    shutil.rmtree(folder)


def test_a_stop_ends_a_handler_whose_process_only_starts(monkeypatch, tmp_path):
    """It starts after `stop` ended all others, whose folders take seconds to remove."""
    sign, starts, ended = tmp_path / "sign", threading.Event(), threading.Event()
    credentials = lambda_runtime.execution_credentials

    def late(config):  # asked for just before the process is started
        starts.set()
        ended.wait()
        return credentials(config)

    monkeypatch.setattr(lambda_runtime, "execution_credentials", late)
    worker = acquire(HOLDS)
    worker._discard_tmpdir = lambda: None

    def invoke():
        # It is ended before it has said that it is ready, or even before it was told what to run.
        with suppress(RuntimeError, BrokenPipeError):
            worker.invoke(str(sign), "r")

    running = threading.Thread(target=invoke)
    running.start()
    starts.wait()
    executor.stop()
    ended.set()
    running.join(timeout=60)  # a process starts slowly on a busy machine
    has_ended = not running.is_alive()
    sign.unlink(missing_ok=True)  # lets the handler end, if it runs
    running.join()
    assert has_ended


def idle(worker, _sign):
    worker.invoke({}, "r")
    executor.stop()


def retired(worker, _sign):
    worker.invoke({}, "r")
    executor.retire(CONFIG["FunctionName"])
    executor.stop()


def crashed(worker, _sign):
    assert worker.invoke("crash", "r")["error"] == "Worker process died"


def late(worker, sign):
    worker.config = CONFIG | {"Timeout": 0.5}
    assert "timed out" in worker.invoke(sign, "r")["error"]


def raised(worker, _sign):
    assert worker.invoke("raise", "r")["status"] == "error"


WAYS = """
import os, time
def handler(event, context):
    if event == "crash":
        os._exit(1)
    if event == "raise":
        raise ValueError
    while event and not os.path.exists(event):
        time.sleep(0.01)
"""


@pytest.mark.parametrize("end", [idle, retired, crashed, late, raised])
def test_a_handler_that_ended_leaves_no_thread_and_no_open_pipe(end, tmp_path):
    """Else the collector closes them, with a warning, in whichever test runs then."""
    spawned = []
    worker = acquire(WAYS)
    spawn = worker._spawn

    def remember():
        spawn()
        spawned.append(worker._proc)

    worker._spawn = remember
    end(worker, str(tmp_path / "never"))
    executor.stop()
    (process,) = spawned
    assert process.poll() is not None
    assert process.stdin.closed and process.stdout.closed and process.stderr.closed  # noqa: PT018
    names = [thread.name for thread in threading.enumerate()]
    assert not [name for name in names if CONFIG["FunctionName"] in name]


def test_interrupt_leaves_a_function_to_the_stop():
    worker = acquire("import signal\ndef handler(event, context): return signal.getsignal(2)")
    assert worker.invoke({}, "r")["result"] == 1  # SIG_IGN


def wait_for(condition, within_seconds=5):
    until = time.monotonic() + within_seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)
