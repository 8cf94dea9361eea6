"""Webhooks on a running stack: a newcomer's first event, the simulator's ways to fail, rotation."""

import json
import shutil
import subprocess
import time

import httpx
import pytest
from standardwebhooks.webhooks import Webhook

from devstack.settings import ROOT
from tests.support import web
from tests.support.running_stack import running_stack
from videoapi.accounts.webhook_secrets import new_secret

SECRET = new_secret()
NODE = ROOT / "tests" / "e2e" / "clients" / "node"
TINY = "[[time:0]] [[render:tiny]]"


@pytest.fixture(scope="module")
def stack():
    with running_stack(UPSTREAM_SECONDS="0", WEBHOOK_SECRET=SECRET) as running:
        yield running


@pytest.fixture
def api(stack):
    with httpx.Client(base_url=stack.api_url, timeout=30) as client:
        yield client


def submitted(api, path, **fields):
    response = api.post(
        "/v1/videos", json={"prompt": f"A fox {TINY}", **fields, "webhook_url": path}
    )
    response.raise_for_status()
    return response.json()["id"]


def received(stack, video_id, *, times=1, within=60.0):
    """Return what the simulator received of a task, oldest first, once there is so much."""
    until = time.monotonic() + within
    while True:
        every = web.get(f"{stack.upstream_url}/received.json").json()
        found = [each for each in every if each["event"]["data"].get("task_id") == video_id]
        if len(found) >= times:
            return found[::-1]
        assert time.monotonic() < until, every[:3]
        time.sleep(0.2)


def webhook_in(api, video_id, state, *, within=30.0):
    until = time.monotonic() + within
    while (webhook := api.get(f"/api/v1/tasks/{video_id}").json()["webhook"])["state"] != state:
        assert time.monotonic() < until, webhook
        time.sleep(0.2)
    return webhook


def test_newcomer_sees_a_signed_event_within_a_minute(stack, api):
    """The call of the banner: an image as a form, and the simulator's receiver."""
    assert f"-F webhook_url=http://localhost:{stack.ports['UPSTREAM_PORT']}/received" in (
        stack.log.read_text()
    )
    image = ("mountains.jpg", (ROOT / "examples/mountains.jpg").read_bytes(), "image/jpeg")
    began = time.monotonic()
    response = api.post(
        "/v1/videos",
        data={"prompt": f"A slow pan {TINY}", "webhook_url": f"{stack.upstream_url}/received"},
        files={"input_reference": image},
    )
    (event,) = received(stack, response.json()["id"])
    assert time.monotonic() - began < 60
    assert (event["verified"], event["problem"]) == (True, None)
    data = event["event"]["data"]
    assert web.get(data["video_url"]).headers["content-type"] == "video/mp4"
    assert webhook_in(api, data["id"], "delivered") == {
        "state": "delivered", "attempts": 1, "last_status": 204, "next_attempt_at": None,
    }  # fmt: skip
    assert "signature verified" in web.get(f"{stack.upstream_url}/received").text


def test_an_event_is_sent_again_until_it_is_taken(stack, api):
    video_id = submitted(api, f"{stack.upstream_url}/received/fail/1")
    first, second = received(stack, video_id, times=2)
    assert (first["answered"], second["answered"]) == (500, 204)
    assert first["id"] == second["id"]
    assert first["event"] == second["event"]
    assert 10 <= second["at"] - first["at"] < 25
    assert webhook_in(api, video_id, "delivered")["attempts"] == 2


def test_a_slow_receiver_keeps_no_other_waiting(stack, api):
    for _ in range(12):
        submitted(api, f"{stack.upstream_url}/received/slow")
    quick = [submitted(api, f"{stack.upstream_url}/received") for _ in range(3)]
    for video_id in quick:
        (event,) = received(stack, video_id)
        waited = event["at"] - event["event"]["created_at"]
        assert waited < 5


def test_other_answers_are_told_as_they_are(stack, api):
    gone = submitted(api, f"{stack.upstream_url}/received/gone")
    redirected = submitted(api, f"{stack.upstream_url}/received/redirect")
    huge = submitted(api, f"{stack.upstream_url}/received/huge")
    assert webhook_in(api, gone, "disabled")["last_status"] == 410
    received(stack, redirected)
    assert webhook_in(api, huge, "delivered")["last_status"] == 200
    assert webhook_in(api, redirected, "pending")["last_status"] == 307


def test_cancelled_and_deleted_tasks_are_told(stack, api):
    where = f"{stack.upstream_url}/received"
    cancelled = submitted(api, where, prompt="A fox [[time:60]]")
    deleted = submitted(api, where, prompt="A fox [[time:60]]")
    api.delete(f"/api/v1/tasks/{cancelled}").raise_for_status()
    api.delete(f"/v1/videos/{deleted}").raise_for_status()
    for video_id in (cancelled, deleted):
        (event,) = received(stack, video_id)
        assert event["event"]["type"] == "video.cancelled"


def test_test_route_sends_a_signed_event(stack, api):
    url = f"{stack.upstream_url}/received"
    response = api.post("/api/v1/webhooks/test", json={"url": url}).json()
    assert (response["delivered"], response["status"], response["problem"]) == (True, 204, None)
    newest = web.get(f"{url}.json").json()[0]
    assert (newest["event"]["type"], newest["verified"]) == ("video.test", True)
    assert Webhook(SECRET)
    slow = api.post("/api/v1/webhooks/test", json={"url": f"{url}/slow"}).json()
    assert (slow["delivered"], slow["problem"]) == (False, "no answer within 10 seconds")
    assert 9_500 < slow["milliseconds"] < 11_000


@pytest.mark.skipif(
    shutil.which("node") is None or not (NODE / "node_modules").is_dir(),
    reason="Node is not installed (or was not when `make e2e` set up .venv/node)",
)
def test_openai_s_sdk_for_node_unwraps_an_event(stack, api):
    video_id = submitted(api, f"{stack.upstream_url}/received")
    (event,) = received(stack, video_id)
    body = json.dumps(event["event"], ensure_ascii=False, separators=(",", ":"))
    done = subprocess.run(
        [shutil.which("node"), "unwrap.mjs", body, json.dumps(event["headers"]), SECRET],
        cwd=NODE,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "type": "video.completed", "id": event["id"], "video": video_id, "forged": False,
    }  # fmt: skip
