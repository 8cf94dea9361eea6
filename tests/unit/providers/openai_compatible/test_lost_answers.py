"""A 500, 502 or 503 of a relay that sent an order on, one that could not, and one that is busy."""

from itertools import product

import pytest

from tests.support.relays import answering, order
from videoapi.providers.errors import SubmitRefused, SubmitUnknown
from videoapi.providers.openai_compatible.lost_answers import MAX_READ, tells_of_a_lost_answer

ENVOY = "upstream connect error or disconnect/reset before headers. "
POST = 'Post "https://maker.example/v1/videos": '
NEW_API = {"type": "new_api_error", "param": "", "code": "do_request_failed"}
NGINX = "upstream timed out (110: Connection timed out) while "
CLOUDFRONT = (
    "<HTML><HEAD><TITLE>ERROR: The request could not be satisfied</TITLE></HEAD><BODY>"
    "<H1>502 ERROR</H1>CloudFront attempted to establish a connection with the origin, but either"
    " the attempt failed or the origin closed the connection.</BODY></HTML>"
)
APACHE = (
    "<html><head><title>502 Proxy Error</title></head><body><h1>Proxy Error</h1>"
    "<p>The proxy server received an invalid\r\nresponse from an upstream server.<br />\r\n"
    'The proxy server could not handle the request <em><a href="/v1/videos">POST&nbsp;/v1/videos'
    "</a></em>.<p>\nReason: <strong>{}</strong></p></body></html>"
)
HAPROXY = "<html><body><h1>502 Bad Gateway</h1>\nThe server returned an invalid or incomplete"
POOL = "HTTPSConnectionPool(host='maker.example', port=443): "
EXCEEDED = POOL + "Max retries exceeded with url: /v1/videos (Caused by "

