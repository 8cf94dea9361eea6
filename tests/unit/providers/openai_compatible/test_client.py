"""What the upstream client sends, and to whom."""

import io

import httpx
import pytest

from tests.support.relays import BASE, KEY, VIDEO, Relay, answering, order
from videoapi.errors import ServiceError
from videoapi.providers.errors import PollFailed, SubmitRefused
from videoapi.providers.openai_compatible.client import RelayProvider
from videoapi.providers.provider import InputImage

IMAGE = InputImage(data=b"\x89PNG\r\n\x1a\n\0\xff", content_type="image/png")


def parts_of(request):
    boundary = request.headers["content-type"].split("boundary=")[1].encode()
    parts = request.content.split(b"--" + boundary)
    assert parts[0] == b""
    assert parts[-1] == b"--\r\n"
    return [
        part.removeprefix(b"\r\n").removesuffix(b"\r\n").split(b"\r\n\r\n", 1)
        for part in parts[1:-1]
    ]


def test_order_is_one_multipart_post():
    relay = answering(200, {"id": "video_1"})
    relay.client().submit(order(seconds=8, images=(IMAGE,), extra={"fps": "30"}))
    [request] = relay.requests
    assert (request.method, str(request.url)) == ("POST", f"{BASE}/v1/videos")
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["idempotency-key"] == "vid_1-1"
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert parts_of(request) == [
        [b'Content-Disposition: form-data; name="model"', b"veo_3_1"],
        [b'Content-Disposition: form-data; name="prompt"', b"A quiet sea"],
        [b'Content-Disposition: form-data; name="size"', b"1920x1080"],
        [b'Content-Disposition: form-data; name="seconds"', b"8"],
        [b'Content-Disposition: form-data; name="watermark"', b"false"],
        [b'Content-Disposition: form-data; name="fps"', b"30"],
        [
            (
                b'Content-Disposition: form-data; name="input_reference"; filename="input.png"'
                b"\r\nContent-Type: image/png"
            ),
            IMAGE.data,
        ],
    ]


def test_order_without_image_and_length_is_multipart():
    """An order without image and length is multipart too and says neither."""
    relay = answering(200, {"id": "video_1"})
    relay.client().submit(order())
    [request] = relay.requests
    names = [part[0].split(b'"')[1] for part in parts_of(request)]
    assert names == [b"model", b"prompt", b"size", b"watermark"]


def test_prompt_is_sent_without_its_broken_character():
    """A prompt that UTF-8 cannot hold is sent without the broken character."""
    relay = answering(200, {"id": "video_1"})
    relay.client().submit(order(prompt="海 \ud800"))
    assert parts_of(relay.requests[0])[1][1] == "海 ?".encode()


def test_prompt_and_image_are_not_printed():
    assert "sea" not in repr(order(images=(IMAGE,)))
    assert "PNG" not in repr(order(images=(IMAGE,)))


@pytest.mark.parametrize(
    ("base_url", "endpoint", "url"),
    [
        ("https://relay.example/", "v1/videos/", "https://relay.example/v1/videos/v"),
        (
            " http://relay.example:8001/api ",
            "/v1/videos",
            "http://relay.example:8001/api/v1/videos/v",
        ),
    ],
)
def test_base_and_endpoint_are_joined_whatever_their_slashes(base_url, endpoint, url):
    relay = answering(200, {"status": "queued"})
    relay.client(base_url=base_url, endpoint=endpoint).poll("v")
    assert str(relay.requests[0].url) == url


@pytest.mark.parametrize(
    ("base_url", "endpoint"),
    [
        ("", "/v1/videos"),
        ("relay.example", "/v1/videos"),
        ("ftp://relay.example", "/v1/videos"),
        ("https://", "/v1/videos"),
        ("https://user:secret@relay.example", "/v1/videos"),
        ("https://relay.example?a=b", "/v1/videos"),
        ("https://relay.example:port", "/v1/videos"),
        ("https://relay.example", "/v1/videos?a=b"),
        ("https://relay.example", "/v1/videos#a"),
    ],
)
def test_settings_that_make_no_plain_url_are_refused_by_name(base_url, endpoint):
    with pytest.raises(ValueError, match="VEO3_") as caught:
        Relay().client(base_url=base_url, endpoint=endpoint)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "upstream_id",
    [
        "v:1",
        "../admin",
        "..",
        ".",
        "...",
        "a/b",
        "/x",
        "//evil.example/",
        "a?b=c",
        "a#b",
        "a b",
        "%2e%2e",
        "\ud800",
        "ö\n",
    ],
)
@pytest.mark.parametrize("suffix", ["", "/content"])
def test_no_id_leads_out_of_the_endpoint(upstream_id, suffix):
    relay = answering(200, {"status": "queued", "url": VIDEO})
    client = relay.client()
    if suffix:
        client.download(upstream_id, io.BytesIO())
    else:
        client.poll(upstream_id)
    [request] = relay.requests
    path = request.url.raw_path.decode()
    assert request.url.host == "relay.example"
    assert path.startswith("/v1/videos/")
    assert path.endswith(suffix)
    segment = path.removeprefix("/v1/videos/").removesuffix(suffix)
    assert segment.strip(".")
    assert not set(segment) & set("/?# ")


