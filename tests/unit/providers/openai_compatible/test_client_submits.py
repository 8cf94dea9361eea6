"""The line between an order that was accepted, one refused, and one of which nobody knows."""

from contextlib import suppress

import httpx
import pytest

from tests.support.relays import KEY, Breaks, Relay, answering, order
from videoapi.providers.errors import SubmitRefused, SubmitUnknown
from videoapi.providers.provider import Accepted


@pytest.mark.parametrize("status", [200, 201, 202, 206])
@pytest.mark.parametrize(
    "body",
    [
        {"id": "a:1"},
        {"task_id": "a:1"},
        {"taskId": "a:1"},
        {"video_id": "a:1"},
        {"request_id": "a:1"},
        {"data": {"id": "a:1"}},
        {"code": 200, "msg": "success", "data": {"taskId": "a:1"}},
        {"request_id": "r", "output": {"task_id": "a:1", "task_status": "PENDING"}},
        {"request_id": "r", "data": [{"video_id": "a:1"}]},
        {"videoId": "a:1"},
        {"job_id": "a:1"},
        {"data": {"jobId": "a:1"}},
        {"jobid": "a:1", "status": "created"},
        {"run_id": "a:1"},
        {"runId": "a:1"},
        {"generation_id": "a:1"},
        {"generationId": "a:1", "request_id": "r"},
        {"status": "success", "data": {"video": {"id": "a:1"}}},
        {"request_id": "r", "result": {"job_id": "a:1"}},
    ],
    ids=range(19),
)
def test_any_2xx_with_an_id_is_accepted(status, body):
    assert answering(status, body).client().submit(order()) == Accepted("a:1")


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
        {"code": 503, "message": "no"},
        {"code": "HIGH_TRAFFIC"},
        {"error": "rate limit"},
        {"error": {"message": "no"}, "request_id": "r"},
        [{"id": "a"}],
    ],
    ids=range(13),
)
def test_a_2xx_without_an_id_is_unknown_even_when_it_complains(body):
    with pytest.raises(SubmitUnknown) as caught:
        answering(200, body).client().submit(order())
    assert caught.value.code == "upstream_submit_unknown"
    assert caught.value.maybe_charged
    assert caught.value.retryable


@pytest.mark.parametrize("place", ["data", "output", "result", "task"])
@pytest.mark.parametrize("word", ["success", "OK"])
def test_a_requests_id_is_not_the_accepted_jobs(place, word):
    """A request that went well may have an id, too; a part with an id and a word is the job."""
    request = {"id": "req-1", "status": word, "request_id": "r"}
    job = {"task_id": "v", "status": "queued"}
    accepted = answering(200, {**request, place: job}).client().submit(order())
    assert accepted.job_id == "v"
    assert set(accepted.ids) == {"v", "req-1", "r"}
    job |= {"status": None}
    assert answering(200, {**request, place: job}).client().submit(order()).job_id == "req-1"


@pytest.mark.parametrize(
    "answer",
    [
        {"task_id": "v", "data": {"id": 5, "status": "queued"}},
        {"video_id": "v", "result": {"id": "gpu-7", "state": "starting"}},
        {"id": "v", "data": {"id": 5, "task_id": "v", "status": "queued"}},
        {"id": "v", "data": {"id": 5, "status": "queued"}, "task": {"taskId": "v"}},
    ],
)
def test_id_that_is_called_a_jobs_is_the_accepted_jobs(answer):
    """A request's is called `id` alone, and no part of the answer is called by it."""
    accepted = answering(200, {"status": "success", **answer}).client().submit(order())
    assert accepted.job_id == "v"


@pytest.mark.parametrize(
    ("status", "error"), [(200, None), (400, SubmitRefused), (504, SubmitUnknown)]
)
def test_every_id_that_an_order_was_answered_with_is_told(status, error):
    relay = answering(status, {"id": "a", "request_id": "r", "data": {"video_id": "b"}})
    if error is None:
        assert relay.client().submit(order()).ids == ("a", "b", "r")
        return
    with pytest.raises(error) as caught:
        relay.client().submit(order())
    assert caught.value.job_ids == ("a", "b")
    assert caught.value.upstream_status == status


