"""What a look at a job, or at its video, says; and what says nothing."""

import gzip
import io
from contextlib import suppress

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.relays import BASE, KEY, MP4, VIDEO, Breaks, Relay, answering, order
from videoapi.failures import (
    ContentMissing,
    JobMissing,
    NoVideo,
    PollFailed,
    SubmitRefused,
    SubmitUnknown,
)
from videoapi.veo3 import Content, Job, JobState


def test_a_look_reads_the_job():
    answer = {"id": "v", "status": "completed", "progress": 100, "video_url": VIDEO, "seconds": "8"}
    relay = answering(200, answer)
    job = relay.client().retrieve("v")
    assert job == Job(state=JobState.DONE, progress=100, video_url=VIDEO, seconds=8)
    assert relay.requests[0].method == "GET"


def test_a_url_behind_the_key_is_no_url_to_hand_out():
    answer = {"status": "completed", "url": f"{BASE}/v1/videos/v/content"}
    assert answering(200, answer).client().retrieve("v").video_url is None


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, b"<html>"),
        (404, {"error": "gone"}),
        (410, {}),
        (400, {"code": "task_not_exist", "message": "task_not_exist"}),
        (400, b"task not exist"),
        (200, {"code": "task_not_exist", "data": None}),
        (200, {"status": "error", "message": "task_not_exist"}),
        (500, {"error": {"code": "TASK_NOT_EXIST"}}),
    ],
    ids=range(8),
)
def test_a_job_that_the_relay_does_not_know_is_missing(status, body):
    with pytest.raises(JobMissing):
        answering(status, body).client().retrieve("v")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""),
        (200, b"<html>"),
        (200, b'{"status": "comp'),
        (200, {}),
        (200, {"error": {"message": "rate limit"}}),
        (200, {"status": "error", "message": "rate limit"}),
        (204, b""),
        (302, b""),
        (304, b""),
        (400, {"error": "bad"}),
        (401, {"code": "MINOR"}),
        (403, b""),
        (429, b""),
        (500, {"error": {"code": "MINOR"}}),
        (503, {"id": "v", "status": "failed"}),
        (504, b"<html>"),
    ],
    ids=range(16),
)
def test_an_answer_that_says_nothing_of_the_job_is_no_news(status, body):
    relay = answering(status, body, retry_after="5", location="https://elsewhere.example/")
    with pytest.raises(PollFailed) as caught:
        relay.client().retrieve("v")
    assert caught.value.retry_after == 5
    assert caught.value.upstream_status == status
    assert caught.value.unauthorised is (status in {401, 403})
    assert len(relay.requests) == 1


@pytest.mark.parametrize(
    "error", [httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError]
)
def test_a_look_that_got_no_answer_is_no_news(error):
    client = Relay(error("no")).client()
    with pytest.raises(PollFailed, match=error.__name__) as caught:
        client.retrieve("v")
    assert caught.value.upstream_status is None
    with pytest.raises(PollFailed):
        client.content("v", io.BytesIO())


def test_an_id_that_fits_into_no_url_is_no_news():
    with pytest.raises(PollFailed):
        answering(200, {}).client().retrieve("x" * 70_000)


@pytest.mark.parametrize("status", [200, 400, 422])
def test_a_policy_code_ends_a_job_even_without_a_status(status):
    body = {"error": {"code": "PUBLIC_ERROR_PROMINENT_PEOPLE_FILTER_FAILED"}}
    job = answering(status, body).client().retrieve("v")
    assert job.state is JobState.FAILED
    assert job.failure.code == "content_policy_violation"


