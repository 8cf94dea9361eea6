"""Routes that need no task, routes that are none, and the map of all of them."""

import base64
import gzip
import json
import re

import pytest

import videoapi
from tests.support.client import cold_start, event_of, recorded, routes
from tests.support.moto import ROOT

NOWHERE_REST = [
    "/nothing",
    "/api",
    "/api/v1",
    "/api/v2/videos/generate",
    "/api/v1/tasks/vid_1/content",
    "/v1x",
    "/v10/videos",
    "/api/v1/tasks//x",
    "/V1/videos",
]
NOWHERE_OPENAI = [
    "/v1",
    "/v1/",
    "/v1/models/veo_3_1/x",
    "/v1/videos//x",
    "/v1/videos/vid_1/remix",
    "/v1/videos/edits",
    "/v1/videos/extensions",
    "/v1/videos/characters/char_1",
    "/v1/images/generations",
]


def test_health_says_the_version_and_asks_nobody(client):
    response = client.get("/api/v1/health")
    assert response.status == 200
    assert response.json == {"status": "ok", "version": videoapi.__version__}
    assert response.headers["cache-control"] == "no-store"
    assert response.calls == []


def test_playground_and_documentation_lead_to_each_other(client):
    assert '<a href="/docs">' in client.get("/").text
    assert '<a href="/">' in client.get("/docs").text


def test_documentation_page_may_load_its_script_alone(client):
    response = client.get("/docs")
    assert response.status == 200
    assert response.headers["content-type"].startswith("text/html")
    assert response.text.startswith("<!doctype html>")
    assert "default-src 'none'; script-src 'self';" in response.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("public_url", "host", "shown"),
    [
        ("http://localhost:8000", "localhost:8000", "http://localhost:8000"),
        ("http://localhost:8000", "192.168.1.20:8000", "http://192.168.1.20:8000"),
        ("http://localhost:8000", "$(reboot)", "http://localhost:8000"),
        ("https://videos.example.com/", "192.168.1.20", "https://videos.example.com"),
        ("", "192.168.1.20", "https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com"),
    ],
)
def test_page_commands_use_the_address_it_was_served_from(deploy, public_url, host, shown):
    page = deploy(PUBLIC_URL=public_url).get("/docs", headers={"host": host}).text
    assert f"curl {shown}/v1/videos" in page
    assert set(re.findall(r"curl (?:-\S+ (?:\w+ )?)*(\w+://[^/]+)", page)) == {shown}


@pytest.mark.parametrize(("anonymous", "sent"), [("true", False), ("false", True)])
def test_the_pages_commands_send_a_key_where_one_is_asked_for(deploy, anonymous, sent):
    page = deploy(ALLOW_ANONYMOUS=anonymous).get("/docs").text
    assert ("Authorization: Bearer $VIDEOAPI_KEY" in page) is sent


def test_the_pages_picture_is_one(client):
    response = client.get("/examples/mountains.jpg")
    assert response.headers["content-type"] == "image/jpeg"
    assert base64.b64decode(response.text).startswith(b"\xff\xd8\xff")


def test_the_openapi_document_is_json(client):
    response = client.get("/openapi.json")
    assert response.status == 200
    assert response.headers["content-type"] == "application/json"
    assert type(response.json) is dict


@pytest.mark.parametrize("path", ["/docs", "/openapi.json"])
def test_documentation_is_sent_compressed_to_who_takes_it(client, path):
    plain = client.get(path)
    assert plain.headers["vary"] == "Accept-Encoding"
    assert "content-encoding" not in plain.headers
    asked = {"accept-encoding": "gzip, deflate, br"}
    raw = client.invoke("docs", event_of("GET", path, f"GET {path}", headers=asked))
    packed = base64.b64decode(raw["body"])
    assert raw["headers"]["Content-Encoding"] == "gzip"
    assert raw["isBase64Encoded"]
    assert gzip.decompress(packed).decode() == plain.text
    assert len(packed) < len(plain.text) / 4


@pytest.mark.parametrize("path", NOWHERE_REST)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_any_other_path_is_404_in_the_rest_shape(client, method, path):
    response = client.request(method, path)
    assert response.status == 404
    assert response.error.keys() == {"type", "message", "code", "retryable"}
    assert (response.error["type"], response.error["retryable"]) == ("NotFound", False)
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("path", NOWHERE_OPENAI)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_any_other_path_under_v1_is_404_in_openais_shape(client, method, path):
    response = client.request(method, path)
    assert response.status == 404
    assert response.error.keys() == {"message", "type", "param", "code"}
    assert response.error["type"] == "invalid_request_error"
    assert response.error["code"]
    assert response.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS", "TRACE", "BREW"])
