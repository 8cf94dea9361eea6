"""MCP by hand: whole requests to the function, in every version that it speaks."""

import base64
import json
import shlex
import time

import pytest
from jsonschema_rs import Draft202012Validator

from tests.support.pictures import png
from tests.support.task_factory import POLICY, UPSTREAM_VIDEO, TaskFactory
from tools.openapi import mcp_tools
from videoapi.accounts.api_keys import ApiKeyStore, Limits
from videoapi.api import documentation
from videoapi.api.mcp.server import TOOLS
from videoapi.api.mcp.versions import CAPABILITIES, META, VERSION

IMAGE = "https://images.example.com/a.png"
ASKED = {"image": IMAGE, "prompt": "A fox"}
TOOL_LIST = json.loads(TOOLS.read_bytes())
SCHEMAS = {tool["name"]: Draft202012Validator(tool["outputSchema"]) for tool in TOOL_LIST}
NEW = "2026-07-28"


class Agent:
    """A client of one version: a header after a handshake, or `_meta` in each request."""

    def __init__(self, client, version, **headers):
        self.client, self.version, self.headers = client, version, headers

    def post(self, method, **params):
        headers = self.headers | {"mcp-protocol-version": self.version}
        if self.version == NEW:
            params["_meta"] = {VERSION: NEW, CAPABILITIES: {}}
            headers |= {"mcp-method": method, "mcp-name": str(params.get("name", ""))}
        body = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}
        response = self.client.post("/mcp", json=body, headers=headers)
        assert (response.json["jsonrpc"], response.json["id"]) == ("2.0", 7)
        return response

    def call(self, name, **arguments):
        """Return the text, the data and the links of a call that went well."""
        result = self.result(name, **arguments)
        assert result["isError"] is False, result
        SCHEMAS[name].validate(result["structuredContent"])
        text, *links = result["content"]
        return text["text"], result["structuredContent"], links

    def wrong(self, name, **arguments):
        """Return what is said of a call that did not go well."""
        result = self.result(name, **arguments)
        assert result["isError"] is True, result
        assert "structuredContent" not in result
        return result["content"][0]["text"]

    def result(self, name, **arguments):
        response = self.post("tools/call", name=name, arguments=arguments)
        assert response.status == 200, response.text
        result = response.json["result"]
        if self.version == NEW:
            assert result["resultType"] == "complete"
            assert result["_meta"][f"{META}serverInfo"]["name"] == "video-api"
        return result


@pytest.fixture(params=["2025-06-18", "2025-11-25", NEW])
def version(request):
    return request.param


@pytest.fixture
def agent(client, version):
    return Agent(client, version)


@pytest.fixture
def tasks(services):
    return TaskFactory(services.store)


# --- the protocol


def test_the_committed_tools_are_what_the_models_say():
    assert TOOLS.read_text() == mcp_tools.text(), "say `make openapi` and commit what it changes"


def test_handshake_names_server_and_what_it_can(client):
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "a"}}
    body = {"jsonrpc": "2.0", "id": "a", "method": "initialize", "params": hello}
    result = client.post("/mcp", json=body).json["result"]
    assert result["protocolVersion"] == "2025-11-25"
    assert result["serverInfo"]["version"] == documentation.health()["version"]
    assert result["capabilities"] == {"tools": {}}
    assert "idempotency_key" in result["instructions"]


def test_handshake_without_a_version_is_invalid(client):
    body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}}
    assert client.post("/mcp", json=body).error["code"] == -32602


def test_new_version_discovers_without_a_handshake(client):
    result = Agent(client, NEW).post("server/discover").json["result"]
    assert result["supportedVersions"] == [NEW, "2025-11-25", "2025-06-18"]
    assert result["capabilities"] == {"tools": {}}
    assert (result["resultType"], result["cacheScope"]) == ("complete", "public")


def test_ping_is_of_the_versions_with_a_handshake(client, version):
    response = Agent(client, version).post("ping")
    if version == NEW:
        assert (response.status, response.error["code"]) == (404, -32601)
    else:
        assert (response.status, response.json["result"]) == (200, {})


