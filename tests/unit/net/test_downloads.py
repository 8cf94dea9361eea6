"""Whom a download reaches: addresses, redirects, certificates, trust. Its bounds: see the other."""

import io
import socket

import pytest

from tests.support.downloads import (
    HOST,
    OTHER,
    PUBLIC,
    THIRD,
    TLS,
    URL,
    at_public,
    fetcher,
    refusal,
)
from tests.support.loopback import Internet, Names, Server, certificate, redirect, reply
from tests.unit.net.test_ssrf import INNER_ADDRESSES
from videoapi.errors import ValidationError
from videoapi.net.downloads import DownloadFailed, Fetcher
from videoapi.net.pinned_transport import PinnedTransport


def listening():
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0)
    return listener


def nobody_came(listener):
    with pytest.raises(BlockingIOError):
        listener.accept()
    return True


def test_image_is_fetched_with_nothing_but_the_request(monkeypatch):
    for proxy in ("HTTP_PROXY", "ALL_PROXY", "http_proxy"):
        monkeypatch.setenv(proxy, "http://127.0.0.1:9")
    with Server(reply(b"picture", Set_Cookie="a=b")) as server:
        fetch = at_public(server)
        assert fetch.image(URL) == b"picture"
        assert fetch.image(URL) == b"picture"
    for request in server.requests:
        line, *headers = request.strip().split("\r\n")
        assert line == "GET /cat.png?signature=secret HTTP/1.1"
        assert [header.split(":")[0].lower() for header in headers] == [
            "host", "user-agent", "accept", "accept-encoding", "connection",
        ]  # fmt: skip
        assert f"Host: {HOST}" in headers
        assert "Accept-Encoding: identity" in headers


@pytest.mark.parametrize(("code", "transient"), [("EAI_AGAIN", True), ("EAI_NONAME", False)])
def test_busy_resolver_may_be_asked_again(code, transient):
    """A resolver that is busy may be asked again and the caller reads the same."""

    def resolve(*_, **__):
        raise socket.gaierror(getattr(socket, code), "of the resolver")

    failed = refusal(fetcher(Internet({}), resolve))
    assert (str(failed), failed.transient) == ("names no host on the public internet", transient)


def test_a_video_says_its_size_and_type():
    with Server(reply(b"film", Content_Type="Video/MP4; codecs=avc1"), reply(b"film")) as server:
        fetch, into = at_public(server), io.BytesIO()
        got = fetch.video(URL, into)
        assert (got.size_bytes, got.content_type, into.getvalue()) == (4, "video/mp4", b"film")
        assert fetch.video(URL, io.BytesIO()).content_type == ""


def test_certificate_must_be_for_the_name(tmp_path):
    """The certificate must be for the name although an address is dialled."""
    ours, theirs = certificate(tmp_path, HOST)
    names = Names({HOST: [[PUBLIC]], "other.example.com": [[PUBLIC]]})
    with Server(reply(b"film"), tls=ours) as server:
        internet = Internet({PUBLIC: server.port})
        fetch = fetcher(internet, names, tls=theirs)
        assert fetch.image(f"https://{HOST}/") == b"film"
        assert refusal(fetch, "https://other.example.com/").transient
        assert refusal(fetch, f"https://{PUBLIC}/").transient
        assert refusal(fetcher(internet, names), f"https://{HOST}/").transient
    assert len(server.requests) == 1


def test_connection_is_not_reused_for_another_name():
    """A connection is not kept for another name at the same address."""
    names = Names({HOST: [[PUBLIC]], "other.example.com": [[PUBLIC]]})
    with Server(reply(b"picture", Connection="keep-alive")) as server:
        internet = Internet({PUBLIC: server.port})
        fetch = fetcher(internet, names)
        fetch.image(URL)
        fetch.image("http://other.example.com/")
    assert internet.dialled == [PUBLIC, PUBLIC]


@pytest.mark.parametrize("address", INNER_ADDRESSES)
def test_name_with_any_private_address_is_refused(address):
    for found in ([address], [PUBLIC, address], [address, PUBLIC]):
        internet = Internet({})
        failed = refusal(fetcher(internet, Names({HOST: [found]})))
        assert "no host on the public internet" in str(failed)
        assert not failed.transient
        assert internet.dialled == []


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1/", "http://[::1]/", "http://localhost/", "http://2130706433/", "ftp://a",
     "http://u:p@example.com/", "http://169.254.169.254/latest/meta-data/", "http://x.internal/"],
)  # fmt: skip
def test_private_url_text_is_refused_without_a_lookup(url):
    """What the text of a URL shows is refused without a lookup."""
    internet, names = Internet({}), Names({})
    assert not refusal(fetcher(internet, names), url).transient
    assert internet.dialled == names.asked == []


def test_name_is_looked_up_once():
    """A name that answers differently later is looked up but once."""
    names = Names({HOST: [[PUBLIC], ["127.0.0.1"]]})
    with Server(reply(b"picture")) as server:
        internet = Internet({PUBLIC: server.port, "127.0.0.1": server.port})
        fetch = fetcher(internet, names)
        assert fetch.image(URL) == b"picture"
        assert (names.asked, internet.dialled) == ([HOST], [PUBLIC])
        refusal(fetch)
    assert internet.dialled == [PUBLIC]


