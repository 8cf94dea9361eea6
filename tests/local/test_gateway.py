import asyncio

import pytest

from local.gateway import Gateway

API, AWS = 8000, 4566


def request(gateway, *, port=API, method="GET", path="/", host="localhost:8000", origin=None):
    """Send one request; return the status, or the scope that got through."""
    headers = [(b"host", host.encode())] + ([(b"origin", origin.encode())] if origin else [])
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "headers": headers,
        "server": ("127.0.0.1", port),
    }
    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(gateway(scope, None, send))
    return sent[0]["status"]


@pytest.fixture
def passed():
    return []


@pytest.fixture
def gateway(passed):
    async def ministack(scope, _receive, send):
        passed.append(scope)
        await send({"type": "http.response.start", "status": 200, "headers": []})

    gateway = Gateway(ministack, api_port=API, hosts=["10.0.0.7"])
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
    "host", ["localhost", "127.0.0.1:8000", "[::1]:8000", "app.localhost:8000", "10.0.0.7"]
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


@pytest.mark.parametrize("origins", [["https://app.example"], ["*"]])
def test_a_page_that_the_api_is_open_to_may_write_to_it_and_not_to_the_aws_apis(origins, passed):
    async def ministack(scope, _receive, send):
        passed.append(scope)
        await send({"type": "http.response.start", "status": 200, "headers": []})

    gateway = Gateway(ministack, api_port=API, origins=origins)
    gateway.api_id = "abc"
    page = "https://app.example"
    assert request(gateway, method="POST", origin=page) == 200
    assert request(gateway, method="POST", origin=page, port=AWS) == 403
    assert request(gateway, method="POST", origin="https://app.example.evil") == (
        200 if origins == ["*"] else 403
    )


def test_a_page_of_this_machine_may_write(gateway):
    assert request(gateway, method="POST", origin="http://localhost:5173") == 200


def test_a_foreign_page_may_read_what_cors_lets_it(gateway):
    assert request(gateway, origin="https://evil.example") == 200


def test_a_websocket_is_closed_because_browsers_let_any_page_open_one(gateway, passed):
    sent = []

    async def send(message):
        sent.append(message["type"])

    asyncio.run(gateway({"type": "websocket"}, None, send))
    assert sent == ["websocket.close"]
    assert not passed