def test_a_colon_in_an_id_is_sent_as_it_is():
    relay = answering(200, {"status": "queued"})
    relay.client().poll("veo3.1:abc")
    assert relay.requests[0].url.raw_path == b"/v1/videos/veo3.1:abc"


def test_the_key_is_asked_for_every_request():
    keys = iter(["first-key", "second-key"])
    relay = answering(200, {"id": "v", "status": "queued"})
    client = RelayProvider(
        httpx.MockTransport(relay),
        base_url=BASE,
        endpoint="/v1/videos",
        key=lambda: next(keys) + "\n",
    )
    client.submit(order())
    client.poll("v")
    sent = [request.headers["authorization"] for request in relay.requests]
    assert sent == ["Bearer first-key", "Bearer second-key"]


@pytest.mark.parametrize("key", ["", " \n", "clé-secrète", "two\nlines-secret"])
def test_key_unfit_for_a_header_is_an_account_error(key):
    """A key that no header can hold is an account error and never sent or shown."""
    relay = answering(200, {"id": "v"})
    client = relay.client(key=key)
    with pytest.raises(SubmitRefused) as refused:
        client.submit(order())
    with pytest.raises(PollFailed) as failed:
        client.poll("v")
    assert refused.value.code == "upstream_account_error"
    assert refused.value.again is None
    assert failed.value.unauthorised
    assert not relay.requests
    assert "secr" not in f"{refused.value!r} {failed.value!r}"


def test_unreadable_key_is_a_reason_to_retry():
    """A key that cannot be read just now is a reason to come again."""

    def away():
        raise ServiceError("Secrets Manager is away")

    relay = answering(200, {"id": "v"})
    client = RelayProvider(httpx.MockTransport(relay), base_url=BASE, endpoint="v", key=away)
    with pytest.raises(SubmitRefused) as refused:
        client.submit(order())
    with pytest.raises(PollFailed) as failed:
        client.download("v", io.BytesIO())
    assert refused.value.again == "transient"
    assert not failed.value.unauthorised
    assert not relay.requests


class Renewing:
    """A relay that knows one key, and a cache of keys that is asked anew."""

    def __init__(self, *, good, cached, renewed):
        self.good, self.cached, self.renewed = good, cached, renewed
        self.relay = Relay()
        self.fetches = 0

    def __call__(self, request):
        known = request.headers["authorization"] == f"Bearer {self.good}"
        body = {"id": "v", "status": "running"}
        self.relay.answer = httpx.Response(200 if known else 401, json=body if known else {})
        return self.relay(request)

    def renew(self):
        self.fetches += 1
        if isinstance(self.renewed, Exception):
            raise self.renewed
        return self.renewed

    def client(self):
        return RelayProvider(
            httpx.MockTransport(self),
            base_url=BASE,
            endpoint="/v1/videos",
            key=lambda: self.cached,
            renewed_key=self.renew,
        )


ASKING = {"order": lambda relay: relay.submit(order()), "look": lambda relay: relay.poll("v")}


@pytest.mark.parametrize("ask", ASKING.values(), ids=ASKING)
def test_changed_key_is_fetched_and_the_request_repeated_once(ask):
    sim = Renewing(good="new-key", cached="old-key", renewed="new-key")
    ask(sim.client())
    sent = [request.headers["authorization"] for request in sim.relay.requests]
    assert sent == ["Bearer old-key", "Bearer new-key"]
    assert sim.fetches == 1


def test_the_repeated_order_is_the_same():
    sim = Renewing(good="new-key", cached="old-key", renewed="new-key")
    sim.client().submit(order(images=(IMAGE,)))
    first, second = sim.relay.requests
    assert parts_of(first) == parts_of(second)
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]


@pytest.mark.parametrize(
    ("renewed", "requests"),
    [("old-key", 1), ("wrong-key", 2), ("", 1), (ServiceError("Secrets Manager is away"), 1)],
    ids=["unchanged", "wrong too", "unusable", "away"],
)
def test_refused_key_without_a_better_one_is_an_account_error(renewed, requests):
    sim = Renewing(good="new-key", cached="old-key", renewed=renewed)
    with pytest.raises(SubmitRefused) as refused:
        sim.client().submit(order())
    assert refused.value.code == "upstream_account_error"
    assert len(sim.relay.requests) == requests
    with pytest.raises(PollFailed) as failed:
        sim.client().poll("v")
    assert failed.value.unauthorised
    assert sim.fetches == 2


@pytest.mark.parametrize("status", [402, 403, 429])
def test_only_a_401_asks_for_the_key_anew(status):
    relay = answering(status, {})
    client = relay.client(renewed_key=lambda: "another-key")
    with pytest.raises(PollFailed):
        client.poll("v")
    assert len(relay.requests) == 1


@pytest.mark.parametrize(
    ("url", "own"),
    [
        (f"{BASE}/files/video.mp4", True),
        ("https://cdn.example.com/video.mp4", False),
        ("http://[half/v.mp4", False),
    ],
)
def test_its_own_urls_are_told_by_their_origin(url, own):
    assert Relay().client().owns(url) is own
