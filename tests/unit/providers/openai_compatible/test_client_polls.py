"""What a look at a job, or at its video, says; and what says nothing."""

import gzip
import io

import httpx
import pytest

from tests.support.relays import BASE, KEY, MP4, VIDEO, Breaks, Relay, answering
from videoapi.providers.errors import ContentMissing, JobMissing, NoContentReason, PollFailed
from videoapi.providers.openai_compatible.link_policy import LinkPolicy
from videoapi.providers.provider import Content, Job, JobState


def test_a_look_reads_the_job():
    response = {
        "id": "v",
        "status": "completed",
        "progress": 100,
        "video_url": VIDEO,
        "seconds": "8",
    }
    relay = answering(200, response)
    job = relay.client().poll("v")
    assert job == Job(state=JobState.DONE, progress=100, video_url=VIDEO, seconds=8)
    assert relay.requests[0].method == "GET"


def test_a_url_behind_the_key_is_no_url_to_hand_out():
    response = {"status": "completed", "url": f"{BASE}/v1/videos/v/content"}
    assert answering(200, response).client().poll("v").video_url is None


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, b""),
        (404, {"error": "gone"}),
        (404, b"task not exist"),
        (410, {}),
        (400, {"code": "task_not_exist", "message": "task_not_exist"}),
        (400, b"task not exist"),
        (200, {"code": "task_not_exist", "data": None}),
        (200, {"status": "error", "message": "task_not_exist"}),
    ],
    ids=range(8),
)
def test_a_job_that_the_relay_does_not_know_is_missing(status, body):
    with pytest.raises(JobMissing):
        answering(status, body).client().poll("v")


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
        (404, b"<html>"),
        (410, b"404 page not found"),
        (500, {"error": {"code": "TASK_NOT_EXIST"}}),
        (400, b"<html>task_not_exist</html>"),
        (200, {"status": "failed", "message": "Service unavailable, try again later"}),
        (200, {"id": "other", "status": "failed", "error": {"code": "rate_limit"}}),
        (200, {"success": False, "status": "FAILURE", "error": {"code": 503}}),
        (200, {"code": "AUDIO_FILTERED", "message": "no sound"}),
        (422, {"id": "w", "error": "AUDIO_FILTERED"}),
        (200, {"status": "failed", "code": "rate_limit_exceeded", "data": None}),
        (200, {"status": "error", "message": "请求过于频繁"}),
        (200, {"status": "fail", "data": {"message": "maintenance"}}),
        (200, {"status": "failed", "code": 401, "message": "no such token"}),
        (200, {"id": "w", "status": "failed", "error": {"code": "insufficient_quota"}}),
    ],
    ids=range(30),
)
def test_an_answer_that_says_nothing_of_the_job_is_no_news(status, body):
    relay = answering(status, body, retry_after="5", location="https://elsewhere.example/")
    with pytest.raises(PollFailed) as caught:
        relay.client().poll("v")
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
        client.poll("v")
    assert caught.value.upstream_status is None
    with pytest.raises(PollFailed):
        client.download("v", io.BytesIO())


def test_an_id_that_fits_into_no_url_is_no_news():
    with pytest.raises(PollFailed):
        answering(200, {}).client().poll("x" * 70_000)


@pytest.mark.parametrize(
    "key", ["id", "task_id", "taskId", "video_id", "job_id", "jobid", "runId", "request_id"]
)
@pytest.mark.parametrize("enveloped", [False, True])
def test_answer_that_names_the_job_alone_leads_to_another_order(key, enveloped):
    """Only an answer that names the job can lead to another order."""
    failed = {"status": "failed", "error": {"code": "HIGH_TRAFFIC"}}
    for upstream_id, ends in (("v", True), ("w", False)):
        body = {key: upstream_id, **failed}
        client = answering(200, {"code": "success", "data": body} if enveloped else body).client()
        if ends:
            assert client.poll("v").failure.again == "transient"
        else:
            with pytest.raises(PollFailed):
                client.poll("v")


