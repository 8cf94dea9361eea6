"""AWS did what it was asked and the answer was lost: what was made counts."""

import pytest
from botocore.exceptions import EndpointConnectionError

from videoapi.accounts.api_keys import ApiKeyStore, Limits

BODY = {"prompt": "A fox"}


WRITES = {"dynamodb:PutItem": {}, "dynamodb:TransactWriteItems": {"x-stainless-retry-count": "0"}}


@pytest.mark.parametrize("call", WRITES)
def test_put_without_an_answer_is_an_accepted_task(client, services, call):
    """A task whose put was made is accepted although no answer came."""

    def lose():
        raise EndpointConnectionError(endpoint_url="https://aws.example.com")

    services.calls.after(call, lose)
    response = client.post("/v1/videos", json=BODY, headers=WRITES[call])
    assert response.status == 200
    assert "idempotency-replayed" not in response.headers
    assert services.item(response.json["id"])["status"] == "pending"
    assert len(services.messages()) == 1


@pytest.mark.parametrize("call", WRITES)
def test_put_that_was_not_made_is_looked_for_before_503_says_so(client, services, call):
    services.calls.fail(call, "")
    response = client.post("/v1/videos", json=BODY, headers=WRITES[call])
    assert response.status == 503
    assert "dynamodb:GetItem" in response.calls
    assert "x-should-retry" not in response.headers
    assert services.is_untouched()


@pytest.mark.parametrize(("key", "again"), [(None, False), ("k", True)])
def test_unclear_submit_invites_recognised_retries_alone(client, services, key, again):
    """Where it stays unclear only a recognised repetition is invited."""
    for name in ("dynamodb:PutItem", "dynamodb:GetItem"):
        services.calls.fail(name, "")
    headers = {"idempotency-key": key} if key else {}
    response = client.post("/v1/videos", json=BODY, headers=headers)
    assert response.status == 503
    assert ("x-should-retry" not in response.headers) is again


def test_a_replay_uses_nothing_up_and_is_refused_by_no_limit(deploy, services):
    ring = ApiKeyStore(services.dynamodb, services.table, lambda: 0.0)
    key = ring.make("alice", Limits(videos_per_day=1, tasks_alive=1))
    headers = {"authorization": f"Bearer {key}", "idempotency-key": "k"}
    closed = deploy(ALLOW_ANONYMOUS="false")
    first = closed.post("/v1/videos", json=BODY, headers=headers)
    again = closed.post("/v1/videos", json=BODY, headers=headers)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json["id"] == first.json["id"]