def test_tools_are_listed_alike_in_every_version(agent, version):
    result = agent.post("tools/list").json["result"]
    assert result["tools"] == TOOL_LIST
    assert ("ttlMs" in result) == (version == NEW)
    assert agent.post("tools/list", cursor=None).status == 200


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("resources/list", {}, -32601),
        ("prompts/list", {}, -32601),
        ("logging/setLevel", {"level": "info"}, -32601),
        ("subscriptions/listen", {}, -32601),
        ("tools/list", {"cursor": "2"}, -32602),
        ("tools/call", {"name": "make_coffee"}, -32602),
        ("tools/call", {"name": 5}, -32602),
        ("tools/call", {}, -32602),
        ("tools/call", {"name": "list_models", "arguments": []}, -32602),
    ],
)
def test_protocol_fault_is_an_error_with_its_code(agent, version, method, params, code):
    response = agent.post(method, **params)
    if version == NEW and not isinstance(params.get("name", ""), str):
        code = -32020  # its header cannot say a number
    assert (response.error["code"], bool(response.error["message"])) == (code, True)
    assert response.status == ((404 if code == -32601 else 400) if version == NEW else 200)
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("body", "code"), [("{", -32700), ("", -32700), ("[]", -32600), ('{"id": 1}', -32600)]
)
def test_what_is_no_message_is_refused_by_status_too(client, body, code):
    response = client.post("/mcp", body=body, headers={"content-type": "application/json"})
    assert (response.status, response.error["code"]) == (400, code)
    assert response.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("method", ["notifications/initialized", "notifications/x", "tools/call"])
def test_notification_is_taken_and_does_nothing(client, services, method):
    params = {"name": "generate_video", "arguments": ASKED}
    response = client.post("/mcp", json={"jsonrpc": "2.0", "method": method, "params": params})
    assert (response.status, response.text) == (202, "")
    assert services.is_untouched()


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "HEAD"])
def test_other_methods_are_named_the_one_that_is(client, method):
    response = client.request(method, "/mcp")
    assert (response.status, response.headers["allow"]) == (405, "POST")


def test_origin_of_a_foreign_page_is_refused(deploy, services):
    body = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    client = deploy(PUBLIC_URL="https://v.example", CORS_ALLOW_ORIGINS="https://p.example")
    for origin, status in (
        ("https://evil.example", 403),
        ("null", 403),
        ("https://v.example", 200),
        ("https://p.example", 200),
    ):
        response = client.post("/mcp", json=body, headers={"origin": origin})
        assert response.status == status
    assert services.is_untouched()


@pytest.mark.parametrize("key", ["", "Bearer vak_wrong"])
def test_origin_is_judged_before_the_key(deploy, services, key):
    """A foreign page learns nothing of whether a key is good, and costs no read."""
    closed = deploy(ALLOW_ANONYMOUS="false")
    body = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    headers = {"origin": "https://evil.example", "authorization": key}
    assert closed.post("/mcp", json=body, headers=headers).status == 403
    assert services.is_untouched()


def test_key_is_asked_for_as_everywhere(deploy, services, version):
    closed = deploy(ALLOW_ANONYMOUS="false")
    ring = ApiKeyStore(services.dynamodb, services.table, time.time)
    key = ring.make("alice", Limits())
    body = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    for headers in ({}, {"authorization": "Bearer vak_wrong"}):
        response = closed.post("/mcp", json=body, headers=headers)
        assert (response.status, response.headers["www-authenticate"]) == (401, "Bearer")
        assert response.error["code"] == 401
    agent = Agent(closed, version, authorization=f"Bearer {key}")
    assert agent.call("list_videos")[1]["videos"] == []


# --- the tools


def test_video_is_ordered_as_by_the_route(agent, services, client):
    asked = ASKED | {"duration": 6, "resolution": "720p", "camera_motion": "pan"}
    text, data, _ = agent.call("generate_video", **asked, idempotency_key="one")
    assert data["status"] == "pending"
    assert data["task_id"] in text
    assert 1 <= data["poll_after_seconds"] <= 10
    headers = {"idempotency-key": "one"}
    again = client.post("/api/v1/videos/generate", json=asked, headers=headers)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json["task_id"] == data["task_id"]
    assert len(services.items()) == 1


