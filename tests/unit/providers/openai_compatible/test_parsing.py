"""Relays' answers in all their dialects, and answers that are no answers."""

import pytest

from videoapi.providers.classification import ErrorInfo
from videoapi.providers.errors import JobFailed
from videoapi.providers.json_access import UnreadableJson, as_text, parsed
from videoapi.providers.openai_compatible import parsing
from videoapi.providers.openai_compatible.errors import failure_without_status
from videoapi.providers.openai_compatible.job_parts import Answer
from videoapi.providers.openai_compatible.parsing import Job, JobState, progress_of

CONTENT = "https://relay.example/v1/videos/v:1/content"
VIDEO = "https://cdn.example/a.mp4?sig=1"
QUEUED = [
    "queued",
    "pending",
    "submitted",
    "not_start",
    "notstarted",
    "preparing",
    "created",
    "starting",
    "unknown",
    "in_queue",
    "queueing",
    "queuing",
    "waiting",
    "staged",
    "throttled",
]
RUNNING = ["processing", "in_progress", "running", "generating", "retrying"]
DONE = ["completed", "complete", "success", "succeeded", "succeed", "finished", "done", "ready"]
DONE += ["video_generation_successful", "upscaling_successful"]
FAILED = ["failed", "failure", "fail", "error", "cancelled", "canceled", "expired", "timeout"]
FAILED += ["timed_out", "rejected", "blocked", "prompt_blocked", "generation_failed"]
FAILED += ["aborted", "nsfw"]
STATES = {
    **dict.fromkeys(QUEUED, JobState.QUEUED),
    **dict.fromkeys(RUNNING, JobState.RUNNING),
    **dict.fromkeys(DONE, JobState.DONE),
    **dict.fromkeys(FAILED, JobState.FAILED),
}


def job_in(response, content_url):
    return parsing.job_in(Answer(response), content_url)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b'"id"',
        b'{"id": "cut',
        b"\xff\xfe\xff",
        b"\xff{}",
        b'{"n": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
    ],
    ids=range(10),
)
def test_anything_but_a_json_object_is_unreadable(body):
    with pytest.raises(UnreadableJson):
        parsed(body)


def test_a_json_object_is_read_with_a_byte_order_mark_too():
    assert parsed(b'\xef\xbb\xbf{"id": 1}') == {"id": 1}


@pytest.mark.parametrize(
    ("response", "upstream_id"),
    [
        ({"id": "video_1"}, "video_1"),
        ({"id": "veo3.1:abc/d"}, "veo3.1:abc/d"),
        ({"task_id": "t"}, "t"),
        ({"id": "", "task_id": "t"}, "t"),
        ({"id": None, "data": {"id": "inner"}}, "inner"),
        ({"code": "success", "data": {"task_id": " inner "}}, "inner"),
        ({"id": 9_007_199_254_740_993}, "9007199254740993"),
        ({"id": "x", "status": "failed", "error": {"code": "MINOR"}}, "x"),
        ({"id": "x" * 512}, "x" * 512),
        ({}, None),
        ({"id": True}, None),
        ({"id": 1.5}, None),
        ({"id": 0}, None),
        ({"id": {"id": "x"}}, None),
        ({"id": "x" * 513}, None),
        ({"id": "a\nb"}, None),
        ({"id": "\ud800"}, None),
        ({"data": "task"}, None),
        ({"data": [{"id": "x"}]}, "x"),
        ({"data": [], "output": {"task_id": "x"}}, "x"),
        ({"error": {"message": "no"}}, None),
        ({"taskId": "t"}, "t"),
        ({"video_id": "t"}, "t"),
        ({"request_id": "r"}, "r"),
        ({"request_id": "r", "data": {"taskId": "t"}}, "t"),
        ({"request_id": "r", "error": {"message": "no"}}, None),
        ({"request_id": "r", "code": 402, "msg": "top up"}, None),
        ({"request_id": "r", "code": 200, "msg": "success"}, "r"),
        ({"id": "a***b"}, None),
        ({"generation_id": "g", "id": "t"}, "t"),
        ({"status": "success", "data": {"video": {"id": "t"}}}, "t"),
        ({"request_id": "r", "result": {"task_id": "t"}}, "t"),
        ({"status": "error", "message": "no", "data": {"task": {"id": "t"}}}, None),
        ({"error": "no", "task": {"id": "t"}}, None),
        ({"code": "success", "message": "", "data": "task_7Qx:1"}, "task_7Qx:1"),
        ({"code": 200, "request_id": "r", "data": "cc1b5d02-97fe"}, "cc1b5d02-97fe"),
        ({"code": 0, "message": "Task submitted", "data": "task_7Qx:1"}, "task_7Qx:1"),
        ({"code": 200, "msg": "\u63d0\u4ea4\u6210\u529f", "data": "task_7Qx:1"}, "task_7Qx:1"),
        ({"message": "no channel", "data": "task_7Qx:1"}, None),
        ({"code": 0, "message": "HIGH_TRAFFIC", "data": "task_7Qx:1"}, None),
        ({"code": 0, "message": "insufficient_user_quota", "data": "task_7Qx:1"}, None),
        ({"code": "fail", "message": "no channel", "data": "task_7Qx:1"}, None),
        ({"code": "success", "data": "accepted_and_queued"}, None),
        ({"code": "success", "data": "queued as number 1234567"}, None),
        ({"status": "failed", "data": "task_7Qx:1"}, None),
    ],
    ids=range(45),
)
def test_the_id_of_an_accepted_order_is_found(response, upstream_id):
    assert Answer(response).accepted_id == upstream_id


