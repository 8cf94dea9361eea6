"""The headers of every route's answer, whether it is good or a refusal."""

import pytest

from tests.support.client import routes
from tests.support.task_factory import TaskFactory

URL = "https://images.example.com/a.png"
BODIES = {
    "POST /api/v1/videos/generate": {"image": URL},
    "POST /v1/videos": {"prompt": "A fox"},
    "POST /api/v1/images/generate": {"prompt": "A fox"},
    "POST /api/v1/uploads": {},
    "POST /mcp": {"jsonrpc": "2.0", "id": 1, "method": "ping"},
    "POST /api/v1/webhooks/test": {"url": "https://127.0.0.1/"},
}
# The same for everybody, until the next deploy.
KEPT_PATHS = ("/docs", "/docs.js", "/openapi.json", "/examples/mountains.jpg")
MAY_BE_KEPT = {f"{method} {path}" for method in ("GET", "HEAD") for path in KEPT_PATHS}
# Kept, and asked for again each time: a page and its parts are of one deploy.
REVALIDATED = {
    f"{method} {path}" for method in ("GET", "HEAD") for path in ("/", "/playground/{file}")
}
PUBLIC = MAY_BE_KEPT | REVALIDATED | {"GET /api/v1/health", "HEAD /api/v1/health", "$default"}
ROUTES = sorted(routes())
every_route = pytest.mark.parametrize("route", ROUTES)


@pytest.fixture
def task(services):
    return TaskFactory(services.store).completed()


def ask(client, route, task_id, **more):
    method, path = route.split() if " " in route else ("GET", "/v1/nothing")
    body = {"json": BODIES[route]} if route in BODIES else {}
    path = path.replace("{task_id}", task_id).replace("{model}", "veo_3_1")
    path = path.replace("{file}", "main.js")
    return client.request(method, path, **body | more)


def caching(route):
    if route in MAY_BE_KEPT:
        return "public, max-age=300"
    return "no-cache" if route in REVALIDATED else "no-store"


def assert_guarded(answer, cache_control="no-store"):
    """The client itself asserts a request id and `nosniff` on every answer."""
    headers = answer.headers
    assert headers["cache-control"] == cache_control
    assert headers["strict-transport-security"] == "max-age=31536000"
    kinds = {"application/json", "text/html", "text/plain", "text/javascript", "image/jpeg"}
    assert headers["content-type"].split(";")[0] in kinds
    assert not {"server", "x-powered-by", "set-cookie"} & headers.keys()
    assert not [name for name in headers if name.startswith("access-control-")], "the gateway's"


def assert_refused(answer):
    assert_guarded(answer)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-should-retry"] == "false"
    assert "retry-after" not in answer.headers


@every_route
def test_a_good_answer(client, task, route):
    response = ask(client, route, task.task_id)
    # No route, no images endpoint, no private webhook, no cancelling of what has ended.
    if response.status >= 400:
        assert (route, response.status) in {
            ("$default", 404),
            ("POST /api/v1/images/generate", 404),
            ("DELETE /api/v1/tasks/{task_id}", 409),
            ("POST /api/v1/webhooks/test", 422),
        }
    assert_guarded(response, caching(route))


@every_route
def test_an_answer_to_a_caller_with_a_request_id(client, task, route):
    """The answer's own is that of the function, under which it logs: the client asserts it."""
    response = ask(client, route, task.task_id, headers={"x-request-id": "mine"})
    assert response.headers["x-request-id"] != "mine"
    assert "mine" not in response.headers.values()


@every_route
def test_an_answer_to_nobody(deploy, task, route):
    response = ask(deploy(ALLOW_ANONYMOUS="false"), route, task.task_id)
    if route in PUBLIC:
        assert_guarded(response, caching(route))
    else:
        assert (response.status, response.headers["www-authenticate"]) == (401, "Bearer")
        assert_refused(response)


@pytest.mark.parametrize("route", [route for route in ROUTES if "{task_id}" in route])
def test_an_answer_about_no_task(client, route):
    response = ask(client, route, "vid_" + "a" * 26)
    assert response.status == 404
    assert_refused(response)


@pytest.mark.parametrize("route", sorted(BODIES))
@pytest.mark.parametrize(
    ("body", "status"), [("{", {400}), ("[]", {400, 422}), (" " * (6 * 1024 * 1024 + 1), {413})]
)
def test_an_answer_to_a_bad_body(client, route, body, status):
    response = client.post(
        route.split()[1], body=body, headers={"content-type": "application/json"}
    )
    assert response.status in status
    assert_refused(response)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS", "BREW"])
@every_route
def test_an_answer_to_a_method_that_no_route_has(client, method, route):
    path = route.split()[-1] if " " in route else "/v1/nothing"
    response = client.request(method, path.replace("{task_id}", "vid_" + "a" * 26))
    assert response.status in (404, 405)
    assert_refused(response)


@pytest.mark.parametrize(
    ("route", "call"),
    [
        ("POST /api/v1/videos/generate", "dynamodb:PutItem"),
        ("POST /v1/videos", "dynamodb:PutItem"),
        ("GET /api/v1/tasks", "dynamodb:Query"),
        ("GET /v1/videos", "dynamodb:Query"),
        ("DELETE /api/v1/tasks/{task_id}", "dynamodb:GetItem"),
        ("DELETE /v1/videos/{task_id}", "dynamodb:GetItem"),
        ("GET /api/v1/tasks/{task_id}", "dynamodb:GetItem"),
        ("GET /api/v1/videos/{task_id}", "dynamodb:GetItem"),
        ("GET /v1/videos/{task_id}", "dynamodb:GetItem"),
        ("GET /v1/videos/{task_id}/content", "dynamodb:GetItem"),
    ],
)
def test_an_answer_while_something_behind_is_away(client, services, task, route, call):
    services.calls.fail(call, code="")
    response = ask(client, route, task.task_id)
    assert response.status == 503
    assert_guarded(response)
    assert 1 <= int(response.headers["retry-after"]) <= 60
    assert "x-should-retry" not in response.headers