WAYS = list(product((500, 502, 503), (False, True)))  # status; whether a body holds the words
LOST = [
    # Python: httpx, aiohttp, requests; the OpenAI SDK and LiteLLM say little more
    "Server disconnected without sending a response.",
    "Server disconnected",
    "litellm.APIConnectionError: GeminiException - Server disconnected without sending a response.",
    "litellm.InternalServerError: InternalServerError: OpenAIException - Connection error.",
    "peer closed connection without sending complete message body (incomplete chunked read)",
    "('Connection aborted.', RemoteDisconnected('Remote end closed connection without response'))",
    "[Errno 104] Connection reset by peer",
    "Response payload is not completed",
    "Timeout on reading data from socket",
    POOL + "Read timed out. (read timeout=60)",
    EXCEEDED + "ReadTimeoutError('Read timed out.'))",
    "ReadTimeout",
    "litellm.Timeout: Connection timed out. Timeout passed=60.0, time taken=60.01 seconds",
    "httpx.ReadError",
    "RemoteProtocolError",
    "Request timed out.",
    {"error": {"type": "TimeoutError", "message": None}},
    {"detail": "timeout"},
    "SSL: UNEXPECTED_EOF_WHILE_READING",
    "asyncio.exceptions.TimeoutError",
    # Go
    POST + "EOF",
    POST + "unexpected EOF",
    POST + "read tcp 10.0.0.2:4711->203.0.113.9:443: read: connection reset by peer",
    POST + "read tcp 10.0.0.2:4711->203.0.113.9:443: i/o timeout",
    POST + "write tcp 10.0.0.2:4711->203.0.113.9:443: write: broken pipe",
    POST + "context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
    POST + "net/http: request canceled (Client.Timeout exceeded while awaiting headers)",
    POST + "net/http: timeout awaiting response headers",
    POST + "http: server closed idle connection",
    POST + "http2: server sent GOAWAY and closed the connection; LastStreamID=1, ErrCode=NO_ERROR",
    POST + "http2: client connection lost",
    POST + "stream error: stream ID 1; INTERNAL_ERROR; received from peer",
    POST + "context canceled",
    'net/http: HTTP/1.x transport connection broken: malformed HTTP response "\\x15"',
    # Node
    {"message": "socket hang up", "code": "ECONNRESET"},
    {"error": {"message": "upstream", "cause": {"errno": -104, "code": "ECONNRESET"}}},
    "read ECONNRESET",
    "write EPIPE",
    "fetch failed",
    "other side closed",
    "Headers Timeout Error",
    "timeout of 60000ms exceeded",
    "The operation was aborted due to timeout",
    "network timeout at: https://maker.example/v1/videos",
    "Premature close",
    "TypeError: terminated",
    "AbortError: This operation was aborted",
    "UND_ERR_BODY_TIMEOUT",
    "NGHTTP2_INTERNAL_ERROR",
    # Java, .NET, Rust, PHP
    "java.net.SocketTimeoutException: Read timed out",
    "java.net.SocketException: Connection timed out (Read failed)",
    "Unable to read data from the transport connection: Connection timed out.",
    "[Errno 110] Connection timed out",
    "write: connection timed out",
    "java.net.SocketException: Software caused connection abort: socket write failed",
    "javax.net.ssl.SSLException: Read failed",
    "maker.example:443 failed to respond",
    "Connection prematurely closed BEFORE response",
    "The response ended prematurely.",
    "An existing connection was forcibly closed by the remote host.",
    "connection closed before message completed",
    "error sending request for url (https://maker.example/v1/videos)",
    "An error occurred while sending the request.",
    "end of file reached",
    "HTTP/1.1 header parser received no bytes",
    "UNAVAILABLE: Stream removed",
    "cURL error 52: Empty reply from server",
    "cURL error 28: Operation timed out after 30001 milliseconds with 0 bytes received",
    "cURL error 56: Recv failure: Connection reset by peer",
    "feign.RetryableException: timeout executing POST https://maker.example/v1/videos",
    "hyper::Error(IncompleteMessage)",
    # what came was no JSON
    {"detail": "Expecting value: line 1 column 1 (char 0)"},
    "Unexpected token '<', \"<html>\" is not valid JSON",
    "invalid character '<' looking for beginning of value",
    "json: cannot unmarshal string into Go struct field",
    "com.fasterxml.jackson.core.JsonParseException: Unexpected character ('<' (code 60))",
    "Unexpected character encountered while parsing value: <. Path '', line 0, position 0.",
    "error: expected value at line 1 column 1",
    {"message": "upstream response is empty"},
    # gateways
    "The upstream server is timing out",
    "lost connection to upstream",
    "No response received from the provider",
    "The provider did not respond in time",
    "invalid JSON response from upstream",
    "failed to decode response",
    "Error 520: Web server is returning an unknown error",
    ENVOY + "reset reason: connection termination",
    ENVOY + "reset reason: remote reset",
    ENVOY + "reset reason: protocol error",
    ENVOY,
    "14 UNAVAILABLE: Connection dropped",
    "UNAVAILABLE: transport is closing",
    "DEADLINE_EXCEEDED",
    "Upstream idle timeout exceeded",
    {"status": "error", "code": 502, "message": "Application failed to respond"},
    "upstream prematurely closed connection while reading response header from upstream",
    NGINX + "reading response header from upstream",
    "<html><head><title>504 Gateway Time-out</title></head></html>",
    {"error": {"code": 504, "message": "no luck"}},
    {"message": "bad response status code 524", "code": "bad_response_status_code"},
    APACHE.format("Error reading from remote server"),
    HAPROXY + " response.\n</body></html>",
    CLOUDFRONT,
    {"message": "An invalid response was received from the upstream server", "request_id": "r"},
    # new-api and its kin
    {"error": {**NEW_API, "message": "upstream error: do request failed"}},
    {**NEW_API, "message": "请求上游地址失败", "data": None},
    {**NEW_API, "message": POST + "EOF"},
    {"code": "read_response_body_failed", "message": "no luck", "data": None},
    {"code": "unmarshal_response_body_failed", "message": "body: <html>", "data": None},
    {"code": "invalid_response", "message": "task_id is empty", "data": None},
    {"error": {"type": "bad_response_body", "message": "unexpected end of JSON input"}},
    {"error": {"message": "Upstream request failed", "type": "upstream_error"}},
    {"error": {"type": "provider_connection_failed", "message": "failed"}},
    "上游超时",
    "生成已取消: 客户端连接已断开",
    "连接被重置",
]

