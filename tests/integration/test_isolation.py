"""Who may see and do what: every route × own key, other key, no key, revoked key, garbage."""

import re

import pytest

from tests.support.client import routes
from tests.support.task_factory import TaskFactory
from videoapi.accounts.api_keys import CACHE_SECONDS, ApiKeyStore, Limits
from videoapi.api import documentation

BODY = {"prompt": "A fox"}
REST_BODY = {"image": "https://images.example.com/a.png"}
OF_A_TASK = [
    ("GET", "/api/v1/tasks/{id}", 200),
    ("GET", "/api/v1/videos/{id}", 200),
    ("GET", "/v1/videos/{id}", 200),
    ("GET", "/v1/videos/{id}/content", 307),
    ("DELETE", "/api/v1/tasks/{id}", 409),
    ("DELETE", "/v1/videos/{id}", 200),
]
OF_NO_TASK = [
    ("GET", "/api/v1/tasks", None),
    ("GET", "/v1/videos", None),
    ("GET", "/v1/models", None),
    ("GET", "/v1/models/veo_3_1", None),
    ("GET", "/api/v1/models", None),
    ("GET", "/api/v1/usage", None),
    ("POST", "/v1/videos", BODY),
    ("POST", "/api/v1/videos/generate", REST_BODY),
    ("POST", "/api/v1/images/generate", BODY),
    ("POST", "/api/v1/uploads", {"content_type": "image/png"}),
    ("POST", "/mcp", {"jsonrpc": "2.0", "id": 1, "method": "ping"}),
    ("POST", "/api/v1/webhooks/test", {"url": "https://example.com/"}),
]
PUBLIC = ["/api/v1/health", "/docs", "/", "/playground/main.js", *documentation.ASSETS]


@pytest.fixture
def now():
    return [0.0]


@pytest.fixture
def ring(services, now):
    return ApiKeyStore(services.dynamodb, services.table, lambda: now[0])


@pytest.fixture
def closed(deploy):
    return deploy(ALLOW_ANONYMOUS="false")


@pytest.fixture
def task(services):
    return TaskFactory(services.store).completed(owner="alice")


def bearer(key):
    return {"authorization": f"Bearer {key}"}


@pytest.mark.parametrize(("method", "path", "status"), OF_A_TASK)
def test_a_task_is_there_for_its_owner_alone(closed, ring, task, method, path, status):
    own, other = (bearer(ring.make(name, Limits())) for name in ("alice", "bob"))
    path = path.format(id=task.task_id)
    foreign = closed.request(method, path, headers=other)
    missing = closed.request(method, path.replace(task.task_id, "vid_none"), headers=other)
    assert (foreign.status, foreign.error) == (404, missing.error)
    assert closed.request(method, path, headers=own).status == status


@pytest.mark.parametrize("name", ["authorization", "x-api-key"])
def test_both_headers_carry_a_key(closed, ring, task, name):
    key = ring.make("alice", Limits())
    value = f"Bearer {key}" if name == "authorization" else key
    assert closed.get(f"/api/v1/tasks/{task.task_id}", headers={name: value}).status == 200


def test_a_download_takes_no_key_that_would_follow_its_redirect(closed, ring, task):
    """Clients leave Authorization out at another host, and no other header."""
    key, path = ring.make("alice", Limits()), f"/v1/videos/{task.task_id}/content"
    assert closed.get(path, headers=bearer(key)).status == 307
    assert closed.get(path, headers=bearer(key) | {"x-api-key": "of a proxy"}).status == 307
    for headers in ({"x-api-key": key}, {"x-api-key": "x"}, bearer(key) | {"x-api-key": key}):
        response = closed.get(path, headers=headers)
        assert (response.status, response.error["code"]) == (401, "invalid_api_key")
        assert "Authorization: Bearer" in response.error["message"]
        assert "X-API-Key" in response.error["message"]
        assert response.headers["www-authenticate"] == "Bearer"
        assert "location" not in response.headers


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [(method, path, None) for method, path, _ in OF_A_TASK] + OF_NO_TASK,
)
@pytest.mark.parametrize("presented", ["nothing", "garbage", "unknown", "revoked"])
def test_every_route_refuses_without_a_valid_key(
    closed, services, ring, task, method, path, body, presented
):
    revoked = ring.make("alice", Limits())
    ring.revoke("alice")
    headers = {
        "nothing": {},
        "garbage": {"authorization": "Basic é"},
        "unknown": bearer("vak_" + "a" * 32),
        "revoked": bearer(revoked),
    }[presented]
    before = (services.items(), services.objects())
    more = {} if body is None else {"json": body}
    response = closed.request(method, path.format(id=task.task_id), headers=headers, **more)
    assert (response.status, response.headers["www-authenticate"]) == (401, "Bearer")
    assert response.error["code"] == (401 if path == "/mcp" else "invalid_api_key")
    assert response.headers["x-should-retry"] == "false"
    assert (services.items(), services.objects(), services.messages()) == (*before, [])


