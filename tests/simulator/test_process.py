import signal
import socket
import subprocess
import sys
import threading

import httpx
import pytest

from simulator import settings
from tests.support import web
from tests.support.simulator_process import ROOT, running

HEADERS = {"authorization": "Bearer any"}


def post(upstream, prompt, **fields):
    form = {"model": "m", "prompt": prompt} | fields
    files = {name: (None, value) for name, value in form.items()}
    return web.post(f"{upstream.api}/v1/videos", files=files, headers=HEADERS)


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_at_once_whatever_it_does(signal_number):
    with running() as upstream, httpx.Client(headers=HEADERS, timeout=5) as idle:
        post(upstream, "a long render", seconds="60", size="1920x1080")
        idle.get(f"{upstream.api}/_control")
        hanging = threading.Thread(target=_expect_silence, args=(upstream,))
        hanging.start()
        while upstream.report()["creates_received"] < 2:
            pass
        upstream.process.send_signal(signal_number)
        assert upstream.process.wait(5) == 0  # idle in 0.2 s, but not on a busy machine
        hanging.join()


def _expect_silence(upstream):
    with pytest.raises(httpx.TransportError):
        post(upstream, "[[submit:hang]]")


def test_it_ends_with_its_parent():
    with running() as upstream:
        upstream.process.stdin.close()
        assert upstream.process.wait(5) == 0


def test_it_leaves_no_files_behind(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with running("--tiny") as upstream:
        post(upstream, "a sea")
        assert list(tmp_path.iterdir())
    assert not list(tmp_path.iterdir())


def test_a_taken_port_is_an_error():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ChildProcessError), running(f"--port={port}"):
            pass


def test_helper_starts_without_the_requirements():
    code = "import sys, tests.support.simulator_process; sys.exit('starlette' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_options_come_before_variables_and_these_before_defaults():
    environment = {"UPSTREAM_PORT": "1", "UPSTREAM_FILES_PORT": "2", "UPSTREAM_STRICT": "true"}
    chosen = settings.read(["--port=3"], environment)
    assert (chosen.port, chosen.files_port, chosen.strict) == (3, 2, True)
    assert (chosen.seconds, chosen.endpoint, chosen.tiny) == (6, "/v1/videos", False)