@pytest.mark.parametrize("path", ["/api/v1/tasks", "/v1/videos", "/", "/v1/videos/vid_1"])
def test_an_unknown_method_is_405_in_the_dialects_shape(client, services, method, path):
    response = client.request(method, path)
    assert response.status == 405
    assert "GET, HEAD" in response.headers["allow"]
    assert response.error.keys() >= {"message", "type", "code"}
    assert ("param" in response.error) is path.startswith("/v1")
    assert services.is_untouched()


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/api/v1/videos/generate", {"POST"}),
        ("GET", "/api/v1/videos/generate", {"POST"}),
        ("PUT", "/v1/videos", {"GET", "HEAD", "POST"}),
        ("POST", "/api/v1/tasks", {"GET", "HEAD"}),
        ("POST", "/docs", {"GET", "HEAD"}),
        ("PUT", "/v1/videos/vid_1/content", {"GET", "HEAD"}),
        ("POST", "/v1/videos/vid_1", {"GET", "HEAD", "DELETE"}),
        ("PATCH", f"/api/v1/tasks/vid_{'a' * 26}", {"GET", "HEAD", "DELETE"}),
        ("DELETE", "/api/v1/videos/vid_1", {"GET", "HEAD"}),
        ("HEAD", "/api/v1/uploads", {"POST"}),
    ],
)
def test_wrong_method_on_a_documented_path_names_the_right_ones(client, method, path, allowed):
    """A documented path asked in another way says which ways it knows."""
    response = client.request(method, path)
    assert response.status == 405
    assert set(response.headers["allow"].split(", ")) == allowed
    assert response.headers["x-should-retry"] == "false"


def test_the_models_on_offer_are_listed_the_default_first(deploy):
    client = deploy(VEO3_MODEL="veo_3_1", VEO3_ALLOWED_MODELS="veo_3_1-fast,veo_3_1")
    response = client.get("/v1/models")
    assert response.json["object"] == "list"
    assert [each["id"] for each in response.json["data"]] == ["veo_3_1", "veo_3_1-fast"]
    assert client.get("/api/v1/models").json == response.json
    for each in response.json["data"]:
        assert (each["object"], type(each["created"]), each["owned_by"]) == ("model", int, "relay")
        assert client.get(f"/v1/models/{each['id']}").json == each
        assert each["video"]["durations"] == [4, 6, 8]
        assert each["video"]["image_roles"] == ["first_frame", "last_frame"]
        assert (each["video"]["pricing"], each["video"]["routes"]) == (None, ["relay"])
        submitted = client.post("/v1/videos", json={"prompt": "A fox", "model": each["id"]})
        assert submitted.json["model"] == each["id"]


ROUTES = (
    "veo_3_1=relay:veo_3_1,vertex:veo-3.1-generate-001;"
    "omni=gemini:gemini-omni-1.2-flash;own=relay:unheard-of"
)


def test_routed_models_can_do_what_any_route_can(deploy):
    client = deploy(VIDEO_ROUTES=ROUTES, VIDEO_PROVIDERS="relay,vertex,gemini")
    veo, omni, own = client.get("/v1/models").json["data"]
    assert [each["id"] for each in (veo, omni, own)] == ["veo_3_1", "omni", "own"]
    assert veo["created"] == 1763337600
    assert veo["video"]["routes"] == ["relay", "vertex"]
    assert veo["video"]["image_roles"] == ["first_frame", "last_frame", "reference"]
    assert veo["video"]["retires_on"] is None
    assert {"resolution": "720p", "audio": False, "usd": 0.2, "per": "second"} in (
        veo["video"]["pricing"]
    )
    assert (omni["owned_by"], omni["video"]["cancel"]) == ("gemini", True)
    assert omni["video"]["durations"] == list(range(3, 11))
    assert (own["created"], own["video"]["durations"], own["video"]["pricing"]) == (0, [], None)


def test_every_length_on_offer_can_be_asked_for(deploy):
    """Omni makes up to 15 s, of which a request may ask for 10."""
    client = deploy(VIDEO_ROUTES=ROUTES, VIDEO_PROVIDERS="relay,vertex,gemini")
    dry = {"dry_run": "true"}
    for model in client.get("/v1/models").json["data"]:
        for seconds in model["video"]["durations"]:
            wish = {"prompt": "A fox", "model": model["id"], "seconds": seconds}
            assert client.post("/v1/videos", json=wish, query=dry).status == 200


def test_model_outside_the_routes_is_refused_by_name(deploy):
    client = deploy(VIDEO_ROUTES=ROUTES, VIDEO_PROVIDERS="relay,vertex,gemini")
    response = client.post("/v1/videos", json={"prompt": "A fox", "model": "veo_3_1-fast"})
    assert response.status == 400
    assert "veo_3_1, omni, own" in response.json["error"]["message"]
    assert client.get("/v1/models/veo_3_1-fast").status == 404


def test_allowed_models_filter_the_routes(deploy):
    client = deploy(
        VIDEO_ROUTES=ROUTES,
        VIDEO_PROVIDERS="relay,vertex,gemini",
        VEO3_ALLOWED_MODELS="veo_3_1,own,other",
    )
    assert [each["id"] for each in client.get("/v1/models").json["data"]] == ["veo_3_1", "own"]


