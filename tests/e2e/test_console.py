"""What a person reads on the console while the stack runs, and reaching it from elsewhere."""

import re
import time

import pytest

from tests.e2e.conftest import PAGE
from tests.support import web

PROMPT = "Quartz-sphinx [[render:tiny]]"
BODY = {"prompt": PROMPT, "size": "64x64", "seconds": 1}


def lines_of(stack):
    return stack.log.read_text().splitlines()


def wait_for_line(stack, pattern, *, seconds=30):
    until = time.monotonic() + seconds
    while not (found := [line for line in lines_of(stack) if re.search(pattern, line)]):
        assert time.monotonic() < until, stack.log.read_text()
        time.sleep(0.1)
    return found[-1]


@pytest.fixture(scope="module")
def video(stack):
    """A completed video's id."""
    made = web.post(f"{stack.api_url}/v1/videos", json=BODY).json()["id"]
    wait_for_line(stack, rf"{made} (done|failed)")
    return made


def test_video_is_shown_from_request_to_url_without_prompt(stack, video):
    at = r"^\d\d:\d\d:\d\d "
    shown = [line for line in lines_of(stack) if video in line and " | " not in line]
    assert re.search(rf"{at}POST /v1/videos 200 \d+ ms {video}$", "\n".join(shown), re.MULTILINE)
    assert re.search(rf"{at}{video} started$", "\n".join(shown), re.MULTILINE)
    url = f"{stack.api_url}/v1/videos/{video}/content"
    assert re.search(rf"{at}{video} done in \d+ s {url}$", "\n".join(shown), re.MULTILINE)
    assert "Quartz" not in stack.log.read_text()
    assert web.get(url, follow_redirects=True).headers["content-type"] == "video/mp4"


def test_refused_request_is_shown_with_its_id(stack, api):
    """A refused request is reported with its reason and the id that was answered."""
    response = api.post("/v1/videos", json={"prompt": PROMPT, "size": "9x9"})
    request_id = response.headers["x-request-id"]
    line = wait_for_line(stack, request_id)
    assert re.search(r" POST /v1/videos 400 \d+ ms \S+ size request=", line)


def test_a_wrong_path_is_told(stack, api):
    api.get("/v1/movies")
    assert wait_for_line(stack, r"GET /v1/movies 404 \d+ ms route_not_found request=")


def test_the_workers_steps_are_for_debug(stack, video):
    assert video in stack.log.read_text()
    assert not re.search(r"step=|INFO \w+ order was ", stack.log.read_text())


@pytest.mark.parametrize("origin", ["http://localhost:5173", "https://evil.example"])
def test_uninvited_pages_order_costs_nothing(stack, api, origin):
    """A video that a foreign page orders costs nothing, and the setting is named."""
    control = f"{stack.upstream_url}/_control"
    tasks = len(api.get("/api/v1/tasks?limit=100").json())
    paid = web.get(control).json()["creates_received"]
    form = {name: (None, str(value)) for name, value in BODY.items()}
    for path in ("/v1/videos", "/api/v1/videos/generate"):
        response = api.post(path, files=form, headers={"Origin": origin})
        assert response.status_code == 403
        assert "CORS_ALLOW_ORIGINS" in response.json()["error"]["message"]
    assert wait_for_line(stack, rf"403 .*{origin} .*CORS_ALLOW_ORIGINS")
    assert len(api.get("/api/v1/tasks?limit=100").json()) == tasks
    assert web.get(control).json()["creates_received"] == paid


def test_an_invited_page_and_the_apis_own_may_order(stack, api):
    for origin in (PAGE, stack.api_url):
        response = api.post("/v1/videos", json={}, headers={"Origin": origin})
        assert response.json()["error"]["code"] != "origin_not_allowed"


def test_a_container_can_follow_every_link(stack, api, video):
    """Ask under Docker's name for this machine: the readers' loopback is another's."""
    port = stack.ports["API_PORT"]
    elsewhere = {"Host": f"host.docker.internal:{port}"}
    base = f"http://host.docker.internal:{port}/_local/"
    task = api.get(f"/api/v1/tasks/{video}", headers=elsewhere).json()
    link = task["result"]["result"]["video_url"]
    assert link.startswith(base)
    part = {**elsewhere, "Range": "bytes=0-9", "Origin": "http://localhost:5173"}
    response = api.get(link.partition(f":{port}")[2], headers=part)
    assert (response.status_code, len(response.content)) == (206, 10)
    assert response.headers["access-control-allow-origin"] == "*"
    content = api.get(f"/v1/videos/{video}/content", headers=elsewhere)
    assert content.headers["location"] == link


def test_a_container_can_upload_and_use_what_it_uploaded(stack, api):
    port = stack.ports["API_PORT"]
    elsewhere = {"Host": f"host.docker.internal:{port}"}
    form = api.post("/api/v1/uploads", json={"content_type": "image/png"}, headers=elsewhere).json()
    assert form["url"].startswith(f"http://host.docker.internal:{port}/_local/")
    sent = api.post(
        form["url"].partition(f":{port}")[2],
        data=form["fields"],
        files={"file": b"\x89PNG\r\n\x1a\n"},
        headers=elsewhere,
    )
    assert sent.status_code == 204


@pytest.mark.parametrize("host", ["evil.example", "10.11.12.13:8000"])
@pytest.mark.parametrize("path", ["/v1/videos", "/api/v1/tasks"])
def test_unknown_host_is_refused_with_the_setting(api, host, path):
    """A host that is not known is told the setting in its dialect."""
    response = api.get(path, headers={"Host": host})
    assert response.status_code == 403
    error = response.json()["error"]
    assert "ALLOWED_HOSTS" in error["message"]
    assert ("param" in error) == path.startswith("/v1")