@pytest.mark.parametrize("word", ["error", "FAIL"])
@pytest.mark.parametrize("key", ["id", "request_id"])
def test_a_word_for_a_failed_request_ends_a_named_job_alone(word, key):
    """JSend answers `error` or `fail` for a request, which says nothing of the job."""
    for upstream_id, ends in (("v", True), ("w", False)):
        client = answering(200, {key: upstream_id, "status": word, "message": "no luck"}).client()
        if ends:
            assert client.poll("v").failure.code == "generation_failed"
        else:
            with pytest.raises(PollFailed):
                client.poll("v")
    policy = answering(200, {"status": word, "code": "MINOR"}).client().poll("v")
    assert policy.failure.code == "content_policy_violation"


def test_a_named_job_that_an_empty_account_ended_has_failed():
    body = {"id": "v", "status": "failed", "error": {"code": "insufficient_quota"}}
    assert answering(200, body).client().poll("v").failure.code == "upstream_account_error"


def test_a_final_failure_needs_no_id():
    job = answering(200, {"status": "failed", "error": {"code": "MINOR"}}).client().poll("v")
    assert job.failure.code == "content_policy_violation"


@pytest.mark.parametrize(("response", "wait"), [({}, 60), ({"retry_after": "5"}, 5)], ids=range(2))
def test_large_unreadable_answer_is_not_polled_every_second(response, wait):
    """A large answer that cannot be read is not asked for every second."""
    with pytest.raises(PollFailed) as failed:
        answering(200, b'{"video": "' + b"A" * 2_000_000, **response).client().poll("v")
    assert failed.value.retry_after == wait


def test_a_challenge_of_an_edge_says_nothing_of_the_job():
    with pytest.raises(PollFailed):
        answering(404, b"", cf_mitigated="challenge").client().poll("v")


@pytest.mark.parametrize(
    ("status", "told"), [(200, {}), (400, {}), (422, {}), (400, {"id": "v", "status": "queued"})]
)
def test_a_policy_code_ends_a_job_even_without_a_status(status, told):
    body = {**told, "error": {"code": "PUBLIC_ERROR_PROMINENT_PEOPLE_FILTER_FAILED"}}
    job = answering(status, body).client().poll("v")
    assert job.state is JobState.FAILED
    assert job.failure.code == "content_policy_violation"


@pytest.mark.parametrize("status", [400, 409, 422, 424])
@pytest.mark.parametrize("key", ["id", "task_id", "request_id"])
@pytest.mark.parametrize("enveloped", [False, True])
def test_a_4xx_that_names_the_job_tells_how_it_is(status, key, enveloped):
    """A relay may answer with the status of what the job's own maker answered."""

    def look(upstream_id="v", **told):
        body = {key: upstream_id, **told}
        body = {"status": "error", "data": body} if enveloped else body
        return answering(status, body).client().poll("v")

    wrong = look(status="failed", error={"message": "Image pixel is invalid"}).failure
    assert (wrong.code, wrong.again) == ("generation_failed", None)
    assert "Image pixel is invalid" in wrong.message
    assert look(status="FAILURE", error={"code": "HIGH_TRAFFIC"}).failure.again == "transient"
    assert look(status="moderation_failed").failure.code == "content_policy_violation"
    assert look(status="processing", progress=45).progress == 45
    assert look(status="completed", video_url=VIDEO).video_url == VIDEO
    for mute in [
        {"upstream_id": "w", "status": "failed", "error": {"code": "HIGH_TRAFFIC"}},
        {"status": "error", "message": "Invalid token"},
        {"status": "FAIL", "error": {"code": "HIGH_TRAFFIC"}},
        {"status": "bad_request", "error": {"message": "Missing header"}},
        {"status": "completed"},
        {"error": {"code": "HIGH_TRAFFIC"}},
        {"status": "failed", "message": "The query timed out"},  # the look's, maybe: no evidence
        {"status": "failed", "error": {"code": "invalid_api_key"}},
    ]:
        with pytest.raises(PollFailed):
            look(**mute)
    with pytest.raises(JobMissing):
        look(status="failed", error={"code": "task_not_exist"})


@pytest.mark.parametrize("status", [401, 402, 403, 407, 408, 429, 500, 502, 503])
def test_an_account_or_a_gateway_tells_of_no_job(status):
    with pytest.raises(PollFailed):
        answering(status, {"id": "v", "status": "failed", "error": "no luck"}).client().poll("v")


