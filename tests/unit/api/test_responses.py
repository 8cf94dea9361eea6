import json

import pytest
from botocore.credentials import Credentials

from tests.support.task_factory import new_task
from videoapi import errors
from videoapi.api import results
from videoapi.api.openai import responses as openai_responses
from videoapi.api.rest import responses as rest_responses
from videoapi.aws.presigned import DAY, UrlSigner
from videoapi.domain.tasks import Dialect, GenerationRequest, Status
from videoapi.domain.timestamps import timestamp
from videoapi.errors import GenerationError
from videoapi.settings import Settings

NOW = 1_768_127_400.0
LINKS = UrlSigner(
    lambda: Credentials("key", "secret"),
    bucket="files",
    region="us-east-1",
    endpoint=None,
    seconds=60,
    file_days=2,
)


def shown(task, *, sdk_words=False):
    """Return a task as all four answers show it."""
    return [
        rest_responses.rest_task(task, LINKS, now=NOW),
        rest_responses.rest_summary(task, now=NOW),
        rest_responses.rest_video(task, LINKS, now=NOW),
        openai_responses.openai_video(task, LINKS, now=NOW, sdk_words=sdk_words),
    ]


def keys_of(value):
    if isinstance(value, dict):
        yield from value
        for inner in value.values():
            yield from keys_of(inner)
    if isinstance(value, list):
        for inner in value:
            yield from keys_of(inner)


@pytest.mark.parametrize("status", [each for each in Status if each is not Status.DELETED])
def test_every_status_has_an_openai_word(status):
    assert openai_responses.OPENAI_WORDS[status] in {"queued", "in_progress", "completed", "failed"}


@pytest.mark.parametrize("seconds", [60, 30 * DAY])
def test_both_dialects_tell_the_earliest_end_that_is_known(seconds):
    result = {"video_url": "https://upstream/v.mp4", "video_expires_at": NOW + 3600}
    task = new_task(now=NOW, status=Status.COMPLETED, result=result, expires_at=int(NOW) + seconds)
    rest, _, _, video = shown(task)
    assert rest["result"]["result"]["expires_at"] == timestamp(NOW + 3600)
    assert video["expires_at"] == int(NOW) + min(seconds, 3600)


@pytest.mark.parametrize(
    ("result", "days"),
    [({"video_key": "videos/a/1.mp4"}, 2), ({"video_url": "https://upstream/v.mp4"}, 30)],
    ids=["a copy", "the upstream's"],
)
def test_a_video_expires_with_its_file_or_with_its_task(result, days):
    task = new_task(now=NOW, status=Status.COMPLETED, result=result, expires_at=int(NOW) + 30 * DAY)
    rest, _, flat, video = shown(task)
    assert video["expires_at"] == int(NOW) + days * DAY
    assert rest["result"]["result"]["video_url"] == flat["video_url"] == video["video_url"]
    later = openai_responses.openai_video(task, LINKS, now=NOW + 2 * DAY, sdk_words=True)
    assert (later["video_url"] is None) == (days == 2)


def test_no_response_has_a_key_called_url():
    """No answer has a key called `url`, for clients would send their key there."""
    result = {"video_url": "https://x", "url": "https://y"}
    for status in (Status.PENDING, Status.COMPLETED):
        for body in shown(new_task(status=status, result=result, completed_at="2026-01-11")):
            assert "url" not in set(keys_of(body))


def test_what_was_asked_is_told_beside_what_was_made():
    request = GenerationRequest(model="m", seconds=5, fps=60, size="1280x720")
    task = new_task(status=Status.COMPLETED, request=request, result={"video_url": "https://x"})
    inner = rest_responses.rest_task(task, LINKS, now=NOW)["result"]["result"]
    assert inner["requested"] == {"seconds": 5, "fps": 60, "size": "1280x720"}
    assert inner["actual"] is None, "the upstream said nothing, so neither do we"


def test_further_fields_are_told_where_they_were_asked_for():
    further = {"negative_prompt": "fog", "seed": 0, "generate_audio": False}
    request = GenerationRequest(model="m", **further)
    frames = {"image_key": "a", "more_images": [{"role": "last_frame", "key": "b"}]}
    references = {"more_images": [{"role": "reference", "url": "https://x"}] * 2}
    for images, expected in ((frames, {"last_frame": True}), (references, {"reference_images": 2})):
        task = new_task(status=Status.COMPLETED, request=request, result={}, **images)
        inner = rest_responses.rest_task(task, LINKS, now=NOW)["result"]["result"]
        plain = {"seconds": None, "fps": 30, "size": "1920x1080"}
        assert inner["requested"] == plain | further | expected


def test_a_completed_task_without_any_link_says_null():
    task = new_task(status=Status.COMPLETED, result={})
    inner = rest_responses.rest_task(task, LINKS, now=NOW)["result"]["result"]
    assert (inner["video_url"], inner["thumbnail_url"], inner["expires_at"]) == (None, None, None)


def test_a_thumbnail_is_shown_of_a_completed_task_alone():
    task = new_task(status=Status.PROCESSING, thumbnail_key="thumbnails/a/b.jpg")
    assert results.thumbnail_link(task, LINKS, now=NOW) is None


