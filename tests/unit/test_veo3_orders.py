"""The line between an order that was accepted, one refused, and one of which nobody knows."""

import httpx
import pytest

from tests.relays import KEY, Breaks, Relay, answering, order
from videoapi.failures import (
    SubmitRefused,
    SubmitUnknown,
)
from videoapi.veo3 import Accepted


@pytest.mark.parametrize("status", [200, 201, 202, 206])
@pytest.mark.parametrize(
    "body", [{"id": "a:1"}, {"task_id": "a:1"}, {"data": {"id": "a:1"}}], ids=range(3)
)
def test_any_2xx_with_an_id_is_accepted(status, body):
    assert answering(status, body).client().create(order()) == Accepted("a:1")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>ok</html>",
        b'{"id": "cut',
        {},
        {"status": "queued"},
        {"code": "success", "data": None},
        {"error": {"code": "content_policy_violation", "message": "no"}},
        {"code": "INTERNAL", "message": "no"},
        [{"id": "a"}],
    ],
    ids=range(9),
)
def test_a_2xx_without_an_id_is_unknown_even_when_it_complains(body):
    with pytest.raises(SubmitUnknown) as caught:
        answering(200, body).client().create(order())
    assert caught.value.code == "upstream_submit_unknown"
    assert caught.value.maybe_charged
    assert caught.value.retryable


@pytest.mark.parametrize(
    ("status", "error"), [(200, None), (400, SubmitRefused), (504, SubmitUnknown)]
)
def test_every_id_that_an_order_was_answered_with_is_told(status, error):
    relay = answering(status, {"id": "a", "request_id": "r", "data": {"video_id": "b"}})
    if error is None:
        assert relay.client().create(order()).ids == ("a", "b", "r")
        return
    with pytest.raises(error) as caught:
        relay.client().create(order())
    assert caught.value.ids == ("a", "b", "r")
    assert caught.value.upstream_status == status


@pytest.mark.parametrize(
    "status", [300, 301, 302, 303, 307, 308, 408, 501, 504, 505, 507, 520, 522, 524, 529, 530, 599]
)
@pytest.mark.parametrize("body", [b"", {"id": "v", "error": {"code": "MINOR"}}], ids=range(2))
def test_an_answer_that_does_not_say_not_accepted_is_unknown(status, body):
    relay = answering(status, body, location="https://elsewhere.example/v1/videos")
    with pytest.raises(SubmitUnknown, match=str(status)):
        relay.client().create(order())
    assert len(relay.requests) == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503])
@pytest.mark.parametrize("body", [b"", b"<html>busy</html>", {"error": "busy"}], ids=range(3))
def test_not_accepted_for_now_allows_another_attempt(status, body):
    with pytest.raises(SubmitRefused) as caught:
        answering(status, body, retry_after="7").client().create(order())
    assert caught.value.again == "transient"
    assert caught.value.retry_after == 7
    assert caught.value.retryable
    assert not caught.value.maybe_charged


@pytest.mark.parametrize(
    ("status", "body", "code", "again"),
    [
        (400, {"error": {"code": "bad_size", "message": "Bad size"}}, "upstream_rejected", None),
        (413, b"<html>", "upstream_rejected", None),
        (422, {"detail": [{"msg": "Field required"}]}, "upstream_rejected", None),
        (401, {}, "upstream_account_error", None),
        (402, {}, "upstream_account_error", None),
        (403, {"code": "insufficient_user_quota"}, "upstream_account_error", None),
        (429, {"error": {"code": "insufficient_quota"}}, "upstream_account_error", None),
        (404, {}, "generation_failed", None),
        (405, b"", "generation_failed", None),
        (409, {}, "generation_failed", None),
        (400, {"error": {"code": "content_policy_violation"}}, "content_policy_violation", None),
        (500, {"error": {"code": "PUBLIC_ERROR_MINOR"}}, "content_policy_violation", None),
        (500, {"message": "Support codes: 17301594"}, "content_policy_violation", None),
        (400, {"message": "内容不合规"}, "content_policy_violation", None),
        (400, {"code": "AUDIO_FILTERED"}, "audio_filtered", "audio"),
        (400, {"code": "PUBLIC_ERROR_HIGH_TRAFFIC"}, "service_unavailable", "transient"),
        (400, "当前分组上游负载已饱和".encode(), "service_unavailable", "transient"),
    ],
    ids=range(17),
)
def test_a_refusal_is_sorted_by_code_status_and_words(status, body, code, again):
    with pytest.raises(SubmitRefused) as caught:
        answering(status, body).client().create(order())
    assert (caught.value.code, caught.value.again) == (code, again)


def test_our_key_never_comes_back_in_a_relays_words():
    relay = answering(400, {"error": {"message": f"token {KEY} may not: {KEY}"}})
    with pytest.raises(SubmitRefused) as caught:
        relay.client().create(order())
    assert KEY not in f"{caught.value.message} {caught.value.detail}"
    assert "***" in caught.value.message


def test_a_key_as_short_as_a_word_does_not_blot_out_words():
    relay = answering(400, {"error": {"message": "bad size"}})
    with pytest.raises(SubmitRefused, match="bad size"):
        relay.client(key="bad").create(order())


@pytest.mark.parametrize(
    "error", [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError]
)
def test_what_was_never_sent_was_not_accepted(error):
    with pytest.raises(SubmitRefused) as caught:
        Relay(error("no")).client().create(order())
    assert caught.value.again == "transient"
    assert caught.value.code == "service_unavailable"


@pytest.mark.parametrize(
    "error",
    [
        httpx.ReadTimeout,
        httpx.WriteTimeout,
        httpx.ReadError,
        httpx.WriteError,
        httpx.CloseError,
        httpx.RemoteProtocolError,
        httpx.LocalProtocolError,
        httpx.DecodingError,
    ],
)
def test_what_may_have_arrived_is_unknown(error):
    with pytest.raises(SubmitUnknown, match=error.__name__):
        Relay(error("no")).client().create(order())


def test_an_id_that_arrived_whole_counts_although_the_connection_broke():
    relay = Relay(httpx.Response(200, stream=Breaks(b'{"id": "v"}')))
    assert relay.client().create(order()) == Accepted("v")


def test_an_answer_cut_before_its_id_is_unknown():
    relay = Relay(httpx.Response(200, stream=Breaks(b'{"status": "queued", "id": "v')))
    with pytest.raises(SubmitUnknown):
        relay.client().create(order())


def test_a_refusal_counts_although_its_words_were_cut():
    relay = Relay(httpx.Response(503, stream=Breaks(b'{"err')))
    with pytest.raises(SubmitRefused) as caught:
        relay.client().create(order())
    assert caught.value.again == "transient"