@pytest.mark.parametrize("place", ["data", "output", "result", "task"])
@pytest.mark.parametrize("word", ["success", "OK"])
def test_a_requests_id_is_not_the_jobs(place, word):
    """A request that went well may have an id, too; the part that names the job counts."""

    def look(upstream_id, outer=word, **told):
        request = {"id": "req-1", "status": outer, "request_id": "r"}
        body = {**request, place: {"task_id": upstream_id, **told}}
        return answering(200, body).client().poll("v")

    assert look("v", status="processing", progress=45).progress == 45
    assert look("v", status="completed", url=VIDEO).video_url == VIDEO
    failed = look("v", status="failed", error={"code": "HIGH_TRAFFIC"})
    assert (failed.failure.again, failed.names("v")) == ("transient", True)
    assert look("v", "running", status="completed").state is JobState.RUNNING


def test_of_several_jobs_in_an_answer_the_one_asked_for_counts():
    told = {"data": {"status": "failed"}, "task": {"id": "v", "status": "processing"}}
    assert answering(200, {"status": "ok", **told}).client().poll("v").state is JobState.RUNNING


@pytest.mark.parametrize(
    "beside",
    [
        {"id": "u7", "data": {"id": "v", "progress": 45}},
        {"id": "u7", "data": {"id": "w", "status": "queued"}},
        {"id": "u7", "video_url": VIDEO, "data": {"id": "v", "status": "queued"}},
        {"video_url": VIDEO, "job": {"id": "v", "status": "queued"}},
    ],
    ids=range(4),
)
def test_a_success_beside_an_id_or_a_video_is_the_jobs(beside):
    answer = {"status": "success", **beside}
    assert answering(200, answer).client().poll("v").state is JobState.DONE


def test_an_answer_that_names_the_job_speaks_whatever_it_quotes():
    body = {"id": "v", "status": "completed", "data": {"id": "v", "status": "processing"}}
    assert answering(200, body).client().poll("v").state is JobState.DONE


def test_bytes_behind_the_key_are_written_to_the_file():
    into = io.BytesIO(b"old")
    relay = answering(200, MP4, content_type="video/mp4")
    content = relay.client().download("v", into)
    assert content == Content(size_bytes=len(MP4), content_type="video/mp4")
    assert into.getvalue() == MP4
    [request] = relay.requests
    assert str(request.url) == f"{BASE}/v1/videos/v/content"
    assert request.headers["authorization"] == f"Bearer {KEY}"


def test_a_content_type_that_quotes_our_key_is_none():
    relay = answering(200, MP4, content_type=f"video/{KEY}")
    assert relay.client().download("v", io.BytesIO()).content_type is None


INWARD = ["http://169.254.169.254/a", "http://localhost/a", "https://a:b@cdn.example/a"]
UNUSABLE = [
    *INWARD,
    f"https://cdn.example/a?key={KEY}",
    "https://cdn.example/a?k=relay%2Dkey-0123456789",
]


@pytest.mark.parametrize("url", UNUSABLE)
def test_a_link_that_may_not_be_handed_out_is_none(url):
    done = {"id": "v", "status": "completed", "video_url": url}
    assert answering(200, done).client().poll("v").video_url is None
    for relay in (answering(302, b"", location=url), answering(200, {"url": url})):
        with pytest.raises(ContentMissing) as caught:
            relay.client().download("v", io.BytesIO())
        assert not caught.value.failure
        assert KEY not in caught.value.message


def test_links_to_origins_of_the_operator_may_be_handed_out():
    links = LinkPolicy(["http://10.0.0.7:8002"])
    relay = answering(302, b"", location="http://10.0.0.7:8002/a")
    content = relay.client(links=links).download("v", io.BytesIO())
    assert content == Content(url="http://10.0.0.7:8002/a")


