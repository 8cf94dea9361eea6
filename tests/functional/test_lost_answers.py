"""AWS did what it was asked and the answer was lost: nothing is paid twice, nothing is promised."""

import pytest

from videoapi.keys import KeyRing, Limits

BODY = {"prompt": "A fox"}


def test_a_put_that_may_have_been_made_is_taken_back_before_503_says_so(client, cloud):
    cloud.calls.fail("dynamodb:PutItem", None)
    answer = client.post("/v1/videos", json=BODY)
    assert answer.status == 503
    assert "dynamodb:DeleteItem" in answer.calls
    assert "x-should-retry" not in answer.headers
    assert cloud.is_untouched()


@pytest.mark.parametrize(("key", "again"), [(None, False), ("k", True)])
def test_where_it_stays_unclear_only_a_recognised_repetition_is_invited(client, cloud, key, again):
    for name in ("dynamodb:PutItem", "dynamodb:DeleteItem"):
        cloud.calls.fail(name, None)
    headers = {"idempotency-key": key} if key else {}
    answer = client.post("/v1/videos", json=BODY, headers=headers)
    assert answer.status == 503
    assert ("x-should-retry" not in answer.headers) is again


def test_a_replay_uses_nothing_up_and_is_refused_by_no_limit(deploy, cloud):
    ring = KeyRing(cloud.dynamodb, cloud.table, lambda: 0.0)
    key = ring.make("alice", Limits(videos_per_day=1, tasks_alive=1))
    headers = {"authorization": f"Bearer {key}", "idempotency-key": "k"}
    closed = deploy(ALLOW_ANONYMOUS="false")
    first = closed.post("/v1/videos", json=BODY, headers=headers)
    again = closed.post("/v1/videos", json=BODY, headers=headers)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json["id"] == first.json["id"]