def test_header_is_the_key_where_the_argument_is_absent(client, services, version):
    agent = Agent(client, version, **{"idempotency-key": '"one"'})
    _, first, _ = agent.call("generate_video", **ASKED)
    _, again, _ = agent.call("generate_video", **ASKED, idempotency_key="one")
    assert (again["task_id"], again["replayed"]) == (first["task_id"], True)
    _, other, _ = agent.call("generate_video", **ASKED, idempotency_key="two")
    assert other["task_id"] != first["task_id"]
    agent.headers = {"idempotency-key": "x" * 256}
    assert "1 to 255" in agent.wrong("generate_video", **ASKED)
    assert len(services.items()) == 2


def test_one_idempotency_key_is_one_video(agent, services):
    _, first, _ = agent.call("generate_video", **ASKED, idempotency_key="one")
    text, second, _ = agent.call("generate_video", **ASKED, idempotency_key="one")
    assert (first["replayed"], second["replayed"]) == (False, True)
    assert first["task_id"] == second["task_id"]
    assert "nothing more is paid" in text
    other = agent.wrong("generate_video", prompt="A wolf", idempotency_key="one")
    assert "idempotency_key" in other
    assert len(services.items()) == 1


def test_dry_run_tells_the_price_and_orders_nothing(deploy, services, version):
    for price, words in (("0", "an unknown price"), ("0.25", "0.25 USD")):
        agent = Agent(deploy(VIDEO_PRICE_USD=price), version)
        text, data, _ = agent.call("generate_video", **ASKED, idempotency_key="one", dry_run=True)
        assert words in text
        assert (data["dry_run"], data["cost"]["estimated"]) == (True, float(price) or None)
    assert "duration" in agent.wrong("generate_video", **ASKED, duration=99, dry_run=True)
    assert services.is_untouched()


def test_call_that_comes_late_is_told_the_end(agent):
    _, data, _ = agent.call("generate_video", **ASKED, idempotency_key="one")
    agent.call("cancel_video", task_id=data["task_id"])
    text, again, _ = agent.call("generate_video", **ASKED, idempotency_key="one")
    assert (again["status"], again["poll_after_seconds"]) == ("cancelled", None)
    assert "Call get_video" not in text
    assert again["task_id"] == data["task_id"]


def test_two_calls_without_a_key_are_two_videos(agent, services):
    for _ in range(2):
        agent.call("generate_video", prompt="A fox")
    assert len(services.items()) == 2


@pytest.mark.parametrize(
    "image", [IMAGE, base64.b64encode(png()).decode(), "data:image/png;base64,"]
)
def test_image_comes_in_every_form_of_the_route(agent, services, image):
    if image.endswith(","):
        image += base64.b64encode(png()).decode()
    _, data, _ = agent.call("generate_video", image=image)
    assert {"image_url", "image_key"} & services.item(data["task_id"]).keys()


def test_uploaded_image_is_taken_by_its_reference(agent, services):
    text, form, _ = agent.call("create_upload", content_type="image/png")
    command = shlex.split(text.partition("\n")[2])
    assert (command[0], command[-1], command[-2]) == ("curl", form["url"], "-Ffile=@FILE")
    assert {f"-F{name}={value}" for name, value in form["fields"].items()} < set(command)
    assert "upload_not_found" in agent.wrong("generate_video", image=form["reference"])
    services.files.put(form["fields"]["key"], png(), "image/png")
    _, data, _ = agent.call("generate_video", image=form["reference"])
    assert services.item(data["task_id"])["image_key"] == form["fields"]["key"]


def test_open_video_says_when_to_ask_again(agent, tasks):
    for task in (tasks.pending(), tasks.processing(progress=45)):
        text, data, links = agent.call("get_video", task_id=task.task_id)
        assert f"{data['status']}, {data['progress']} %" in text
        assert f"in {data['poll_after_seconds']} s" in text
        assert links == []