@pytest.mark.parametrize("claimed", [True, False])
def test_thumbnail_is_linked_while_its_file_is_there(claimed):
    """A task may be waiting, and may be worked at, for hours; the later end keeps no file."""
    task = new_task(
        now=NOW - 3600,
        status=Status.COMPLETED,
        updated_at=timestamp(NOW + DAY),
        claimed_at=timestamp(NOW) if claimed else None,
        thumbnail_key="thumbnails/a/b.jpg",
    )
    end = (NOW if claimed else NOW - 3600) + 2 * DAY
    assert results.thumbnail_link(task, LINKS, now=end - 30).expires_at == end
    assert results.thumbnail_link(task, LINKS, now=end) is None


@pytest.mark.parametrize(("asked", "expected"), [(None, "8"), (1, "1"), (10, "10")])
def test_seconds_are_a_text_and_never_null(asked, expected):
    request = GenerationRequest(model="m", seconds=asked)
    video = openai_responses.openai_video(new_task(request=request), LINKS, now=NOW, sdk_words=True)
    assert video["seconds"] == expected


@pytest.mark.parametrize(("stored", "expected"), [(1, True), (0, False)])
def test_optimised_prompt_is_reported_where_it_was_asked(stored, expected):
    task = new_task(prompt_optimized=stored)
    assert rest_responses.rest_task(task, LINKS, now=NOW)["prompt_optimized"] is expected
    assert "prompt_optimized" not in rest_responses.rest_task(new_task(), LINKS, now=NOW)


def test_a_failure_without_a_message_is_an_empty_line_in_a_list():
    assert rest_responses.rest_summary(new_task(status=Status.FAILED), now=NOW)["message"] == ""


def test_openai_lists_name_their_first_and_last():
    page = openai_responses.openai_list([{"id": "a"}, {"id": "b"}], more=True)
    assert (page["first_id"], page["last_id"], page["has_more"]) == ("a", "b", True)


@pytest.mark.parametrize(
    ("kind", "status", "word"),
    [
        (errors.ValidationError, 400, "invalid_request_error"),
        (errors.MalformedBody, 400, "invalid_request_error"),
        (errors.AuthenticationError, 401, "authentication_error"),
        (errors.NotFound, 404, "invalid_request_error"),
        (errors.Conflict, 409, "invalid_request_error"),
        (errors.PayloadTooLarge, 413, "invalid_request_error"),
        (errors.UnsupportedMediaType, 400, "invalid_request_error"),
        (errors.RateLimited, 429, "rate_limit_error"),
        (errors.ServiceError, 503, "server_error"),
        (errors.VideoApiError, 500, "server_error"),
    ],
)
def test_each_failure_has_a_status_and_a_type_of_openais(kind, status, word):
    expected, body = openai_responses.openai_error(kind("Text.", param="x"))
    assert expected == status
    assert body["error"].keys() == {"message", "type", "param", "code"}
    assert (body["error"]["type"], body["error"]["param"]) == (word, "x")
    assert body["error"]["code"]


def test_openai_has_words_of_its_own_for_some_codes():
    _, body = openai_responses.openai_error(errors.NotFound("Text.", code="task_not_found"))
    assert body["error"]["code"] == "video_not_found"
    reused = errors.ValidationError("Text.", code="idempotency_key_reused")
    assert openai_responses.openai_error(reused)[0] == 409
    assert rest_responses.rest_error(reused)["error"]["code"] == "idempotency_key_reused"


def test_details_are_shown_only_where_there_are_some():
    assert "details" not in rest_responses.rest_error(errors.NotFound("Text."))["error"]
    detail = {"field": "a", "message": "b", "code": "c"}
    body = rest_responses.rest_error(errors.ValidationError("Text.", details=[detail]))
    assert body["error"]["details"] == [detail]


def test_a_cancelled_task_has_an_error_although_none_is_stored():
    task = new_task(status=Status.CANCELLED, intent_at="2026")
    assert task.error is None
    record = results.error_record(task)
    assert record.keys() == GenerationError("x").as_record().keys()
    assert (record["code"], record["maybe_charged"]) == ("cancelled", True)


def test_a_dialect_is_stored_as_its_creator_is_answered():
    auto = Settings()
    sdk = {"x-stainless-lang": "python"}
    stored = openai_responses.stored_dialect
    assert stored({}, auto, Dialect.REST) is Dialect.REST
    assert stored({}, auto, Dialect.OPENAI) is Dialect.OPENAI
    assert stored(sdk, auto, Dialect.REST) is Dialect.OPENAI
    document = Settings(openai_status_vocabulary="document")
    assert stored(sdk, document, Dialect.OPENAI) is Dialect.REST


def test_answers_are_compact_json_with_letters_as_they_are():
    assert results.as_json({"a": ["ü", None]}) == '{"a":["ü",null]}'
    assert json.loads(results.as_json({"a": "\u2028"})) == {"a": "\u2028"}


def test_a_task_says_where_its_video_is_at_the_top_too():
    done = new_task(status=Status.COMPLETED, result={"video_url": "https://x/v.mp4"})
    assert rest_responses.rest_task(done, LINKS, now=NOW)["video_url"] == "https://x/v.mp4"
    assert rest_responses.rest_task(new_task(), LINKS, now=NOW)["video_url"] is None


def test_a_task_says_what_was_not_done_to_its_image():
    body = rest_responses.rest_task(new_task(image_note="Too large."), LINKS, now=NOW)
    assert body["image_note"] == "Too large."
    assert "image_note" not in rest_responses.rest_task(new_task(), LINKS, now=NOW)
