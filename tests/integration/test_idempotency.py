"""One submit, one task: keys, the SDKs' own retries, replays, tombstones."""

import time

import pytest

from tests.support.pictures import png
from videoapi.domain import endings, transitions
from videoapi.domain.timestamps import timestamp

REST, OPENAI = "/api/v1/videos/generate", "/v1/videos"
BODY = {"prompt": "A fox"}
PICTURE = "https://example.com/image.jpg"


def submit(client, body=BODY, **headers):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(OPENAI, json=body, headers=names)


def retry(client, count, body=BODY):
    return submit(client, body, x_stainless_retry_count=str(count))


def videos(services):
    return [key for key in services.items() if key.startswith("vid_")]


@pytest.mark.parametrize("again", ["k-1", '"k-1"', " k-1 "])
def test_the_same_request_with_the_same_key_is_the_same_task(client, services, again):
    first, second = submit(client, idempotency_key="k-1"), submit(client, idempotency_key=again)
    assert second.status == 200
    assert second.json == first.json
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert videos(services) == [first.json["id"]]


def test_replay_of_a_copied_video_links_to_it(client, services):
    """`tests.support.permissions` asks for the link; deployed, a foreign one answers 403."""
    task_id = submit(client, idempotency_key="k-1").json["id"]
    store = services.store
    key = f"videos/anonymous/{task_id}.mp4"
    store.apply(task_id, transitions.claim("worker-1", now=time.time(), lease_seconds=40))
    result = {"video_key": key, "video_url": None}
    done = endings.complete(store.get(task_id), result, now=time.time(), retention=3600)
    assert store.apply(task_id, done)
    again = submit(client, idempotency_key="k-1")
    assert again.json["status"] == "completed"
    assert f"/{key}?" in again.json["video_url"]


@pytest.mark.parametrize("key", ["x", "x" * 255, f'"{"x" * 255}"', '"', "ключ"])
def test_a_key_has_1_to_255_characters(client, services, key):
    first, second = (submit(client, idempotency_key=key) for _ in range(2))
    assert (first.status, second.status) == (200, 200)
    assert len(videos(services)) == 1


def test_another_key_is_another_task(client, services):
    submit(client, idempotency_key="a")
    submit(client, idempotency_key="b")
    assert len(videos(services)) == 2


def test_two_requests_without_a_key_are_two_tasks(client, services):
    submit(client)
    submit(client)
    assert len(videos(services)) == 2


def test_a_rest_replay_answers_202_with_the_task_as_it_is_now(client, services):
    headers = {"idempotency-key": "k"}
    first = client.post(REST, json={"image": PICTURE}, headers=headers)
    task_id = first.json["task_id"]
    task = services.store.get(task_id)
    services.store.apply(task_id, endings.cancel(task, now=time.time(), retention=60))
    again = client.post(REST, json={"image": PICTURE}, headers=headers)
    assert again.status == 202
    assert (again.json["task_id"], again.json["status"]) == (task_id, "cancelled")
    assert again.headers["location"] == f"/api/v1/tasks/{task_id}"
    assert again.headers["idempotency-replayed"] == "true"


@pytest.mark.parametrize("other", [{"prompt": "A wolf"}, BODY | {"seconds": 4}])
def test_key_of_another_request_is_409_in_openai(client, services, other):
    """A key used for another request is 409 in OpenAI's dialect."""
    task_id = submit(client, idempotency_key="k").json["id"]
    services.messages()
    response = submit(client, other, idempotency_key="k")
    assert response.status == 409
    assert response.headers["location"] == f"/api/v1/tasks/{task_id}"
    assert response.error["type"] == "invalid_request_error"
    assert response.error["code"] == "idempotency_key_reused"
    assert response.headers["x-should-retry"] == "false"
    assert len(videos(services)) == 1
    assert services.messages() == []