@pytest.mark.parametrize("word", STATES)
def test_every_status_word_is_known_in_any_writing(word):
    writings = {
        word,
        word.upper(),
        f" {word.title()} ",
        word.replace("_", " "),
        word.replace("_", "-"),
    }
    states = {job_in({"id": "v", "status": writing}, CONTENT).state for writing in writings}
    assert states == {STATES[word]}


def test_a_status_word_that_nobody_knows_keeps_the_job_alive():
    assert job_in({"status": "upscaling"}, CONTENT) == Job(state=JobState.RUNNING)


@pytest.mark.parametrize("key", ["status", "state", "task_status", "taskStatus"])
@pytest.mark.parametrize("place", ["", "data", "output"])
def test_the_status_word_stands_under_several_names(key, place):
    job = {"id": "v", key: "SUCCEED", "video_url": VIDEO}
    read = job_in({place: job} if place else job, CONTENT)
    assert (read.state, read.video_url, read.ids) == (JobState.DONE, VIDEO, ("v",))


@pytest.mark.parametrize(
    ("beside", "state"),
    [
        ({"video_url": VIDEO}, JobState.DONE),
        ({"video": {"url": VIDEO}, "progress": 40}, JobState.DONE),
        ({"progress": 100, "completed_at": 1_700_000_000}, JobState.DONE),
        ({"progress": "100%", "finish_time": "2026-01-01T00:00:00Z"}, JobState.DONE),
        ({"progress": 100}, JobState.RUNNING),
        ({"completed_at": 1_700_000_000}, JobState.RUNNING),
        ({"progress": 100, "completed_at": 0}, JobState.RUNNING),
        ({"progress": 100, "completed_at": "0001-01-01T00:00:00Z"}, JobState.RUNNING),
        ({"error": {"code": "x", "message": "no luck"}}, JobState.FAILED),
        ({"error": "no luck"}, JobState.FAILED),
        ({"fail_reason": "no luck"}, JobState.FAILED),
        ({"code": "PUBLIC_ERROR_UNSAFE_GENERATION"}, JobState.FAILED),
        ({"error": {"code": "MINOR"}, "video_url": VIDEO}, JobState.DONE),
        ({"error": None, "fail_reason": ""}, JobState.RUNNING),
        ({"error": {"code": 0, "message": "success"}}, JobState.RUNNING),
        ({"error": {}}, JobState.RUNNING),
        ({"message": "still at it"}, JobState.RUNNING),
        ({"input_reference": VIDEO, "thumbnail_url": VIDEO, "prompt": VIDEO}, JobState.RUNNING),
    ],
    ids=range(18),
)
@pytest.mark.parametrize("word", ["upscaling", "PUBLISHED", "stage_7", "active"])
def test_an_unknown_word_is_read_by_what_stands_beside_it(word, beside, state):
    assert job_in({"id": "v", "status": word, **beside}, CONTENT).state is state
    assert job_in({"data": {"id": "v", "state": word, **beside}}, CONTENT).state is state


