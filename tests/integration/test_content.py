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
    response = content(client, task_factory.completed(), **query)
    assert response.status == 307
    assert response.headers["location"] == UPSTREAM_VIDEO
    assert response.headers["cache-control"] == "no-store"
    assert response.text == ""


@pytest.mark.parametrize(
    ("variant", "key"), [("video", COPIED["video_key"]), ("thumbnail", PICTURE)]
)
def test_a_file_of_ours_is_a_307_to_a_presigned_get_of_its_key(client, task_factory, variant, key):
    response = content(
        client, task_factory.completed(result=COPIED, thumbnail_key=PICTURE), variant=variant
    )
    assert response.status == 307
    url = urlsplit(response.headers["location"])
    assert (url.scheme, url.netloc) == ("https", "files.s3.us-east-1.amazonaws.com")
    assert url.path == f"/{key}"
    signed = parse_qs(url.query)
    assert signed["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert signed["X-Amz-Expires"] == ["3600"]
    assert {"X-Amz-Signature", "X-Amz-Credential", "X-Amz-Security-Token"} <= signed.keys()


def test_a_presigned_link_lives_as_long_as_the_operator_says(deploy, task_factory):
    client = deploy(PRESIGNED_URL_SECONDS="90")
    response = content(client, task_factory.completed(result=COPIED))
    assert "X-Amz-Expires=90&" in response.headers["location"]


@pytest.mark.parametrize("state", ["pending", "processing"])
def test_an_unfinished_video_is_not_ready(client, task_factory, state):
    response = content(client, getattr(task_factory, state)())
    assert_missing(response, "video_not_ready")
    assert 1 <= int(response.headers["retry-after"]) <= 60


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_a_failed_video_has_failed(client, task_factory, state):
    task = getattr(task_factory, state)()
    response = content(client, task)
    assert_missing(response, "video_failed")
    if task.error:
        assert task.error["message"] in response.error["message"]


def test_a_video_past_its_retention_time_has_expired(client, task_factory):
    task = task_factory.completed(now=time.time() - 7200, retention=3600)
    assert_missing(content(client, task), "video_expired")


def test_a_thumbnail_that_was_never_made_is_missing_by_its_name(client, task_factory):
    response = content(client, task_factory.completed(), variant="thumbnail")
    assert response.error["param"] == "variant"
    assert_missing(response, "thumbnail_not_found")


@pytest.mark.parametrize("variant", ["", "spritesheet", "VIDEO", "video,thumbnail"])
def test_another_variant_is_a_bad_value_of_its_name(client, task_factory, variant):
    response = content(client, task_factory.completed(), variant=variant)
    assert response.status == 400
    assert response.error["type"] == "invalid_request_error"
    assert (response.error["code"], response.error["param"]) == ("invalid_value", "variant")
    assert response.calls == []
