"""Giving a task up (REST), and making a video go away (OpenAI)."""

import time

import pytest

from tests.support.pictures import png
from tests.support.task_factory import DAY
from videoapi.domain import transitions

OPEN, ENDED = ("pending", "processing"), ("completed", "failed", "cancelled")
RESULT = {"video_key": "videos/anonymous/vid_1.mp4", "video_url": None}
PICTURE = "thumbnails/anonymous/vid_1.jpg"


def cancel(client, task_id):
    return client.delete(f"/api/v1/tasks/{task_id}")


def delete(client, task_id):
    return client.delete(f"/v1/videos/{task_id}")


@pytest.mark.parametrize("state", OPEN)
def test_a_live_task_is_cancelled_with_the_documents_answer(client, lives, cloud, state):
    task_id = getattr(lives, state)().task_id
    answer = cancel(client, task_id)
    assert answer.status == 200
    assert answer.json.keys() == {"success", "message", "task_id"}
    assert (answer.json["success"], answer.json["task_id"]) == (True, task_id)
    assert answer.headers["cache-control"] == "no-store"
    item = cloud.item(task_id)
    assert item["status"] == "cancelled"
    assert abs(int(item["expires_at"]) - time.time() - DAY) < 60, "TTL: end + retention"
    assert not {"open", "due_at"} & item.keys(), "the sweeper has done with it"


def test_a_cancelled_task_says_that_money_may_be_gone_only_where_it_may(client, lives):
    assert "charged" not in cancel(client, lives.pending().task_id).json["message"]
    assert "charged" in cancel(client, lives.processing().task_id).json["message"]


@pytest.mark.parametrize("state", ENDED)
def test_an_ended_task_is_not_cancelled_but_409(client, lives, cloud, state):
    task_id = getattr(lives, state)().task_id
    before = cloud.item(task_id)
    answer = cancel(client, task_id)
    assert (answer.status, answer.error["type"]) == (409, "Conflict")
    assert answer.headers["x-should-retry"] == "false"
    assert state in answer.error["message"]
    assert cloud.item(task_id) == before


def test_cancelling_twice_is_409(client, lives):
    task_id = lives.pending().task_id
    assert [cancel(client, task_id).status for _ in range(2)] == [200, 409]


def test_a_task_that_ends_just_before_its_cancellation_stays_as_it_ended(client, lives, cloud):
    task = lives.processing()
    change = transitions.complete(task, RESULT, now=time.time(), retention=DAY)
    cloud.calls.before("dynamodb:UpdateItem", lambda: cloud.store.apply(task.task_id, change))
    assert cancel(client, task.task_id).status == 409
    assert cloud.item(task.task_id)["status"] == "completed"


def test_a_task_deleted_just_before_its_cancellation_is_404(client, lives, cloud):
    task_id = lives.pending().task_id
    cloud.calls.before("dynamodb:UpdateItem", lambda: delete(client, task_id))
    assert cancel(client, task_id).status == 404


@pytest.mark.parametrize("state", OPEN + ENDED)
def test_a_video_is_deleted_in_any_state_with_openais_answer(client, lives, state):
    task_id = getattr(lives, state)().task_id
    answer = delete(client, task_id)
    assert answer.status == 200
    assert answer.json == {"id": task_id, "object": "video.deleted", "deleted": True}
    assert delete(client, task_id).error["code"] == "video_not_found"
    for path in ("/api/v1/tasks/", "/api/v1/videos/", "/v1/videos/"):
        assert client.get(path + task_id).status == 404


@pytest.mark.parametrize("state", OPEN + ENDED)
def test_a_deletion_leaves_a_tombstone_without_what_was_asked_or_made(client, lives, cloud, state):
    task = getattr(lives, state)(fingerprint="f")
    delete(client, task.task_id)
    item = cloud.item(task.task_id)
    runs_on = {"intent_at", "accepted_at"} if state == "processing" else set()
    billed = {"upstream_id"} if task.upstream_id else set()
    assert item.keys() == runs_on | billed | {"attempts", "unknown_submits"} | {
        "task_id", "owner", "status", "created_at", "updated_at", "expires_at", "fingerprint",
    }  # fmt: skip
    assert item["status"] == "deleted"
    assert abs(int(item["expires_at"]) - time.time() - DAY) < 60


def test_the_retention_of_tombstones_and_tasks_is_the_operators(deploy, lives, cloud):
    client = deploy(TASK_RETENTION_HOURS="2")
    gone, ended = lives.pending().task_id, lives.pending().task_id
    delete(client, gone)
    cancel(client, ended)
    for task_id in (gone, ended):
        assert abs(int(cloud.item(task_id)["expires_at"]) - time.time() - 7200) < 60


def test_a_deletion_takes_the_files_of_the_video_and_no_others(client, cloud):
    submitted = client.form(files={"input_reference": png()}).json["id"]
    (image_key,) = cloud.objects()
    now = time.time()
    claim = transitions.claim("w", now=now, lease_seconds=40)
    task = cloud.store.apply(submitted, claim)
    intent = transitions.begin_attempt(task, now=now, prompt="x", thumbnail_key=PICTURE)
    task = cloud.store.apply(submitted, intent)
    end = transitions.complete(task, RESULT, now=now, retention=DAY)
    assert cloud.store.apply(submitted, end)
    others = {"videos/anonymous/vid_2.mp4", "images/anonymous/made.png"}
    for key in {RESULT["video_key"], PICTURE} | others:
        cloud.files.put(key, b"x", "video/mp4")
    delete(client, submitted)
    assert image_key not in others
    assert cloud.objects().keys() == others


@pytest.mark.parametrize(
    "key", ["images/anonymous/made.png", "inputs/anonymous/vid_another/0123.png"]
)
def test_an_input_that_is_not_this_tasks_own_outlives_it(client, lives, cloud, key):
    cloud.files.put(key, png(), "image/png")
    delete(client, lives.pending(image_key=key).task_id)
    assert cloud.objects().keys() == {key}


def test_a_video_that_is_finished_just_before_its_deletion_goes_too(client, lives, cloud):
    task = lives.processing()

    def finish():
        cloud.files.put(RESULT["video_key"], b"x", "video/mp4")
        change = transitions.complete(task, RESULT, now=time.time(), retention=DAY)
        assert cloud.store.apply(task.task_id, change)

    cloud.calls.before("dynamodb:UpdateItem", finish)
    assert delete(client, task.task_id).status == 200
    assert cloud.objects() == {}
    assert cloud.item(task.task_id)["status"] == "deleted"


def test_a_deletion_that_could_not_reach_the_files_can_be_tried_again(client, lives, cloud):
    task_id = lives.completed(result=RESULT).task_id
    cloud.files.put(RESULT["video_key"], b"x", "video/mp4")
    cloud.calls.fail("s3:DeleteObject")
    answer = delete(client, task_id)
    assert answer.status == 503
    assert "retry-after" in answer.headers
    cloud.calls.heal()
    assert delete(client, task_id).status == 200
    assert cloud.objects() == {}


def test_a_worker_never_gets_a_deleted_or_cancelled_task(client, lives, cloud):
    for end in (cancel, delete):
        task_id = lives.pending().task_id
        end(client, task_id)
        claim = transitions.claim("w", now=time.time() + 10, lease_seconds=40)
        assert cloud.store.apply(task_id, claim) is None