def test_bytes_behind_the_key_are_written_to_the_file():
    into = io.BytesIO(b"old")
    relay = answering(200, MP4, content_type="video/mp4")
    content = relay.client().content("v", into)
    assert content == Content(size_bytes=len(MP4), content_type="video/mp4")
    assert into.getvalue() == MP4
    [request] = relay.requests
    assert str(request.url) == f"{BASE}/v1/videos/v/content"
    assert request.headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    ("location", "url"), [(VIDEO, VIDEO), ("/files/a.mp4", f"{BASE}/files/a.mp4")]
)
def test_a_redirect_is_told_and_never_followed(status, location, url):
    relay = answering(status, b"", location=location)
    assert relay.client().content("v", io.BytesIO()) == Content(url=url)
    assert len(relay.requests) == 1


@pytest.mark.parametrize("kind", ["application/json", "text/plain"])
@pytest.mark.parametrize("url", [VIDEO, "data:video/mp4;base64,AAAA"])
def test_json_in_place_of_the_video_tells_its_url(kind, url):
    relay = answering(200, {"data": {"url": url}}, content_type=kind)
    into = io.BytesIO(b"old")
    assert relay.client().content("v", into) == Content(url=url)
    assert into.getvalue() == b"old"


@pytest.mark.parametrize(
    ("status", "body", "location"),
    [
        (200, b"", ""),
        (204, b"", ""),
        (200, {"error": "not ready"}, ""),
        (200, {"url": f"{BASE}/v1/videos/v/content"}, ""),
        (302, b"", ""),
        (302, b"", f"{BASE}/v1/videos/v/content"),
        (304, b"", ""),
        (400, {"error": {"code": "video_not_ready"}}, ""),
        (401, b"", ""),
        (404, b"<html>", ""),
        (404, b"", VIDEO),
        (500, b"", ""),
        (503, b"", ""),
    ],
    ids=range(13),
)
def test_an_answer_without_a_video_is_a_missing_one(status, body, location):
    with pytest.raises(ContentMissing) as caught:
        answering(status, body, location=location, retry_after="3").client().content(
            "v", io.BytesIO()
        )
    assert caught.value.upstream_status == (200 if status == 204 else status)


@pytest.mark.parametrize(
    ("status", "body", "headers", "why", "swallowed"),
    [
        (200, b"", {}, NoVideo.EMPTY, True),
        (200, {"status": "completed"}, {}, NoVideo.EMPTY, True),
        (404, b"", {}, NoVideo.GONE, True),
        (410, b"<html>", {}, NoVideo.GONE, True),
        (502, {"error": {"message": "no video in the response"}}, {}, NoVideo.BLAMED, True),
        (502, {"message": "任务内容为空"}, {}, NoVideo.BLAMED, True),
        (502, b"<html><h1>502 Bad Gateway</h1></html>", {}, NoVideo.UNAVAILABLE, False),
        (502, {"error": {"message": "upstream connect error"}}, {}, NoVideo.UNAVAILABLE, False),
        (500, {"error": "no video"}, {}, NoVideo.UNAVAILABLE, False),
        (503, b"", {}, NoVideo.UNAVAILABLE, False),
        (401, b"", {}, NoVideo.UNAUTHORISED, False),
        (403, b"<html>", {}, NoVideo.UNAUTHORISED, False),
        (403, b"<html>", {"cf_mitigated": "challenge"}, NoVideo.UNAVAILABLE, False),
        (400, {"error": "not completed, status: IN_PROGRESS"}, {}, NoVideo.NOT_READY, False),
        (425, b"", {}, NoVideo.NOT_READY, False),
        (429, b"", {}, NoVideo.BUSY, False),
        (302, b"", {}, NoVideo.UNUSABLE_LINK, False),
        (418, b"", {}, NoVideo.OTHER, False),
    ],
    ids=range(18),
)
def test_a_missing_video_says_why_and_for_how_long(status, body, headers, why, swallowed):
    relay = answering(status, body, retry_after="7", **headers)
    with pytest.raises(ContentMissing) as caught:
        relay.client().content("v", io.BytesIO())
    assert (caught.value.why, caught.value.swallowed) == (why, swallowed)
    assert caught.value.unauthorised is (why is NoVideo.UNAUTHORISED)
    assert caught.value.retry_after == (7 if status != 200 else None)