def test_a_model_that_is_not_on_offer_is_404_by_its_code(client):
    response = client.get("/v1/models/gpt-4")
    assert (response.status, response.error["code"]) == (404, "model_not_found")
    assert response.error["param"] == "model"
    assert client.request("DELETE", "/v1/models/gpt-4").status == 405


def readable(task_id):
    return [
        path.replace("{task_id}", task_id).replace("{model}", "veo_3_1")
        for route in sorted(routes())
        for method, _, path in [route.partition(" ")]
        if method == "GET"
    ]


def test_head_is_answered_as_get_without_a_body(client, task_factory):
    for path in readable(task_factory.completed(thumbnail_key="thumbnails/a/b.jpg").task_id):
        asked, looked = client.get(path), client.request("HEAD", path)
        assert (looked.status, looked.text) == (asked.status, ""), path
        assert looked.headers.keys() == asked.headers.keys()
        assert looked.headers["content-type"] == asked.headers["content-type"]


def test_head_of_no_task_is_404(client):
    for path in readable(f"vid_{'a' * 26}"):
        if "vid_" in path:
            response = client.request("HEAD", path)
            assert (response.status, response.text) == (404, "")


SLASHES = {
    "/v1/videos/": "/v1/videos",
    "//v1/videos": "/v1/videos",
    "/v1//videos": "/v1/videos",
    "///v1/videos///": "/v1/videos",
    "/api/v1/tasks/": "/api/v1/tasks",
    "/api/v1/tasks/vid_1/": "/api/v1/tasks/vid_1",
    "//v1/videos/vid_1/content/": "/v1/videos/vid_1/content",
    "/docs/": "/docs",
    "//": "/",
}


@pytest.mark.parametrize("path", SLASHES)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_slash_too_many_leads_a_reader_to_the_route(client, method, path):
    response = client.request(method, path)
    assert (response.status, response.headers["location"]) == (308, SLASHES[path])
    assert response.text == ""
    asked = client.request(method, path, query={"limit": "2", "after": "a b\r\n"})
    assert asked.headers["location"] == SLASHES[path] + "?limit=2&after=a+b%0D%0A"


@pytest.mark.parametrize("path", SLASHES)
def test_a_slash_too_many_before_a_key_is_asked_for_is_the_same(deploy, path):
    response = deploy(ALLOW_ANONYMOUS="false").get(path)
    assert (response.status, response.calls) == (308, [])


@pytest.mark.parametrize("path", SLASHES)
@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT"])
def test_a_slash_too_many_tells_a_writer_the_right_path(client, services, method, path):
    response = client.request(method, path, json={"prompt": "A fox"})
    assert response.status == 404
    assert SLASHES[path] in response.error["message"]
    assert ("param" in response.error) is SLASHES[path].startswith("/v1")
    assert response.headers["x-should-retry"] == "false"
    assert services.is_untouched()


def test_a_name_with_a_slash_in_it_is_no_way_to_another_route(client, task_factory):
    """A gateway may decode `%2F` before the function sees the path."""
    task_id = task_factory.completed().task_id
    for raw in (f"/v1/videos/{task_id}/content/x", f"/v1/videos/a/{task_id}"):
        response = client.get(f"/v1/videos/{task_id}", rawPath=raw)
        assert response.status == 404
        assert response.error["type"] == "invalid_request_error"


def test_every_route_is_answered_by_its_function():
    declared = {}
    for route, role in routes().items():
        method, _, path = route.partition(" ")
        if method not in ("$default", "HEAD"):  # which `Api` answers as GET
            pattern = path.replace("{", "<").replace("}", ">")
            declared.setdefault(role, set()).add(f'@api.{method.lower()}("{pattern}"')
    for role, wanted in declared.items():
        source = (ROOT / "functions" / role / "app.py").read_text()
        assert set(re.findall(r'^@api\..*?"(?=[,)])', source, re.MULTILINE)) == wanted


def test_a_route_that_no_function_has_is_the_documentations():
    assert routes()["$default"] == "docs"


@pytest.mark.parametrize("role", ["cancel", "content", "docs", "status", "submit", "uploads"])
def test_a_recorded_event_of_each_role_is_understood(client, role):
    response = client.invoke(role, json.loads(recorded(role)))
    assert response["statusCode"] in (200, 201, 202, 404)
    assert "route_not_found" not in response["body"]


def test_an_event_without_headers_is_understood(client):
    event = json.loads(recorded("docs"))
    del event["headers"]
    assert client.invoke("docs", event)["statusCode"] < 500


def test_a_function_is_loaded_once_for_many_requests(client):
    client.get("/api/v1/health")
    before = cold_start.cache_info().misses
    client.get("/api/v1/health")
    assert cold_start.cache_info().misses == before
