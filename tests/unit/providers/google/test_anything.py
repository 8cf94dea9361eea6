"""Whatever Google answers is one of the outcomes that the port declares."""

import gzip
import io
import json

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.fake_google import BASE64, FILE, JOB, KEY, MP4, NAME, TOKEN, Google, order
from tests.support.json_values import json_values
from videoapi.providers.errors import (
    ContentMissing,
    PollFailed,
    SubmitRefused,
    SubmitUnknown,
)
from videoapi.providers.provider import JobState

NAMES = """
    name id done error errors response code message status details reason videos video data uri
    bytesBase64Encoded gcsUri mimeType mime_type encoding raiMediaFilteredCount
    raiMediaFilteredReasons steps outputs content type usage output_tokens_by_modality modality
    tokens total_input_tokens state
""".split()  # noqa: SIM905 — one a line would be long
WORDS = """
    queued in_progress completed failed cancelled incomplete requires_action model_output video
    ACTIVE PROCESSING FAILED RESOURCE_EXHAUSTED content_blocked BILLING_DISABLED 13 429
    gs://bucket/a gs:// file:///etc/passwd AAAA !!!!
""".split()  # noqa: SIM905 — as above
WORDS += [NAME, JOB, FILE, BASE64, BASE64[:5000] * 10, TOKEN, KEY, "\0" + "0", "\ud800", "9" * 5000]
JSON = json_values(NAMES, WORDS, [10**400, 3, 8, 13, 14, 429])
OBJECTS = st.dictionaries(st.sampled_from(NAMES), JSON, max_size=8)
# Near what Google says, so that what stands deeper is reached.
VIDEOS = st.lists(
    OBJECTS | st.just({"bytesBase64Encoded": BASE64, "type": "video", "data": BASE64})
)
LOOKS = st.fixed_dictionaries(
    {"name": st.just(NAME), "id": st.just(JOB), "done": st.booleans()},
    optional={
        "status": st.sampled_from(WORDS),
        "error": OBJECTS,
        "errors": st.lists(OBJECTS, max_size=2),
        "response": OBJECTS | st.fixed_dictionaries({"videos": VIDEOS}),
        "steps": st.lists(
            st.fixed_dictionaries({"type": st.just("model_output"), "content": VIDEOS}), max_size=2
        ),
        "usage": OBJECTS,
    },
)
WRITTEN = st.builds(lambda value: json.dumps(value).encode(), LOOKS | LOOKS | OBJECTS | JSON)
BODIES = st.one_of(
    st.binary(max_size=60),
    WRITTEN,
    st.builds(lambda body, end: body[: len(body) - end], WRITTEN, st.integers(1, 9)),
    st.builds(gzip.compress, WRITTEN),
    st.sampled_from([MP4, gzip.compress(MP4)[:-4], b"<html>", b"[" * 100_000]),
)
ANSWERS = st.builds(
    lambda status, body, location: (status, body, {"location": location}),
    st.sampled_from([200, 200, 201, 302, 400, 401, 403, 404, 408, 429, 500, 503, 599]),
    BODIES,
    st.sampled_from(["", FILE, "//[", "http://169.254.169.254/", f"https://a.example/?k={KEY}"]),
)
REFUSED = {400, 401, 403, 404, 429, 503}
JOBS = {"vertex": NAME, "gemini": JOB}


def provider_of(name, answers):
    google = Google(
        *(httpx.Response(status, content=body, headers=more) for status, body, more in answers)
    )
    return google.gemini() if name == "gemini" else google.vertex(renewed_token=lambda: TOKEN)


@pytest.mark.parametrize("name", JOBS)
@settings(max_examples=150, deadline=None)
@given(answers=st.lists(ANSWERS, min_size=4, max_size=4))
def test_any_answer_is_a_declared_outcome(name, answers):
    job_id, status, ids = JOBS[name], answers[0][0], []
    try:
        accepted = provider_of(name, answers).submit(order())
        assert status in {200, 201}
        ids += accepted.ids
    except SubmitRefused as refusal:
        assert status in REFUSED
        ids += [refusal.message, refusal.detail]
    except SubmitUnknown as unknown:
        assert status not in REFUSED
        ids += [unknown.message]
    try:
        job = provider_of(name, answers).poll(job_id)
        assert (job.failure is not None) == (job.state is JobState.FAILED)
        if job.failure is not None:
            ids += [job.failure.message, job.failure.detail]
            assert job.failure.again is None or job.names(job_id)
    except PollFailed as failed:
        ids += [failed.message]
    into = io.BytesIO()
    try:
        content = provider_of(name, answers).download(job_id, into)
        assert content.url or content.size_bytes == len(into.getvalue()) > 0
        ids += [content.url or ""]
    except (ContentMissing, PollFailed) as failed:
        ids += [failed.message]
    assert [text for text in ids if TOKEN in text or KEY in text] == []