def test_a_known_word_is_not_read_by_what_stands_beside_it():
    running = {"status": "running", "video_url": VIDEO, "error": "no", "progress": 100}
    assert job_in(running, CONTENT).state is JobState.RUNNING


def test_the_addresses_of_a_job_do_not_make_it_done():
    job = "https://queue.example/requests/v"
    beside = {"response_url": job, "status_url": f"{job}/status", "cancel_url": f"{job}/cancel"}
    for word in ("IN_QUEUE", "warming up"):
        state = job_in({"request_id": "v", "status": word, **beside}, CONTENT).state
        assert state in {JobState.QUEUED, JobState.RUNNING}
    done = job_in({"request_id": "v", "status": "COMPLETED", **beside}, CONTENT)
    assert (done.state, done.video_url) == (JobState.DONE, None)


def test_without_a_word_it_takes_a_url_and_an_end_to_be_done():
    ended = {"progress": 100, "completed_at": 1_700_000_000}
    assert job_in({"id": "v", "video_url": VIDEO, **ended}, CONTENT).state is JobState.DONE
    assert job_in({"id": "v", **ended}, CONTENT) is None


@pytest.mark.parametrize(
    ("beside", "state"),
    [
        ({"video_urls": {"720p": "https://cdn.example/v/1"}}, JobState.DONE),
        ({"video": {"original": VIDEO}}, JobState.DONE),
        ({"video": {"original": "https://cdn.example/v/1"}}, JobState.RUNNING),
        ({"clip": VIDEO}, JobState.RUNNING),
    ],
    ids=range(4),
)
def test_a_url_by_its_look_is_likely_and_makes_no_job_done(beside, state):
    [url] = beside.values() if "clip" in beside else next(iter(beside.values())).values()
    job = job_in({"id": "v", "status": "completed", **beside}, CONTENT)
    told = (job.video_url, job.likely_url)
    assert told == ((url, None) if state is JobState.DONE else (None, url))
    assert job_in({"id": "v", "status": "upscaling", **beside}, CONTENT).state is state
    assert job_in({"id": "v", "status": "processing", **beside}, CONTENT).video_url is None


def test_an_old_row_keeps_the_url_where_others_have_the_reason():
    row = {"task_id": "v", "status": "SUCCESS", "fail_reason": VIDEO}
    assert job_in({"code": "success", "data": row}, CONTENT).video_url == VIDEO
    row |= {"status": "FAILURE"}
    assert job_in({"code": "success", "data": row}, CONTENT).video_url is None


@pytest.mark.parametrize(
    ("response", "ends"),
    [
        ({"expires_at": 1_800_000_000}, 1_800_000_000),
        ({"expires_at": 1_800_000_000_000}, 1_800_000_000),
        ({"data": {"expires_at": "2027-01-15T08:00:00Z"}}, 1_800_000_000),
        ({"expires_at": 1_900_000_000, "video_url": f"{VIDEO}&Expires=1800000000"}, 1_800_000_000),
        ({"expires_at": 0}, None),
        ({"expires_at": "soon"}, None),
        ({}, None),
    ],
    ids=range(7),
)
def test_the_earliest_end_of_the_video_is_told(response, ends):
    assert job_in({"id": "v", "status": "completed", **response}, CONTENT).expires_at == ends
    assert job_in({"id": "v", "status": "running", **response}, CONTENT).expires_at is None


OPEN = [["running"], {"state": "Processing", "code": 1}, {"name": "failed"}]


