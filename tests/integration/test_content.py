"""`GET /v1/videos/{id}/content`: a redirect to the file of just now, or the reason for none."""

import time
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.task_factory import UPSTREAM_VIDEO

COPIED = {"video_url": None, "video_key": "videos/anonymous/vid_1.mp4"}
PICTURE = "thumbnails/anonymous/vid_1.jpg"


def content(client, task, **query):
    return client.get(f"/v1/videos/{task.task_id}/content", query=query)


def assert_missing(answer, code):
    assert answer.status == 404
    assert answer.error.keys() == {"message", "type", "param", "code"}
    assert (answer.error["type"], answer.error["code"]) == ("invalid_request_error", code)
    assert answer.headers["x-should-retry"] == "false"
    assert "location" not in answer.headers


@pytest.mark.parametrize("query", [{}, {"variant": "video"}], ids=repr)
def test_a_video_of_the_upstream_is_a_307_to_its_own_url(client, task_factory, query):
    answer = content(client, task_factory.completed(), **query)
    assert answer.status == 307
    assert answer.headers["location"] == UPSTREAM_VIDEO
    assert answer.headers["cache-control"] == "no-store"
    assert answer.text == ""


@pytest.mark.parametrize(
    ("variant", "key"), [("video", COPIED["video_key"]), ("thumbnail", PICTURE)]
)
def test_a_file_of_ours_is_a_307_to_a_presigned_get_of_its_key(client, task_factory, variant, key):
    answer = content(
        client, task_factory.completed(result=COPIED, thumbnail_key=PICTURE), variant=variant
    )
    assert answer.status == 307
    url = urlsplit(answer.headers["location"])
    assert (url.scheme, url.netloc) == ("https", "files.s3.us-east-1.amazonaws.com")
    assert url.path == f"/{key}"
    signed = parse_qs(url.query)
    assert signed["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert signed["X-Amz-Expires"] == ["3600"]
    assert {"X-Amz-Signature", "X-Amz-Credential", "X-Amz-Security-Token"} <= signed.keys()


def test_a_presigned_link_lives_as_long_as_the_operator_says(deploy, task_factory):
    client = deploy(PRESIGNED_URL_SECONDS="90")
    answer = content(client, task_factory.completed(result=COPIED))
    assert "X-Amz-Expires=90&" in answer.headers["location"]


@pytest.mark.parametrize("state", ["pending", "processing"])
def test_an_unfinished_video_is_not_ready(client, task_factory, state):
    answer = content(client, getattr(task_factory, state)())
    assert_missing(answer, "video_not_ready")
    assert 1 <= int(answer.headers["retry-after"]) <= 60


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_a_failed_video_has_failed(client, task_factory, state):
    task = getattr(task_factory, state)()
    answer = content(client, task)
    assert_missing(answer, "video_failed")
    if task.error:
        assert task.error["message"] in answer.error["message"]


def test_a_video_past_its_retention_time_has_expired(client, task_factory):
    task = task_factory.completed(now=time.time() - 7200, retention=3600)
    assert_missing(content(client, task), "video_expired")


def test_a_thumbnail_that_was_never_made_is_missing_by_its_name(client, task_factory):
    answer = content(client, task_factory.completed(), variant="thumbnail")
    assert answer.error["param"] == "variant"
    assert_missing(answer, "thumbnail_not_found")


@pytest.mark.parametrize("variant", ["", "spritesheet", "VIDEO", "video,thumbnail"])
def test_another_variant_is_a_bad_value_of_its_name(client, task_factory, variant):
    answer = content(client, task_factory.completed(), variant=variant)
    assert answer.status == 400
    assert answer.error["type"] == "invalid_request_error"
    assert (answer.error["code"], answer.error["param"]) == ("invalid_value", "variant")
    assert answer.calls == []
