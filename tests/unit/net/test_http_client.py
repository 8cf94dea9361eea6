"""Answers of the operator's endpoints, which are waited for just so long."""

import gzip
import json

import httpx
import pytest

from videoapi.net.http_client import (
    FAILURES,
    ResponseTooLarge,
    ResponseTruncated,
    answered,
    chunks,
    post_json,
)


def answer(*parts):
    return httpx.Response(200, content=iter(parts))


def test_a_body_may_not_be_longer_than_its_limit():
    stream = chunks(answer(b"a" * 5, b"b" * 5, b"c"), seconds=60, limit=10)
    assert next(stream) + next(stream) == b"aaaaabbbbb"
    with pytest.raises(ResponseTooLarge):
        next(stream)


def test_a_body_may_not_trickle_for_ever():
    with pytest.raises(ResponseTooLarge):
        list(chunks(answer(b"a"), seconds=-1, limit=10))


def asked(handler, *, seconds=60.0, limit=100):
    transport = httpx.MockTransport(handler)
    return post_json(
        transport, "https://llm.example/v1", {"a": 1}, key="k", seconds=seconds, limit=limit
    )


def test_json_goes_out_with_the_key():
    """JSON goes out with the key and the whole answer comes back."""
    seen = []

    def handler(request):
        seen.append((request.headers["authorization"], json.loads(request.content)))
        return httpx.Response(201, json={"b": 2})

    response = asked(handler)
    assert (response.status_code, response.json()) == (201, {"b": 2})
    assert seen == [("Bearer k", {"a": 1})]


@pytest.mark.parametrize("bounds", [{"seconds": 0.0}, {"limit": 2}], ids=["time", "size"])
def test_response_beyond_its_limits_is_a_connection_error(bounds):
    """An answer beyond its time or size is an error of the connection."""
    with pytest.raises(httpx.HTTPError):
        asked(lambda _: httpx.Response(200, content=iter([b"abc"])), **bounds)


def test_a_redirect_is_no_way_for_the_key():
    there = {"Location": "https://other.example"}
    assert asked(lambda _: httpx.Response(302, headers=there)).status_code == 302


LEADS_ASTRAY = ["http://xn--/", "foo:bar", "javascript:1", "//[", "http://[::1", "\x00", "é" * 9000]


@pytest.mark.parametrize("location", LEADS_ASTRAY, ids=range(len(LEADS_ASTRAY)))
def test_a_redirects_text_is_nothing_that_fails(location):
    headers = [(b"location", location.encode())]
    assert asked(lambda _: httpx.Response(307, headers=headers)).status_code == 307


def test_no_cookie_is_kept():
    sent = []

    def handler(request):
        sent.append(request.headers.get("cookie"))
        return httpx.Response(200, headers={"set-cookie": "a=b; Path=/"})

    transport = httpx.MockTransport(handler)
    for _ in range(2):
        with answered(
            transport, "GET", "https://relay.example/", key="k", timeout=httpx.Timeout(1)
        ) as response:
            assert list(chunks(response, seconds=60, limit=9)) == []
    assert sent == [None, None]


@pytest.mark.parametrize("encoding", [{}, {"content-encoding": "gzip"}], ids=["by bytes", "told"])
def test_a_packed_answer_is_unpacked_and_bounded(encoding):
    packed = gzip.compress(bytes(1000))
    response = httpx.Response(200, stream=httpx.ByteStream(packed), headers=encoding)
    assert b"".join(chunks(response, seconds=60, limit=1000)) == bytes(1000)
    response = httpx.Response(200, stream=httpx.ByteStream(packed), headers=encoding)
    with pytest.raises(ResponseTooLarge):
        list(chunks(response, seconds=60, limit=999))


@pytest.mark.parametrize(
    ("body", "length"),
    [
        (b"abc", "4"),
        (b"abc", "2"),
        (b"", "1"),
        (b"abc", "9" * 5000),
        (gzip.compress(b"abc")[:-1], None),
    ],
    ids=range(5),
)
def test_a_body_that_is_not_what_was_announced_is_cut(body, length):
    headers = {"content-length": length} if length else {}
    response = httpx.Response(200, stream=httpx.ByteStream(body), headers=headers)
    with pytest.raises(ResponseTruncated) as cut:
        list(chunks(response, seconds=60, limit=100))
    assert isinstance(cut.value, FAILURES)


@pytest.mark.parametrize("length", ["3", "003", "many", ""])
def test_a_body_of_the_announced_length_is_whole(length):
    response = httpx.Response(
        200, stream=httpx.ByteStream(b"abc"), headers={"content-length": length}
    )
    assert list(chunks(response, seconds=60, limit=100)) == [b"abc"]
