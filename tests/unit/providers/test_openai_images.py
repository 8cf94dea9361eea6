"""The client of the images endpoint: what it sends, and what each answer means for the caller."""

import base64
import json

import httpx
import pytest

from videoapi.errors import ImageLost, RateLimited, ServiceError, ValidationError
from videoapi.net.downloads import Fetcher
from videoapi.providers.openai_images import MAX_RESPONSE, OpenAIImages

PARAMETERS = {"prompt": "a mountain", "n": 1}


def made(answer, *, base_url="https://images.example", seconds=20.0):
    endpoint = OpenAIImages(
        transport=httpx.MockTransport(answer),
        fetcher=Fetcher(allow_private=False, transport=httpx.MockTransport(answer)),
        base_url=base_url,
        key=lambda: "image-key",
    )
    return endpoint.make(PARAMETERS, lambda: seconds)


def broken(_):
    message = "refused"
    raise httpx.ConnectError(message)


def answering(status=200, **content):
    return lambda _: httpx.Response(status, **content)


@pytest.mark.parametrize("base_url", ["https://images.example", "https://images.example/v1/"])
def test_parameters_go_to_the_one_url_with_the_key(base_url):
    seen = []

    def answer(request):
        seen.append(request)
        text = base64.b64encode(b"a picture").decode()
        return httpx.Response(200, json={"data": [{"b64_json": text}]})

    assert made(answer, base_url=base_url) == b"a picture"
    assert str(seen[0].url) == "https://images.example/v1/images/generations"
    assert seen[0].headers["authorization"] == "Bearer image-key"
    assert json.loads(seen[0].content) == PARAMETERS


def test_image_behind_a_link_is_fetched_without_the_key():
    seen = []

    def answer(request):
        seen.append(request)
        link = {"data": [{"url": "https://93.184.216.34/image.png"}]}
        return (
            httpx.Response(200, json=link)
            if request.method == "POST"
            else httpx.Response(200, content=b"a picture")
        )

    assert made(answer) == b"a picture"
    assert "authorization" not in seen[1].headers


@pytest.mark.parametrize("name", ["url", "b64_json"])
def test_image_in_a_data_url_is_read(name):
    data_url = "data:image/png;base64," + base64.b64encode(b"a picture").decode().rstrip("=")
    assert made(answering(json={"data": [{"b64_json": None, name: data_url}]})) == b"a picture"


@pytest.mark.parametrize("text", ["-_-_YQ==", "+/+/YQ", "+/+/\nYQ==\n"])
def test_image_in_base64_is_read_however_it_is_written(text):
    """Without padding, in the alphabet of URLs, in lines: so its data URL may be, too."""
    assert made(answering(json={"data": [{"b64_json": text}]})) == b"\xfb\xff\xbfa"


def linking_to(url):
    def answer(request):
        link = {"data": [{"url": url}]}
        own = request.method == "POST"
        return httpx.Response(200, json=link) if own else httpx.Response(200, content=b"a picture")

    return answer


def test_image_at_the_endpoints_own_origin_may_be_private():
    """A server of one's own links to itself."""
    answer = linking_to("http://127.0.0.1:8188/view.png")
    assert made(answer, base_url="http://127.0.0.1:8188/v1") == b"a picture"


def test_image_at_another_private_origin_is_not_fetched():
    with pytest.raises(ImageLost):
        made(linking_to("http://127.0.0.1:8189/view.png"), base_url="http://127.0.0.1:8188/v1")


FAILURES = {
    "no connection": (broken, ServiceError),
    "server error": (answering(500), ServiceError),
    "bad key": (answering(401), ServiceError),
    "no image": (answering(json={"data": []}), ServiceError),
    "broken data URL": (
        answering(json={"data": [{"url": "data:image/png;base64,x"}]}),
        ServiceError,
    ),
    "a page": (answering(text="<html>"), ServiceError),
    "broken base64": (answering(json={"data": [{"b64_json": "x"}]}), ServiceError),
    "private URL": (answering(json={"data": [{"url": "http://127.0.0.1/x"}]}), ServiceError),
    "nothing": (answering(json={"data": [{}]}), ServiceError),
    "busy": (answering(429), RateLimited),
    "refused": (answering(400, json={"error": {"message": "no"}}), ValidationError),
    "too large": (answering(413), ValidationError),
    "a wrong field": (answering(422, json={"detail": "no"}), ValidationError),
}


@pytest.mark.parametrize(("response", "error"), FAILURES.values(), ids=FAILURES)
def test_every_image_failure_is_a_typed_error(response, error):
    """Whatever the image service does the caller gets a typed error."""
    with pytest.raises(error):
        made(response)


def failing(error):
    def answer(_):
        raise error("broke off")

    return answer


SAFE_TO_REPEAT = {
    "no connection": failing(httpx.ConnectError),
    "no connection in time": failing(httpx.ConnectTimeout),
    "all connections are busy": failing(httpx.PoolTimeout),
    "500": answering(500),
    "502": answering(502),
    "503": answering(503),
    "an edge that never reached it": answering(521),
    "502, never sent on": answering(502, text="dial tcp 203.0.113.9:443: i/o timeout"),
}
MAYBE_PAID = {
    "no answer in time": failing(httpx.ReadTimeout),
    "broken off": failing(httpx.ReadError),
    "too long": answering(content=b"x" * (MAX_RESPONSE + 1)),
    "504": answering(504),
    "524": answering(524),
    "502, sent on and lost": answering(502, json={"error": {"message": "unexpected EOF"}}),
    "500, sent on and lost": answering(500, text="Server disconnected"),
    "unreadable": answering(text="<html>"),
    "deep JSON": answering(content=b'{"data":' + b"[" * 100_000),
    "a redirect to nowhere": answering(307, headers={"Location": "foo:bar"}),
    "a redirect to no host": answering(307, headers={"Location": "http://xn--/"}),
    "no image": answering(json={"data": []}),
    "a link that leads nowhere": answering(json={"data": [{"url": "http://127.0.0.1/x"}]}),
}


@pytest.mark.parametrize("response", SAFE_TO_REPEAT.values(), ids=SAFE_TO_REPEAT)
def test_a_caller_may_ask_again_where_no_image_was_made(response):
    with pytest.raises(ServiceError) as failed:
        made(response)
    assert failed.value.retryable
    assert failed.value.retry_after == 5


@pytest.mark.parametrize("status", [401, 402, 403, 404, 405])
def test_refused_account_made_no_image_and_invites_no_retry(status):
    with pytest.raises(ServiceError, match="refused this service") as failed:
        made(answering(status, json={"error": {"message": "no"}}))
    assert (failed.value.code, failed.value.retryable) == ("upstream_account_error", False)


@pytest.mark.parametrize("response", MAYBE_PAID.values(), ids=MAYBE_PAID)
def test_maybe_paid_image_invites_no_retry(response):
    """Nobody is told to ask again where an image may have been paid."""
    with pytest.raises(ServiceError) as failed:
        made(response)
    assert not failed.value.retryable
    assert failed.value.retry_after is None
