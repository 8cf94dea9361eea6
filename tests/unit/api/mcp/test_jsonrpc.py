"""One message of JSON-RPC 2.0: what is one, and the exact code for all else."""

import pytest

from videoapi.api.mcp.jsonrpc import Message, ProtocolError, read_message, refused
from videoapi.errors import Forbidden, MalformedBody, VideoApiError

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


@pytest.mark.parametrize("message_id", [1, 0, -3, 2.0, "a", "", 10**30])
def test_request_has_an_id_of_text_or_a_whole_number(message_id):
    assert read_message(PING | {"id": message_id}) == Message("ping", {}, message_id)


@pytest.mark.parametrize("params", [{}, {"a": [1]}, None])
def test_params_are_an_object_or_absent(params):
    assert read_message(PING | {"params": params}).params == (params or {})


def test_message_without_id_is_a_notification():
    read = read_message({"jsonrpc": "2.0", "method": "notifications/initialized"})
    assert read == Message("notifications/initialized", {}, None)


@pytest.mark.parametrize("outcome", [{"result": {}}, {"error": {"code": 1, "message": "no"}}])
def test_answer_to_nothing_wants_no_answer(outcome):
    assert read_message({"jsonrpc": "2.0", "id": 7} | outcome).id is None


@pytest.mark.parametrize(
    ("body", "code", "message_id"),
    [
        ([], -32600, None),
        ([PING], -32600, None),
        ("ping", -32600, None),
        (None, -32600, None),
        ({}, -32600, None),
        (PING | {"jsonrpc": "1.0"}, -32600, 1),
        (PING | {"jsonrpc": 2.0}, -32600, 1),
        (PING | {"method": 1}, -32600, 1),
        ({"jsonrpc": "2.0", "id": 1}, -32600, 1),
        ({"jsonrpc": "2.0", "id": 1, "result": {}, "error": {}}, -32600, 1),
        ({"jsonrpc": "2.0", "result": {}}, -32600, None),
        (PING | {"id": None}, -32600, None),
        (PING | {"id": True}, -32600, None),
        (PING | {"id": 1.5}, -32600, None),
        (PING | {"id": {}}, -32600, None),
        (PING | {"params": "x"}, -32600, 1),
        (PING | {"params": []}, -32602, 1),
    ],
)
def test_what_is_no_message_is_refused_by_its_code(body, code, message_id):
    with pytest.raises(ProtocolError) as refusal:
        read_message(body)
    assert (refusal.value.code, refusal.value.message_id) == (code, message_id)
    assert refusal.value.message


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MalformedBody("The body is not valid JSON."), -32700),
        (VideoApiError("Something went wrong here."), -32603),
        (Forbidden("Not from there."), 403),
    ],
)
def test_http_refusal_is_a_json_rpc_error_without_id(error, code):
    body = refused(error, {"error": {"type": error.type}})
    assert body["error"] == {"code": code, "message": error.message, "data": {"type": error.type}}
    assert (body["jsonrpc"], body["id"]) == ("2.0", None)
