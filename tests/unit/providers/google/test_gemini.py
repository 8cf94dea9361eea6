"""Gemini Omni through Interactions: what is sent, and what each answer means."""

import base64
import io
import json

import httpx
import pytest

from tests.support.fake_google import (
    BASE64,
    FILE,
    GEMINI,
    JOB,
    KEY,
    MP4,
    Google,
    Pieces,
    answer,
    error,
    image,
    interaction,
    order,
)
from videoapi.errors import ServiceError
from videoapi.providers.classification import Cause
from videoapi.providers.errors import (
    ContentMissing,
    NoContentReason,
    PollFailed,
    SubmitRefused,
    SubmitUnknown,
)
from videoapi.providers.provider import (
    Accepted,
    CancellableProvider,
    Content,
    ImageRole,
    JobState,
)

USAGE = {
    "total_input_tokens": 12,
    "total_output_tokens": 17400,
    "total_thought_tokens": 24,
    "output_tokens_by_modality": [{"modality": "video", "tokens": 17376}, {"modality": "text"}, 7],
}
BY_URI = {"type": "video", "mime_type": "video/mp4", "uri": f"{FILE}:download?alt=media"}
INLINE = {"type": "video", "mime_type": "video/mp4", "data": BASE64}
ACTIVE = answer({"name": "files/abc-123", "state": "ACTIVE"})


def omni(**changes):
    return order(**({"model": "gemini-omni-1.2-flash"} | changes))


def submitted(**changes):
    google = Google(answer({"id": JOB, "status": "in_progress"}))
    google.gemini().submit(omni(**changes))
    (body,) = google.bodies
    return body


def refused(response, **changes):
    google = Google(response)
    with pytest.raises(SubmitRefused) as refusal:
        google.gemini().submit(omni(**changes))
    return refusal.value, google.requests


def looked(*answers):
    return Google(*answers).gemini().poll(JOB)


def downloaded(*answers, **more):
    into = io.BytesIO(b"left behind by an earlier attempt")
    content = Google(*answers).gemini(**more).download(JOB, into)
    return content, into.getvalue()


def missing(*answers, **more):
    with pytest.raises(ContentMissing) as excinfo:
        downloaded(*answers, **more)
    return excinfo.value


def test_an_order_is_one_post_of_a_background_interaction():
    google = Google(answer({"id": JOB, "object": "interaction", "status": "in_progress"}))
    assert google.gemini().submit(omni(seconds=8)) == Accepted(JOB)
    (request,) = google.requests
    assert (request.method, str(request.url)) == ("POST", f"{GEMINI}/interactions")
    assert request.headers["x-goog-api-key"] == KEY
    assert request.headers["api-revision"] == "2026-05-20"
    assert "authorization" not in request.headers
    assert google.bodies == [
        {
            "model": "gemini-omni-1.2-flash",
            "background": True,
            "store": True,
            "input": [{"type": "user_input", "content": [{"type": "text", "text": "A quiet sea"}]}],
            "response_format": {
                "type": "video",
                "aspect_ratio": "16:9",
                "resolution": "720p",
                "delivery": "uri",
                "duration": "8s",
            },
            "generation_config": {"video_config": {"task": "text_to_video"}},
            "labels": {"task": "vid_01abc-1"},
        }
    ]


@pytest.mark.parametrize(("seconds", "text"), [(3, "3s"), (15, "15s"), (None, None)])
def test_a_length_is_text_with_its_unit(seconds, text):
    assert submitted(seconds=seconds)["response_format"].get("duration") == text


@pytest.mark.parametrize(
    ("size", "ratio", "resolution"),
    [
        ("640x360", "16:9", "360p"),
        ("720x1280", "9:16", "720p"),
        ("1920x1080", "16:9", "1080p"),
        ("3840x2160", "16:9", "4k"),
    ],
)
def test_a_size_is_a_shape_and_a_resolution(size, ratio, resolution):
    form = submitted(size=size)["response_format"]
    assert (form["aspect_ratio"], form["resolution"]) == (ratio, resolution)


def test_zero_is_a_seed():
    assert submitted(seed=0)["generation_config"]["seed"] == 0


