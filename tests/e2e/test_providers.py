"""A stack with three providers and no key: each makes its videos, and is paid once for each."""

import time

import httpx
import pytest

from tests.support import web
from tests.support.running_stack import running_stack

ROUTES = "veo_3_1=relay:veo_3_1,vertex:veo-3.1-fast-generate-001;omni=gemini:gemini-omni-1.2-flash"
ENDED = {"completed", "failed", "cancelled"}
WITHIN_SECONDS = 120


@pytest.fixture(scope="module")
def stack():
    with running_stack(
        UPSTREAM_SECONDS="1", VIDEO_PROVIDERS="relay,vertex,gemini", VIDEO_ROUTES=ROUTES
    ) as running_one:
        yield running_one


def submit(api, prompt, model="veo_3_1", **more):
    body = {"prompt": f"{prompt} [[render:tiny]]", "model": model} | more
    return api.post("/v1/videos", json=body).raise_for_status().json()["id"]


def ended(api, video):
    until = time.monotonic() + WITHIN_SECONDS
    while time.monotonic() < until:
        task = api.get(f"/api/v1/tasks/{video}").raise_for_status().json()
        if task["status"] in ENDED:
            return task
        time.sleep(0.3)
    raise AssertionError(task)


def payments(simulator_url, video):
    """Return what a task's attempts cost at Google, by provider."""
    labels = web.get(f"{simulator_url}/_control").json()["labels"]
    paid = [counts for label, counts in labels.items() if label.rpartition("-")[0] == video]
    return [(provider, number) for counts in paid for provider, number in counts.items()]


@pytest.fixture
def api(stack):
    with httpx.Client(base_url=stack.api_url, timeout=60) as client:
        yield client


@pytest.mark.parametrize(
    ("tokens", "model", "provider"),
    [
        ("", "veo_3_1", "relay"),
        ("[[relay.submit:503]]", "veo_3_1", "vertex"),
        ("", "omni", "gemini"),
    ],
)
def test_each_provider_makes_its_video(stack, api, tokens, model, provider):
    video = submit(api, f"A sea {tokens}", model)
    task = ended(api, video)
    assert (task["status"], task["provider"]) == ("completed", provider)
    content = api.get(f"/v1/videos/{video}/content", follow_redirects=True)
    assert b"ftyp" in content.content[:16]
    at_google = [] if provider == "relay" else [(provider, 1)]
    assert payments(stack.upstream_url, video) == at_google


def test_an_unknown_submit_at_google_is_not_repeated(stack, api):
    tokens = "[[relay.submit:503]] [[vertex.submit:500+created]]"
    video = submit(api, f"A sea {tokens}")
    task = ended(api, video)
    assert task["error"]["code"] == "upstream_submit_unknown"
    assert task["error"]["maybe_charged"]
    assert payments(stack.upstream_url, video) == [("vertex", 1)]


def test_an_order_whose_answer_a_proxy_lost_is_paid_once(stack, api):
    """The relay took it, and the proxy before it answers 502: no other POST follows, anywhere."""
    video = submit(api, "A sea [[relay.submit:lost_answer+created*1]] [[key:proxied]]")
    task = ended(api, video)
    assert task["error"]["code"] == "upstream_submit_unknown"
    assert task["error"]["maybe_charged"]
    report = web.get(f"{stack.upstream_url}/_control").json()
    assert report["tasks"]["proxied"] == {"posts": 1, "accepted": 1}


def test_a_filtered_video_of_google_is_a_policy_error(stack, api):
    tokens = "[[relay.submit:503]] [[fail:filtered]]"
    video = submit(api, f"A sea {tokens}")
    assert ended(api, video)["error"]["code"] == "content_policy_violation"
    jobs = web.get(f"{stack.upstream_url}/_control").json()["jobs"]
    (job,) = [job for job in jobs if job["label"].startswith(video)]
    assert job["billed_usd"] == 0