@pytest.mark.parametrize("status", [None, True, "", "  ", [], {}, 404, 500, -1, *OPEN], ids=str)
def test_without_a_status_word_an_answer_says_nothing(status):
    assert job_in({"id": "v", "status": status, "video_url": VIDEO}, CONTENT) is None


NUMBERS = [2, 0, 1.0, 200, ["completed"], {"code": 3}]


@pytest.mark.parametrize("status", NUMBERS, ids=str)
@pytest.mark.parametrize(
    ("beside", "done"),
    [
        ({"video_url": VIDEO}, True),
        ({"output": {"url": VIDEO}, "progress": 100}, True),
        ({"result": {"videos": [{"url": VIDEO}]}, "code": 0, "message": "OK"}, True),
        ({}, False),
        ({"progress": 100, "completed_at": 1_700_000_000}, False),
        ({"video_url": VIDEO, "progress": 45}, False),
        ({"video_url": VIDEO, "error": {"message": "no luck"}}, False),
        ({"video_url": VIDEO, "code": 10, "message": "no luck"}, False),
        ({"url": VIDEO, "message": "no luck"}, False),
        ({"error": {"code": "HIGH_TRAFFIC"}}, False),
        ({"thumbnail_url": VIDEO, "status_url": VIDEO}, False),
        ({"url": VIDEO}, True),
        ({"url": "https://cdn.example.com/f/7"}, False),  # may be the picture's that was sent
        ({"file_url": "https://cdn.example.com/f/7", "page": VIDEO}, False),
    ],
    ids=range(14),
)
def test_a_status_in_numbers_counts_beside_a_url_alone(status, beside, done):
    """Such a status says that a job is done, never that it runs or has failed."""
    for state in ({"status": status}, {"state": status}):
        response = {"id": "v", **state, **beside}
        for answer in (response, {"code": "success", "data": response}, {"result": response}):
            job = job_in(answer, CONTENT)
            assert (job and (job.state, job.video_url)) == (
                (done and (JobState.DONE, VIDEO)) or None
            )


@pytest.mark.parametrize(
    ("envelope", "beside", "done"),
    [
        ({"code": 0, "message": "Fetched"}, {}, True),
        ({"code": 200, "msg": "\u67e5\u8be2\u6210\u529f"}, {"message": "ok"}, True),
        ({"code": 0, "message": "Fetched"}, {"message": "no luck"}, False),
        ({"code": 0, "message": "Fetched"}, {"code": 0, "message": "no luck"}, False),
        ({"code": 0, "message": "Fetched"}, {"fail_reason": "no luck"}, False),
        ({"code": 0, "message": "Fetched"}, {"progress": 45}, False),
        ({"code": 10, "message": "Fetched"}, {}, False),
        ({"message": "no luck"}, {}, False),
    ],
)
@pytest.mark.parametrize("holder", ["data", "result"])
def test_message_of_an_envelope_that_went_well_is_no_error(envelope, beside, done, holder):
    """One beside the job's own status in numbers may be an error's."""
    job = job_in(
        {**envelope, holder: {"id": "v", "status": 2, "video_url": VIDEO, **beside}}, CONTENT
    )
    assert (job and job.video_url) == (VIDEO if done else None)


@pytest.mark.parametrize(
    ("beside", "done"),
    [
        ({"url": VIDEO}, True),
        ({"video_url": VIDEO, "progress": 100}, True),
        ({"videos": [{"url": VIDEO}]}, True),
        ({}, False),
        ({"url": VIDEO, "progress": 45}, False),
        ({"url": VIDEO, "error": {"message": "no luck"}}, False),
        ({"thumbnail_url": VIDEO}, False),
    ],
    ids=range(7),
)
@pytest.mark.parametrize("holder", ["result", "video", "task", "job"])
@pytest.mark.parametrize("told", [{}, {"id": "v"}, {"code": 0, "message": "Fetched"}], ids=range(3))
def test_a_success_in_an_envelope_counts_beside_a_url(holder, told, beside, done):
    """It may be a request's, as `{"status": "success", "result": …}` has it."""
    job = job_in({**told, holder: {"status": "SUCCESS", **beside}}, CONTENT)
    assert (job and (job.state, job.video_url)) == ((done and (JobState.DONE, VIDEO)) or None)


