"""Giving a task up (REST), and making a video go away (OpenAI)."""

import time

import pytest

from tests.support.pictures import png
from tests.support.task_factory import DAY, TO_RELAY
from videoapi.domain import endings, transitions

OPEN, ENDED = ("pending", "processing"), ("completed", "failed", "cancelled")
RESULT = {"video_key": "videos/anonymous/vid_1.mp4", "video_url": None}
PICTURE = "thumbnails/anonymous/vid_1.jpg"


def cancel(client, task_id):
    return client.delete(f"/api/v1/tasks/{task_id}")


def delete(client, task_id):
    return client.delete(f"/v1/videos/{task_id}")


@pytest.mark.parametrize("state", OPEN)
def test_a_live_task_is_cancelled_with_the_documents_answer(client, task_factory, services, state):
    task_id = getattr(task_factory, state)().task_id
    response = cancel(client, task_id)
    assert response.status == 200
    assert response.json.keys() == {"success", "message", "task_id"}
    assert (response.json["success"], response.json["task_id"]) == (True, task_id)
    assert response.headers["cache-control"] == "no-store"
    item = services.item(task_id)
    assert item["status"] == "cancelled"
    assert abs(int(item["expires_at"]) - time.time() - DAY) < 60, "TTL: end + retention"
    assert not {"open", "due_at"} & item.keys(), "the sweeper has done with it"


def test_cancelled_task_says_maybe_charged_where_it_may_be(client, task_factory):
    """A cancelled task says that money may be gone only where it may."""
    assert "charged" not in cancel(client, task_factory.pending().task_id).json["message"]
    assert "charged" in cancel(client, task_factory.processing().task_id).json["message"]


@pytest.mark.parametrize("state", ENDED)
def test_an_ended_task_is_not_cancelled_but_409(client, task_factory, services, state):
    task_id = getattr(task_factory, state)().task_id
    before = services.item(task_id)
    response = cancel(client, task_id)
    assert (response.status, response.error["type"]) == (409, "Conflict")
    assert response.headers["x-should-retry"] == "false"
    assert state in response.error["message"]
    assert services.item(task_id) == before


def test_cancelling_twice_is_409(client, task_factory):
    task_id = task_factory.pending().task_id
    assert [cancel(client, task_id).status for _ in range(2)] == [200, 409]


def test_task_that_ended_before_its_cancel_stays_ended(client, task_factory, services):
    """A task that ends just before its cancellation stays as it ended."""
    task = task_factory.processing()
    change = endings.complete(task, RESULT, now=time.time(), retention=DAY)
    services.calls.before(
        "dynamodb:TransactWriteItems", lambda: services.store.apply(task.task_id, change)
    )
    assert cancel(client, task.task_id).status == 409
    assert services.item(task.task_id)["status"] == "completed"


def test_a_task_deleted_just_before_its_cancellation_is_404(client, task_factory, services):
    task_id = task_factory.pending().task_id
    services.calls.before("dynamodb:TransactWriteItems", lambda: delete(client, task_id))
    assert cancel(client, task_id).status == 404


@pytest.mark.parametrize("state", OPEN + ENDED)
def test_a_video_is_deleted_in_any_state_with_openais_answer(client, task_factory, state):
    task_id = getattr(task_factory, state)().task_id
    response = delete(client, task_id)
    assert response.status == 200
    assert response.json == {"id": task_id, "object": "video.deleted", "deleted": True}
    assert delete(client, task_id).error["code"] == "video_not_found"
    for path in ("/api/v1/tasks/", "/api/v1/videos/", "/v1/videos/"):
        assert client.get(path + task_id).status == 404


@pytest.mark.parametrize("state", OPEN + ENDED)
def test_deletion_leaves_a_bare_tombstone(client, task_factory, services, state):
    task = getattr(task_factory, state)(fingerprint="f")
    delete(client, task.task_id)
    item = services.item(task.task_id)
    runs_on = {"intent_at", "accepted_at"} if state == "processing" else set()
    billed = {"upstream_id", "provider", "upstream_model", "upstream_url", "attempt_log"}
    billed = billed if task.upstream_id else set()
    billed |= {"cost_actual"} if state in {"pending", "failed", "cancelled"} else set()
    assert item.keys() == runs_on | billed | {"attempts", "unknown_submits"} | {
        "task_id", "owner", "status", "created_at", "updated_at", "expires_at", "fingerprint",
    }  # fmt: skip
    assert item["status"] == "deleted"
    assert abs(int(item["expires_at"]) - time.time() - DAY) < 60


