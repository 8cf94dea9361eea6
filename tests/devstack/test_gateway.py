import asyncio
import json

import pytest

from devstack.gateway import MAX_READ, Gateway
from videoapi.api.openai.responses import openai_error
from videoapi.api.rest.responses import rest_error
from videoapi.errors import ServiceError, VideoApiError

API, AWS = 8000, 4566


def request(gateway, **asked):
    """Send one request; return the status."""
    return answer(gateway, **asked)[0]


def answer(
    gateway,
    *,
    port=API,
    method="GET",
    path="/",
    host="localhost:8000",
    origin=None,
    address="127.0.0.1",
    body=None,
    **more,
):
    """Send one request of the chunks `body`; return the status, the headers and the body."""
    headers = [(b"host", host.encode())] + ([(b"origin", origin.encode())] if origin else [])
    headers += [(name.replace("_", "-").encode(), value.encode()) for name, value in more.items()]
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "headers": headers,
        "server": (address, port),
    }
    sent = []

    async def send(message):
        sent.append(message)

    async def receive():
        assert not sent
        return {"type": "http.request", "body": body.pop(0), "more_body": bool(body)}

    body = [b""] if body is None else body
    asyncio.run(gateway(scope, receive, send))
    return sent[0]["status"], dict(sent[0]["headers"]), sent[-1].get("body", b"")


@pytest.fixture
def passed():
    return []


@pytest.fixture
def gateway(passed):
    async def ministack(scope, _receive, send):
        passed.append(scope)
        await send({"type": "http.response.start", "status": 200, "headers": []})

    gateway = Gateway(ministack, api_port=API, hosts=["10.0.0.7", ".home.arpa"])
    gateway.api_id = "abc"
    return gateway


def open_to(passed, **host_check):
    async def ministack(scope, _receive, send):
        passed.append(scope)
        await send({"type": "http.response.start", "status": 200, "headers": []})

    gateway = Gateway(ministack, api_port=API, **host_check)
    gateway.api_id = "abc"
    return gateway


def test_the_api_port_leads_to_the_api_by_path(gateway, passed):
    assert request(gateway, path="/v1/videos") == 200
    assert passed[0]["path"] == "/_aws/execute-api/abc/$default/v1/videos"
    assert passed[0]["raw_path"] == b"/_aws/execute-api/abc/$default/v1/videos"


def test_the_aws_port_leads_to_ministack_as_it_is(gateway, passed):
    assert request(gateway, port=AWS, path="/bucket/key") == 200
    assert passed[0]["path"] == "/bucket/key"


def test_a_request_before_the_api_exists_is_told_to_come_again(gateway):
    gateway.api_id = ""
    assert request(gateway) == 503


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:8000",
        "127.0.0.1:8000",
        "[::1]:8000",
        "app.localhost:8000",
        "10.0.0.7",
        "home.arpa",
        "phone.home.arpa:8000",
    ],
)
def test_this_machine_is_known_by_its_names(gateway, host):
    assert request(gateway, host=host) == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "", "[::1", "10.0.0.8"])
@pytest.mark.parametrize("port", [API, AWS])
def test_a_foreign_host_is_refused_on_both_ports(gateway, passed, host, port):
    assert request(gateway, host=host, port=port) == 403
    assert not passed


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost.evil.example"]
)
@pytest.mark.parametrize("port", [API, AWS])
def test_a_write_from_a_foreign_page_is_refused_on_both_ports(gateway, passed, origin, port):
    assert request(gateway, method="POST", origin=origin, port=port) == 403
    assert not passed


def test_refusal_follows_the_body(gateway):
    """Above a body that still comes the connection would be reset, and the answer lost."""
    for chunks, left in (([b"a", b"b", b"c"], 0), ([bytes(MAX_READ)] * 3, 2)):
        asked = {"method": "POST", "origin": "https://evil.example", "body": chunks}
        assert request(gateway, **asked) == 403
        assert len(chunks) == left


@pytest.mark.parametrize("origins", [["https://app.example"], ["*"]])
def test_page_of_an_open_origin_may_write_to_the_api_alone(origins, passed):
    gateway = open_to(passed, origins=origins)
    page = "https://app.example"
    assert request(gateway, method="POST", origin=page) == 200
    assert request(gateway, method="POST", origin=page, port=AWS) == 403
    assert request(gateway, method="POST", origin="https://app.example.evil") == (
        200 if origins == ["*"] else 403
    )