@pytest.mark.parametrize(
    ("roles", "names", "task"),
    [
        ((ImageRole.FIRST_FRAME,), "<FIRST_FRAME>", "image_to_video"),
        (
            (ImageRole.FIRST_FRAME, ImageRole.LAST_FRAME),
            "<FIRST_FRAME> <LAST_FRAME>",
            "image_to_video",
        ),
        ((ImageRole.REFERENCE,) * 2, "<IMAGE_REF_0> <IMAGE_REF_1>", "reference_to_video"),
    ],
)
def test_images_are_named_in_the_prompt(roles, names, task):
    body = submitted(images=tuple(image(role) for role in roles))
    text, *images = body["input"][0]["content"]
    assert text["text"] == f"{names} A quiet sea"
    sent = [base64.b64decode(each["data"]).removeprefix(b"\x89PNG").decode() for each in images]
    assert sent == list(roles)
    assert {each["mime_type"] for each in images} == {"image/png"}
    assert body["generation_config"]["video_config"]["task"] == task


@pytest.mark.parametrize(
    "changes",
    [
        {"prompt": ""},
        {"prompt": " \n"},
        {"negative_prompt": "fog"},
        {"generate_audio": False},
        {"size": "1024x1024"},
        {"images": (image(ImageRole.LAST_FRAME),)},
    ],
)
def test_what_google_would_drop_or_bill_is_refused_unsent(changes):
    refusal, requests = refused(answer({"id": JOB}), **changes)
    assert (refusal.cause, requests) == (Cause.BAD_REQUEST, [])


def test_an_image_alone_is_an_input():
    (content,) = submitted(prompt="", images=(image(),))["input"]
    assert [part["type"] for part in content["content"]] == ["text", "image"]
    assert content["content"][0]["text"] == "<FIRST_FRAME>"


BLOCKED = {"error": {"code": "content_blocked", "message": "The input was blocked."}}


@pytest.mark.parametrize(
    ("response", "cause"),
    [
        (answer(BLOCKED, 400), Cause.POLICY),
        (error(400, "Requested video duration 12s 0ns exceeds the maximum"), Cause.BAD_REQUEST),
        (error(400, "API key not valid.", reason="API_KEY_INVALID"), Cause.ACCOUNT),
        (error(401, "x"), Cause.ACCOUNT),
        (error(403, "x", reason="API_KEY_SERVICE_BLOCKED"), Cause.ACCOUNT),
        (error(404, "model is no longer available"), Cause.MODEL),
        (
            error(429, "You exceeded your current quota, check your plan and billing"),
            Cause.TRANSIENT,
        ),
        (error(429, "Your prepayment credits are depleted"), Cause.ACCOUNT),
        (error(503, "overloaded"), Cause.TRANSIENT),
    ],
)
def test_a_certain_refusal(response, cause):
    refusal, requests = refused(response)
    assert (refusal.cause, refusal.maybe_charged, len(requests)) == (cause, False, 1)


@pytest.mark.parametrize(
    "response",
    [
        *(answer({}, status) for status in (408, 409, 413, 500, 502, 504, 520)),
        answer({}, 307, location=GEMINI),
        answer({}),
        answer({"id": "a/b"}),
        answer({"id": ""}),
        answer({"id": "x" * 600}),
        answer(b"<html>"),
        httpx.ReadTimeout("x"),
        httpx.RemoteProtocolError("x"),
    ],
)
def test_an_answer_that_may_have_been_paid_for(response):
    google = Google(response)
    with pytest.raises(SubmitUnknown) as unknown:
        google.gemini().submit(omni())
    assert (unknown.value.maybe_charged, len(google.requests)) == (True, 1)


@pytest.mark.parametrize(
    "stale", [error(401, "x"), error(400, "API key expired", reason="API_KEY_INVALID")]
)
def test_a_key_that_was_changed_is_read_anew(stale):
    google = Google(stale, answer({"id": JOB}))
    google.gemini(renewed_key=lambda: "AIza-another-key").submit(omni())
    assert [r.headers["x-goog-api-key"] for r in google.requests] == [KEY, "AIza-another-key"]


def test_a_lost_answer_to_the_second_key_is_unknown():
    google = Google(error(401, "x"), httpx.ReadTimeout("x"))
    with pytest.raises(SubmitUnknown):
        google.gemini(renewed_key=lambda: "AIza-another-key").submit(omni())


