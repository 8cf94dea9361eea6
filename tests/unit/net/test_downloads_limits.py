"""The bounds of a download: bytes, time, and what may be made of a broken answer."""

import gzip
import io
from threading import Event

import httpcore
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.downloads import HOST, PUBLIC, SMALL, URL, at_public, elapsed, fetcher, refusal
from tests.support.loopback import (
    Internet,
    Names,
    Server,
    keeps_sending,
    redirect,
    reply,
    says_nothing,
    sends,
)
from videoapi.media.images import MAX_BYTES
from videoapi.net.downloads import (
    IMAGE_LIMITS,
    VIDEO_LIMITS,
    DownloadFailed,
    DownloadLimits,
    Fetcher,
)

SHORT = DownloadLimits(size=10**9, seconds=0.25, idle=5)
IMPATIENT = DownloadLimits(size=10**9, seconds=5, idle=0.2)
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


GONE = (400, 401, 403, 404, 410, 416, 204, 206, 302, 304)
AWAY = (202, 408, 425, 429, 500, 502, 503, 504, 599)


@pytest.mark.parametrize("status", [*GONE, *AWAY])
def test_a_status_says_whether_the_same_url_may_work_later(status):
    with Server(reply(b"", f"{status} So it is")) as server:
        failed = refusal(at_public(server))
    assert (failed.status, failed.transient) == (status, status in AWAY)
    assert str(status) in str(failed)


BROKEN = {
    "shorter than it said": reply(b"x" * 10, Content_Length=11),
    "a chunk too few": sends(CHUNKED + b"5\r\nhello\r\n"),
    "half a header": sends(OK + b"Content-Le"),
    "nothing": sends(b""),
    "no HTTP": sends(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "two lengths": sends(OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"),
    "two framings": sends(CHUNKED[:-2] + b"Content-Length: 6\r\n\r\n1\r\nx\r\n0\r\n\r\n"),
    "a length in words": reply(b"x", Content_Length="many"),
    "a length of 5,000 digits": reply(b"x", Content_Length="9" * 5000),
    "an endless header": sends(OK + b"X: " + b"x" * 200_000),
}


@pytest.mark.parametrize("response", BROKEN.values(), ids=BROKEN)
def test_an_answer_that_breaks_off_may_be_whole_later(response):
    with Server(response) as server:
        failed = refusal(at_public(server))
    assert failed.transient
    assert failed.status is None


@given(st.binary(max_size=80), st.sampled_from([b"", b"HTTP/1.1 ", OK, OK + b"\r\n", CHUNKED]))
def test_nothing_but_a_failure_or_a_body_comes_of_any_answer(tail, start):
    fetch = fetcher(httpcore.MockBackend([start + tail]))
    try:
        got = fetch.video(f"http://{PUBLIC}/", io.BytesIO())
    except DownloadFailed:
        return
    assert 0 <= got.size_bytes <= SMALL.size


def test_what_follows_the_stated_length_is_not_read():
    with Server(sends(OK + b"Content-Length: 4\r\n\r\nfilm and more")) as server:
        assert at_public(server).image(URL) == b"film"


@pytest.mark.parametrize("length", [3, 5])
def test_a_length_is_held_against_any_transport(length):
    headers = {"Content-Length": str(length)}
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=b"film", headers=headers))
    fetch = Fetcher(allow_private=False, resolve=Names({HOST: [[PUBLIC]]}), transport=transport)
    assert refusal(fetch).transient


def test_an_answer_without_a_length_ends_with_the_connection():
    with Server(reply(b"film", Content_Length=None)) as server:
        assert at_public(server).image(URL) == b"film"


def test_largest_body_passes_and_one_byte_more_does_not():
    whole, more = b"x" * SMALL.size, b"x" * (SMALL.size + 1)
    for length in ({}, {"Content_Length": None}):
        with Server(reply(whole, **length), reply(more, **length)) as server:
            fetch = at_public(server)
            assert fetch.image(URL) == whole
            failed = refusal(fetch)
        assert "holds more than" in str(failed)
        assert not failed.transient