def test_address_connected_to_is_known_and_another_is_not(gateway):
    assert request(gateway, host="192.168.1.5:8000", address="192.168.1.5") == 200
    assert request(gateway, host="192.168.1.6:8000", address="192.168.1.5") == 403


def test_any_host_is_known_where_the_setting_says_so(passed):
    assert request(open_to(passed, hosts=["*"]), host="evil.example") == 200


@pytest.mark.parametrize(
    "origin",
    ["http://localhost:5173", "http://127.0.0.1:8000", "http://app.localhost:3000", "http://[::1"],
)
@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT", "PATCH"])
def test_page_of_another_local_port_costs_nothing_uninvited(gateway, passed, origin, method):
    assert request(gateway, method=method, origin=origin) == 403
    assert not passed


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost:8000", "http://localhost:8000"),
        ("10.0.0.7:8000", "http://10.0.0.7:8000"),
        ("phone.home.arpa", "https://phone.home.arpa"),  # TLS ended before us
    ],
)
def test_a_page_of_the_api_itself_may_write(gateway, host, origin):
    assert request(gateway, method="POST", host=host, origin=origin) == 200


def test_a_client_that_is_no_page_may_write(gateway):
    assert request(gateway, method="POST") == 200


@pytest.mark.parametrize("page", ["http://localhost:8000", "https://app.example"])
def test_upload_form_of_an_allowed_page_reaches_s3(passed, page):
    """An upload's form of an allowed page reaches S3 and no other write does."""
    gateway = open_to(passed, origins=["https://app.example"])
    asked = {"port": AWS, "method": "POST", "host": "127.0.0.1:4566", "origin": page}
    assert request(gateway, **asked, content_type="multipart/form-data; boundary=x") == 200
    assert request(gateway, **asked, content_type="application/x-amz-json-1.0") == 403
    assert request(gateway, **asked) == 403


REFUSED = {
    "a foreign host": ({"host": "evil.example"}, "ALLOWED_HOSTS", "host_not_allowed"),
    "a foreign page": (
        {"method": "POST", "origin": "https://evil.example"},
        "CORS_ALLOW_ORIGINS",
        "origin_not_allowed",
    ),
    "a foreign page that asks": (
        {
            "method": "OPTIONS",
            "origin": "https://evil.example",
            "access_control_request_method": "POST",
        },
        "CORS_ALLOW_ORIGINS",
        "origin_not_allowed",
    ),
}


@pytest.mark.parametrize("path", ["/v1/videos", "/api/v1/tasks", "/"])
@pytest.mark.parametrize(("asked", "setting", "code"), REFUSED.values(), ids=REFUSED)
def test_a_refusal_names_its_setting_in_the_dialects_shape(gateway, path, asked, setting, code):
    status, headers, body = answer(gateway, path=path, **asked)
    refusal = json.loads(body)["error"]
    assert (status, refusal["code"]) == (403, code)
    assert "evil.example" in refusal["message"]
    assert setting in refusal["message"]
    error = VideoApiError("")
    theirs = openai_error(error)[1] if path.startswith("/v1") else rest_error(error)
    assert refusal.keys() == theirs["error"].keys()
    assert headers[b"x-request-id"]
    assert headers[b"content-type"] == b"application/json"


@pytest.mark.parametrize("path", ["/v1/videos", "/api/v1/tasks"])
def test_a_start_is_said_in_the_dialects_shape(gateway, path):
    gateway.api_id = ""
    status, headers, body = answer(gateway, path=path)
    error = ServiceError("Starting, or stopping.")
    theirs = openai_error(error)[1] if path.startswith("/v1") else rest_error(error)
    assert (status, json.loads(body)) == (503, theirs)
    assert headers[b"retry-after"] == b"1"
    assert headers[b"refresh"] == b"1", "a browser that was opened too early asks again by itself"


def test_a_refusal_tells_nothing_that_steers_a_terminal(gateway):
    _, _, body = answer(gateway, host="evil\x1b[2J.example")
    assert "\x1b" not in json.loads(body)["error"]["message"]


def test_a_foreign_page_may_read_what_cors_lets_it(gateway):
    assert request(gateway, origin="https://evil.example") == 200


def test_websocket_is_closed(gateway, passed):
    """A websocket is closed because browsers let any page open one."""
    sent = []

    async def send(message):
        sent.append(message["type"])

    asyncio.run(gateway({"type": "websocket"}, None, send))
    assert sent == ["websocket.close"]
    assert not passed