def test_an_unreadable_key_is_told_ahead():
    def away():
        raise ServiceError("away")

    gemini = Google(answer({})).gemini(key=away)
    with pytest.raises(ServiceError):
        gemini.prepare()


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("queued", JobState.QUEUED),
        ("in_progress", JobState.RUNNING),
        ("IN_PROGRESS", JobState.RUNNING),
        ("pondering", JobState.RUNNING),
    ],
)
def test_a_job_that_is_not_done(word, state):
    job = looked(interaction(word))
    assert (job.state, job.names(JOB), job.failure) == (state, True, None)


def test_a_job_is_asked_after_with_the_key():
    google = Google(interaction("queued"))
    google.gemini().poll(JOB)
    (request,) = google.requests
    assert (request.method, str(request.url)) == ("GET", f"{GEMINI}/interactions/{JOB}")
    assert request.headers["x-goog-api-key"] == KEY


def test_a_done_job_tells_what_is_billed_and_no_url():
    job = looked(interaction(video=BY_URI, usage=USAGE))
    assert (job.state, job.video_url) == (JobState.DONE, None)
    assert job.usage == {
        "input_tokens": 12,
        "output_tokens": 17400,
        "thought_tokens": 24,
        "video_tokens": 17376,
    }


@pytest.mark.parametrize(
    "usage", [None, [], {"total_input_tokens": -1}, {"total_input_tokens": True}]
)
def test_a_usage_that_makes_no_sense_is_none(usage):
    assert looked(interaction("queued", usage=usage)).usage == {}


WORDS = {
    "total_input_tokens": 1200,
    "total_output_tokens": 50,
    "output_tokens_by_modality": [{"modality": "text", "tokens": 50}],
}
ECHO = [{"type": "user_input", "content": [{"type": "video", "data": BASE64}]}]


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"steps": ECHO},
        {"steps": "x"},
        {"steps": [], "outputs": [{"type": "text"}]},
        {"usage": WORDS},
        {"usage": WORDS | {"total_output_tokens": None}},
    ],
    ids=["nothing", "inputs alone", "no list", "text alone", "billed words", "words by kind alone"],
)
def test_a_completed_job_without_a_video_was_filtered(more):
    job = looked(interaction(**more))
    assert (job.state, job.failure.cause) == (JobState.FAILED, Cause.POLICY)
    assert not job.failure.maybe_charged
    assert missing(interaction(**more)).failure.cause is Cause.POLICY


def test_a_billed_video_that_is_not_shown_may_still_come():
    assert looked(interaction(usage=USAGE)).state is JobState.DONE
    assert missing(interaction(usage=USAGE)).why is NoContentReason.EMPTY


@pytest.mark.parametrize(
    ("word", "more", "cause", "charged"),
    [
        ("failed", {"errors": [{"code": "content_blocked", "message": "x"}]}, Cause.POLICY, False),
        ("failed", {"errors": [{"code": "internal", "message": "x"}]}, Cause.TRANSIENT, False),
        ("failed", {"errors": [{"code": 503, "message": "x"}]}, Cause.TRANSIENT, False),
        ("failed", {"error": {"code": 14, "message": "x"}}, Cause.TRANSIENT, False),
        ("failed", {"errors": [{"code": 14}], "usage": USAGE}, Cause.UNKNOWN, True),
        (
            "failed",
            {"errors": [{"code": 14}], "usage": {"total_output_tokens": 57920.0}},
            Cause.UNKNOWN,
            True,
        ),
        ("failed", {"errors": [{"code": "riddle"}]}, Cause.UNKNOWN, False),
        ("failed", {}, Cause.UNKNOWN, False),
        ("cancelled", {}, Cause.UNKNOWN, True),
        ("incomplete", {"errors": [{"code": "internal"}]}, Cause.UNKNOWN, True),
        ("requires_action", {}, Cause.UNKNOWN, True),
        ("budget_exceeded", {}, Cause.ACCOUNT, False),
    ],
)
def test_a_job_that_ended_without_a_video(word, more, cause, charged):
    job = looked(interaction(word, **more))
    assert (job.state, job.failure.cause) == (JobState.FAILED, cause)
    assert job.failure.maybe_charged is charged


