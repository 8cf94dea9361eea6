"""Whom a webhook's POST reaches, and when it ends, whatever the receiver does."""

import ssl
import time

import pytest

from tests.support.loopback import (
    Internet,
    Names,
    Server,
    certificate,
    keeps_sending,
    redirect,
    reply,
    says_nothing,
)
from tests.unit.net.test_ssrf import INNER_ADDRESSES
from videoapi.net.callbacks import MAX_ANSWER, Callbacks
from videoapi.net.pinned_transport import PinnedTransport
from videoapi.net.ssrf import MAX_WEBHOOK_LENGTH, require_webhook

PUBLIC, HOST = "93.184.216.34", "hooks.example.com"
URL = f"https://{HOST}/videos?token=secret"
NOWHERE = "the address names no host on the public internet"


@pytest.fixture
def receiver(tmp_path):
    """Return a function that makes callbacks to an https server of this machine."""
    theirs, ours = certificate(tmp_path, HOST)

    def reach(*answers, names=None, seconds=5.0, port=None):
        server = Server(*answers, tls=theirs)
        internet = Internet({PUBLIC: port or server.port})
        resolve = names or Names({HOST: [[PUBLIC]]})
        transport = PinnedTransport(ours, network=internet)
        return server, Callbacks(False, transport, resolve, seconds)  # noqa: FBT003 — its one flag

    return reach


def post(callbacks, url=URL):
    return callbacks.post(url, b'{"a":1}', {"webhook-id": "evt_1"})


def nobody(names=None):
    """Return callbacks to an internet without hosts."""
    transport = PinnedTransport(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), network=Internet({}))
    return Callbacks(False, transport, names or Names({}))  # noqa: FBT003 — as above


def test_post_goes_out_with_its_headers_and_body_alone(receiver, monkeypatch):
    for proxy in ("HTTPS_PROXY", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(proxy, "http://127.0.0.1:9")
    server, callbacks = receiver(reply(status="204 No Content", Set_Cookie="a=b"))
    with server:
        response = post(callbacks)
        assert (response.status, response.problem, response.delivered) == (204, None, True)
        assert 0 <= response.milliseconds < 5000
    head, _, body = server.requests[0].partition("\r\n\r\n")
    line, *headers = head.split("\r\n")
    assert body == '{"a":1}'
    assert line == "POST /videos?token=secret HTTP/1.1"
    assert [header.split(":")[0].lower() for header in headers] == [
        "host", "user-agent", "accept", "accept-encoding", "connection", "webhook-id",
        "content-length",
    ]  # fmt: skip


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_not_followed(receiver, status):
    server, callbacks = receiver(redirect("https://169.254.169.254/", f"{status} Elsewhere"))
    with server:
        response = post(callbacks)
    assert response.status == status
    assert response.problem == f"answered {status}, a redirect, which is not followed"
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [400, 404, 410, 429, 500, 503])
def test_other_answers_are_told_as_they_are(receiver, status):
    server, callbacks = receiver(reply(status=f"{status} No"))
    with server:
        assert post(callbacks)[:2] == (status, f"answered {status}")


@pytest.mark.parametrize("address", INNER_ADDRESSES)
def test_name_that_stands_for_an_inner_address_is_not_reached(address):
    callbacks = nobody(Names({HOST: [[PUBLIC, address]]}))
    assert post(callbacks)[:2] == (None, NOWHERE)
    assert callbacks.transport._network.dialled == []  # noqa: SLF001 — nobody was called


def test_name_that_changes_its_address_reaches_the_checked_one(receiver):
    """A second look-up, after the check, would lead inwards: there is none."""
    names = Names({HOST: [[PUBLIC], ["127.0.0.1"]]})
    server, callbacks = receiver(reply(), names=names)
    with server:
        assert post(callbacks).delivered
    assert names.asked == [HOST]


def test_each_post_looks_the_name_up_again(receiver):
    names = Names({HOST: [[PUBLIC], ["10.0.0.1"]]})
    server, callbacks = receiver(reply(), names=names)
    with server:
        assert post(callbacks).delivered
        assert post(callbacks)[:2] == (None, NOWHERE)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "https://user:password@hooks.example.com/",
        "https://hooks.example.com/#fragment",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://localhost/",
        "https://hooks.internal/",
        "https://hooks/",
        "ftp://hooks.example.com/",
        "https://hooks.example.com\\@127.0.0.1/",
        f"https://hooks.example.com/{'a' * MAX_WEBHOOK_LENGTH}",
    ],
)
def test_address_that_is_refused_is_neither_looked_up_nor_called(url):
    names = Names({HOST: [[PUBLIC]]})
    response = post(nobody(names), url)
    assert response.status is None
    assert response.problem.startswith("the address must ")
    assert names.asked == []


def test_private_receiver_is_reached_for_local_work():
    with Server(reply()) as server:
        callbacks = Callbacks(True, PinnedTransport(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)))  # noqa: FBT003 — as above
        assert post(callbacks, f"{server.origin}/hook").delivered
    assert require_webhook("http://localhost:8001/received", allow_private=True).port == 8001


def test_wrong_certificate_is_named(receiver):
    server, callbacks = receiver(reply(), names=Names({"other.example.com": [[PUBLIC]]}))
    with server:
        response = post(callbacks, "https://other.example.com/")
    assert response[:2] == (None, "its certificate is not valid")


def test_receiver_that_is_away_is_told_so():
    assert post(nobody(Names({HOST: [[PUBLIC]]})))[:2] == (
        None,
        "it could not be reached, or broke off",
    )


@pytest.mark.parametrize(
    "response",
    [
        says_nothing,
        keeps_sending(b"H", pause=0.05),
        keeps_sending(b"X-A: b\r\n", start=b"HTTP/1.1 200 OK\r\n", pause=0.05),
    ],
    ids=["silence", "a_drip", "headers_without_end"],
)
def test_receiver_that_does_not_answer_is_given_up_in_time(receiver, response):
    server, callbacks = receiver(response, seconds=0.5)
    with server:
        began = time.monotonic()
        came = post(callbacks)
        assert time.monotonic() - began < 2
    assert came.problem in {
        "no answer within 0.5 seconds",
        "it could not be reached, or broke off",  # too many headers
    }


def test_resolver_that_hangs_is_given_up_in_time():
    def resolve(*_, **__):
        time.sleep(3)
        return []

    callbacks = Callbacks(False, nobody().transport, resolve, 0.2)  # noqa: FBT003 — as above
    assert post(callbacks)[:2] == (None, "no answer within 0.2 seconds")


def test_body_that_trickles_does_not_hold_what_was_taken(receiver):
    """The status is the answer: a repetition would be told twice for nothing."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
    server, callbacks = receiver(keeps_sending(b"x", start=head, pause=0.05), seconds=0.5)
    with server:
        began = time.monotonic()
        assert post(callbacks).delivered
        assert time.monotonic() - began < 2


def test_of_a_flood_little_is_read(receiver):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n"
    server, callbacks = receiver(keeps_sending(b"x" * MAX_ANSWER, start=head))
    with server:
        began = time.monotonic()
        assert post(callbacks).delivered
        assert time.monotonic() - began < 2
