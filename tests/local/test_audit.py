"""The audit of the locks skips for one reason alone, and says it."""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from local.audit import audit

KNOWN = {"vulnerabilities": [{"id": "PYSEC-2020-173"}]}


@pytest.fixture
def service():
    """A server whose one answer is `status` and `body`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(server.status)
            self.end_headers()
            self.wfile.write(server.body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.status, server.body = 200, json.dumps(KNOWN).encode()
    server.url = f"http://127.0.0.1:{server.server_port}/pypi/pip/19.0/json"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def ends_with(code):
    """A command in pip-audit's place: it ends so for `a.txt`, and well for any other lock."""
    return sys.executable, "-c", f"import sys; sys.exit({code} if 'a.txt' in sys.argv else 0)"


@pytest.mark.parametrize("code", [0, 1, 2])
@pytest.mark.parametrize("locks", [["a.txt"], ["a.txt", "b.txt"], ["b.txt", "a.txt"]])
def test_what_pip_audit_says_of_the_worst_lock_is_what_counts(service, code, locks, capfd):
    assert audit(locks, canary=service.url, command=ends_with(code)) == code
    assert capfd.readouterr().out == "".join(f"{lock}: " for lock in locks)


def test_pip_audit_that_dies_of_a_signal_has_failed(service):
    command = sys.executable, "-c", "import os; os.kill(os.getpid(), 15)"
    assert audit(["a.txt"], canary=service.url, command=command) != 0


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, b"{}"),
        (503, b""),
        (200, b"<html>sign in</html>"),
        (200, b"[]"),
        (200, b'{"info": {}}'),
        (200, b'{"vulnerabilities": []}'),
    ],
)
def test_a_service_without_advisories_is_a_reason_to_skip(service, status, body, capfd):
    service.status, service.body = status, body
    assert audit(["a.txt"], canary=service.url, command=ends_with(1)) == 0
    assert capfd.readouterr().out.startswith("Skipped the audit: 127.0.0.1")


def test_no_network_is_a_reason_to_skip(service, capfd):
    service.shutdown()
    service.server_close()
    assert audit(["a.txt"], canary=service.url, command=ends_with(1)) == 0
    assert capfd.readouterr().out.count("\n") == 1