def test_the_url_of_a_job_that_is_not_done_is_not_told():
    assert job_in({"status": "running", "video_url": VIDEO}, CONTENT).video_url is None


def test_an_envelope_is_opened():
    inner = {"task_id": "t", "status": "SUCCESS", "progress": "100%", "video_url": VIDEO}
    job = job_in({"code": "success", "message": "", "data": inner}, CONTENT)
    assert (job.state, job.progress, job.video_url) == (JobState.DONE, 100, VIDEO)


def test_an_envelopes_own_success_is_not_the_jobs():
    response = {"status": "success", "data": {"status": "processing", "progress": 7}}
    assert job_in(response, CONTENT) == Job(state=JobState.RUNNING, progress=7)


ENVELOPES = {
    "data.video": lambda job: {"status": "success", "data": {"video": job}},
    "data.task": lambda job: {"status": "OK", "message": "fetched", "data": {"task": job}},
    "data.job": lambda job: {"code": 0, "data": {"job": job, "cost": 1}},
    "data.data": lambda job: {"status": "success", "data": {"status": "success", "data": job}},
    "data[0].output": lambda job: {"success": True, "data": [{"output": [job]}]},
    "result": lambda job: {"status": "success", "result": job},
    "result.task": lambda job: {"request_id": "r", "result": {"task": job}},
    "task": lambda job: {"success": True, "task": job},
}


@pytest.mark.parametrize("envelope", ENVELOPES.values(), ids=ENVELOPES)
def test_a_job_is_found_in_an_envelope_that_went_well(envelope):
    def read(**told):
        return job_in(envelope({"id": "v", **told}), CONTENT)

    running = read(status="processing", progress=45)
    assert (running.state, running.progress, running.ids[0]) == (JobState.RUNNING, 45, "v")
    assert read(status="queued").state is JobState.QUEUED
    assert read(status="upscaling").state is JobState.RUNNING
    failed = read(status="failed", error={"code": "HIGH_TRAFFIC"})
    assert (failed.failure.again, failed.names("v")) == ("transient", True)
    failed = read(status="FAILURE", fail_reason="Image pixel is invalid")
    assert "Image pixel is invalid" in failed.failure.message
    assert read(status="blurred", error="no luck").state is JobState.FAILED
    done = read(status="completed", url=VIDEO, seconds=8, expires_at=1_800_000_000)
    assert (done.state, done.video_url, done.seconds) == (JobState.DONE, VIDEO, 8)
    assert done.expires_at == 1_800_000_000
    assert read(status="SUCCESS").state is JobState.DONE
    assert Answer(envelope({"id": "v", "status": "queued"})).accepted_id == "v"


@pytest.mark.parametrize("word", ["success", "OK", "Success "])
@pytest.mark.parametrize(
    ("beside", "state"),
    [
        ({"data": {"task_id": "v", "progress": 45}}, None),
        ({"data": {"task_id": "v"}}, None),
        ({"data": [{"task_id": "v", "error": {"code": "HIGH_TRAFFIC"}}]}, None),
        ({"data": {"seconds": 8, "cover_url": VIDEO, "prompt": VIDEO}}, None),
        ({"result": {"task_id": "v", "progress": 45}}, None),
        ({"video": {"id": "v", "thumbnail_url": VIDEO}}, None),
        ({"data": {"video": {"id": "v", "progress": 45}}}, None),
        ({"data": {"video": {"progress": 45, "status": "success"}}}, None),
        ({"data": {"url": "/v1/videos/v:1"}}, None),
        ({"data": {"task_id": "v", "video_url": VIDEO}}, JobState.DONE),
        ({"data": VIDEO}, JobState.DONE),
    ],
    ids=range(11),
)
def test_a_requests_success_beside_a_job_says_nothing(word, beside, state):
    job = job_in({"status": word, **beside}, CONTENT)
    assert (job and job.state) is state


