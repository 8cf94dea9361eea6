"""The line between accepted, refused and unknown, on real sockets of the loopback."""

import io
import socket
import struct
import threading
import time
from contextlib import contextmanager

import httpx
import pytest

from videoapi.net.http_client import OrderTransport, Timeouts
from videoapi.providers.errors import PollFailed, SubmitRefused, SubmitUnknown
from videoapi.providers.openai_compatible.client import RelayProvider
from videoapi.providers.provider import InputImage, Order

KEY = "relay-key-0123456789"
QUICK = httpx.Timeout(0.3)
TIMEOUTS = Timeouts(submit=QUICK, poll=QUICK, content=QUICK)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def order(image_bytes=0):
    image = InputImage(data=bytes(image_bytes), content_type="image/png")
    images = (image,) if image_bytes else ()
    return Order(model="veo_3_1", prompt="A sea", size="1280x720", key="vid_1-1", images=images)


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def whole_request(connection):
    """Read one request to its end (Content-Length or none); return b"" when there is none."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (
            int(line[15:])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        ),
        0,
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head


@contextmanager
def serving(behaviour):
    """Serve connections one after the other with `behaviour(connection)`; yield url and count."""
    listener = socket.create_server(("127.0.0.1", 0))
    accepted = []
    over = threading.Event()

    def serve():
        while True:
            connection, _ = listener.accept()
            with connection:
                if over.is_set():
                    return
                accepted.append(connection.getpeername())
                behaviour(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    port = listener.getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}", accepted
    finally:
        over.set()
        socket.create_connection(("127.0.0.1", port)).close()
        thread.join()
        listener.close()


@contextmanager
def connected(url, timeouts=TIMEOUTS):
    with OrderTransport(verify=False) as transport:
        yield RelayProvider(
            transport, base_url=url, endpoint="/v1/videos", key=lambda: KEY, timeouts=timeouts
        )


def test_a_refused_connection_was_not_accepted():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with connected(url) as relay, pytest.raises(SubmitRefused) as caught:
        relay.submit(order())
    assert caught.value.again == "transient"


def test_a_broken_handshake_was_not_accepted():
    with (
        serving(reset) as (url, _),
        connected(url.replace("http", "https")) as relay,
        pytest.raises(SubmitRefused) as caught,
    ):
        relay.submit(order())
    assert caught.value.again == "transient"


def hang(connection):
    whole_request(connection)
    connection.recv(1)


def hang_up(connection):
    whole_request(connection)


def reset_after_request(connection):
    whole_request(connection)
    reset(connection)


def reset_mid_request(connection):
    connection.recv(100)
    reset(connection)


def cut_body(connection):
    whole_request(connection)
    connection.sendall(HEAD + b'Content-Length: 99\r\n\r\n{"id": "v')


def reset_mid_answer(connection):
    whole_request(connection)
    connection.sendall(HEAD + b'Content-Length: 99\r\n\r\n{"id": "v')
    reset(connection)


def nonsense(connection):
    whole_request(connection)
    connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")


LOST = [hang, hang_up, reset_after_request, reset_mid_request, cut_body, reset_mid_answer, nonsense]


@pytest.mark.parametrize("behaviour", LOST)
def test_an_answer_lost_on_the_wire_is_unknown(behaviour):
    with serving(behaviour) as (url, accepted), connected(url) as relay:
        with pytest.raises(SubmitUnknown):
            relay.submit(order(8_000_000))
        assert len(accepted) == 1


@pytest.mark.parametrize("behaviour", LOST)
def test_a_look_lost_on_the_wire_is_no_news(behaviour):
    with serving(behaviour) as (url, _), connected(url) as relay:
        with pytest.raises(PollFailed):
            relay.poll("v")
        with pytest.raises(PollFailed):
            relay.download("v", io.BytesIO())


def early_refusal(connection):
    connection.recv(1000)
    connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(65536):
        pass


def test_a_refusal_in_the_middle_of_the_upload_is_heard():
    with (
        serving(early_refusal) as (url, _),
        connected(url) as relay,
        pytest.raises(SubmitRefused) as caught,
    ):
        relay.submit(order(1_000_000))
    assert caught.value.code == "upstream_rejected"


def trickle(connection):
    whole_request(connection)
    # Two bytes: with fewer nobody can tell whether the body is packed.
    connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{ \r\n")
    connection.recv(1)


def test_a_trickling_answer_is_given_up_after_its_total():
    patient, began = httpx.Timeout(60), time.monotonic()
    timeouts = Timeouts(
        submit=patient,
        poll=patient,
        content=patient,
        submit_total=-1,
        answer_total=-1,
        content_total=-1,
    )
    with serving(trickle) as (url, _), connected(url, timeouts) as relay:
        with pytest.raises(SubmitUnknown):
            relay.submit(order())
        with pytest.raises(PollFailed):
            relay.poll("v")
        with pytest.raises(PollFailed):
            relay.download("v", io.BytesIO())
    assert time.monotonic() - began < 60


def kept_open(connection):
    body = b'{"id": "v", "status": "running"}'
    while whole_request(connection):
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)


def test_polls_share_a_connection_and_an_order_never_does():
    """Looks share a connection and an order never takes a used one."""
    with serving(kept_open) as (url, accepted), connected(url) as relay:
        relay.poll("v")
        relay.poll("v")
        assert len(accepted) == 1
    with serving(kept_open) as (url, accepted), connected(url) as relay:
        relay.submit(order())
        relay.submit(order())
        relay.poll("v")
        assert len(accepted) == 3
