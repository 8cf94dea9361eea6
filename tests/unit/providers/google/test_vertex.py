"""Veo on the Agent Platform: what is sent, and what each answer means."""

import io
import json

import httpx
import pytest

from tests.support.fake_google import (
    BASE64,
    HOST,
    MODEL,
    MP4,
    NAME,
    TOKEN,
    Google,
    Pieces,
    answer,
    done,
    error,
    image,
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
from videoapi.providers.provider import Accepted, Content, ImageRole, JobState

POLICY = (
    "The prompt could not be submitted. This prompt contains words that violate Vertex AI's"
    " usage guidelines. If you think this was an error, send feedback. Support codes: 29310472"
)
FILTERED = (
    "Veo could not generate 1 videos based on the prompt provided. You will not be charged for"
    " this request. Support codes: 42237218"
)


def submitted(**changes):
    """Return the one body that an order is sent with."""
    google = Google(answer({"name": NAME}))
    google.vertex().submit(order(**changes))
    (body,) = google.bodies
    return body


def refused(response, **changes):
    google = Google(response)
    with pytest.raises(SubmitRefused) as refusal:
        google.vertex().submit(order(**changes))
    return refusal.value, google.requests


def looked(*answers):
    return Google(*answers).vertex().poll(NAME)


def downloaded(*answers, **more):
    into = io.BytesIO(b"left behind by an earlier attempt")
    content = Google(*answers).vertex(**more).download(NAME, into)
    return content, into.getvalue()


def test_an_order_is_one_post_to_the_model():
    google = Google(answer({"name": NAME}))
    assert google.vertex().submit(order()) == Accepted(NAME)
    (request,) = google.requests
    assert (request.method, str(request.url)) == ("POST", f"{HOST}/v1/{MODEL}:predictLongRunning")
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.headers["content-type"] == "application/json"


def test_an_order_says_all_that_the_price_depends_on():
    assert submitted(seconds=4) == {
        "instances": [{"prompt": "A quiet sea"}],
        "parameters": {
            "sampleCount": 1,
            "durationSeconds": 4,
            "aspectRatio": "16:9",
            "resolution": "720p",
            "generateAudio": True,
        },
        "labels": {"task": "vid_01abc-1"},
    }


@pytest.mark.parametrize(
    ("seconds", "made"),
    [(None, 8), (1, 4), (4, 4), (5, 6), (6, 6), (7, 8), (8, 8), (9, 8), (10, 8)],
)
def test_a_length_is_never_shortened_below_what_can_be_made(seconds, made):
    length = submitted(seconds=seconds)["parameters"]["durationSeconds"]
    assert (length, type(length)) == (made, int)


@pytest.mark.parametrize(
    ("size", "ratio", "resolution", "seconds"),
    [
        ("1280x720", "16:9", "720p", 4),
        ("720x1280", "9:16", "720p", 4),
        ("854x480", "16:9", "720p", 4),
        ("1792x1024", "16:9", "720p", 4),
        ("1920x1080", "16:9", "1080p", 8),
        ("1080x1920", "9:16", "1080p", 8),
        ("3840x2160", "16:9", "4k", 8),
    ],
)
def test_a_size_is_a_shape_and_a_resolution(size, ratio, resolution, seconds):
    parameters = submitted(size=size, seconds=4)["parameters"]
    assert (parameters["aspectRatio"], parameters["resolution"], parameters["durationSeconds"]) == (
        ratio,
        resolution,
        seconds,
    )


@pytest.mark.parametrize("size", ["1024x1024", "1280x800", "wide", "", "0x0", "1920x", "9" * 99])
def test_a_size_that_cannot_be_made_is_refused_unsent(size):
    refusal, requests = refused(answer({"name": NAME}), size=size)
    assert (refusal.cause, requests) == (Cause.BAD_REQUEST, [])


@pytest.mark.parametrize(("wanted", "sent"), [(None, True), (True, True), (False, False)])
def test_audio_is_always_said(wanted, sent):
    assert submitted(generate_audio=wanted)["parameters"]["generateAudio"] is sent


def test_zero_is_a_seed_and_a_negative_prompt_is_sent():
    parameters = submitted(seed=0, negative_prompt="fog \ud800")["parameters"]
    assert (parameters["seed"], parameters["negativePrompt"]) == (0, "fog ?")


def test_frames_are_bytes():
    last = image(ImageRole.LAST_FRAME, "image/jpeg")
    (instance,) = submitted(images=(image(), last))["instances"]
    assert instance["image"] == {
        "bytesBase64Encoded": "iVBOR2ZpcnN0X2ZyYW1l",
        "mimeType": "image/png",
    }
    assert instance["lastFrame"]["mimeType"] == "image/jpeg"


def test_references_are_assets_and_take_the_longest_video():
    body = submitted(images=(image(ImageRole.REFERENCE),) * 3, seconds=4)
    references = body["instances"][0]["referenceImages"]
    assert [each["referenceType"] for each in references] == ["asset"] * 3
    assert body["parameters"]["durationSeconds"] == 8


@pytest.mark.parametrize(
    "images",
    [
        (image(ImageRole.LAST_FRAME),),
        (image(), image(ImageRole.REFERENCE)),
        (image(), image()),
        (image(), image(ImageRole.LAST_FRAME), image(ImageRole.LAST_FRAME)),
    ],
    ids=["last alone", "frame and reference", "two first", "two last"],
)
def test_images_that_contradict_each_other_are_refused_unsent(images):
    refusal, requests = refused(answer({"name": NAME}), images=images)
    assert (refusal.cause, requests) == (Cause.BAD_REQUEST, [])


@pytest.mark.parametrize("model", ["", "a/b", "../m", "m:predict?x", "m" * 200])
def test_a_model_that_would_change_the_url_is_refused_unsent(model):
    refusal, requests = refused(answer({"name": NAME}), model=model)
    assert (refusal.cause, requests) == (Cause.MODEL, [])


@pytest.mark.parametrize(
    ("response", "cause", "code"),
    [
        (error(400, POLICY), Cause.POLICY, "content_policy_violation"),
        (error(400, "Content blocked"), Cause.POLICY, "content_policy_violation"),
        (
            error(400, "durationSeconds needs to be a number"),
            Cause.BAD_REQUEST,
            "upstream_rejected",
        ),
        (error(400, "Billing account is closed"), Cause.ACCOUNT, "upstream_account_error"),
        (error(400, "No", reason="BILLING_DISABLED"), Cause.ACCOUNT, "upstream_account_error"),
        (error(401, "x", name="UNAUTHENTICATED"), Cause.ACCOUNT, "upstream_account_error"),
        (error(402, "x"), Cause.ACCOUNT, "upstream_account_error"),
        (error(403, "Permission denied"), Cause.ACCOUNT, "upstream_account_error"),
        (error(403, "x", reason="SERVICE_DISABLED"), Cause.ACCOUNT, "upstream_account_error"),
        (error(404, "Publisher model was not found"), Cause.MODEL, "upstream_account_error"),
        (error(429, "Quota exceeded; billing"), Cause.TRANSIENT, "service_unavailable"),
        (error(429, "prepayment credits are depleted"), Cause.ACCOUNT, "upstream_account_error"),
        (error(503, "unavailable"), Cause.TRANSIENT, "service_unavailable"),
        (answer([{"error": {"code": 400, "message": POLICY}}], 400), Cause.POLICY, None),
        (answer(b"<html>", 429), Cause.TRANSIENT, None),
        (answer({"error": "quota"}, 429), Cause.TRANSIENT, None),
        (answer({"error": {"code": [], "details": 1, "message": 2}}, 400), Cause.BAD_REQUEST, None),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_certain_refusal(response, cause, code):
    refusal, requests = refused(response)
    assert refusal.cause is cause
    assert refusal.again == ("transient" if cause is Cause.TRANSIENT else None)
    assert not refusal.maybe_charged
    assert refusal.code == (code or refusal.code)
    assert len(requests) == 1


def test_the_support_code_is_told_by_what_it_stands_for():
    refusal, _ = refused(error(400, POLICY))
    assert "celebrity_input_blocked" in refusal.message


def test_a_quota_waits_as_google_counts_by_the_minute():
    assert refused(error(429, "Quota exceeded"))[0].retry_after == 30
    assert refused(answer({}, 429, retry_after="7"))[0].retry_after == 7
    assert refused(error(503, "x"))[0].retry_after is None


@pytest.mark.parametrize(
    "response",
    [
        *(answer({"error": {"message": "x"}}, status) for status in (500, 502, 504, 408, 409)),
        answer({}, 302, location=f"{HOST}/elsewhere"),
        answer({}),
        answer({"name": ""}),
        answer({"name": "projects/p/operations/1"}),
        answer({"name": NAME + "/../x"}),
        answer({"name": NAME + "x" * 600}),
        answer({"name": ["x"], "error": {"code": 429}}),
        answer(b"<html>"),
        answer(b'{"name":"' + NAME.encode()[:30]),
        answer(b'{"a":[' + b"0," * 3_000_000),
        httpx.ReadTimeout("x"),
        httpx.ReadError("reset"),
        httpx.WriteError("reset"),
        httpx.RemoteProtocolError("x"),
    ],
)
def test_an_answer_that_may_have_been_paid_for(response):
    google = Google(response)
    with pytest.raises(SubmitUnknown) as unknown:
        google.vertex().submit(order())
    assert unknown.value.maybe_charged
    assert len(google.requests) == 1


def test_a_name_in_an_answer_that_broke_off_behind_it_is_taken():
    body = json.dumps({"name": NAME}).encode()
    cut = httpx.Response(200, stream=Pieces(body, httpx.ReadError("reset")))
    assert Google(cut).vertex().submit(order()).job_id == NAME


@pytest.mark.parametrize("lost", [httpx.ConnectError("x"), httpx.ConnectTimeout("x")])
def test_an_order_that_never_left_may_go_again(lost):
    refusal, _ = refused(lost)
    assert (refusal.cause, refusal.upstream_status) == (Cause.TRANSIENT, 503)


def test_a_job_runs_until_it_says_done():
    for pending in ({"name": NAME}, {"name": NAME, "done": False}, {"name": NAME, "metadata": {}}):
        job = looked(answer(pending))
        assert (job.state, job.names(NAME), job.progress) == (JobState.RUNNING, True, None)


def test_a_job_is_asked_after_where_it_was_accepted():
    google = Google(answer({}))
    name = NAME.replace("us-central1", "global").replace("my-project", "42").replace("3.1", "9")
    with pytest.raises(PollFailed):
        google.vertex().poll(name)
    (request,) = google.requests
    assert request.method == "POST"
    model = name.rpartition("/operations/")[0]
    assert str(request.url) == f"https://aiplatform.googleapis.com/v1/{model}:fetchPredictOperation"
    assert google.bodies == [{"operationName": name}]


@pytest.mark.parametrize("name", ["", "x", "vid_1", NAME + "?", NAME + "/a", NAME + "a" * 600])
def test_an_id_that_is_no_operation_is_asked_nowhere(name):
    google = Google(answer({}))
    with pytest.raises(PollFailed):
        google.vertex().poll(name)
    assert google.requests == []


@pytest.mark.parametrize(
    "response",
    [
        {"videos": [{"bytesBase64Encoded": BASE64, "mimeType": "video/mp4"}]},
        {"raiMediaFilteredCount": 0, "videos": [{"bytesBase64Encoded": BASE64[:5000] * 30}]},
        {"video": BASE64, "encoding": "video/mp4"},
        {"video": {"bytesBase64Encoded": BASE64}},
        {"bytesBase64Encoded": BASE64, "mimeType": "text/html"},
    ],
    ids=["videos", "long", "video", "object", "bare"],
)
def test_every_shape_of_an_inline_video(response):
    assert looked(done(response)).state is JobState.DONE
    content, data = downloaded(done(response))
    assert data.startswith(MP4[:3000])
    assert (content.size_bytes, content.content_type) == (len(data), "video/mp4")
    assert content.url is None


@pytest.mark.parametrize(
    ("response", "cause"),
    [
        (
            {"code": 3, "message": "violates usage guidelines. Support codes: 15236754"},
            Cause.POLICY,
        ),
        ({"code": 3, "message": "unsupported aspect ratio"}, Cause.BAD_REQUEST),
        ({"code": 8, "message": "Resource exhausted"}, Cause.TRANSIENT),
        ({"code": 13, "message": "Internal error"}, Cause.TRANSIENT),
        ({"code": 14, "message": "currently experiencing high load"}, Cause.TRANSIENT),
        ({"code": 7, "message": "Permission denied"}, Cause.ACCOUNT),
        ({"code": 9, "message": "x", "details": [{"reason": "BILLING_DISABLED"}]}, Cause.ACCOUNT),
        ({"code": 2, "message": "unknown"}, Cause.UNKNOWN),
        ({"message": "high load"}, Cause.UNKNOWN),
    ],
)
def test_a_job_that_failed(response, cause):
    job = looked(answer({"name": NAME, "done": True, "error": response}))
    assert (job.state, job.failure.cause, job.names(NAME)) == (JobState.FAILED, cause, True)
    assert job.failure.again is None
    assert not job.failure.maybe_charged


@pytest.mark.parametrize(
    "response",
    [
        {"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": [FILTERED]},
        {"raiMediaFilteredCount": 1},
        {"raiMediaFilteredReasons": ["blocked"], "videos": []},
        {"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": [7, None]},
    ],
)
def test_a_success_without_any_video_is_content_policy_and_free(response):
    job = looked(done(response))
    assert (job.state, job.failure.cause) == (JobState.FAILED, Cause.POLICY)
    assert not job.failure.maybe_charged
    with pytest.raises(ContentMissing) as missing:
        downloaded(done(response))
    assert missing.value.failure.cause is Cause.POLICY


def test_the_stage_of_a_filter_is_told():
    job = looked(done({"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": [FILTERED]}))
    assert "video_safety_output_blocked" in job.failure.message


@pytest.mark.parametrize(
    "response",
    [
        *(error(status, "x") for status in (400, 401, 403, 404, 408, 429, 500, 502, 503, 504)),
        answer({}, 302),
        answer({}),
        answer(b"<html>"),
        answer(b'{"name":"' + NAME.encode()),
        answer({"name": NAME.replace("0b4e", "ffff"), "done": True, "error": {"code": 8}}),
        answer({"done": True, "error": {"code": 14, "message": "high load"}}),
        answer([{"error": {"code": 404}}], 404),
        httpx.ReadTimeout("x"),
        httpx.ConnectError("x"),
        httpx.InvalidURL("x"),
    ],
)
def test_a_look_that_says_nothing_of_the_job(response):
    with pytest.raises(PollFailed):
        looked(response)


def test_a_look_that_is_refused_for_the_account_says_so():
    for status in (401, 403):
        with pytest.raises(PollFailed) as failed:
            looked(error(status, "x"), error(status, "x"))
        assert failed.value.unauthorised


def test_a_token_that_was_refused_is_renewed_for_a_look_alone():
    google = Google(error(401, "expired"), answer({"name": NAME}))
    assert google.vertex().poll(NAME).state is JobState.RUNNING
    assert [r.headers["authorization"][-20:] for r in google.requests] == [
        TOKEN[-20:],
        "another-token-0123456789"[-20:],
    ]
    _, requests = refused(error(401, "expired"))
    assert len(requests) == 1


def test_token_refused_at_an_order_is_renewed_for_the_next():
    """The order itself is not sent again; without a new token the next would be refused, too."""
    google = Google(error(401, "expired"), answer({"name": NAME}))
    renewals = []
    provider = google.vertex(renewed_token=lambda: renewals.append("token") or "ya29.new")
    with pytest.raises(SubmitRefused):
        provider.submit(order())
    assert (renewals, len(google.requests)) == (["token"], 1)


def test_a_job_that_runs_has_no_video_yet():
    with pytest.raises(ContentMissing) as missing:
        downloaded(answer({"name": NAME}))
    assert missing.value.why is NoContentReason.NOT_READY


@pytest.mark.parametrize("response", [{}, {"videos": []}, {"videos": [{"gcsUri": "file:///x"}]}])
def test_a_finished_job_without_a_video_may_be_a_silent_filter(response):
    assert looked(done(response)).state is JobState.DONE
    with pytest.raises(ContentMissing) as missing:
        downloaded(done(response))
    assert missing.value.swallowed


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (401, NoContentReason.UNAUTHORISED),
        (403, NoContentReason.UNAUTHORISED),
        (429, NoContentReason.BUSY),
        (500, NoContentReason.UNAVAILABLE),
        (503, NoContentReason.UNAVAILABLE),
        (404, NoContentReason.OTHER),
        (302, NoContentReason.OTHER),
    ],
)
def test_a_refused_download_says_why(status, why):
    stored = done({"videos": [{"gcsUri": "gs://bucket/a/sample_0.mp4"}]})
    for answers in ([error(status, "x")], [stored, error(status, "x")]):
        with pytest.raises(ContentMissing) as missing:
            downloaded(*answers, renewed_token=lambda: TOKEN)
        assert (missing.value.why, missing.value.swallowed) == (why, False)


def test_a_video_in_cloud_storage_is_fetched_with_the_token():
    video = httpx.Response(200, content=MP4, headers={"content-type": "video/mp4"})
    google = Google(done({"videos": [{"gcsUri": "gs://bucket/a b/sample_0.mp4"}]}), video)
    into = io.BytesIO()
    content = google.vertex().download(NAME, into)
    assert (content, into.getvalue()) == (
        Content(size_bytes=len(MP4), content_type="video/mp4"),
        MP4,
    )
    request = google.requests[1]
    assert str(request.url) == (
        "https://storage.googleapis.com/storage/v1/b/bucket/o/a%20b%2Fsample_0.mp4?alt=media"
    )
    assert request.headers["authorization"] == f"Bearer {TOKEN}"


def test_a_refused_token_is_renewed_for_the_storage_too():
    stored = done({"videos": [{"gcsUri": "gs://bucket/sample_0.mp4"}]})
    google = Google(stored, error(401, "x"), httpx.Response(200, content=MP4))
    assert google.vertex().download(NAME, io.BytesIO()).size_bytes == len(MP4)


def test_a_cut_download_is_tried_again():
    for cut in (
        [answer(json.dumps({"name": NAME, "done": True}).encode()[:-1] + b',"response":{"vid')],
        [
            done({"videos": [{"gcsUri": "gs://bucket/sample_0.mp4"}]}),
            httpx.Response(200, stream=Pieces(MP4, httpx.ReadError("reset"))),
        ],
    ):
        with pytest.raises(PollFailed):
            downloaded(*cut)


def test_only_googles_own_urls_are_owned():
    vertex = Google(answer({})).vertex()
    assert vertex.owns(f"{HOST}/v1/x")
    assert vertex.owns("https://storage.googleapis.com/b/o")
    assert not vertex.owns("https://elsewhere.example/v1")
    assert not vertex.owns("gs://bucket/a")


def test_a_proxy_of_ones_own_is_asked_instead():
    google = Google(answer({"name": NAME}))
    google.vertex(base_url="http://127.0.0.1:9000/vertex/").submit(order())
    assert str(google.requests[0].url).startswith("http://127.0.0.1:9000/vertex/v1/projects/")


@pytest.mark.parametrize(
    ("setting", "changes"),
    [
        ("VERTEX_BASE_URL", {"base_url": "https://user@google.example"}),
        ("VERTEX_BASE_URL", {"base_url": "ftp://google.example"}),
        ("GOOGLE_STORAGE_URL", {"storage_url": "https://[::1"}),
        ("GOOGLE_STORAGE_URL", {"storage_url": "https://a.example/?q"}),
        ("GOOGLE_PROJECT", {"project": "a/b"}),
        ("GOOGLE_LOCATION", {"location": "evil.example#"}),
        ("GOOGLE_PROJECT", {"project": ""}),
    ],
)
def test_a_setting_that_makes_no_url_is_named(setting, changes):
    with pytest.raises(ValueError, match=setting):
        Google(answer({})).vertex(**changes)


def test_the_providers_log_names_the_operation_and_no_token():
    class Log:
        def __init__(self):
            self.lines = []

        def info(self, text, **fields):
            self.lines.append((text, fields))

    log = Log()
    Google(answer({"name": NAME})).vertex(log=log).submit(order())
    assert log.lines == [("an order was answered", {"status": 200, "job": NAME})]


def without(problem):
    """Return an order's refusal, for which there is no token, and the requests that were sent."""

    def token():
        raise problem

    google = Google(answer({"name": NAME}))
    vertex = google.vertex(token=token, renewed_token=token)
    with pytest.raises(PollFailed):
        vertex.poll(NAME)
    with pytest.raises(SubmitRefused) as refusal:
        vertex.submit(order())
    assert google.requests == []
    return refusal.value


def test_nothing_is_sent_without_a_token():
    assert without(ServiceError("away")).again == "transient"


def test_a_token_that_google_refuses_ends_the_order():
    refusal = without(PollFailed("invalid_grant", upstream_status=401))
    assert (refusal.cause, refusal.detail) == (Cause.ACCOUNT, "invalid_grant")


@pytest.mark.parametrize("token", ["", " ", "ya29.\u00e9", "ya29.a\nb"])
def test_a_token_that_no_header_can_hold_is_an_account_error(token):
    google = Google(answer({"name": NAME}))
    with pytest.raises(SubmitRefused) as refusal:
        google.vertex(token=lambda: token).submit(order())
    assert (refusal.value.cause, google.requests) == (Cause.ACCOUNT, [])


def test_no_other_token_leaves_the_first_answer():
    def away():
        raise ServiceError("away")

    google = Google(error(401, "x"))
    with pytest.raises(PollFailed) as failed:
        google.vertex(renewed_token=away).poll(NAME)
    assert failed.value.unauthorised
    assert len(google.requests) == 1


def test_a_lost_connection_to_the_storage_is_tried_again():
    stored = done({"videos": [{"gcsUri": "gs://bucket/sample_0.mp4"}]})
    with pytest.raises(PollFailed, match="ConnectError"):
        downloaded(stored, httpx.ConnectError("x"))


def test_a_token_that_an_answer_quotes_is_told_to_nobody():
    for response in (error(403, f"{TOKEN} may not"), error(400, f"bearer {TOKEN}")):
        refusal, _ = refused(response)
        assert TOKEN not in refusal.message + refusal.detail


def test_a_look_does_not_read_the_video():
    """It may be 100 MB, and each look at a finished job would take it again."""
    video = {"videos": [{"bytesBase64Encoded": BASE64 * 500, "mimeType": "video/mp4"}]}
    whole = json.dumps({"name": NAME, "done": True, "response": video}).encode()
    body = Pieces(whole, piece=1000)
    taken = []

    class Counted(httpx.SyncByteStream):
        def __iter__(self):
            for piece in body:
                taken.append(len(piece))
                yield piece

    job = looked(httpx.Response(200, stream=Counted()))
    assert (job.state, job.names(NAME)) == (JobState.DONE, True)
    assert sum(taken) < 50_000 < len(whole)
