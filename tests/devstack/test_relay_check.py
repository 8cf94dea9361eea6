"""A real relay is looked at before the start: only what cannot work is refused."""

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from devstack import relay_check
from devstack.settings import Settings
from tests.support.free_ports import free_ports

KEY = "sk-of-the-relay"


@pytest.fixture
def relay():
    """Return a function that serves one status for a job, another for the list of jobs."""
    servers, seen = [], []

    def serve(job, jobs=200):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                seen.append((self.command, self.path, self.headers["authorization"]))
                status = jobs if self.path == "/v1/videos" else job
                self.send_response(status)
                if status in {301, 302}:
                    self.send_header("location", "http://192.0.2.1/")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        return f"http://127.0.0.1:{server.server_port}"

    serve.seen = seen
    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def check(origin, **more):
    values = {"VEO3_API_KEY": KEY, "VEO3_BASE_URL": origin, **more}
    return relay_check.check(Settings.of(values))


@pytest.mark.parametrize("status", [200, 204, 302, 400, 404, 405, 429, 500, 503])
def test_a_relay_that_answers_as_it_likes_is_taken(relay, status):
    assert check(relay(status)) is None
    assert relay.seen == [("GET", "/v1/videos/start-check", f"Bearer {KEY}")]


@pytest.mark.parametrize(("job", "jobs"), [(401, 200), (403, 401), (403, 403)])
def test_a_refused_key_is_told_with_its_setting_and_not_shown(relay, job, jobs):
    with pytest.raises(RuntimeError, match=r"127\.0\.0\.1 refuses the key") as excinfo:
        check(relay(job, jobs))
    assert "VEO3_API_KEY" in str(excinfo.value)
    assert KEY not in str(excinfo.value)


@pytest.mark.parametrize("jobs", [200, 404, 405])
def test_a_job_that_is_forbidden_alone_is_no_refused_key(relay, jobs):
    assert check(relay(403, jobs)) is None


def test_missing_relay_is_named_with_its_setting():
    with free_ports(1) as (number,):
        pass
    with pytest.raises(RuntimeError, match=r"127\.0\.0\.1 cannot be reached") as excinfo:
        check(f"http://127.0.0.1:{number}")
    assert "nothing listens there" in str(excinfo.value)
    assert "VEO3_BASE_URL" in str(excinfo.value)


def test_a_relay_without_tls_is_told_so(relay):
    with pytest.raises(RuntimeError, match="is it http://"):
        check(relay(200).replace("http:", "https:"))


def test_a_relay_that_does_not_answer_in_time_is_only_told(monkeypatch):
    monkeypatch.setattr(relay_check, "SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        warning = check(f"http://127.0.0.1:{silent.getsockname()[1]}")
    assert "127.0.0.1 (VEO3_BASE_URL) gave no answer" in warning


@pytest.mark.parametrize(
    "values",
    [{"VEO3_API_KEY": ""}, {"CHECK_RELAY": "false"}, {"VIDEO_PROVIDERS": "gemini,vertex"}],
)
def test_a_relay_that_no_order_goes_to_is_not_asked(relay, values):
    assert check(relay(401), **values) is None
    assert relay.seen == []