@pytest.mark.parametrize(
    "response",
    [
        *(error(status, "x") for status in (400, 401, 403, 404, 429, 500, 503)),
        answer({}),
        answer({"id": JOB}),
        answer({"id": "another", "status": "completed"}),
        answer({"status": "failed", "errors": [{"code": "internal"}]}),
        answer(b"<html>"),
        httpx.ReadTimeout("x"),
    ],
)
def test_a_look_that_says_nothing_of_the_job(response):
    with pytest.raises(PollFailed):
        looked(response)


@pytest.mark.parametrize("job_id", ["", "a/b", "..", "v1_x?y", "x" * 600])
def test_an_id_that_would_change_the_url_is_asked_nowhere(job_id):
    google = Google(answer({}))
    for ask in (google.gemini().poll, google.gemini().cancel):
        with pytest.raises(PollFailed):
            ask(job_id)
    assert google.requests == []


def test_a_job_can_be_cancelled():
    google = Google(interaction("cancelled", usage=USAGE))
    gemini = google.gemini()
    assert isinstance(gemini, CancellableProvider)
    assert not isinstance(google.vertex(), CancellableProvider)
    assert gemini.cancel(JOB).state is JobState.FAILED
    (request,) = google.requests
    assert (request.method, str(request.url)) == ("POST", f"{GEMINI}/interactions/{JOB}/cancel")
    assert json.loads(request.content) == {}


def test_a_cancelled_job_is_looked_at_for_its_tokens():
    google = Google(interaction("cancelled"), interaction("cancelled", usage=USAGE))
    assert google.gemini().cancel(JOB).usage["video_tokens"] == 17376
    assert [request.method for request in google.requests] == ["POST", "GET"]


def test_a_cancel_that_is_only_noted_is_no_reason_to_look():
    google = Google(interaction("in_progress"))
    assert google.gemini().cancel(JOB).state is JobState.RUNNING
    assert len(google.requests) == 1


def test_a_cancel_that_fails_says_nothing_of_the_job():
    with pytest.raises(PollFailed):
        Google(error(503, "x")).gemini().cancel(JOB)


@pytest.mark.parametrize("data", [BASE64, BASE64[:5000] * 30], ids=["short", "long"])
def test_an_inline_video_is_decoded(data):
    video = INLINE | {"data": data, "mime_type": "text/html"}
    echo = {"type": "user_input", "content": [{"type": "image", "data": "QUFB" * 20_000}]}
    steps = [echo, {"type": "model_output", "content": [video]}]
    content, written = downloaded(interaction(steps=steps, usage=USAGE))
    assert written.startswith(MP4[:3000])
    assert (content.content_type, content.usage["video_tokens"]) == ("video/mp4", 17376)


def test_the_older_schema_is_read_too():
    content, written = downloaded(answer({"id": JOB, "status": "completed", "outputs": [INLINE]}))
    assert (content.content_type, written) == ("video/mp4", MP4)


def test_a_file_is_fetched_once_it_is_active():
    video = httpx.Response(200, content=MP4, headers={"content-type": "video/mp4"})
    google = Google(interaction(video=BY_URI, usage=USAGE), ACTIVE, video)
    into = io.BytesIO()
    content = google.gemini().download(JOB, into)
    assert content == Content(size_bytes=len(MP4), content_type="video/mp4")
    assert (into.getvalue(), content.usage["input_tokens"]) == (MP4, 12)
    _, described, fetched = google.requests
    assert str(described.url) == FILE
    assert str(fetched.url) == f"{FILE}:download?alt=media"
    assert fetched.headers["x-goog-api-key"] == KEY


@pytest.mark.parametrize(
    ("state", "why"),
    [("PROCESSING", NoContentReason.NOT_READY), ("FAILED", NoContentReason.OTHER)],
)
def test_a_file_that_is_not_active_has_no_video(state, why):
    assert missing(interaction(video=BY_URI), answer({"state": state})).why is why


def test_a_description_that_cannot_be_read_is_waited_for():
    assert missing(interaction(video=BY_URI), answer(b"x")).why is NoContentReason.NOT_READY
    refused_for = missing(interaction(video=BY_URI), error(403, "x"))
    assert refused_for.unauthorised


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (403, NoContentReason.UNAUTHORISED),
        (404, NoContentReason.OTHER),
        (429, NoContentReason.BUSY),
        (503, NoContentReason.UNAVAILABLE),
    ],
)
def test_a_refused_download_says_why(status, why):
    assert missing(interaction(video=BY_URI), ACTIVE, error(status, "x")).why is why
    assert missing(error(status, "x")).why is why