@pytest.mark.parametrize("status", [408, 501, 504, 505, 507, 520, 524, 527, 529, 598, 599])
@pytest.mark.parametrize("body", [b"", {"id": "v", "error": {"code": "MINOR"}}], ids=range(2))
def test_an_answer_that_does_not_say_not_accepted_is_unknown(status, body):
    with pytest.raises(SubmitUnknown, match=str(status)):
        answering(status, body).client().submit(order())


class Lines:
    """What is logged, as it would be printed."""

    def __init__(self):
        self.lines = []

    def info(self, message, **fields):
        self.lines.append((message, fields))


@pytest.mark.parametrize("status", [200, 302, 400, 504])
def test_every_id_that_is_read_is_logged_and_our_key_never(status):
    lines = Lines()
    body = {"id": "a", "request_id": "r", "data": {"video_id": KEY}, "error": KEY}
    with suppress(SubmitRefused, SubmitUnknown):
        answering(status, body).client(log=lines).submit(order())
    assert lines.lines == [("an order was answered", {"status": status, "ids": ("a", "r")})]


LOCATIONS = ["https://relay.example/v1/videos", "http://xn--/", "foo:bar", "javascript:1", ""]


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308, 399])
@pytest.mark.parametrize("location", LOCATIONS, ids=range(len(LOCATIONS)))
def test_redirected_order_was_not_accepted(status, location):
    relay = answering(status, {"id": "v"}, location=location)
    with pytest.raises(SubmitRefused) as caught:
        relay.client().submit(order())
    assert not caught.value.maybe_charged
    assert caught.value.again is None
    assert not caught.value.retryable
    assert caught.value.code == "upstream_account_error"
    assert "VEO3_BASE_URL" in caught.value.detail
    assert "VEO3_BASE_URL" not in caught.value.message
    assert len(relay.requests) == 1


@pytest.mark.parametrize("status", [521, 522, 523, 525, 526, 530])
@pytest.mark.parametrize("body", [b"", b"<html>origin is unreachable</html>"], ids=range(2))
def test_an_edge_that_never_reached_the_relay_accepted_nothing(status, body):
    with pytest.raises(SubmitRefused) as caught:
        answering(status, body).client().submit(order())
    assert caught.value.again == "transient"
    assert not caught.value.maybe_charged


@pytest.mark.parametrize(
    ("body", "code", "again"),
    [
        ({"code": "insufficient_user_quota"}, "upstream_account_error", None),
        ({"error": {"code": "invalid_api_key"}}, "upstream_account_error", None),
        ({"code": 401, "message": "no such token"}, "upstream_account_error", None),
        ({"code": "402", "data": None}, "upstream_account_error", None),
        ({"code": 403, "request_id": "r", "error": "no"}, "upstream_account_error", None),
        ({"code": 429, "msg": "slow down"}, "service_unavailable", "transient"),
        ({"error": {"type": "rate_limit_error"}}, "service_unavailable", "transient"),
        ({"data": {"error": {"code": "RESOURCE_EXHAUSTED"}}}, "service_unavailable", "transient"),
        ({"code": "USER_REQUESTS_THROTTLED"}, "service_unavailable", "transient"),
        ({"code": 402, "msg": "no credit", "request_id": "r"}, "upstream_account_error", None),
        ({"code": "InvalidApiKey", "request_id": "r"}, "upstream_account_error", None),
        ({"code": "Throttling.RateQuota", "request_id": "r"}, "service_unavailable", "transient"),
        ({"code": 429, "msg": "wait", "request_id": "r"}, "service_unavailable", "transient"),
        ({"code": 429, "result": {"id": "v", "status": "no"}}, "service_unavailable", "transient"),
    ],
    ids=range(14),
)
def test_2xx_that_refuses_account_or_limit_was_not_accepted(body, code, again):
    with pytest.raises(SubmitRefused) as caught:
        answering(200, body, retry_after="9").client().submit(order())
    assert (caught.value.code, caught.value.again) == (code, again)
    assert caught.value.retry_after == 9
    assert not caught.value.maybe_charged


