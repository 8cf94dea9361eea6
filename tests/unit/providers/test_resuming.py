"""A video behind the provider's own key goes on by `Range` where it broke off, if it can."""

import gzip
import io
from contextlib import nullcontext
from types import SimpleNamespace

import httpx
import pytest

from tests.support.broken_downloads import PART, VIDEO, Source
from tests.support.fake_google import FILE, JOB, NAME, Google, answer, done, interaction
from tests.support.relays import Relay
from videoapi.net import http_client
from videoapi.providers.errors import PollFailed

STORED = done({"videos": [{"gcsUri": "gs://bucket/sample_0.mp4"}]})
FILED = [interaction(video={"type": "video", "uri": FILE}), answer({"state": "ACTIVE"})]
PROVIDERS = {
    "relay": lambda source: (Relay(source).client(), "v"),
    "vertex": lambda source: (Google(STORED, source).vertex(), NAME),
    "gemini": lambda source: (Google(*FILED, source).gemini(), JOB),
}


def download(source, kind="relay", **more):
    provider, job_id = PROVIDERS[kind](source)
    into = io.BytesIO(b"what an earlier attempt left behind")
    return provider.download(job_id, into, **more), into.getvalue()


def changed(source, *, since=2, status=None, **headers):
    """Return `source` with its answers changed, and whole, from its second one on."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def respond(request):
        source.size = len(source.body) if source.asked else source.size
        response = source(request)
        if len(source.asked) >= since:
            response.status_code = status or response.status_code
            response.headers.update(headers)
        return response

    return respond


@pytest.mark.parametrize("kind", PROVIDERS)
@pytest.mark.parametrize(
    "known", [{}, {"etag": "", "dated": "Mon, 12 Jan 2026 10:00:00 GMT"}], ids=["etag", "date"]
)
def test_broken_download_goes_on_with_the_same_key(kind, known):
    source = Source(**known)
    content, video = download(source, kind)
    assert video == VIDEO
    assert (content.size_bytes, content.whole) == (len(VIDEO), True)
    assert source.asked == ["", *[f"bytes={PART * number}-" for number in (1, 2, 3)]]
    credentials = [
        (each.url, each.headers.get("authorization"), each.headers.get("x-goog-api-key"))
        for each in source.requests
    ]
    assert len(set(credentials)) == 1
    assert any(credentials[0][1:])


@pytest.mark.parametrize("stated", [True, False])
def test_source_that_gives_little_to_each_range_is_asked_on(stated):
    source = Source(most=PART, stated=stated)
    assert download(source)[1] == VIDEO
    assert len(source.asked) == 4


def test_packed_video_goes_on_in_the_middle_of_its_packing():
    source = Source(gzip.compress(VIDEO, compresslevel=0))
    content, video = download(source)
    assert (content.size_bytes, video) == (len(VIDEO), VIDEO)
    assert len(source.asked) == 5


@pytest.mark.parametrize(
    "source",
    [Source(etag=""), Source(etag='W/"1"'), Source(etag='"é"'), Source(size=PART - 1)],
    ids=["no validator", "a weak one", "one that cannot be sent", "too little each time"],
)
def test_source_that_cannot_go_on_begins_anew_at_the_next_look(source):
    with pytest.raises(PollFailed):
        download(source)
    assert source.asked == [""]
    source.size = len(VIDEO)
    assert download(source)[1] == VIDEO
    assert source.asked == ["", ""]


@pytest.mark.parametrize(
    "change",
    [
        {"content_range": f"bytes {PART + 1}-{PART + 9}/{len(VIDEO)}"},
        {"content_range": f"items {PART}-"},
        {"etag": '"2"'},
        {"status": 200, "etag": ""},
        {"status": 404},
        {"status": 416},
        {"status": 401},
        {"status": 302, "location": "https://cdn.example/a.mp4"},
    ],
    ids=["place", "unit", "etag", "whole", "gone", "416", "key", "redirect"],
)
def test_other_answer_to_a_range_is_left_to_the_next_look(change):
    """What is no continuation of the same file says nothing of the job, and is not followed."""
    source = Source()
    with pytest.raises(PollFailed, match="ReadError"):
        download(changed(source, **change))
    assert source.asked == ["", f"bytes={PART}-"]


@pytest.mark.parametrize("body", [VIDEO, gzip.compress(VIDEO, compresslevel=0)], ids=len)
def test_source_without_ranges_begins_anew(body):
    source, into = Source(body, ranges=False), io.BytesIO()

    def respond(request):
        source.size = PART * (len(source.asked) + 1)  # the next time more of it comes
        return source(request)

    assert Relay(respond).client().download("v", into).size_bytes == len(VIDEO)
    assert into.getvalue() == VIDEO


def test_source_without_ranges_is_asked_while_more_comes():
    source = Source(ranges=False)
    with pytest.raises(PollFailed):
        download(source)
    assert source.asked == ["", f"bytes={PART}-"]


def test_part_that_begins_before_the_break_is_fitted_in():
    source = Source()

    def early(request):
        request.headers.update({"range": "bytes=7-"} if source.asked else {})
        source.size = len(VIDEO) if source.asked else PART
        return source(request)

    assert download(early)[1] == VIDEO


def test_file_that_changed_begins_anew_at_the_next_look():
    source = Source()

    def changes(request):
        response = source(request)
        source.headers["etag"] = '"2"'
        return response

    with pytest.raises(PollFailed):
        download(changes)
    source.size = len(VIDEO)
    assert download(source)[1] == VIDEO
    assert source.asked == ["", f"bytes={PART}-", ""]


def test_relay_that_is_away_meanwhile_is_asked_later():
    source = Source()

    def away(request):
        if source.asked:
            raise httpx.ConnectError("refused")
        return source(request)

    with pytest.raises(PollFailed) as failed:
        download(away)
    assert failed.value.unreachable


def test_part_that_nobody_asked_for_is_none_to_go_on_from():
    source = Source()
    with pytest.raises(PollFailed):
        download(changed(source, since=1, status=206))
    assert source.asked == [""]


def test_redirect_to_a_cdn_is_told_and_not_followed():
    source, location = Source(), "https://cdn.example/a.mp4?sig=1"
    content, _ = download(changed(source, since=1, status=302, location=location))
    assert (content.url, source.asked) == (location, [""])


def test_resumed_download_is_held_to_its_size(monkeypatch):
    monkeypatch.setattr("videoapi.providers.openai_compatible.client.MAX_CONTENT", 2 * PART)
    source = Source()
    with pytest.raises(PollFailed, match="TooLarge"):
        download(source)
    assert len(source.asked) == 3


@pytest.mark.parametrize(("takes", "asked"), [(30, 4), (45, 3), (101, 2)])
def test_resumed_download_is_held_to_its_seconds(monkeypatch, takes, asked):
    """No rest is asked for that may come too late, and none is read that comes too late."""
    source, passed = Source(), []
    monkeypatch.setattr(http_client, "time", SimpleNamespace(monotonic=lambda: sum(passed)))

    def unread():
        yield pytest.fail("the body was waited for")

    def slow(request):
        passed.append(takes)
        response = source(request)
        late = sum(passed[1:]) > 100
        return httpx.Response(206, headers=response.headers, content=unread()) if late else response

    with pytest.raises(PollFailed) if asked < 4 else nullcontext():
        assert download(slow, seconds=100)[1] == VIDEO
    assert len(source.asked) == asked


def test_what_comes_once_more_is_held_to_the_seconds_too(monkeypatch):
    source, passed = Source(gzip.compress(VIDEO, compresslevel=0), ranges=False), []
    monkeypatch.setattr(http_client, "time", SimpleNamespace(monotonic=lambda: len(passed)))

    def drips():
        for number in range(PART):
            passed.append(number)
            yield source.body[number : number + 1]

    def respond(request):
        response = source(request)
        again = source.asked[1:]
        return httpx.Response(200, headers=response.headers, content=drips()) if again else response

    with pytest.raises(PollFailed, match="TooLarge"):
        download(respond, seconds=100)
    assert len(passed) == 101