@pytest.mark.parametrize(
    "answer",
    [
        {"status": "success", "data": None},
        {"status": "success", "data": {}},
        {"status": "success", "output": {"seconds": 8}},
        {"id": "v", "status": "success", "data": {"task_id": "w", "progress": 45}},
        {"status": "completed", "data": {"task_id": "v"}},
        {"status": "success", "data": {"task_id": "v", "url": CONTENT}},
        {"status": "success", "data": {"task_id": "v", "fail_reason": VIDEO}},
        {"code": "success", "data": {"status": "SUCCESS"}},
        {"status": "success", "data": {"progress": 100, "finish_time": 1_700_000_000}},
    ],
    ids=range(9),
)
def test_a_success_of_the_job_itself_is_done(answer):
    assert job_in(answer, CONTENT).state is JobState.DONE


@pytest.mark.parametrize(
    "answer",
    [
        {"id": "v", "progress": 45, "task": {"id": "template", "status": "completed"}},
        {"id": "v", "data": {"video": {"id": "w", "status": "failed"}}},
        {
            "status": "ok",
            "data": {"task_id": "v", "job": {"id": "w", "error": "no", "state": "fail"}},
        },
    ],
    ids=range(3),
)
def test_what_has_another_id_does_not_speak_for_a_job(answer):
    assert job_in(answer, CONTENT) is None


@pytest.mark.parametrize(
    "said",
    [
        {"code": "task_not_exist"},
        {"error": {"code": "MINOR"}},
        {"data": {"code": "AUDIO_FILTERED"}},
    ],
    ids=range(3),
)
def test_what_an_answer_says_itself_beats_a_job_deep_in_it(said):
    for word in ("processing", "queued", "completed", "failed"):
        job = {"id": "v", "status": word, "error": {"code": "HIGH_TRAFFIC"}}
        assert job_in({**said, "result": job}, CONTENT) is None


def test_a_failed_request_is_not_what_it_quotes():
    answer = {"status": "error", "message": "no", "task": {"id": "v", "status": "completed"}}
    failed = job_in(answer, CONTENT)
    assert (failed.failure.ended_as, failed.names("v")) == ("error", False)


@pytest.mark.parametrize("told", [{"video_url": VIDEO}, {"fail_reason": VIDEO}], ids=range(2))
def test_a_success_that_shows_its_video_is_the_jobs(told):
    answer = {"status": "SUCCESS", **told, "task": {"id": "v", "status": "processing"}}
    job = job_in(answer, CONTENT)
    assert (job.state, job.video_url) == (JobState.DONE, VIDEO)


def test_a_part_of_a_job_does_not_speak_for_it():
    answer = {"id": "v", "status": "upscaling", "video": {"status": "completed"}}
    assert job_in(answer, CONTENT).state is JobState.RUNNING
    answer = {"data": {"status": "IN_PROGRESS", "data": {"status": "completed"}}}
    assert job_in(answer, CONTENT).state is JobState.RUNNING


def test_a_job_that_quotes_its_upstream_speaks_for_itself():
    response = {"id": "v", "status": "failed", "data": {"status": "submitted"}}
    assert job_in(response, CONTENT).state is JobState.FAILED


def test_what_the_upstream_says_that_it_made_is_reported():
    job = job_in({"status": "running", "seconds": "8", "fps": 24, "size": "1280X720"}, CONTENT)
    assert (job.seconds, job.fps, job.size) == (8.0, 24.0, "1280x720")
    job = job_in({"status": "running", "duration": "8s", "resolution": "1280 \u00d7 720"}, CONTENT)
    assert (job.seconds, job.fps, job.size) == (8.0, None, "1280x720")


@pytest.mark.parametrize(
    "junk", [None, True, "", "x", -1, 0, 10**400, "1e400", float("nan"), [], {}]
)
def test_senseless_figures_read_as_none(junk):
    job = job_in({"status": "running", "seconds": junk, "fps": junk, "size": junk}, CONTENT)
    assert (job.seconds, job.fps, job.size) == (None, None, None)


