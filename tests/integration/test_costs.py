"""What a video costs, as both dialects tell it; and dry runs, which cost nothing."""

import base64
import time

import pytest

from tests.support.pictures import png
from videoapi.accounts.api_keys import ApiKeyStore, Limits

REST, OPENAI = "/api/v1/videos/generate", "/v1/videos"
URL = "https://example.com/image.jpg"
INLINE = base64.b64encode(png()).decode()
VEO = "veo=vertex:veo-3.1-fast-generate-001,relay:veo_3_1;omni=gemini:gemini-omni-1.2-flash"
KEY = {"idempotency-key": "order-1"}


@pytest.fixture
def priced(deploy):
    return deploy(VIDEO_PRICE_USD="0.25")


@pytest.fixture
def routed(deploy):
    return deploy(
        VIDEO_PROVIDERS="relay,vertex,gemini",
        VIDEO_ROUTES=VEO,
        VEO3_MODEL="veo",
        VIDEO_PRICE_USD="0.25",
    )


def cost(estimated, actual=None):
    return {
        "currency": "USD",
        "estimated": estimated,
        "actual": actual,
        "final": actual is not None,
    }


def test_cost_is_told_wherever_a_task_is(priced, services):
    submitted = priced.post(REST, json={"image": URL}).json
    task_id = submitted["task_id"]
    costs = [
        submitted,
        priced.get(f"/api/v1/tasks/{task_id}").json,
        priced.get(f"/api/v1/videos/{task_id}").json,
        priced.get(f"/v1/videos/{task_id}").json,
        priced.get("/api/v1/tasks").json[0],
        priced.get("/v1/videos").json["data"][0],
        priced.post(OPENAI, json={"prompt": "A fox"}).json,
    ]
    assert [each["cost"] for each in costs] == [cost(0.25)] * len(costs)
    item = services.items()[task_id]
    assert (item["cost_estimated"], item["cost_reserved"]) == ("250000", "250000")


def test_estimate_is_the_first_routes_reserve_the_dearest(routed, services):
    response = routed.post(OPENAI, json={"prompt": "A fox", "seconds": "4", "size": "1280x720"})
    assert response.json["cost"] == cost(0.4)
    item = services.items()[response.json["id"]]
    assert (item["cost_estimated"], item["cost_reserved"]) == ("400000", "400000")


def test_cancelled_in_time_costs_nothing(priced):
    task_id = priced.post(REST, json={"image": URL}).json["task_id"]
    priced.delete(f"/api/v1/tasks/{task_id}")
    assert priced.get(f"/api/v1/tasks/{task_id}").json["cost"] == cost(0.25, 0.0)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (REST, {"image": INLINE, "duration": 5, "resolution": "1280x720"}),
        (OPENAI, {"prompt": "A fox", "seconds": 5, "size": "1280x720"}),
    ],
)
def test_dry_run_tells_what_would_be_ordered_and_writes_nothing(routed, services, path, body):
    for again in range(2):
        response = routed.post(path, json=body, query={"dry_run": "true"}, headers=KEY)
        assert response.status == 200, again
        assert response.json == {
            "dry_run": True,
            "model": "veo",
            "provider": "vertex",
            "upstream_model": "veo-3.1-fast-generate-001",
            "seconds": 6,
            "size": "1280x720",
            "cost": {"currency": "USD", "estimated": 0.6},
        }
        assert response.headers["cache-control"] == "no-store"
        assert "idempotency-replayed" not in response.headers
        assert response.calls == []
    assert (services.items(), services.messages()) == ({}, [])


def test_dry_run_of_a_form_with_a_file_stores_nothing(priced, services):
    response = priced.form(
        data={"prompt": "A fox"}, files={"input_reference": png()}, query={"dry_run": "1"}
    )
    assert response.status == 200
    assert response.json == {
        "dry_run": True,
        "model": "veo_3_1",
        "provider": "relay",
        "upstream_model": "veo_3_1",
        "seconds": None,
        "size": "1920x1080",
        "cost": {"currency": "USD", "estimated": 0.25},
    }
    assert (services.items(), services.messages(), response.calls) == ({}, [], [])


def test_dry_run_looks_for_an_upload(priced):
    upload = priced.post("/api/v1/uploads", json={"content_type": "image/png", "size_bytes": 9})
    body = {"image": upload.json["reference"]}
    response = priced.post(REST, json=body, query={"dry_run": "true"})
    assert (response.status, response.error["details"][0]["field"]) == (422, "image")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"image": "x"}, "image"),
        ({"image": URL, "duration": 11}, "duration"),
        ({"image": URL, "model": "omni", "generate_audio": False}, "generate_audio"),
    ],
)
def test_dry_run_refuses_what_a_submit_refuses(routed, body, field):
    response = routed.post(REST, json=body, query={"dry_run": "true"})
    assert (response.status, response.error["details"][0]["field"]) == (422, field)


@pytest.mark.parametrize("query", [{"dry_run": "false"}, {"dry_run": "0"}, {"other": "true"}])
def test_what_says_no_to_a_dry_run_is_a_submit(priced, query):
    assert priced.post(REST, json={"image": URL}, query=query).status == 202


@pytest.mark.parametrize(
    "query",
    [{"dry_run": ""}, {"dry_run": "maybe"}, {"dry_run": "true,true"}, {"dryRun": "true"}],
)
def test_what_may_mean_a_dry_run_orders_nothing(priced, services, query):
    (name,) = query
    response = priced.post(REST, json={"image": URL}, query=query)
    assert (response.status, response.error["details"][0]["field"]) == (422, name)
    response = priced.post(OPENAI, json={"prompt": "A fox"}, query=query)
    assert (response.status, response.error["param"]) == (400, name)
    assert services.items() == {}


@pytest.mark.parametrize("path", [REST, OPENAI])
def test_dry_run_in_the_body_is_refused(priced, services, path):
    body = {"prompt": "A fox", "dry_run": True} | ({"image": URL} if path == REST else {})
    assert priced.post(path, json=body).status == (422 if path == REST else 400)
    assert services.items() == {}


def test_dry_run_counts_against_no_limit(deploy, services):
    ring = ApiKeyStore(services.store.client, services.store.name, time.time)
    headers = {"x-api-key": ring.make("anna", Limits(submits_per_minute=1))}
    client, request = deploy(ALLOW_ANONYMOUS="false"), {"json": {"image": URL}, "headers": headers}
    for _ in range(2):
        assert client.post(REST, query={"dry_run": "true"}, **request).status == 200
    assert client.post(REST, **request).status == 202


def test_models_tell_the_relays_price(priced, client):
    pricing = priced.get("/v1/models/veo_3_1").json["video"]["pricing"]
    assert {(each["usd"], each["per"]) for each in pricing} == {(0.25, "video")}
    assert client.get("/v1/models/veo_3_1").json["video"]["pricing"] is None


def test_models_tell_googles_prices_beside_it(routed):
    pricing = routed.get("/v1/models/veo").json["video"]["pricing"]
    assert {each["per"] for each in pricing} == {"second", "video"}