@pytest.mark.parametrize("uri", ["gs://bucket/x", "https://elsewhere.example/a.mp4", "x" * 10_000])
def test_a_uri_that_is_no_file_is_fetched_nowhere(uri):
    google = Google(interaction(video=BY_URI | {"uri": uri}))
    with pytest.raises(ContentMissing) as excinfo:
        google.gemini().download(JOB, io.BytesIO())
    assert (excinfo.value.why, len(google.requests)) == (NoContentReason.UNUSABLE_LINK, 1)


def test_file_at_another_host_is_fetched_from_our_own():
    uri = "https://evil.example/v1beta/files/abc-123:download?alt=media"
    google = Google(
        interaction(video=BY_URI | {"uri": uri}), ACTIVE, httpx.Response(200, content=MP4)
    )
    google.gemini().download(JOB, io.BytesIO())
    assert {request.url.host for request in google.requests} == {
        "generativelanguage.googleapis.com"
    }


def redirect(location):
    return httpx.Response(302, headers={"location": location})


def test_a_redirect_within_the_api_is_followed_with_the_key():
    target = "https://generativelanguage.googleapis.com/download/v1beta/files/abc-123?alt=media"
    for location in (target, target.removeprefix("https://generativelanguage.googleapis.com")):
        google = Google(
            interaction(video=BY_URI), ACTIVE, redirect(location), httpx.Response(200, content=MP4)
        )
        assert google.gemini().download(JOB, io.BytesIO()).size_bytes == len(MP4)
        assert str(google.requests[-1].url) == target


def test_signed_redirect_is_handed_out_without_the_key():
    signed = "https://storage.example/a.mp4?Expires=2000000000&sig=x"
    google = Google(interaction(video=BY_URI), ACTIVE, redirect(signed))
    content = google.gemini().download(JOB, io.BytesIO())
    assert (content.url, content.expires_at) == (signed, 2_000_000_000)
    assert len(google.requests) == 3


@pytest.mark.parametrize(
    "location",
    [
        f"https://cdn.example/a.mp4?key={KEY}",
        "http://169.254.169.254/latest",
        "http://localhost/a",
        "file:///etc/passwd",
        "https://user@cdn.example/a",
    ],
)
def test_a_redirect_that_may_not_be_handed_out_is_not(location):
    failure = missing(interaction(video=BY_URI), ACTIVE, redirect(location))
    assert failure.why is NoContentReason.UNUSABLE_LINK


def test_redirects_that_never_end_are_left():
    failure = missing(interaction(video=BY_URI), ACTIVE, redirect(f"{FILE}:download?again"))
    assert failure.why is NoContentReason.OTHER


def test_a_cut_download_is_tried_again():
    cut = httpx.Response(200, stream=Pieces(MP4, httpx.ReadError("reset")))
    with pytest.raises(PollFailed):
        downloaded(interaction(video=BY_URI), ACTIVE, cut)


def test_a_job_that_runs_has_no_video_yet():
    assert missing(interaction("in_progress")).why is NoContentReason.NOT_READY


def test_only_the_apis_own_urls_are_owned():
    gemini = Google(answer({})).gemini()
    assert gemini.owns(FILE)
    assert not gemini.owns("https://storage.example/a.mp4")
    assert not gemini.owns("x")


def test_a_setting_that_makes_no_url_is_named():
    with pytest.raises(ValueError, match="GEMINI_BASE_URL"):
        Google(answer({})).gemini(base_url="generativelanguage.googleapis.com")


def test_a_failed_look_tells_the_code_and_no_sentence():
    """A restricted key is refused for looks alone: the operator has to learn why."""
    response = error(
        403, "A quiet sea may not", name="PERMISSION_DENIED", reason="API_KEY_SERVICE_BLOCKED"
    )
    with pytest.raises(PollFailed) as failed:
        looked(response)
    assert str(failed.value) == "The upstream answered 403: API_KEY_SERVICE_BLOCKED"
