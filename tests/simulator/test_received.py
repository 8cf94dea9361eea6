"""The receiver of webhooks: what it shows, what it says of signatures, and how it fails."""

import json
import time

import httpx
import pytest

from tests.support import web
from tests.support.simulator_process import running
from videoapi.accounts.webhook_secrets import new_secret
from videoapi.webhooks import signing

SECRET = new_secret()
BODY = json.dumps({"type": "video.completed", "data": {"prompt": "<script>"}}).encode()


@pytest.fixture(scope="module")
def at():
    with running("--tiny", f"--webhook-secret={SECRET}") as simulator:
        yield f"{simulator.api}/received"


def post(url, *, client=httpx, event_id="evt_1", secret=SECRET, body=BODY, when=None, **headers):
    signed = signing.headers(event_id, when or int(time.time()), body, [secret])
    return client.post(url, content=body, headers=signed | headers)


def newest(at):
    return web.get(f"{at}.json").json()[0]


def test_signed_event_is_shown_as_verified_newest_first(at):
    assert post(at).status_code == 204
    assert post(at, event_id="evt_2").status_code == 204
    found = web.get(at, headers={"accept": "application/json"}).json()
    assert [each["id"] for each in found[:2]] == ["evt_2", "evt_1"]
    assert (found[0]["verified"], found[0]["problem"], found[0]["times"]) == (True, None, 1)
    assert found[0]["event"]["type"] == "video.completed"
    page = web.get(at)
    assert page.headers["content-type"].startswith("text/html")
    assert "signature verified" in page.text
    assert "&lt;script&gt;" in page.text
    assert "<script>" not in page.text
    assert f'"webhook_url": "{at}"' in page.text
    assert "<main>" in page.text
    assert '<pre tabindex="0">' in page.text, "it scrolls, for the keyboard too"


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"secret": new_secret()}, "no signature is of this secret"),
        ({"when": int(time.time()) - 3600}, "minutes off"),
        ({"webhook-signature": ""}, "a header is missing"),
    ],
)
def test_why_an_event_is_not_verified_is_said(at, changed, problem):
    post(at, **changed)
    event = newest(at)
    assert not event["verified"]
    assert problem in event["problem"]
    assert f"not verified: {event['problem'].partition('(')[0]}" in web.get(at).text


def test_what_is_no_json_is_shown_as_it_is(at):
    post(at, body=b"\xff text")
    assert newest(at)["event"] == "\ufffd text"
    assert web.get(at).status_code == 200


def test_each_event_fails_so_often_and_is_then_taken(at):
    for event_id in ("evt_a", "evt_b"):
        codes = [post(f"{at}/fail/2", event_id=event_id).status_code for _ in range(3)]
        assert codes == [500, 500, 204]
    assert newest(at)["times"] == 3


def test_other_ways_to_fail(at):
    assert post(f"{at}/gone").status_code == 410
    assert post(f"{at}/redirect").status_code == 307
    with web.stream("POST", f"{at}/huge") as response:
        assert int(response.headers["content-length"]) > 1_000_000
    with pytest.raises(httpx.ReadTimeout):
        web.post(f"{at}/slow", timeout=0.5)


def test_a_simulator_without_a_secret_says_so():
    with running("--tiny") as simulator:
        url = f"{simulator.api}/received"
        post(url)
        assert "knows no secret" in newest(url)["problem"]
        simulator.change(webhook_secret=SECRET)
        post(url)
        assert newest(url)["verified"]
        assert SECRET not in json.dumps(simulator.report())


def test_only_so_many_are_kept(at):
    with httpx.Client(
        timeout=web.PATIENCE_SECONDS
    ) as client:  # a new one for each reads the certificates each time
        for _ in range(201):
            post(at, client=client)
        assert len(client.get(f"{at}.json").json()) == 200