def test_a_signed_links_end_is_told():
    relay = answering(302, b"", location=f"{VIDEO}&Expires=1800000000")
    assert relay.client().download("v", io.BytesIO()).expires_at == 1_800_000_000
    relay = answering(200, {"url": f"{VIDEO}&Expires=1800000000"})
    assert relay.client().download("v", io.BytesIO()).expires_at == 1_800_000_000


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    ("location", "url"), [(VIDEO, VIDEO), ("/files/a.mp4", f"{BASE}/files/a.mp4")]
)
def test_a_redirect_is_told_and_never_followed(status, location, url):
    relay = answering(status, b"", location=location)
    assert relay.client().download("v", io.BytesIO()) == Content(url=url)
    assert len(relay.requests) == 1


@pytest.mark.parametrize("kind", ["application/json", "text/plain"])
@pytest.mark.parametrize("url", [VIDEO, "data:video/mp4;base64,AAAA"])
def test_json_in_place_of_the_video_tells_its_url(kind, url):
    relay = answering(200, {"data": {"url": url}}, content_type=kind)
    into = io.BytesIO(b"old")
    assert relay.client().download("v", into) == Content(url=url)
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
        answering(status, body, location=location, retry_after="3").client().download(
            "v", io.BytesIO()
        )
    assert caught.value.upstream_status == (200 if status == 204 else status)


EXPLAINED = [
    {"error": {"message": "storage backend offline"}},
    {"code": 10, "message": "region not supported"},
    {"error": {"code": "REGION_NOT_SUPPORTED"}},
    {"status": "error", "message": "The video storage is offline"},
    {"success": False, "msg": "no permission to download the video"},
    {"error": "The CDN of the video did not answer"},
    {"id": "v", "status": "completed", "error": {"message": "disk full"}},
    {"id": "v", "status": "failed", "error": {"message": "disk full"}},
    {"code": 7, "message": "没有权限"},
    {"message": "The transfer was not successful: unknown region"},
]
UNEXPLAINED = [
    {"error": {"message": "no video in the response"}},
    {"error": {"message": "Video not found", "type": "new_api_error"}},
    {"message": "The output is empty"},
    {"detail": "File does not exist"},
    {"message": "Missing content"},
    {"error": {"code": 10, "type": "invalid_request_error"}},
    {"error": "No such key"},
    {"message": "Nothing to download"},
    {"message": "Successfully fetched"},
    {"message": "No generated videos"},
    {"message": "Video generation failed"},
    {"error": "Unknown error"},
    {"error": "It violates the policy"},
    {"id": "v", "status": "completed", "message": "Your film is ready to be seen"},
    {"message": "任务内容为空"},
    {"data": None, "code": 7},
]