def test_unknown_name_ends_as_a_private_one():
    """A name without an address ends as one that points inside."""
    failed = refusal(fetcher(Internet({}), Names({})))
    inside = refusal(fetcher(Internet({}), Names({HOST: ["10.0.0.7"]})))
    assert "no host on the public internet" in str(failed)
    assert (
        (str(failed), failed.transient) == (str(inside), inside.transient) == (str(failed), False)
    )


def test_a_literal_address_is_not_looked_up():
    with Server(reply(b"picture")) as server:
        names = Names({})
        fetch = fetcher(Internet({PUBLIC: server.port, "2606:4700::1": server.port}), names)
        assert fetch.image(f"http://{PUBLIC}/") == b"picture"
        assert fetch.image("http://[2606:4700:0::1]/") == b"picture"
    assert names.asked == []
    assert "Host: [2606:4700:0::1]" in server.requests[1]


def test_the_next_address_is_tried_when_one_does_not_answer():
    with Server(reply(b"picture")) as server:
        internet = Internet({THIRD: server.port})
        fetch = fetcher(internet, Names({HOST: [[PUBLIC, OTHER, PUBLIC, THIRD]]}))
        assert fetch.image(URL) == b"picture"
    assert internet.dialled == [PUBLIC, OTHER, THIRD]


def test_not_more_than_eight_addresses_are_tried():
    internet = Internet({})
    fetch = fetcher(internet, Names({HOST: [[f"8.8.8.{n}" for n in range(100)]]}))
    with pytest.raises(DownloadFailed, match="could not be reached") as failed:
        fetch.video(URL, io.BytesIO())
    assert failed.value.transient
    assert len(internet.dialled) == 8


@pytest.mark.parametrize(
    "inner",
    ["http://127.0.0.1:{}/", "http://inner.example.com:{}/", "//127.0.0.1:{}/",
     "http://localhost:{}/", "http://[::ffff:7f00:1]:{}/", "http://0x7f.1:{}/"],
)  # fmt: skip
def test_a_redirect_inwards_is_refused_before_a_byte_is_sent(inner):
    names = Names({HOST: [[PUBLIC]], "inner.example.com": [["127.0.0.1"]]})
    with listening() as victim:
        port = victim.getsockname()[1]
        with Server(redirect(inner.format(port))) as server:
            internet = Internet({PUBLIC: server.port, "127.0.0.1": port, "::1": port})
            assert not refusal(fetcher(internet, names)).transient
        assert nobody_came(victim)
    assert internet.dialled == [PUBLIC, PUBLIC]


def test_trusted_origin_is_for_videos_without_redirects():
    with listening() as victim:
        inwards = f"http://127.0.0.1:{victim.getsockname()[1]}/"
        with Server(reply(b"film"), redirect(inwards)) as relay:
            fetch = Fetcher(allow_private=False, trusted_origins=[relay.origin + "/v1/videos"])
            assert fetch.video(relay.origin + "/film.mp4", io.BytesIO()).size_bytes == 4
            with pytest.raises(DownloadFailed, match="redirects to one that must not point to"):
                fetch.video(relay.origin, io.BytesIO())
            with pytest.raises(ValidationError, match="private or reserved"):
                fetch.image(relay.origin)
        assert nobody_came(victim)
    assert len(relay.requests) == 2


def test_the_settings_of_trusted_origins_are_checked_at_once():
    with pytest.raises(ValueError, match="must start with"):
        Fetcher(allow_private=False, trusted_origins=["relay.example.com"])


def test_for_local_work_private_addresses_can_be_allowed():
    with Server(reply(b"picture")) as server:
        fetch = Fetcher(allow_private=True, transport=PinnedTransport(TLS))
        assert fetch.image(server.origin) == b"picture"
        assert fetch.image(f"http://localhost:{server.port}/") == b"picture"
        with pytest.raises(ValidationError, match="four decimal numbers"):
            fetch.image(f"http://127.1:{server.port}/")


def test_five_redirects_are_followed_and_no_sixth():
    ways = [("/2", 301), ("3?x=y", 302), ("#4", 303), (f"//{HOST}/5", 307), (URL, 308)]
    hops = [redirect(to, f"{code} Moved") for to, code in ways]
    with Server(*hops, reply(b"picture")) as server:
        assert at_public(server).image(f"http://{HOST}") == b"picture"
    assert [request.split()[1] for request in server.requests] == [
        "/", "/2", "/3?x=y", "/3?x=y", "/5", "/cat.png?signature=secret",
    ]  # fmt: skip
    with Server(redirect("/again")) as server:
        assert "more than 5 times" in str(refusal(at_public(server)))
    assert len(server.requests) == 12


@pytest.mark.parametrize(
    ("location", "reason"),
    [("http://[", "redirects to a malformed one"), ("file:///etc/passwd", "must start with http"),
     ("http://exa mple.com/", "hold blanks"), ("http://a/" + "x" * 9000, "longer than 8,190")],
    ids=range(4),
)  # fmt: skip
def test_a_redirect_that_leads_nowhere_is_refused(location, reason):
    with Server(redirect(location)) as server:
        failed = refusal(at_public(server))
    assert reason in str(failed)
    assert not failed.transient


def test_a_redirect_may_be_longer_than_a_callers_url():
    with Server(redirect("/" + "x" * 5000), reply(b"picture")) as server:
        assert at_public(server).image(URL) == b"picture"
