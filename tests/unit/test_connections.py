"""Answers of the operator's endpoints, which are waited for just so long."""

import json

import httpx
import pytest

from videoapi.connections import TooMuch, chunks, post_json


def answer(*parts):
    return httpx.Response(200, content=iter(parts))


def test_a_body_may_not_be_longer_than_its_limit():
    stream = chunks(answer(b"a" * 5, b"b" * 5, b"c"), seconds=60, limit=10)
    assert next(stream) + next(stream) == b"aaaaabbbbb"
    with pytest.raises(TooMuch):
        next(stream)


def test_a_body_may_not_trickle_for_ever():
    with pytest.raises(TooMuch):
        list(chunks(answer(b"a"), seconds=-1, limit=10))


def asked(handler, *, seconds=60.0, limit=100):
    client = httpx.Client(transport=httpx.MockTransport(handler))
    return post_json(
        client, "https://llm.example/v1", {"a": 1}, key="k", seconds=seconds, limit=limit
    )


def test_json_goes_out_with_the_key_and_the_whole_answer_comes_back():
    seen = []

    def handler(request):
        seen.append((request.headers["authorization"], json.loads(request.content)))
        return httpx.Response(201, json={"b": 2})

    response = asked(handler)
    assert (response.status_code, response.json()) == (201, {"b": 2})
    assert seen == [("Bearer k", {"a": 1})]


@pytest.mark.parametrize("bounds", [{"seconds": 0.0}, {"limit": 2}], ids=["time", "size"])
def test_an_answer_beyond_its_time_or_size_is_an_error_of_the_connection(bounds):
    with pytest.raises(httpx.HTTPError):
        asked(lambda _: httpx.Response(200, content=iter([b"abc"])), **bounds)


def test_a_redirect_is_no_way_for_the_key():
    there = {"Location": "https://other.example"}
    assert asked(lambda _: httpx.Response(302, headers=there)).status_code == 302