@pytest.mark.parametrize("status", [200, 400, 404, 502])
def test_a_missing_video_names_the_policy_that_its_answer_names(status):
    relay = answering(status, {"error": {"code": "PUBLIC_ERROR_MINOR"}})
    with pytest.raises(ContentMissing) as caught:
        relay.client().content("v", io.BytesIO())
    assert caught.value.failure.code == "content_policy_violation"


@pytest.mark.parametrize(
    ("body", "ids"),
    [
        ({"id": "v", "status": "running"}, ("v",)),
        ({"task_id": "v", "status": "failed"}, ("v",)),
        ({"data": {"id": 7, "taskId": "v", "status": "SUCCESS"}}, ("7", "v")),
        ({"data": [{"video_id": "v", "status": "SUCCESS"}]}, ("v",)),
        ({"request_id": "r", "output": {"task_id": "v"}, "status": "queued"}, ("v", "r")),
        ({"error": {"code": "MINOR"}, "id": "v"}, ("v",)),
        ({"status": "failed", "id": 0}, ()),
    ],
    ids=range(7),
)
def test_a_look_tells_which_job_its_answer_names(body, ids):
    job = answering(200, body).client().retrieve("v")
    assert job.ids == ids
    assert job.names("v") is ("v" in ids)
    assert not job.names("r2")


def test_a_failed_look_tells_what_its_answer_named():
    with pytest.raises(PollFailed) as failed:
        answering(503, {"id": "other"}).client().retrieve("v")
    assert failed.value.ids == ("other",)
    with pytest.raises(JobMissing) as missing:
        answering(404, b"", retry_after="5").client().retrieve("v")
    assert (missing.value.upstream_status, missing.value.retry_after) == (404, 5)


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(200, content=MP4[:50], headers={"content-length": "5012"}),
        httpx.Response(200, stream=Breaks(MP4)),
        httpx.Response(200, content=b"<html>busy</html>"),
        httpx.Response(
            200, content=b'{"url": "https://cdn', headers={"content-type": "text/plain"}
        ),
    ],
    ids=["short", "reset", "page", "cut JSON"],
)
def test_a_cut_video_or_a_page_is_no_news(response):
    with pytest.raises(PollFailed):
        Relay(response).client().content("v", io.BytesIO())


@pytest.mark.parametrize("headers", [{}, {"content_encoding": "gzip"}], ids=["by bytes", "told"])
def test_a_packed_video_is_unpacked(headers):
    into = io.BytesIO()
    relay = answering(200, b"", **headers)
    relay.answer = httpx.Response(
        200, stream=httpx.ByteStream(gzip.compress(MP4)), headers=relay.answer.headers
    )
    assert relay.client().content("v", into).size_bytes == len(MP4)
    assert into.getvalue() == MP4


def test_a_full_disk_is_not_the_relays_fault():
    class Full(io.BytesIO):
        def write(self, _data):
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        answering(200, MP4).client().content("v", Full())


@settings(max_examples=150, deadline=None)
@given(
    status=st.integers(200, 599),
    body=st.binary(max_size=60)
    | st.sampled_from([b"{}", b'{"id":1}', b'{"status":"failed"}', MP4]),
    location=st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=20),
    kind=st.sampled_from(["", "application/json", "text/html", "video/mp4"]),
)
def test_whatever_a_relay_answers_is_one_of_the_declared_outcomes(status, body, location, kind):
    def client():
        headers = [(b"location", location.encode("latin-1")), (b"content-type", kind.encode())]
        return Relay(httpx.Response(status, content=body, headers=headers)).client()

    with suppress(SubmitRefused, SubmitUnknown):
        assert client().create(order()).upstream_id
    with suppress(PollFailed, JobMissing):
        assert client().retrieve("v").state in JobState
    with suppress(PollFailed, ContentMissing):
        content = client().content("v", io.BytesIO())
        assert content.url or content.size_bytes