def test_the_retention_of_tombstones_and_tasks_is_the_operators(deploy, task_factory, services):
    client = deploy(TASK_RETENTION_HOURS="2")
    gone, ended = task_factory.pending().task_id, task_factory.pending().task_id
    delete(client, gone)
    cancel(client, ended)
    for task_id in (gone, ended):
        assert abs(int(services.item(task_id)["expires_at"]) - time.time() - 7200) < 60


def test_a_deletion_takes_the_files_of_the_video_and_no_others(client, services):
    submitted = client.form(files={"input_reference": png()}).json["id"]
    (image_key,) = services.objects()
    now = time.time()
    claim = transitions.claim("w", now=now, lease_seconds=40)
    task = services.store.apply(submitted, claim)
    intent = transitions.begin_attempt(
        task, now=now, to=TO_RELAY, prompt="x", thumbnail_key=PICTURE
    )
    task = services.store.apply(submitted, intent)
    end = endings.complete(task, RESULT, now=now, retention=DAY)
    assert services.store.apply(submitted, end)
    others = {"videos/anonymous/vid_2.mp4", "images/anonymous/made.png"}
    for key in {RESULT["video_key"], PICTURE} | others:
        services.files.put(key, b"x", "video/mp4")
    delete(client, submitted)
    assert image_key not in others
    assert services.objects().keys() == others


@pytest.mark.parametrize(
    "key", ["images/anonymous/made.png", "inputs/anonymous/vid_another/0123.png"]
)
def test_an_input_that_is_not_this_tasks_own_outlives_it(client, task_factory, services, key):
    services.files.put(key, png(), "image/png")
    delete(client, task_factory.pending(image_key=key).task_id)
    assert services.objects().keys() == {key}


def test_video_finished_before_its_deletion_goes_too(client, task_factory, services):
    task = task_factory.processing()

    def finish():
        services.files.put(RESULT["video_key"], b"x", "video/mp4")
        change = endings.complete(task, RESULT, now=time.time(), retention=DAY)
        assert services.store.apply(task.task_id, change)

    services.calls.before("dynamodb:TransactWriteItems", finish)
    assert delete(client, task.task_id).status == 200
    assert services.objects() == {}
    assert services.item(task.task_id)["status"] == "deleted"


def test_deletion_that_missed_the_files_can_be_repeated(client, task_factory, services):
    """A deletion that could not reach the files can be tried again."""
    task_id = task_factory.completed(result=RESULT).task_id
    services.files.put(RESULT["video_key"], b"x", "video/mp4")
    services.calls.fail("s3:DeleteObject")
    response = delete(client, task_id)
    assert response.status == 503
    assert "retry-after" in response.headers
    services.calls.heal()
    assert delete(client, task_id).status == 200
    assert services.objects() == {}


def test_a_worker_never_gets_a_deleted_or_cancelled_task(client, task_factory, services):
    for end in (cancel, delete):
        task_id = task_factory.pending().task_id
        end(client, task_id)
        claim = transitions.claim("w", now=time.time() + 10, lease_seconds=40)
        assert services.store.apply(task_id, claim) is None


@pytest.mark.parametrize("act", [cancel, delete])
@pytest.mark.parametrize(
    ("provider", "model", "sent"),
    [("gemini", "gemini-omni-1.2-flash", 1), ("vertex", "veo-3.1-fast-generate-001", 0)],
)
def test_worker_is_woken_where_the_provider_stops_jobs(
    client, task_factory, services, act, provider, model, sent
):
    task = task_factory.processing(now=time.time() - 60)  # its lease has run out
    whom = {"provider": {"S": provider}, "upstream_model": {"S": model}}
    services.change(task.task_id, **whom)
    response = act(client, task.task_id)
    assert response.status == 200
    assert response.calls.count("sqs:SendMessage") == sent