def test_expected_end_is_told(agent, tasks, services):
    task = tasks.processing()
    services.change(task.task_id, expected_seconds={"N": "60"})
    text, data, _ = agent.call("get_video", task_id=task.task_id)
    assert f"ready in about {data['eta_seconds']} s" in text


def test_finished_video_is_a_link(agent, tasks):
    task = tasks.completed()
    text, data, links = agent.call("get_video", task_id=task.task_id)
    assert links == [
        {
            "type": "resource_link",
            "uri": UPSTREAM_VIDEO,
            "name": f"{task.task_id}.mp4",
            "title": "The video",
            "mimeType": "video/mp4",
            "size": 1234,
        }
    ]
    assert UPSTREAM_VIDEO in text
    assert (data["poll_after_seconds"], data["video_url"]) == (None, UPSTREAM_VIDEO)


def test_copied_video_is_a_presigned_link(agent, tasks):
    result = {"video_key": "videos/anonymous/a.mp4", "content_type": None, "size_bytes": None}
    task = tasks.completed(result=result)
    text, data, (link,) = agent.call("get_video", task_id=task.task_id)
    assert link["uri"].startswith("https://")
    assert "X-Amz-Signature" in link["uri"]
    assert (link["mimeType"], "size" in link) == ("video/mp4", False)
    assert data["result"]["result"]["expires_at"] in text


def test_video_that_is_gone_is_no_link(agent, tasks):
    task = tasks.completed(now=time.time() - 20, result={"video_expires_at": time.time() - 10})
    text, _, links = agent.call("get_video", task_id=task.task_id)
    assert ("is gone" in text, links) == (True, [])


def test_end_without_a_video_says_why(agent, tasks):
    task = tasks.failed(error=POLICY)
    text, data, _ = agent.call("get_video", task_id=task.task_id)
    assert ("content_policy_violation" in text, "charged" in text) == (True, False)
    assert data["error"]["code"] == "content_policy_violation"


def test_cancelled_video_says_that_it_may_cost(agent, tasks):
    task = tasks.processing()
    text, data, _ = agent.call("cancel_video", task_id=task.task_id)
    assert ("charged" in text, data["success"]) == (True, True)
    text, data, _ = agent.call("get_video", task_id=task.task_id)
    assert text.startswith("cancelled: ")
    assert "It may have been charged." in text
    assert "task_already_ended" in agent.wrong("cancel_video", task_id=task.task_id)


def test_videos_are_listed_page_by_page(agent, tasks):
    made = [tasks.pending(now=time.time() - n).task_id for n in range(3)]
    text, first, _ = agent.call("list_videos", limit=2, status="pending")
    assert [each["task_id"] for each in first["videos"]] == made[:2]
    assert made[0] in text
    assert "cursor" in text
    text, second, _ = agent.call("list_videos", limit=2, cursor=first["next_cursor"])
    assert [each["task_id"] for each in second["videos"]] == made[2:]
    assert second["next_cursor"] is None
    assert agent.call("list_videos", status="failed")[0] == "There are none."


def test_models_are_those_of_the_route(agent, client):
    text, data, _ = agent.call("list_models")
    assert data == client.get("/v1/models").json
    assert data["data"][0]["id"] in text