NEVER_SENT = [
    ENVOY + "reset reason: connection failure",
    ENVOY + "reset reason: remote connection failure",
    ENVOY + "reset reason: connection timeout",
    ENVOY + "reset reason: overflow",
    ENVOY
    + "reset reason: connection failure, transport failure reason: delayed connect error: 111",
    ENVOY + "retried and the latest reset reason: remote connection failure, transport failure"
    " reason: TLS_error:|268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER",
    ENVOY + "reset reason: remote refused stream reset",
    POST + "dial tcp 203.0.113.9:443: connect: connection refused",
    POST + "dial tcp 203.0.113.9:443: i/o timeout",
    POST + "dial tcp: lookup maker.example on 127.0.0.11:53: no such host",
    POST + "dial tcp: lookup maker.example: read udp 10.0.0.2:3->10.0.0.1:53: i/o timeout",
    POST + "net/http: TLS handshake timeout",
    POST + "net/http: request canceled while waiting for connection (Client.Timeout exceeded while"
    " awaiting headers)",
    POST + "proxyconnect tcp: EOF",
    POST + "x509: certificate signed by unknown authority",
    {**NEW_API, "message": POST + "dial tcp 203.0.113.9:443: connect: connection refused"},
    {"code": "build_request_failed", "message": "multipart: NextPart: EOF", "data": None},
    {"code": "ECONNREFUSED", "message": "connect ECONNREFUSED 203.0.113.9:443"},
    "getaddrinfo ENOTFOUND maker.example",
    "connect ETIMEDOUT 203.0.113.9:443",
    "fetch failed: Connect Timeout Error",
    "litellm.APIConnectionError: Cannot connect to host maker.example:443 ssl:default [None]",
    "httpx.ConnectError: All connection attempts failed",
    "ConnectTimeout",
    "[Errno -2] Name or service not known",
    EXCEEDED + "NewConnectionError('Failed to establish a new connection: [Errno 111]'))",
    EXCEEDED + "ConnectTimeoutError('Connection to maker.example timed out. (connect timeout=5)'))",
    "error sending request: error trying to connect: tcp connect error: Operation timed out",
    "An error occurred while sending the request. (Connection refused)",
    "java.net.ConnectException: Connection refused",
    "java.net.ConnectException: Connection timed out (Connection timed out)",
    EXCEEDED + "NewConnectionError('<x>: Failed to establish a new connection: [Errno 110]"
    " Connection timed out'))",
    "Cannot connect to host maker.example:443 ssl:default [Connection timed out]",
    "Connection timeout to host https://maker.example/v1/videos",
    "cURL error 7: Failed to connect to maker.example port 443 after 21 ms: Connection timed out",
    "cURL error 28: Connection timed out after 10001 milliseconds",
    NGINX + "connecting to upstream",
    "UND_ERR_CONNECT_TIMEOUT",
    "ProxyConnectionError: Cannot connect to proxy.",
    APACHE.format("DNS lookup failure for: maker.example"),
    "<HTML><BODY>CloudFront wasn't able to connect to the origin.</BODY></HTML>",
    "14 UNAVAILABLE: failed to connect to all addresses; last error: Connection refused",
    "连接超时",
]

BUSY = [
    "",
    "no healthy upstream",
    "Bad Gateway",
    "error code: 502",
    "upstream error",
    "Internal Server Error",
    "queue timeout",
    "Timed out waiting for an available worker",
    "Waiting for a free slot timed out",
    "Your quota will be reset by midnight",
    "The server is closed for maintenance",
    "The generation timed out",
    "<html><script>setTimeout(again, 5000) // EOF</script><h1>Maintenance</h1></html>",
    {"message": "busy", "limits": {"request_timeout": 600}},
    "<html><title>502 Bad Gateway</title><body><hr><center>nginx</center></body></html>",
    "<html><h1>503 Service Unavailable</h1>No server is available to handle this request.</html>",
    {"error": {"message": "Service temporarily unavailable", "code": "service_unavailable"}},
    {"error": {"message": "The server had an error while processing your request."}},
    {"error": {"message": "The model is overloaded. Please try again later.", "code": 503}},
    {"error": {"message": "No available channel for model veo_3_1 under group default"}},
    {"error": {"message": "Provider returned error", "code": 502}},
    {"code": "fail_to_fetch_task", "message": "当前分组上游负载已饱和，请稍后再试"},  # noqa: RUF001
    {"code": "bad_response_status_code", "message": "bad response status code 503"},
    {"code": "PUBLIC_ERROR_HIGH_TRAFFIC", "message": "upstream"},
    {"code": "PUBLIC_ERROR_VIDEO_GENERATION_TIMED_OUT", "message": "Try again"},
    {"code": "TIMED_OUT", "message": "The request timed out. Please try again."},
    {"error": {"code": "PUBLIC_ERROR_TIMED_OUT", "message": "Timed out"}},
    {"error": {"code": "MODEL_OVERLOADED", "message": "No answer: read timeout"}},
    {"error": "litellm.APIConnectionError: VertexAIException - the model is overloaded"},
    {"error": {"message": "Invalid JSON payload received. Unknown name", "code": 500}},  # Google's
    {"code": "rate_limit_exceeded", "message": "Wait(n=1) would exceed context deadline: EOF"},
]


def sent(status, said, *, nested=False):
    plain = said.encode() if isinstance(said, str) else said
    body = {"error": {"message": said}} if nested and isinstance(said, str) else plain
    answering(status, body).client().submit(order())


@pytest.mark.parametrize("said", LOST, ids=range(len(LOST)))
def test_an_answer_that_the_relay_lost_is_unknown(said):
    for status, nested in WAYS:
        message = f"{status}, and may have sent the order on"
        with pytest.raises(SubmitUnknown, match=message) as caught:
            sent(status, said, nested=nested)
        assert caught.value.maybe_charged
        assert caught.value.upstream_status == status