def test_unknown_caller_learns_nothing_of_its_body(closed):
    for path in ("/v1/videos", "/api/v1/videos/generate"):
        assert closed.post(path, body="{").status == 401


def test_no_route_is_left_out_here():
    listed = {f"{method} {path}" for method, path, _ in OF_A_TASK + OF_NO_TASK}
    listed |= {f"GET {path}" for path in PUBLIC} | {"$default"}
    listed |= {f"HEAD {route[4:]}" for route in listed if route.startswith("GET ")}
    named = {"{task_id}": "{id}", "{model}": "veo_3_1", "{file}": "main.js"}
    pattern = re.compile("|".join(map(re.escape, named)))
    assert listed == {pattern.sub(lambda found: named[found[0]], route) for route in routes()}


@pytest.mark.parametrize("path", PUBLIC)
def test_documentation_and_health_ask_for_no_key(closed, path):
    assert closed.get(path).status in (200, 307)


@pytest.mark.parametrize("path", ["/api/v1/tasks", "/v1/videos"])
def test_a_list_holds_the_callers_own_tasks_alone(closed, ring, task, path):
    own, other = (bearer(ring.make(name, Limits())) for name in ("alice", "bob"))
    assert task.task_id in closed.get(path, headers=own).text
    assert task.task_id not in closed.get(path, headers=other).text
    after = closed.get("/v1/videos", query={"after": task.task_id}, headers=other)
    assert (after.status, after.error["param"]) == (400, "after")


def test_the_same_idempotency_key_of_two_owners_is_two_tasks(closed, ring):
    made = {
        closed.post(
            "/v1/videos",
            json=BODY,
            headers=bearer(ring.make(name, Limits())) | {"idempotency-key": "k"},
        ).json["id"]
        for name in ("alice", "bob")
    }
    assert len(made) == 2


def test_a_submit_by_key_belongs_to_its_owner_and_its_files_too(closed, services, ring):
    headers = bearer(ring.make("alice", Limits()))
    made = closed.post("/v1/videos", json=BODY, headers=headers).json["id"]
    assert services.item(made)["owner"] == "alice"


def test_a_limit_answers_429_in_both_dialects_with_what_is_left(closed, services, ring):
    headers = bearer(ring.make("alice", Limits(videos_per_day=1)))
    first = closed.post("/v1/videos", json=BODY, headers=headers)
    assert first.headers["ratelimit"].startswith('"day";r=0;t=')
    assert first.headers["ratelimit-policy"] == '"day";q=1;w=86400'
    messages = services.messages()
    for path, body in (("/v1/videos", BODY), ("/api/v1/videos/generate", REST_BODY)):
        refused = closed.post(path, json=body, headers=headers)
        assert (refused.status, refused.error["code"]) == (429, "daily_limit_reached")
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert refused.headers["x-should-retry"] == "false"
    assert (len(messages), services.messages()) == (1, [])


def test_images_and_submits_share_the_number_of_a_minute(deploy, ring):
    """The images API is away here: what is counted is the request, as with a submit."""
    closed = deploy(
        ALLOW_ANONYMOUS="false",
        IMAGE_BASE_URL="http://127.0.0.1:1",
        IMAGE_API_KEY_SECRET="no/such/secret",
    )
    headers = bearer(ring.make("alice", Limits(submits_per_minute=2)))
    drawing = {"path": "/api/v1/images/generate", "json": BODY, "headers": headers}
    assert closed.post(**drawing).status == 503
    submitted = closed.post("/v1/videos", json=BODY, headers=headers)
    assert submitted.headers["ratelimit"].startswith('"minute";r=0;t=')
    refused = closed.post(**drawing)
    assert (refused.status, refused.error["code"]) == (429, "rate_limited")
    assert refused.headers["ratelimit-policy"] == '"minute";q=2;w=60'


def test_every_bearer_is_the_anonymous_owner_in_open_mode(deploy, services, ring):
    key = ring.make("alice", Limits(videos_per_day=1))
    for headers in ({}, bearer(key), bearer(key), bearer("anything")):
        made = deploy().post("/v1/videos", json=BODY, headers=headers).json["id"]
        assert services.item(made)["owner"] == "anonymous"


def test_known_key_is_read_once(closed, ring):
    """A known key is read once and a submit costs its two calls."""
    headers = bearer(ring.make("alice", Limits()))
    closed.post("/v1/videos", json=BODY, headers=headers)
    calls = closed.post("/v1/videos", json=BODY, headers=headers).calls
    assert calls == ["dynamodb:PutItem", "sqs:SendMessage"]
    assert CACHE_SECONDS <= 60