def test_key_of_another_request_is_422_in_rest(client, services):
    headers = {"idempotency-key": "k"}
    first = client.post(REST, json={"image": PICTURE}, headers=headers)
    services.messages()
    response = client.post(REST, json={"image": PICTURE, "fps": 24}, headers=headers)
    assert response.status == 422
    assert response.headers["location"] == first.headers["location"]
    assert response.error["type"] == "ValidationError"
    assert response.error["code"] == "idempotency_key_reused"
    assert response.error["retryable"] is False
    assert response.headers["x-should-retry"] == "false"
    assert services.messages() == []


def test_another_image_is_another_request(client):
    headers = {"idempotency-key": "k"}
    first = client.form(files={"input_reference": ("a.png", png())}, headers=headers)
    same = client.form(files={"input_reference": ("b.jpg", png())}, headers=headers)
    other = client.form(files={"input_reference": ("a.png", png(4, 4))}, headers=headers)
    assert same.json["id"] == first.json["id"]
    assert other.status == 409


def test_replay_of_a_pending_task_sends_its_message_again(client, services):
    task_id = submit(client, idempotency_key="k").json["id"]
    first = services.messages()
    submit(client, idempotency_key="k")
    assert services.messages() == []
    services.change(task_id, queued_at={"S": timestamp(time.time() - 61)})
    submit(client, idempotency_key="k")
    assert services.messages() == first != []


def test_a_replay_of_a_task_at_work_or_ended_sends_nothing(client, services):
    task_id = submit(client, idempotency_key="k").json["id"]
    services.messages()
    now = time.time()
    task = services.store.apply(task_id, transitions.claim("w", now=now, lease_seconds=40))
    assert submit(client, idempotency_key="k").json["status"] == "processing"
    services.store.apply(task_id, endings.cancel(task, now=now, retention=60))
    assert submit(client, idempotency_key="k").json["status"] == "cancelled"
    assert services.messages() == []


def test_key_of_a_deleted_video_is_409(client, services):
    """The key of a deleted video is 409 so that a late retry does not pay again."""
    task_id = submit(client, idempotency_key="k").json["id"]
    client.delete(f"/v1/videos/{task_id}")
    services.messages()
    response = submit(client, idempotency_key="k")
    assert response.status == 409
    assert response.error["code"] == "video_deleted"
    assert response.headers["x-should-retry"] == "false"
    assert services.messages() == []
    assert services.item(task_id)["status"] == "deleted"


def test_the_tombstone_refuses_in_the_rest_dialect_as_well(client):
    headers = {"idempotency-key": "k"}
    first = client.post(REST, json={"image": PICTURE}, headers=headers)
    client.delete(f"/v1/videos/{first.json['task_id']}")
    response = client.post(REST, json={"image": PICTURE}, headers=headers)
    assert (response.status, response.error["type"]) == (409, "Conflict")


@pytest.mark.parametrize("count", [1, 2, 9])
def test_an_sdks_own_retry_within_15_minutes_is_the_first_task(client, services, count):
    first = retry(client, 0)
    again = retry(client, count)
    assert again.json["id"] == first.json["id"]
    assert again.headers["idempotency-replayed"] == "true"
    assert len(videos(services)) == 1


def test_a_retry_after_15_minutes_is_a_new_task(client, services):
    first = retry(client, 0)
    (memory,) = [key for key in services.items() if not key.startswith("vid_")]
    remembered = int(services.item(memory)["expires_at"])
    assert abs(remembered - (time.time() + 15 * 60)) < 30
    services.change(memory, expires_at={"N": str(int(time.time()) - 1)})
    assert retry(client, 1).json["id"] != first.json["id"]


def test_a_count_of_0_twice_is_two_tasks(client, services):
    retry(client, 0)
    retry(client, 0)
    assert len(videos(services)) == 2


def test_retry_whose_first_try_never_arrived_is_a_new_task(client):
    first = retry(client, 1)
    assert "idempotency-replayed" not in first.headers
    assert retry(client, 2).json["id"] == first.json["id"]