@pytest.mark.parametrize("said", NEVER_SENT + BUSY, ids=range(len(NEVER_SENT + BUSY)))
def test_a_relay_that_sent_nothing_on_may_be_asked_again(said):
    for status, nested in WAYS:
        with pytest.raises(SubmitRefused) as caught:
            sent(status, said, nested=nested)
        assert caught.value.again == "transient"
        assert not caught.value.maybe_charged


@pytest.mark.parametrize("status", [500, 502, 503])
@pytest.mark.parametrize(
    ("body", "unknown"),
    [
        ({"id": "v", "status": "queued", "error": {"message": "insert failed"}}, True),
        ({"code": "internal_error", "data": {"task_id": "v", "status": "PROCESSING"}}, True),
        ({"status": "SUCCESS", "data": {"id": "v", "task": {"status": "rejected"}}}, True),
        ({"task": {"id": "v", "status": "queued"}}, True),
        ({"id": "v", "status": "failed", "error": {"message": "no luck"}}, False),
        ({"id": "e", "status": "service unavailable"}, False),
        ({"request_id": "r", "status": "unknown"}, False),
        ({"status": "queued"}, False),
    ],
    ids=range(8),
)
def test_a_5xx_that_names_an_open_job_is_unknown(status, body, unknown):
    with pytest.raises(SubmitUnknown if unknown else SubmitRefused) as caught:
        sent(status, body)
    assert not caught.value.final


@pytest.mark.parametrize("status", [400, 404, 405, 409, 422, 423, 425])
@pytest.mark.parametrize(
    ("body", "unknown"),
    [
        ({"id": "v", "status": "queued"}, True),
        ({"id": "v", "status": "queued", "error": {"message": "Duplicate order"}}, True),
        ({"code": "duplicate", "data": {"task_id": "v", "status": "IN_PROGRESS"}}, True),
        ({"id": "v", "status": "completed", "video_url": "https://cdn.example/a.mp4"}, True),
        ({"id": "v", "status": "video_generation_successful"}, True),
        ({"id": "v", "status": "queued", "code": "HIGH_TRAFFIC"}, False),
        ({"id": "v", "status": "queued", "code": "insufficient_user_quota"}, False),
        ({"id": "v", "status": "queued", "code": "content_policy_violation"}, False),
        ({"id": "v", "status": "failed"}, False),
        ({"id": "e", "status": "conflict"}, False),
        ({"request_id": "r", "status": "queued"}, False),
        ({"id": "e", "error": {"message": "Duplicate order"}}, False),
    ],
    ids=range(12),
)
def test_a_4xx_that_names_an_open_job_is_unknown(status, body, unknown):
    """A relay that recognises a repeated order names the job that it made of the first one."""
    with pytest.raises(SubmitUnknown if unknown else SubmitRefused) as caught:
        sent(status, body)
    assert caught.value.maybe_charged is unknown
    assert caught.value.final is unknown


@pytest.mark.parametrize("status", [401, 402, 403, 429])
def test_a_refused_account_is_none_of_an_open_job(status):
    with pytest.raises(SubmitRefused):
        sent(status, {"id": "v", "status": "queued"})


@pytest.mark.parametrize("status", [429, 521, 522, 523, 525, 526, 530])
def test_a_status_that_is_certain_needs_no_words(status):
    with pytest.raises(SubmitRefused):
        sent(status, "522: Connection timed out, EOF")


def test_a_final_refusal_stays_one_whatever_it_says():
    with pytest.raises(SubmitRefused) as caught:
        sent(500, {"error": {"code": "content_policy_violation", "message": "unexpected EOF"}})
    assert caught.value.code == "content_policy_violation"
    with pytest.raises(SubmitRefused) as caught:
        sent(400, {"message": "unexpected EOF"})
    assert caught.value.code == "upstream_rejected"


def test_one_of_several_tries_that_was_sent_is_enough():
    with pytest.raises(SubmitUnknown):
        sent(502, "try 1: read ECONNRESET; try 2: connect ECONNREFUSED 203.0.113.9:443")


def test_an_answer_is_read_from_its_beginning():
    """However long it is: while an expression reads it, the task's lease is not renewed."""
    assert tells_of_a_lost_answer((), b"x" * (MAX_READ - 4) + b" EOF")
    assert not tells_of_a_lost_answer((), b"x" * MAX_READ + b" EOF")
    assert not tells_of_a_lost_answer(("x" * MAX_READ + " EOF",), b"")
    assert not tells_of_a_lost_answer(["x" * MAX_READ] * 4 + ["EOF"], b"")