@pytest.mark.parametrize(
    ("status", "body", "headers", "why", "swallowed"),
    [
        (200, b"", {}, NoContentReason.EMPTY, True),
        (200, {"status": "completed"}, {}, NoContentReason.EMPTY, True),
        (404, b"", {}, NoContentReason.GONE, True),
        (410, b"<html>", {}, NoContentReason.GONE, True),
        (200, {"id": "v", "status": "in_progress"}, {}, NoContentReason.NOT_READY, False),
        (200, {"error": "The video is not ready yet"}, {}, NoContentReason.NOT_READY, False),
        (404, {"error": {"code": "video_not_ready"}}, {}, NoContentReason.NOT_READY, False),
        (404, {"message": "视频生成中"}, {}, NoContentReason.NOT_READY, False),
        (
            404,
            {"error": "The video is still being generated"},
            {},
            NoContentReason.NOT_READY,
            False,
        ),
        (404, {"message": "视频正在生成"}, {}, NoContentReason.NOT_READY, False),
        (200, {"message": "任务排队"}, {}, NoContentReason.NOT_READY, False),
        (200, {"error": {"code": "rate_limit"}}, {}, NoContentReason.BUSY, False),
        (404, {"code": "insufficient_user_quota"}, {}, NoContentReason.UNAUTHORISED, False),
        (404, {"error": "Not Found"}, {}, NoContentReason.GONE, True),
        (410, {"error": "Downloads expire after 1 hour"}, {}, NoContentReason.OTHER, False),
        (404, {"message": "No longer available"}, {}, NoContentReason.OTHER, False),
        (404, {"message": "视频已过期"}, {}, NoContentReason.OTHER, False),
        (502, {"error": {"message": "no video in the response"}}, {}, NoContentReason.BLAMED, True),
        (502, {"message": "任务内容为空"}, {}, NoContentReason.BLAMED, True),
        (502, b"<html><h1>502 Bad Gateway</h1></html>", {}, NoContentReason.UNAVAILABLE, False),
        (
            502,
            {"error": {"message": "upstream connect error"}},
            {},
            NoContentReason.UNAVAILABLE,
            False,
        ),
        (500, {"error": "no video"}, {}, NoContentReason.UNAVAILABLE, False),
        (503, b"", {}, NoContentReason.UNAVAILABLE, False),
        (401, b"", {}, NoContentReason.UNAUTHORISED, False),
        (403, b"<html>", {}, NoContentReason.UNAUTHORISED, False),
        (403, b"<html>", {"cf_mitigated": "challenge"}, NoContentReason.UNAVAILABLE, False),
        (
            400,
            {"error": "not completed, status: IN_PROGRESS"},
            {},
            NoContentReason.NOT_READY,
            False,
        ),
        (425, b"", {}, NoContentReason.NOT_READY, False),
        (429, b"", {}, NoContentReason.BUSY, False),
        (302, b"", {}, NoContentReason.UNUSABLE_LINK, False),
        (418, b"", {}, NoContentReason.OTHER, False),
        *[(200, body, {}, NoContentReason.OTHER, False) for body in EXPLAINED],
        *[(404, body, {}, NoContentReason.OTHER, False) for body in EXPLAINED[:3]],
        *[(200, body, {}, NoContentReason.EMPTY, True) for body in UNEXPLAINED],
        *[(404, body, {}, NoContentReason.GONE, True) for body in UNEXPLAINED],
        (404, {"error": "Cannot GET /v1/videos/v/content"}, {}, NoContentReason.GONE, True),
        (404, {"error": "Invalid video"}, {}, NoContentReason.GONE, True),
        (410, {"error": "Gone"}, {}, NoContentReason.GONE, True),
        (200, {"status": "processing", "cdn": VIDEO}, {}, NoContentReason.NOT_READY, False),
    ],
    ids=str,
)
def test_a_missing_video_says_why_and_for_how_long(status, body, headers, why, swallowed):
    relay = answering(status, body, retry_after="7", **headers)
    with pytest.raises(ContentMissing) as caught:
        relay.client().download("v", io.BytesIO())
    assert (caught.value.why, caught.value.swallowed) == (why, swallowed)
    assert caught.value.unauthorised is (why is NoContentReason.UNAUTHORISED)
    assert caught.value.retry_after == (7 if body or status != 200 else None)


@pytest.mark.parametrize("status", [200, 400, 404, 502])
def test_a_missing_video_names_the_policy_that_its_answer_names(status):
    relay = answering(status, {"error": {"code": "PUBLIC_ERROR_MINOR"}})
    with pytest.raises(ContentMissing) as caught:
        relay.client().download("v", io.BytesIO())
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
    job = answering(200, body).client().poll("v")
    assert job.ids == ids
    assert job.names("v") is ("v" in ids)
    assert not job.names("r2")


def test_a_failed_look_tells_what_its_answer_named():
    with pytest.raises(PollFailed) as failed:
        answering(503, {"id": "other"}).client().poll("v")
    assert failed.value.ids == ("other",)
    with pytest.raises(JobMissing) as missing:
        answering(404, b"", retry_after="5").client().poll("v")
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
        Relay(response).client().download("v", io.BytesIO())


@pytest.mark.parametrize(
    "headers", [{}, {"content_encoding": "gzip"}], ids=["by bytes", "response"]
)
def test_a_packed_video_is_unpacked(headers):
    into = io.BytesIO()
    relay = answering(200, b"", **headers)
    relay.answer = httpx.Response(
        200, stream=httpx.ByteStream(gzip.compress(MP4)), headers=relay.answer.headers
    )
    assert relay.client().download("v", into).size_bytes == len(MP4)
    assert into.getvalue() == MP4


def test_a_full_disk_is_not_the_relays_fault():
    class Full(io.BytesIO):
        def write(self, _data):
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        answering(200, MP4).client().download("v", Full())