@pytest.mark.parametrize("length", [1001, 10**20 - 1])
def test_a_body_said_to_be_too_large_is_not_waited_for(length):
    start = OK + b"Content-Length: %d\r\n\r\n" % length
    with Server(keeps_sending(b"", start=start, pause=5)) as server:
        took, _ = elapsed(lambda: refusal(at_public(server)))
    assert took < 2


@pytest.mark.parametrize("start", [OK + b"\r\n", CHUNKED], ids=["open", "chunked"])
def test_an_endless_body_is_cut_at_the_limit(start):
    into, limits = io.BytesIO(), DownloadLimits(size=10**6, seconds=5, idle=5)
    with Server(keeps_sending(b"3e8\r\n" + b"x" * 1000 + b"\r\n", start=start)) as server:
        fetch = at_public(server, limits=limits)
        with pytest.raises(DownloadFailed, match="holds more than 1 MB"):
            fetch.video(URL, into)
    assert 900_000 < len(into.getvalue()) <= 10**6


def test_a_compression_bomb_is_not_unpacked():
    bomb = gzip.compress(bytes(900_000))
    with Server(reply(bomb, Content_Encoding="gzip")) as server:
        assert at_public(server).image(URL) == bomb


def test_the_documented_limits():
    assert DownloadLimits(size=MAX_BYTES, seconds=15, idle=10) == IMAGE_LIMITS
    assert DownloadLimits(size=256 * 1024**2, seconds=240, idle=30) == VIDEO_LIMITS


SLOW = {
    "in its body": keeps_sending(b"x", start=OK + b"\r\n", pause=0.02),
    "in its chunks": keeps_sending(b"1\r\nx\r\n", start=CHUNKED, pause=0.02),
    "in its header": keeps_sending(b"X: y\r\n", start=OK, pause=0.02),
    "before its header": keeps_sending(b"HTTP/1.1 100 Continue\r\n\r\n", pause=0.02),
    "in redirects": lambda connection, stop: stop.wait(0.1) or redirect("/")(connection, stop),
    "from the start": says_nothing,
}


@pytest.mark.parametrize("response", SLOW.values(), ids=SLOW)
def test_a_slow_drip_ends_with_the_time_for_the_whole(response):
    with Server(response) as server:
        took, failed = elapsed(lambda: refusal(at_public(server, limits=SHORT)))
    assert failed.transient
    assert "in time" in str(failed)
    assert took < 2


def test_silence_ends_a_download_sooner():
    with Server(keeps_sending(b"", start=OK + b"\r\nhalf", pause=5)) as server:
        took, failed = elapsed(lambda: refusal(at_public(server, limits=IMPATIENT)))
    assert failed.transient
    assert took < 2


def test_a_server_silent_in_the_tls_handshake_is_left():
    with Server(says_nothing) as server:
        fetch = at_public(server, limits=SHORT)
        took, failed = elapsed(lambda: refusal(fetch, f"https://{HOST}/"))
    assert failed.transient
    assert took < 2


def test_a_slow_look_up_counts():
    answered = Event()

    def resolve(*_, **__):
        answered.wait(5)
        return []

    took, failed = elapsed(lambda: refusal(fetcher(Internet({}), resolve, limits=SHORT)))
    answered.set()
    assert failed.transient
    assert "in time" in str(failed)
    assert took < 2


def test_no_dial_outlasts_the_download():
    """No dial outlasts the download nor takes the next one's turn."""
    names = Names({HOST: [[PUBLIC, "8.8.8.8"]]})
    for limits, most in ((SHORT, SHORT.seconds), (DownloadLimits(size=1, seconds=60, idle=60), 5)):
        internet = Internet({})
        assert "could not be reached" in str(refusal(fetcher(internet, names, limits=limits)))
        assert len(internet.patience) == 4
        assert max(internet.patience) <= most


def test_no_time_left_is_too_late():
    no_time = DownloadLimits(size=1000, seconds=0, idle=5)
    assert "in time" in str(refusal(fetcher(Internet({}), limits=no_time)))


def test_a_full_disk_is_no_fault_of_the_download():
    class Full(io.BytesIO):
        def write(self, _):
            raise OSError(28, "No space left on device")

    with Server(reply(b"film")) as server, pytest.raises(OSError, match="No space"):
        at_public(server).video(URL, Full())