@pytest.mark.parametrize(
    ("value", "progress"),
    [
        (45, 45),
        (45.9, 45),
        ("45", 45),
        ("45%", 45),
        (" 45.5 % ", 45),
        (0, 0),
        (-5, 0),
        (100, 100),
        (250, 100),
        (10**400, 100),
        ("999", 100),
        (None, None),
        (True, None),
        ("", None),
        ("%", None),
        ("soon", None),
        ("-5%", None),
        ("1e3", None),
        ("٤٥%", None),
        (float("nan"), None),
        (float("inf"), None),
        ([45], None),
        ({"percent": 45}, None),
    ],
    ids=range(23),
)
def test_progress_is_a_whole_percentage_or_nothing(value, progress):
    assert progress_of(value) == progress


def test_a_data_url_of_many_megabytes_is_a_url():
    url = "data:video/mp4;base64," + "A" * 8_000_000
    job = job_in({"status": "completed", "url": url}, CONTENT)
    assert job.video_url == url
    assert len(repr(job)) < 200


@pytest.mark.parametrize(
    ("response", "code", "again"),
    [
        ({"error": {"code": "PUBLIC_ERROR_MINOR"}}, "content_policy_violation", None),
        ({"error": "AUDIO_FILTERED: silence"}, "audio_filtered", "audio"),
        ({"fail_reason": "HIGH_TRAFFIC"}, "service_unavailable", "transient"),
        ({"error": {"code": None, "message": "INTERNAL: oh"}}, "service_unavailable", "transient"),
        ({"error": "429: Too Many Requests"}, "service_unavailable", "transient"),
        ({"error": {"code": 500, "message": "oh"}}, "service_unavailable", "transient"),
        ({"error": None}, "generation_failed", None),
        ({}, "generation_failed", None),
    ],
    ids=range(8),
)
@pytest.mark.parametrize("enveloped", [False, True])
def test_a_failed_job_carries_its_failure(response, code, again, enveloped):
    response = {"id": "v", "status": "FAILURE", **response}
    response = {"code": "success", "message": "", "data": response} if enveloped else response
    failure = job_in(response, CONTENT).failure
    assert isinstance(failure, JobFailed)
    assert (failure.code, failure.again) == (code, again)


def test_a_job_that_ended_without_a_reason_says_how():
    assert "as expired" in job_in({"status": "expired"}, CONTENT).failure.message


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("prompt_blocked", "content_policy_violation"),
        ("moderation_failed", "content_policy_violation"),
        ("audio_filtered_failed", "generation_failed"),
        ("timed_out", "generation_failed"),
        ("timeout", "generation_failed"),
        ("rejected", "generation_failed"),
    ],
)
def test_a_status_word_alone_may_end_a_job_and_never_repeats_it(word, code):
    failure = job_in({"id": "v", "status": word}, CONTENT).failure
    assert (failure.code, failure.again) == (code, None)


@pytest.mark.parametrize("word", ["SUCCEED", "Success.", "completed", "done", "OK", "成功"])
def test_success_is_no_reason_for_a_failure(word):
    response = {
        "code": 0,
        "message": word,
        "data": {"status": "failed", "task_status_msg": "Image pixel is invalid"},
    }
    message = job_in(response, CONTENT).failure.message
    assert message == "Video generation failed: Image pixel is invalid"


def test_policy_or_audio_code_alone_speaks_without_a_status():
    assert failure_without_status(ErrorInfo(("MINOR",))).code == "content_policy_violation"
    assert failure_without_status(ErrorInfo(("AUDIO_FILTERED",))).again == "audio"
    for code, text in (("HIGH_TRAFFIC", ""), ("400", ""), ("x", "violates"), ("", "")):
        assert failure_without_status(ErrorInfo((code,), text)) is None


@pytest.mark.parametrize(
    ("value", "text"), [("a", "a"), (7, "7"), (True, ""), (10**40, ""), (None, "")]
)
def test_only_strings_and_numbers_of_a_bearable_length_are_text(value, text):
    assert as_text(value) == text
