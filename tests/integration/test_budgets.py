"""Refusals about money, as both dialects tell them."""

import re

import pytest

REST, OPENAI = "/api/v1/videos/generate", "/v1/videos"
URL = "https://example.com/image.jpg"
BODIES = {REST: {"image": URL}, OPENAI: {"prompt": "A fox"}}


@pytest.fixture
def capped(deploy):
    return deploy(VIDEO_PRICE_USD="0.25", DAILY_BUDGET_USD="0.5")


def submit(client, path, **headers):
    return client.post(path, json=BODIES[path], headers=headers)


def test_exceeded_budget_is_402_that_no_client_repeats(capped):
    for path in (REST, OPENAI):
        assert submit(capped, path).status in (200, 202)
    for path, kind in ((REST, "PaymentRequired"), (OPENAI, "insufficient_quota")):
        response = submit(capped, path)
        assert response.status == 402
        error = response.error
        assert (error["type"], error["code"]) == (kind, "budget_exceeded")
        assert re.fullmatch(r"[0-9-]{10}T00:00:00[.]000Z", error["details"]["resets_at"])
        assert response.headers["x-should-retry"] == "false"
        assert "retry-after" not in response.headers


def test_unknown_price_under_a_budget_is_402(deploy):
    client = deploy(DAILY_BUDGET_USD="0.5")
    for path in (REST, OPENAI):
        response = submit(client, path)
        assert (response.status, response.error["code"]) == (402, "price_unknown")
        assert response.headers["x-should-retry"] == "false"
        assert "details" not in response.error


def test_replay_under_an_exceeded_budget_is_its_task(capped):
    key = {"idempotency-key": "order-1"}
    first = submit(capped, REST, **key).json["task_id"]
    submit(capped, OPENAI)
    again = submit(capped, REST, **key)
    assert (again.status, again.json["task_id"]) == (202, first)
    assert again.headers["idempotency-replayed"] == "true"


def test_sdks_retry_under_an_exceeded_budget_is_its_task(capped):
    sdk = {"x-stainless-lang": "python", "x-stainless-retry-count": "0"}
    first = submit(capped, OPENAI, **sdk).json["id"]
    submit(capped, REST)
    assert submit(capped, OPENAI, **sdk | {"x-stainless-retry-count": "1"}).json["id"] == first


def test_cancelled_video_gives_its_money_back(capped):
    task_id = submit(capped, REST).json["task_id"]
    submit(capped, REST)
    assert submit(capped, REST).status == 402
    capped.delete(f"/api/v1/tasks/{task_id}")
    assert submit(capped, REST).status == 202
    (day,) = [
        day
        for day in capped.get("/api/v1/usage").json["days"]
        if day["usd_reserved"] or day["cancelled"]
    ]
    assert (day["usd_reserved"], day["usd_spent"], day["cancelled"]) == (0.5, 0.0, 1)
