"""Whatever a relay answers is one of the outcomes that the client declares."""

import gzip
import io
import json
from contextlib import suppress

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.json_values import json_values
from tests.support.relays import KEY, MP4, VIDEO, Breaks, Relay, order
from videoapi.providers.errors import (
    ContentMissing,
    JobMissing,
    PollFailed,
    SubmitRefused,
    SubmitUnknown,
)
from videoapi.providers.openai_compatible.link_policy import LinkPolicy
from videoapi.providers.provider import JobState
from videoapi.redaction import holds_key

NAMES = """
    id task_id taskId video_id request_id status state task_status progress data output error
    detail code type message msg fail_reason task_status_msg url video_url video videos result
    metadata result_urls content_url expires_at completed_at finish_time seconds fps size
""".split()  # noqa: SIM905 — one a line would be long
WORDS = """
    queued running completed failed error rejected blocked ready upscaling SUCCEED x_failed v
    MINOR AUDIO_FILTERED HIGH_TRAFFIC 429 503 task_not_exist insufficient_user_quota 45%
    data:video/mp4;base64,AAAA data:x /x //[ http://[::1 foo:bar http://xn--/ { &#x110000;
    2026-01-01T00:00:00Z http://169.254.169.254/ sk%2D
""".split()  # noqa: SIM905 — as above
WORDS += [VIDEO, "http://\ud800/", "9" * 5000, "\0", KEY, f"https://cdn.example/?k={KEY}"]
KINDS = ["application/json", "text/html", "video/mp4", f"video/{KEY}", "é"]
JSON = json_values(NAMES, WORDS, [10**400, -(10**400), 1e308, 2**63, 429, 100, 1_800_000_000])
OBJECTS = st.dictionaries(st.sampled_from(NAMES), JSON, max_size=8)
ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"])


def written(value, encoding, ascii_only):
    return json.dumps(value, ensure_ascii=ascii_only).encode(encoding, "surrogatepass")


WRITTEN = st.builds(written, OBJECTS | JSON, ENCODINGS, st.booleans())
BODIES = st.one_of(
    st.binary(max_size=60),
    WRITTEN,
    st.builds(lambda body, end: body[: len(body) - end], WRITTEN, st.integers(1, 9)),
    st.builds(lambda first, second: first + second, WRITTEN, WRITTEN),
    st.builds(gzip.compress, WRITTEN),
    st.sampled_from([MP4, gzip.compress(MP4), gzip.compress(MP4)[:-4], b"<html>", b"[" * 100_000]),
)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "location": st.sampled_from(WORDS) | st.text(max_size=20),
        "content-type": st.sampled_from(
            ["application/json", "text/html", "video/mp4", f"video/{KEY}", "é"]
        ),
        "content-encoding": st.sampled_from(["gzip", "deflate", "br", "identity, gzip", ""]),
        "content-length": st.sampled_from(["0", "7", "-1", "9" * 5000, "x", "٣"]),
        "retry-after": st.sampled_from(["7", "Wed, 21 Oct 2026 07:28:30 GMT", "nan", "9" * 400]),
        "date": st.sampled_from(["Wed, 21 Oct 2026 07:28:00 GMT", "x", "1 Jan 0001 00:00:00"]),
        "set-cookie": st.text(max_size=20),
        "cf-mitigated": st.just("challenge"),
    },
)


def relay_of(status, body, headers, *, breaks):
    raw = [
        (name.encode(), value.encode("utf-8", "replace").replace(b"\n", b"").replace(b"\r", b""))
        for name, value in headers.items()
    ]
    stream = Breaks(body) if breaks else httpx.ByteStream(body)
    return Relay(httpx.Response(status, stream=stream, headers=raw)).client()


def shown(*values):
    return [value for value in values if isinstance(value, str)]


@settings(max_examples=400, deadline=None)
@given(
    status=st.sampled_from([200, 201, 204]) | st.integers(200, 599),
    body=BODIES,
    headers=HEADERS,
    breaks=st.booleans(),
)
def test_whatever_a_relay_answers_is_a_declared_outcome(status, body, headers, breaks):
    ids = []
    try:
        accepted = relay_of(status, body, headers, breaks=breaks).submit(order())
        assert 200 <= status < 300
        ids += accepted.ids
        assert accepted.job_id in accepted.ids
    except (SubmitRefused, SubmitUnknown) as exc:
        ids += shown(exc.message, exc.detail, *exc.job_ids)
    with suppress(JobMissing):
        try:
            job = relay_of(status, body, headers, breaks=breaks).poll("v")
            ids += shown(job.video_url, *job.ids)
            assert job.state in JobState
            assert (job.failure is not None) is (job.state is JobState.FAILED)
            if job.failure is not None:
                ids += shown(job.failure.message, job.failure.detail)
                assert job.failure.again is None or job.names("v")
            if job.video_url is not None:
                assert LinkPolicy([]).allows(job.video_url)
        except PollFailed as exc:
            ids += shown(exc.message, *exc.ids)
    try:
        content = relay_of(status, body, headers, breaks=breaks).download("v", io.BytesIO())
        ids += shown(content.url, content.content_type)
        assert content.url or content.size_bytes
        assert content.url is None or LinkPolicy([]).allows(content.url)
    except (PollFailed, ContentMissing) as exc:
        ids += shown(exc.message)
    for text in ids:
        assert not holds_key(KEY, text)
        text.encode()
