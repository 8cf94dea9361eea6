"""No web page may turn the simulator's switches, nor a rebound name read what it knows."""

import pytest

from tests.support import web

PORTS = ["api", "files"]


def ask(caller, port, method, path="/_control", **headers):
    return web.request(method, f"{getattr(caller.upstream, port)}{path}", headers=headers)


@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.8", 'a"b'])
def test_a_foreign_host_is_refused_on_both_ports(caller, port, host):
    assert ask(caller, port, "GET", host=host).status_code == 403


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:5173"])
@pytest.mark.parametrize("path", ["/_control/reset", "/_control/settings", "/v1/videos"])
def test_no_page_may_write(caller, origin, path):
    assert ask(caller, "api", "POST", path, origin=origin).status_code == 403


def test_a_client_that_is_no_page_may_turn_the_switches(caller):
    response = web.post(f"{caller.upstream.api}/_control/settings", json={})
    assert response.status_code == 200


def test_a_page_may_read_a_file_and_its_parts(caller):
    page = {"origin": "http://localhost:5173"}
    response = caller.file("", **page, range="bytes=0-9")
    assert response.status_code == 206
    assert response.headers["access-control-allow-origin"] == "*"
    exposed = response.headers["access-control-expose-headers"].lower()
    assert {"content-range", "content-length", "accept-ranges"} <= set(exposed.split(", "))


def test_a_page_may_ask_beforehand_for_a_part(caller):
    asked = {
        "origin": "http://localhost:5173",
        "access-control-request-method": "GET",
        "access-control-request-headers": "range",
    }
    response = caller.anonymous.options(caller.ended("")["video_url"], headers=asked)
    assert response.status_code == 200
    assert "range" in response.headers["access-control-allow-headers"]


def test_a_file_that_is_not_there_says_so_to_a_page_too(caller):
    response = ask(caller, "files", "GET", "/v/none.mp4", origin="http://localhost:5173")
    assert response.status_code == 404
    assert response.headers["access-control-allow-origin"] == "*"
