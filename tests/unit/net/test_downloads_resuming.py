"""A download that breaks off goes on where it was, if its server can."""

import gzip
import io

import httpx
import pytest

from tests.support.broken_downloads import PART, VIDEO, Source
from videoapi.net.downloads import DownloadLimits, Fetcher
from videoapi.net.receiving import DownloadFailed

URL = "https://files.example.com/video.mp4"
LIMITS = DownloadLimits(size=len(VIDEO) - 1, seconds=5, idle=5)


def fetcher(source):
    return Fetcher(
        allow_private=False,
        resolve=lambda _host, port, **_: [(2, 1, 6, "", ("93.184.216.34", port))],
        transport=httpx.MockTransport(source),
    )


@pytest.mark.parametrize(
    "known", [{}, {"etag": "", "dated": "Mon, 12 Jan 2026 10:00:00 GMT"}], ids=["etag", "date"]
)
def test_broken_download_goes_on_where_it_was(known):
    source, into = Source(**known), io.BytesIO()
    got = fetcher(source).video(URL, into)
    assert into.getvalue() == VIDEO
    assert (got.size_bytes, got.whole) == (len(VIDEO), True)
    assert source.asked == ["", *[f"bytes={PART * number}-" for number in (1, 2, 3)]]


def test_download_is_resumed_within_its_own_size():
    source = Source()
    with pytest.raises(DownloadFailed, match="holds more than"):
        Fetcher(
            allow_private=True,
            resolve=lambda _host, port, **_: [(2, 1, 6, "", ("93.184.216.34", port))],
            transport=httpx.MockTransport(lambda request: without_length(source(request))),
            video_limits=LIMITS,
        ).video(URL, io.BytesIO())


def without_length(response):
    del response.headers["content-length"]
    return response


@pytest.mark.parametrize(
    "source",
    [Source(etag=""), Source(etag='W/"1"'), Source(etag='"é"'), Source(size=PART - 1)],
    ids=["no validator", "a weak one", "one that cannot be sent", "too little each time"],
)
def test_source_that_cannot_go_on_is_left_to_a_later_try(source):
    with pytest.raises(DownloadFailed) as failed:
        fetcher(source).video(URL, io.BytesIO())
    assert failed.value.transient
    assert source.asked == [""]


def test_source_without_ranges_begins_anew_and_ends():
    source = Source(ranges=False)
    with pytest.raises(DownloadFailed, match="broke off"):
        fetcher(source).video(URL, io.BytesIO())
    assert source.asked == ["", f"bytes={PART}-"]


def test_file_that_changed_meanwhile_is_fetched_from_its_start():
    source, into = Source(), io.BytesIO()

    def changed(request):
        if source.asked:
            source.headers["etag"], source.size = '"2"', len(VIDEO)
        return source(request)

    fetcher(changed).video(URL, into)
    assert into.getvalue() == VIDEO
    assert len(source.asked) == 2


@pytest.mark.parametrize(
    "wrong", [{"content-range": "bytes 7-9/10"}, {"etag": '"2"'}], ids=["place", "file"]
)
def test_source_that_goes_on_with_something_else_is_refused(wrong):
    source = Source()

    def elsewhere(request):
        response = source(request)
        if "content-range" in response.headers:
            response.headers.update(wrong)
        return response

    with pytest.raises(DownloadFailed, match="another place"):
        fetcher(elsewhere).video(URL, io.BytesIO())


@pytest.mark.parametrize("stated", [True, False])
def test_source_that_gives_little_to_each_range_is_asked_on(stated):
    source, into = Source(most=PART, stated=stated), io.BytesIO()
    assert fetcher(source).video(URL, into).size_bytes == len(VIDEO)
    assert into.getvalue() == VIDEO


@pytest.mark.parametrize("status", [200, 401, 404, 503])
def test_refusal_of_a_url_is_told_without_its_body(status):
    read = []

    def body():
        read.append(1)
        yield b"x"

    found = fetcher(lambda _: httpx.Response(status, content=body())).refusal(URL)
    assert (found and found.status) == (None if status == 200 else status)
    assert not read


def test_url_that_is_away_is_not_refused():
    def refuse(_request):
        raise httpx.ConnectError("refused")

    assert fetcher(refuse).refusal(URL) is None


def fetched(body, *, most):
    fetcher = Fetcher(
        allow_private=False,
        transport=httpx.MockTransport(lambda _: httpx.Response(200, content=body)),
        video_limits=DownloadLimits(size=most, seconds=5, idle=5),
    )
    into = io.BytesIO()
    return fetcher.video("https://8.8.8.8/video.mp4.gz", into), into


def test_a_packed_video_is_unpacked():
    got, into = fetched(gzip.compress(VIDEO), most=len(VIDEO))
    assert got.size_bytes == len(VIDEO)
    assert into.getvalue() == VIDEO


@pytest.mark.parametrize(
    ("body", "most"),
    [(gzip.compress(VIDEO)[:-3], len(VIDEO)), (gzip.compress(VIDEO), len(VIDEO) - 1)],
    ids=["cut", "long"],
)
def test_a_packed_video_that_is_cut_or_too_long_has_failed(body, most):
    with pytest.raises(DownloadFailed, match="packed"):
        fetched(body, most=most)
