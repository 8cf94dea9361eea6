"""AWS did what it was asked and the answer was lost: what was made counts."""

import pytest
from botocore.exceptions import EndpointConnectionError

from videoapi.accounts.api_keys import ApiKeyStore, Limits

BODY = {"prompt": "A fox"}


WRITES = {"dynamodb:PutItem": {}, "dynamodb:TransactWriteItems": {"x-stainless-retry-count": "0"}}


@pytest.mark.parametrize("call", WRITES)
def test_task_whose_put_was_made_is_accepted_although_no_answer_came(client, cloud, call):
    def lose():
        raise EndpointConnectionError(endpoint_url="https://aws.example.com")

    cloud.calls.after(call, lose)
    answer = client.post("/v1/videos", json=BODY, headers=WRITES[call])
    assert answer.status == 200
    assert "idempotency-replayed" not in answer.headers
    assert cloud.item(answer.json["id"])["status"] == "pending"
    assert len(cloud.messages()) == 1


@pytest.mark.parametrize("call", WRITES)
def test_put_that_was_not_made_is_looked_for_before_503_says_so(client, cloud, call):
    cloud.calls.fail(call, "")
    answer = client.post("/v1/videos", json=BODY, headers=WRITES[call])
    assert answer.status == 503
    assert "dynamodb:GetItem" in answer.calls
    assert "x-should-retry" not in answer.headers
    assert cloud.is_untouched()


@pytest.mark.parametrize(("key", "again"), [(None, False), ("k", True)])
def test_where_it_stays_unclear_only_a_recognised_repetition_is_invited(client, cloud, key, again):
    for name in ("dynamodb:PutItem", "dynamodb:GetItem"):
        cloud.calls.fail(name, "")
    headers = {"idempotency-key": key} if key else {}
    answer = client.post("/v1/videos", json=BODY, headers=headers)
    assert answer.status == 503
    assert ("x-should-retry" not in answer.headers) is again


def test_a_replay_uses_nothing_up_and_is_refused_by_no_limit(deploy, cloud):
    ring = ApiKeyStore(cloud.dynamodb, cloud.table, lambda: 0.0)
    key = ring.make("alice", Limits(videos_per_day=1, tasks_alive=1))
    headers = {"authorization": f"Bearer {key}", "idempotency-key": "k"}
    closed = deploy(ALLOW_ANONYMOUS="false")
    first = closed.post("/v1/videos", json=BODY, headers=headers)
    again = closed.post("/v1/videos", json=BODY, headers=headers)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json["id"] == first.json["id"]
