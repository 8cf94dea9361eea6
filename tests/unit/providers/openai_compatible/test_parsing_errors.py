"""In how many shapes relays complain; and no answer at all may break a reader."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.json_values import json_values
from videoapi.providers.classification import ErrorInfo
from videoapi.providers.errors import JobFailed
from videoapi.providers.openai_compatible.errors import error_in_json, error_in_text, says_missing
from videoapi.providers.openai_compatible.job_parts import Answer
from videoapi.providers.openai_compatible.parsing import job_in
from videoapi.providers.provider import JobState

CONTENT = "https://relay.example/v1/videos/v:1/content"
VIDEO = "https://cdn.example/a.mp4?sig=1"


@pytest.mark.parametrize(
    ("response", "error_info"),
    [
        ({"code": "MINOR", "message": "no"}, ErrorInfo(("MINOR",), "no")),
        ({"error": {"code": "MINOR", "message": "no"}}, ErrorInfo(("MINOR",), "no")),
        ({"error": {"type": "t", "code": None, "message": "no"}}, ErrorInfo(("t",), "no")),
        ({"error": {"code": 503, "message": "no"}}, ErrorInfo(("503",), "no")),
        ({"error": "no luck"}, ErrorInfo((), "no luck")),
        ({"error": "CONTENT_POLICY"}, ErrorInfo(("CONTENT_POLICY",), "CONTENT_POLICY")),
        ({"error": [{"code": "MINOR"}]}, ErrorInfo(("MINOR",))),
        ({"error": {"error": {"code": "MINOR"}, "code": "up"}}, ErrorInfo(("MINOR", "up"))),
        ({"error": None, "detail": "Not Found"}, ErrorInfo((), "Not Found")),
        (
            {"detail": [{"msg": "Field required", "type": "missing"}]},
            ErrorInfo(("missing",), "Field required"),
        ),
        ({"detail": {"code": "MINOR"}}, ErrorInfo(("MINOR",))),
        ({"fail_reason": "MINOR: no"}, ErrorInfo(("MINOR",), "MINOR: no")),
        (
            {"code": "success", "message": "ok", "data": {"fail_reason": "no", "type": "video"}},
            ErrorInfo((), "no"),
        ),
        ({"data": {"error": {"code": "MINOR"}}}, ErrorInfo(("MINOR",))),
        ({"message": "failed", "data": {"fail_reason": "no"}}, ErrorInfo((), "no; failed")),
        (
            {"message": "failed: HIGH_TRAFFIC, sorry"},
            ErrorInfo(("HIGH_TRAFFIC",), "failed: HIGH_TRAFFIC, sorry"),
        ),
        ({"msg": "错误HIGH_TRAFFIC"}, ErrorInfo(("HIGH_TRAFFIC",), "错误HIGH_TRAFFIC")),
        ({"msg": "INTERNAL: oh"}, ErrorInfo(("INTERNAL",), "INTERNAL: oh")),
        ({"message": "no", "reason": "no"}, ErrorInfo((), "no")),
        ({"data": {"state": "fail", "failMsg": "no"}}, ErrorInfo((), "no")),
        ({"failure": "no", "failureCode": "SAFETY.INPUT"}, ErrorInfo(("SAFETY.INPUT",), "no")),
        (
            {"error": {"code": 10000, "message": "no", "raw_message": "MINOR: no"}},
            ErrorInfo(("10000", "MINOR"), "no; MINOR: no"),
        ),
        ({"status_code": 50002, "status_message": "no"}, ErrorInfo((), "no")),
        (
            {"code": "up", "message": '{"error": {"code": "BadPicture", "message": "no"}}'},
            ErrorInfo(("BadPicture", "up"), "no"),
        ),
        (
            {"fail_reason": 'status 400: {"error": "{\\"code\\": \\"x\\"}"} (id 1)'},
            ErrorInfo(("x",), "status 400:"),
        ),
        ({"message": "no {cut"}, ErrorInfo((), "no {cut")),
        ({"message": 'no {"a": 1}'}, ErrorInfo((), 'no {"a": 1}')),
        ({"error": {"code": True, "message": 7}, "message": []}, ErrorInfo()),
        ({"code": 0, "message": ""}, ErrorInfo()),
        ({"errors": [{"code": "MINOR", "message": "no"}]}, ErrorInfo(("MINOR",), "no")),
        ({"errors": ["no luck", "at all"]}, ErrorInfo((), "no luck")),
        ({"error": []}, ErrorInfo()),
        ({"data": {"data": {"error": {"code": "MINOR"}}}}, ErrorInfo(("MINOR",))),
        ({"data": {"output": {"error": "no luck"}}}, ErrorInfo((), "no luck")),
        ({"code": "success", "result": [{"error": {"code": "MINOR"}}]}, ErrorInfo(("MINOR",))),
        ({"metadata": {"error": {"code": "MINOR"}, "type": "t"}}, ErrorInfo(("MINOR",))),
        ({"fail_reason": "no", "result": {"error": "old"}}, ErrorInfo((), "no")),
    ],
    ids=range(37),
)
def test_complaints_are_found_in_every_shape(response, error_info):
    assert error_in_json(response) == error_info


@pytest.mark.parametrize(
    ("body", "error_info"),
    [
        (b"\n<!DOCTYPE html><p>Copyright", ErrorInfo()),
        (b"\xef\xbb\xbf<?xml version='1.0'?>", ErrorInfo()),
        ("当前分组上游负载已饱和".encode(), ErrorInfo((), "当前分组上游负载已饱和")),
        (b"RATE_LIMIT", ErrorInfo(("RATE_LIMIT",), "RATE_LIMIT")),
        (b"\xff", ErrorInfo((), "\ufffd")),
        (b"", ErrorInfo()),
    ],
    ids=range(6),
)
def test_body_that_is_no_json_is_a_sentence_unless_a_page(body, error_info):
    assert error_in_text(body) == error_info


@pytest.mark.parametrize(
    ("error_info", "missing"),
    [
        (ErrorInfo(("task_not_exist",)), True),
        (ErrorInfo(("TASK_NOT_EXIST",)), True),
        (ErrorInfo((), "Task not exist"), True),
        (ErrorInfo(("not_found",), "no such model"), False),
    ],
)
def test_an_unknown_job_is_told_by_code(error_info, missing):
    assert says_missing(error_info) is missing


KEYS = [
    "id",
    "task_id",
    "status",
    "progress",
    "data",
    "error",
    "detail",
    "code",
    "type",
    "message",
    "msg",
    "fail_reason",
    "reason",
    "url",
    "video_url",
    "metadata",
    "output",
    "result_url",
    "seconds",
    "duration",
    "fps",
    "size",
    "resolution",
]
WORDS = [
    "queued",
    "running",
    "completed",
    "failed",
    "error",
    *KEYS,
    VIDEO,
    "data:x",
    "/x",
    "//[",
    "45%",
    "MINOR",
    "503",
    "task_not_exist",
    "\ud800",
]
JSON = json_values(KEYS, WORDS, [10**400, -(10**400), 500, 429])


@settings(max_examples=200, deadline=None)
@given(answer=st.dictionaries(st.sampled_from(KEYS), JSON, max_size=8))
def test_no_answer_whatever_is_in_it_breaks_a_reader(answer):
    job = job_in(Answer(answer), CONTENT)
    upstream_id = Answer(answer).accepted_id
    error_info = error_in_json(answer)
    failure = JobFailed(error_info)
    assert upstream_id is None or 0 < len(upstream_id.encode()) <= 4 * 512
    assert len(failure.message) <= 400
    failure.message.encode()
    assert says_missing(error_info) in {True, False}
    if job is not None:
        assert job.progress is None or 0 <= job.progress <= 100
        assert (job.failure is not None) is (job.state is JobState.FAILED)
        assert job.video_url is None or job.state is JobState.DONE


@settings(max_examples=300, deadline=None)
@given(body=st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_body_breaks_a_reader(body):
    JobFailed(error_in_text(body), status=500).message.encode()