def test_2xx_that_names_an_id_is_accepted():
    relay = answering(200, {"id": "v", "code": "insufficient_user_quota"})
    assert relay.client().submit(order()) == Accepted("v")


@pytest.mark.parametrize("status", [429, 500, 502, 503])
@pytest.mark.parametrize("body", [b"", b"<html>busy</html>", {"error": "busy"}], ids=range(3))
def test_not_accepted_for_now_allows_another_attempt(status, body):
    with pytest.raises(SubmitRefused) as caught:
        answering(status, body, retry_after="7").client().submit(order())
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
        answering(status, body).client().submit(order())
    assert (caught.value.code, caught.value.again) == (code, again)


def test_our_key_never_comes_back_in_a_relays_words():
    relay = answering(400, {"error": {"message": f"token {KEY} may not: {KEY}"}})
    with pytest.raises(SubmitRefused) as caught:
        relay.client().submit(order())
    assert KEY not in f"{caught.value.message} {caught.value.detail}"
    assert "***" in caught.value.message


ESCAPES = {
    "plain": str,
    "case": str.upper,
    "percent": lambda key: key.replace("-", "%2D"),
    "every byte": lambda key: "".join(f"%{byte:02x}" for byte in key.encode()),
    "twice": lambda key: key.replace("-", "%252D"),
    "entity": lambda key: key.replace("-", "&#45;"),
    "escaped again": lambda key: key.replace("e", "\\u0065"),
    "hex": lambda key: key.replace("e", "\\x65"),
    "invisible": "\u200b".join,
    "wide": lambda key: "".join(chr(ord(sign) + 0xFEE0) for sign in key),
    "slashes": lambda key: key.replace("/", "\\/"),
}


@pytest.mark.parametrize("write", ESCAPES.values(), ids=ESCAPES)
@pytest.mark.parametrize("key", [KEY, "sk/relay+key/0123"], ids=["dashes", "slashes"])
def test_our_key_comes_back_in_no_writing(write, key):
    text = f"token {write(key)} is not known"
    relay = answering(400, {"error": {"message": text, "code": write(key)}})
    with pytest.raises(SubmitRefused) as caught:
        relay.client(key=key).submit(order())
    assert "***" in caught.value.message
    assert write(key) not in caught.value.message
    page = answering(400, text.encode())
    with pytest.raises(SubmitRefused) as caught:
        page.client(key=key).submit(order())
    assert "***" in caught.value.detail
    assert write(key) not in caught.value.detail


@pytest.mark.parametrize("write", ESCAPES.values(), ids=ESCAPES)
def test_an_id_that_quotes_our_key_is_none(write):
    with pytest.raises(SubmitUnknown) as caught:
        answering(200, {"id": f"job-{write(KEY)}"}).client().submit(order())
    assert caught.value.job_ids == ()


def test_a_key_as_short_as_a_word_does_not_blot_out_words():
    relay = answering(400, {"error": {"message": "bad size"}})
    with pytest.raises(SubmitRefused, match="bad size"):
        relay.client(key="bad").submit(order())


@pytest.mark.parametrize(
    "error", [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError]
)
def test_what_was_never_sent_was_not_accepted(error):
    with pytest.raises(SubmitRefused) as caught:
        Relay(error("no")).client().submit(order())
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
        Relay(error("no")).client().submit(order())


def test_id_that_arrived_whole_counts():
    """An id that arrived whole counts although the connection broke."""
    relay = Relay(httpx.Response(200, stream=Breaks(b'{"id": "v"}')))
    assert relay.client().submit(order()) == Accepted("v")


def test_an_answer_cut_before_its_id_is_unknown():
    relay = Relay(httpx.Response(200, stream=Breaks(b'{"status": "queued", "id": "v')))
    with pytest.raises(SubmitUnknown):
        relay.client().submit(order())


def test_a_refusal_counts_although_its_words_were_cut():
    relay = Relay(httpx.Response(503, stream=Breaks(b'{"err')))
    with pytest.raises(SubmitRefused) as caught:
        relay.client().submit(order())
    assert caught.value.again == "transient"
