"""In how many shapes relays complain; and no answer at all may break a reader."""

import json
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from videoapi.providers.classification import Complaint
from videoapi.providers.errors import JobFailed
from videoapi.providers.openai_compatible.errors import complaint_in, complaint_of, says_missing
from videoapi.providers.openai_compatible.parsing import JobState, accepted_id, job_in, retry_after

CONTENT = "https://relay.example/v1/videos/v:1/content"
VIDEO = "https://cdn.example/a.mp4?sig=1"


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        ({"code": "MINOR", "message": "no"}, Complaint(("MINOR",), "no")),
        ({"error": {"code": "MINOR", "message": "no"}}, Complaint(("MINOR",), "no")),
        ({"error": {"type": "t", "code": None, "message": "no"}}, Complaint(("t",), "no")),
        ({"error": {"code": 503, "message": "no"}}, Complaint(("503",), "no")),
        ({"error": "no luck"}, Complaint((), "no luck")),
        ({"error": "CONTENT_POLICY"}, Complaint(("CONTENT_POLICY",), "CONTENT_POLICY")),
        ({"error": [{"code": "MINOR"}]}, Complaint(("MINOR",))),
        ({"error": {"error": {"code": "MINOR"}, "code": "up"}}, Complaint(("MINOR", "up"))),
        ({"error": None, "detail": "Not Found"}, Complaint((), "Not Found")),
        (
            {"detail": [{"msg": "Field required", "type": "missing"}]},
            Complaint(("missing",), "Field required"),
        ),
        ({"detail": {"code": "MINOR"}}, Complaint(("MINOR",))),
        ({"fail_reason": "MINOR: no"}, Complaint(("MINOR",), "MINOR: no")),
        (
            {"code": "success", "message": "ok", "data": {"fail_reason": "no", "type": "video"}},
            Complaint((), "no"),
        ),
        ({"data": {"error": {"code": "MINOR"}}}, Complaint(("MINOR",))),
        ({"message": "failed", "data": {"fail_reason": "no"}}, Complaint((), "no; failed")),
        (
            {"message": "failed: HIGH_TRAFFIC, sorry"},
            Complaint(("HIGH_TRAFFIC",), "failed: HIGH_TRAFFIC, sorry"),
        ),
        ({"msg": "错误HIGH_TRAFFIC"}, Complaint(("HIGH_TRAFFIC",), "错误HIGH_TRAFFIC")),
        ({"msg": "INTERNAL: oh"}, Complaint(("INTERNAL",), "INTERNAL: oh")),
        ({"message": "no", "reason": "no"}, Complaint((), "no")),
        ({"error": {"code": True, "message": 7}, "message": []}, Complaint()),
        ({"code": 0, "message": ""}, Complaint()),
    ],
    ids=range(21),
)
def test_complaints_are_found_in_every_shape(answer, complaint):
    assert complaint_in(answer) == complaint


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"\n<!DOCTYPE html><p>Copyright", Complaint()),
        (b"\xef\xbb\xbf<?xml version='1.0'?>", Complaint()),
        ("当前分组上游负载已饱和".encode(), Complaint((), "当前分组上游负载已饱和")),
        (b"RATE_LIMIT", Complaint(("RATE_LIMIT",), "RATE_LIMIT")),
        (b"\xff", Complaint((), "\ufffd")),
        (b"", Complaint()),
    ],
    ids=range(6),
)
def test_a_body_that_is_no_json_is_a_sentence_unless_it_is_a_page(body, complaint):
    assert complaint_of(body) == complaint


@pytest.mark.parametrize(
    ("complaint", "missing"),
    [
        (Complaint(("task_not_exist",)), True),
        (Complaint(("TASK_NOT_EXIST",)), True),
        (Complaint((), "Task not exist"), True),
        (Complaint(("not_found",), "no such model"), False),
    ],
)
def test_an_unknown_job_is_told_by_code(complaint, missing):
    assert says_missing(complaint) is missing


DATE = "Wed, 21 Oct 2026 07:28:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "86400"}, 900),
        ({"retry-after": "9" * 20}, 900),
        ({"retry-after": "9" * 5000}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": DATE}, 30),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 -0000", "date": DATE}, 30),
        ({"retry-after": "Wed, 21 Oct 2026 07:27:00 GMT", "date": DATE}, 0),
        ({"retry-after": "Wed, 21 Oct 2027 07:28:00 GMT", "date": DATE}, 900),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT"}, None),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": "today"}, None),
    ],
    ids=range(16),
)
def test_retry_after_is_bounded_seconds_by_the_relays_own_clock(headers, seconds):
    assert retry_after(headers) == seconds


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
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, -(10**400), 500, 429])
    | st.floats()
    | st.sampled_from(WORDS)
    | st.text(max_size=20)
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner, max_size=6)
    ),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None)
@given(answer=st.dictionaries(st.sampled_from(KEYS), JSON, max_size=8))
def test_no_answer_whatever_is_in_it_breaks_a_reader(answer):
    job = job_in(answer, CONTENT)
    upstream_id = accepted_id(answer)
    complaint = complaint_in(answer)
    failure = JobFailed(complaint)
    assert upstream_id is None or 0 < len(upstream_id.encode()) <= 4 * 512
    assert len(failure.message) <= 400
    failure.message.encode()
    assert says_missing(complaint) in {True, False}
    if job is not None:
        assert job.progress is None or 0 <= job.progress <= 100
        assert (job.failure is not None) is (job.state is JobState.FAILED)
        assert job.video_url is None or job.state is JobState.DONE


@settings(max_examples=300, deadline=None)
@given(body=st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_body_breaks_a_reader(body):
    JobFailed(complaint_of(body), status=500).message.encode()


@settings(max_examples=300, deadline=None)
@given(value=st.text(max_size=40), date=st.text(max_size=40))
def test_no_header_breaks_a_reader(value, date):
    for told, now in product((value, DATE), (date, DATE)):
        seconds = retry_after({"retry-after": told, "date": now})
        assert seconds is None or 0 <= seconds <= 900