def test_picture_over_the_limit_of_a_body_is_sent_to_the_tool(client, services):
    call = {"name": "generate_video", "arguments": ASKED | {"image": "A" * 7_000_000}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    response = client.post("/mcp", json=body)
    assert response.status == 413
    assert "upload the image first: create_upload" in response.error["message"]
    assert services.is_untouched()


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("generate_video", {}, "Say a prompt, an image, or both"),
        ("generate_video", {"prompt": " "}, "Say a prompt, an image, or both"),
        ("generate_video", ASKED | {"duration": 99}, "duration: "),
        ("generate_video", ASKED | {"duration": "5"}, "duration: "),
        ("generate_video", ASKED | {"seconds": 5}, "did you mean duration? (code: "),
        ("generate_video", ASKED | {"image": ""}, "image: "),
        ("generate_video", ASKED | {"image": "/home/me/a.jpg"}, "call create_upload first"),
        ("generate_video", ASKED | {"image": "http://127.0.0.1/a.png"}, "image"),
        ("generate_video", ASKED | {"resolution": "4k"}, "resolution: "),
        ("generate_video", ASKED | {"idempotency_key": ""}, "idempotency_key: "),
        ("generate_video", ASKED | {"idempotency_key": "\x07"}, "idempotency_key: "),
        ("generate_video", ASKED | {"idempotency_key": 5}, "idempotency_key: "),
        ("generate_video", {"last_frame": IMAGE, "prompt": "A fox"}, "last_frame"),
        ("get_video", {}, "task_id: Field required"),
        ("get_video", {"task_id": 5}, "task_id: "),
        ("get_video", {"task_id": "vid_" + "a" * 26}, "list_videos shows what there is"),
        ("get_video", {"task_id": "vid_" + "a" * 26, "wait": True}, "wait: Unknown field"),
        ("cancel_video", {"task_id": "vid_" + "a" * 26}, "No such task"),
        ("list_videos", {"limit": 0}, "limit: "),
        ("list_videos", {"limit": True}, "limit: "),
        ("list_videos", {"status": "done"}, "status: "),
        ("list_videos", {"cursor": "x"}, "cursor: "),
        ("list_models", {"all": True}, "all: Unknown field"),
        ("create_upload", {"content_type": "image/gif"}, "content_type: "),
    ],
)
def test_wrong_call_says_what_to_change(agent, services, name, arguments, words):
    text = agent.wrong(name, **arguments)
    assert words in text
    assert "(code: " in text
    assert services.is_untouched()


def test_limit_of_a_key_says_when_to_call_again(deploy, services, version):
    closed = deploy(ALLOW_ANONYMOUS="false")
    ring = ApiKeyStore(services.dynamodb, services.table, time.time)
    key = ring.make("alice", Limits(submits_per_minute=1))
    agent = Agent(closed, version, authorization=f"Bearer {key}")
    agent.call("generate_video", prompt="A fox", idempotency_key="one")
    message = agent.wrong("generate_video", prompt="A wolf", idempotency_key="two")
    assert "rate_limited" in message
    assert "Call again in" in message
    agent.call("generate_video", prompt="A fox", idempotency_key="one")


def test_spent_budget_says_until_when(deploy, version):
    agent = Agent(deploy(VIDEO_PRICE_USD="0.25", DAILY_BUDGET_USD="0.25"), version)
    _, data, _ = agent.call("generate_video", prompt="A fox")
    assert data["cost"]["estimated"] == 0.25
    message = agent.wrong("generate_video", prompt="A wolf")
    assert "budget_exceeded" in message
    assert "The next day begins at" in message
    assert "Call again" not in message


def test_task_of_another_key_is_none(deploy, services, tasks, version):
    closed = deploy(ALLOW_ANONYMOUS="false")
    ring = ApiKeyStore(services.dynamodb, services.table, time.time)
    agent = Agent(closed, version, authorization=f"Bearer {ring.make('bob', Limits())}")
    task = tasks.pending(owner="alice")
    for name in ("get_video", "cancel_video"):
        assert "No such task" in agent.wrong(name, task_id=task.task_id)
    assert agent.call("list_videos")[1]["videos"] == []


def test_outage_is_told_with_when_to_call_again(agent, services, tasks):
    task = tasks.pending()
    services.calls.fail("dynamodb:GetItem", code="")
    message = agent.wrong("get_video", task_id=task.task_id)
    assert "Call again in 2 s" in message


def test_fault_of_ours_is_an_internal_error(client, services, tasks):
    task = tasks.pending()
    services.change(task.task_id, status={"S": "no such status"})
    response = Agent(client, "2025-06-18").client.post(
        "/mcp",
        json={
            "jsonrpc": "2.0",
            "id": 7,
            "method": "tools/call",
            "params": {"name": "get_video", "arguments": {"task_id": task.task_id}},
        },
    )
    assert (response.status, response.error["code"]) == (500, -32603)