def test_a_retry_of_another_wish_is_a_task_of_its_own(client, services):
    retry(client, 0)
    retry(client, 1, {"prompt": "A wolf"})
    assert len(videos(services)) == 2


def test_a_retry_of_a_form_is_recognised_by_its_files_bytes(client):
    first, again = (
        client.form(
            files={"input_reference": png()}, headers={"x-stainless-retry-count": str(count)}
        )
        for count in (0, 1)
    )
    assert again.json["id"] == first.json["id"]


def test_a_retry_of_a_deleted_video_does_not_pay_again(client, services):
    first = retry(client, 0)
    client.delete(f"/v1/videos/{first.json['id']}")
    response = retry(client, 1)
    assert (response.status, response.error["code"]) == (409, "video_deleted")
    assert len(videos(services)) == 1


def test_retry_after_an_unsent_message_is_the_first_task(client, services):
    services.calls.fail("sqs:SendMessage")
    first = retry(client, 0)
    services.calls.heal()
    assert retry(client, 1).json["id"] == first.json["id"]
    assert len(services.messages()) == 1


def received(client, seconds_ago, count):
    """Submit with a count, as the gateway took it so many seconds ago."""
    context = {"timeEpoch": int((time.time() - seconds_ago) * 1000)}
    headers = {"x-stainless-retry-count": str(count)}
    return client.post(OPENAI, json=BODY, headers=headers, context=context)


def test_overtaken_first_request_is_the_same_task(client, services):
    """A slow first request that its own retry overtakes is the same task."""
    answers = []
    services.calls.before(
        "dynamodb:TransactWriteItems", lambda: answers.append(received(client, 2, 1))
    )
    answers.append(received(client, 10, 0))
    assert [response.status for response in answers] == [200, 200]
    assert answers[0].json["id"] == answers[1].json["id"]
    assert len(videos(services)) == 1


def test_of_two_retries_at_once_one_wins_and_both_get_its_task(client, services):
    answers = []
    services.calls.before(
        "dynamodb:TransactWriteItems", lambda: answers.append(received(client, 1, 2))
    )
    answers.append(received(client, 2, 1))
    assert len({response.json["id"] for response in answers}) == len(videos(services)) == 1


def test_the_same_wish_again_after_a_retry_is_a_new_task(client, services):
    received(client, 10, 0)
    received(client, 8, 1)
    received(client, 6, 0)
    assert len(videos(services)) == 2


def test_impossible_request_time_is_not_believed(client, services):
    """An instant that cannot be the request's own is not believed."""
    received(client, 3600, 1)  # `sam local` always says when it started
    received(client, 3600, 0)
    assert len(videos(services)) == 2


@pytest.mark.parametrize("count", ["", "-1", "one", "1.5", "12345"])
def test_a_retry_count_that_is_none_is_no_retry(client, services, count):
    retry(client, 0)
    submit(client, x_stainless_retry_count=count)
    assert len(videos(services)) == 2


def test_a_key_counts_more_than_a_retry_count(client, services):
    retry(client, 0)
    submit(client, idempotency_key="k", x_stainless_retry_count="1")
    assert len(videos(services)) == 2


def test_only_sdk_callers_are_remembered_by_what_they_asked(client, services):
    submit(client)
    submit(client, idempotency_key="k", x_stainless_retry_count="0")
    assert len(services.items()) == len(videos(services)) == 2


def test_two_first_requests_with_one_key_get_one_task(client, services):
    """Of two first requests with one key at once one wins and both get its task."""
    answers = []
    headers = {"idempotency_key": "k"}
    services.calls.before(
        "dynamodb:PutItem", lambda: answers.append(submit(client, **headers).json["id"])
    )
    answers.append(submit(client, **headers).json["id"])
    assert len(set(answers)) == 1
    assert len(videos(services)) == 1
