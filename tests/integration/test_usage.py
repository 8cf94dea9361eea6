"""`GET /api/v1/usage`: the days of the caller's key, from the ledger."""

import re
import time

import pytest

from videoapi.accounts.api_keys import ApiKeyStore, Limits
from videoapi.aws.expressions import encode

USAGE = "/api/v1/usage"
NOTHING = {"completed": 0, "failed": 0, "cancelled": 0, "seconds": 0}
FREE = {"usd_spent": 0.0, "usd_reserved": 0.0}


def keep(services, owner, day, **numbers):
    item = {"task_id": f"usage#{owner}#{day}", "expires_at": 2_000_000_000, **numbers}
    services.dynamodb.put_item(TableName=services.table, Item=encode(item))


def test_each_day_has_a_row_and_one_without_tasks_zeros(client, services):
    made = {"completed": 3, "failed": 1, "cancelled": 2, "seconds": 20}
    keep(services, "anonymous", "2026-03-01", committed=3_350_001, spent=3_100_001, **made)
    keep(services, "anonymous", "2026-03-03", committed=250_000)
    keep(services, "anonymous", "2026-03-04", spent=9, committed=9)
    keep(services, "other", "2026-03-02", spent=9, committed=9)
    keep(services, "", "2026-03-02", spent=9, committed=9)
    response = client.get(USAGE, query={"from": "2026-03-01", "to": "2026-03-03"})
    assert response.status == 200
    assert response.json == {
        "currency": "USD",
        "days": [
            {"date": "2026-03-01", **made, "usd_spent": 3.100001, "usd_reserved": 0.25},
            {"date": "2026-03-02", **NOTHING, **FREE},
            {"date": "2026-03-03", **NOTHING, "usd_spent": 0.0, "usd_reserved": 0.25},
        ],
    }
    assert response.headers["cache-control"] == "no-store"
    assert response.calls == ["dynamodb:BatchGetItem"]


def days(client, **query):
    return [row["date"] for row in client.get(USAGE, query=query).json["days"]]


def test_span_is_this_month_so_far_unless_it_is_said(client):
    today = time.strftime("%Y-%m-%d", time.gmtime())
    assert days(client)[0] == f"{today[:8]}01"
    assert days(client)[-1] == today
    assert days(client, **{"from": today}) == [today]
    assert days(client, to="2024-02-02") == ["2024-02-01", "2024-02-02"]
    assert len(days(client, **{"from": "2026-01-01", "to": "2026-04-02"})) == 92


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "2026-01-01", "to": "2026-04-03"}, "from"),
        ({"from": "2026-01-02", "to": "2026-01-01"}, "from"),
        ({"from": "9999-12-31"}, "from"),
        ({"from": "2026-02-30"}, "from"),
        ({"from": "20260201"}, "from"),
        ({"from": ""}, "from"),
        ({"from": "2026-01-01,2026-01-02"}, "from"),
        ({"to": "yesterday"}, "to"),
        ({"to": "\u0662026-01-01"}, "to"),
        ({"to": "0000-01-01"}, "to"),
    ],
)
def test_bad_day_is_refused_by_name(client, query, field):
    response = client.get(USAGE, query=query)
    assert (response.status, response.error["details"][0]["field"]) == (422, field)


def test_far_days_are_days_too(client):
    assert days(client, to="0001-01-02") == ["0001-01-01", "0001-01-02"]
    assert days(client, **{"from": "9999-12-31", "to": "9999-12-31"}) == ["9999-12-31"]


def test_days_are_the_callers_own(deploy, services):
    keep(services, "anna", "2026-03-01", spent=5, committed=5)
    ring = ApiKeyStore(services.dynamodb, services.table, time.time)
    closed, query = deploy(ALLOW_ANONYMOUS="false"), {"to": "2026-03-01"}
    for name, spent in (("anna", 5e-06), ("bert", 0.0)):
        headers = {"x-api-key": ring.make(name, Limits())}
        (row,) = closed.get(USAGE, query=query, headers=headers).json["days"]
        assert row["usd_spent"] == spent
    assert closed.get(USAGE).status == 401


def test_other_methods_are_answered_as_everywhere(client):
    head = client.request("HEAD", USAGE)
    assert (head.status, head.text) == (200, "")
    post = client.post(USAGE, json={})
    assert post.status == 405
    assert re.fullmatch("GET, HEAD", post.headers["allow"])


def test_a_submit_and_a_cancel_are_seen_in_it(client):
    task_id = client.post("/v1/videos", json={"prompt": "A fox"}).json["id"]
    client.delete(f"/api/v1/tasks/{task_id}")
    (*_, today) = client.get(USAGE).json["days"]
    assert today == {"date": today["date"], **NOTHING, "cancelled": 1, **FREE}
