"""Requests and rows as they pass, on their way to the console."""

import asyncio
import json

import pytest

from devstack.traffic import Traffic

API, AWS = 8000, 4566
TASK = "vid_te77aaaaaaaaaaaaaaaaaaaaaa"
ITEM = {"task_id": {"S": TASK}, "status": {"S": "processing"}}


class Listener:
    """A console that keeps what it is told."""

    def __init__(self):
        self.requests = []
        self.items, self.read = [], []

    def request(self, method, path, status, seconds, *, task="", note=""):
        assert seconds == 0.5
        self.requests.append((method, path, status, task, note))

    def item(self, item, *, written):
        (self.items if written else self.read).append(item)


def passing(
    *,
    port=API,
    method="GET",
    path="/v1/videos",
    status=200,
    body=b"",
    request_body=b"",
    headers=(),
    back=(),
):
    """Let one request through; return the console and what the client got."""

    async def gateway(_scope, receive, send):
        assert (await receive())["body"] == request_body
        start = {"type": "http.response.start", "status": status, "headers": list(back)}
        await send(start)
        half = len(body) // 2
        await send({"type": "http.response.body", "body": body[:half], "more_body": True})
        await send({"type": "http.response.body", "body": body[half:]})

    async def receive():
        return {"type": "http.request", "body": request_body}

    sent = []

    async def send(message):
        sent.append(message)

    listener = Listener()
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "headers": list(headers),
        "server": ("127.0.0.1", port),
    }
    ticks = iter([1.0, 1.5])
    traffic = Traffic(gateway, listener, api_port=API, clock=lambda: next(ticks))
    asyncio.run(traffic(scope, receive, send))
    assert b"".join(message.get("body", b"") for message in sent) == body
    assert sent[0]["status"] == status
    return listener


def called(operation, request_body, answer=None, status=200):
    """Return the rows that were told as written, and those as read."""
    target = [(b"x-amz-target", f"DynamoDB_20120810.{operation}".encode())]
    body = json.dumps(answer or {}).encode()
    asked = json.dumps(request_body).encode()
    seen = passing(
        port=AWS,
        method="POST",
        path="/",
        request_body=asked,
        body=body,
        headers=target,
        status=status,
    )
    return seen.items, seen.read


@pytest.mark.parametrize("response", [{"id": TASK, "object": "video"}, {"task_id": TASK}])
def test_a_submit_names_its_task_in_either_dialect(response):
    logged = passing(method="POST", body=json.dumps(response).encode()).requests
    assert logged == [("POST", "/v1/videos", 200, TASK, "")]


@pytest.mark.parametrize("body", [b"", b"[1]", b"{broken", b"\xff", b'{"object": "list"}'])
def test_an_answer_without_a_task_names_none(body):
    assert passing(method="POST", body=body).requests == [("POST", "/v1/videos", 200, "", "")]


@pytest.mark.parametrize(
    ("error", "note"),
    [
        ({"code": "invalid_value", "param": "size"}, "invalid_value size"),
        ({"code": "invalid_value", "details": [{"field": "fps"}]}, "invalid_value fps"),
        ({"code": "host_not_allowed", "message": "See X."}, "host_not_allowed: See X."),
        ({"message": "told to nobody"}, ""),
        (None, ""),
    ],
)
def test_error_has_code_field_and_the_callers_id(error, note):
    (line,) = passing(
        status=400,
        body=json.dumps({"error": error}).encode(),
        back=[(b"X-Request-Id", b"4f2c")],
    ).requests
    assert line[-1] == f"{note} request=4f2c".strip()


def test_a_caller_without_a_key_reminds_of_how_to_make_one():
    body = json.dumps({"error": {"code": "invalid_api_key"}}).encode()
    (line,) = passing(status=401, body=body).requests
    assert line[-1] == "invalid_api_key (make key NAME=… makes a key)"


def test_a_read_that_the_browser_will_withhold_names_the_setting():
    page = [(b"origin", b"http://localhost:5173"), (b"host", b"localhost:8000")]
    (line,) = passing(headers=page).requests
    assert "http://localhost:5173" in line[-1]
    assert "CORS_ALLOW_ORIGINS" in line[-1]


@pytest.mark.parametrize(
    ("origin", "back"),
    [
        (b"http://localhost:8000", []),
        (b"http://localhost:5173", [(b"Access-Control-Allow-Origin", b"*")]),
    ],
)
def test_a_read_that_a_page_may_have_needs_no_note(origin, back):
    page = [(b"origin", origin), (b"host", b"localhost:8000")]
    assert passing(headers=page, back=back).requests[0][-1] == ""


@pytest.mark.parametrize(
    ("operation", "request_body", "response"),
    [
        ("PutItem", {"Item": ITEM}, {}),
        ("TransactWriteItems", {"TransactItems": [{"Put": {"Item": ITEM}}, {"Delete": {}}]}, {}),
        ("UpdateItem", {"ReturnValues": "ALL_NEW"}, {"Attributes": ITEM}),
    ],
)
def test_a_written_row_is_told(operation, request_body, response):
    assert called(operation, request_body, response) == ([ITEM], [])


def test_a_row_that_was_read_is_told_as_such():
    assert called("GetItem", {}, {"Item": ITEM}) == ([], [ITEM])
    assert called("GetItem", {}, {}) == ([], [])


@pytest.mark.parametrize(
    ("operation", "request_body", "response", "status"),
    [
        ("PutItem", {"Item": ITEM}, {}, 400),  # its condition did not hold
        ("UpdateItem", {"ReturnValues": "ALL_OLD"}, {"Attributes": ITEM}, 200),
        ("UpdateItem", {}, {}, 200),
        ("GetItem", {}, {"Item": ITEM}, 400),
        ("Query", {}, {"Items": [ITEM]}, 200),
    ],
)
def test_what_leaves_no_row_is_not_told(operation, request_body, response, status):
    assert called(operation, request_body, response, status) == ([], [])


def test_what_is_no_request_passes():
    async def lifespan(scope, _receive, _send):
        seen.append(scope["type"])

    seen = []
    asyncio.run(Traffic(lifespan, Listener(), api_port=API)({"type": "lifespan"}, None, None))
    assert seen == ["lifespan"]
