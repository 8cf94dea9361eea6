"""JSON-RPC 2.0 as MCP narrows it: one message a body, ids of text or whole numbers."""

from typing import Any, Final, NamedTuple

from videoapi.errors import MalformedBody, VideoApiError

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
SERVER_ERROR: Final = 500

type MessageId = str | int | float | None


class ProtocolError(Exception):
    """The message cannot be served; `code` is JSON-RPC's or MCP's, `data` is for programs.

    `message_id` is None where the message has none that can be read.
    """

    def __init__(
        self, code: int, message: str, *, data: object = None, message_id: MessageId = None
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.data = code, message, data
        self.message_id = message_id


class Message(NamedTuple):
    """A request, or, without an id, what wants no answer: a notification, or an answer to us."""

    method: str
    params: dict[str, Any]
    id: MessageId = None


def read_message(body: object) -> Message:
    """Return the message of a parsed body. Raises `ProtocolError`."""
    if isinstance(body, list):
        raise ProtocolError(
            INVALID_REQUEST,
            "Batches are no part of MCP since 2025-06-18: send each message as a POST of its own.",
        )
    if not isinstance(body, dict):
        raise ProtocolError(INVALID_REQUEST, "Send one JSON-RPC 2.0 message, a JSON object.")
    message_id = _id_of(body)
    if body.get("jsonrpc") != "2.0":
        raise ProtocolError(INVALID_REQUEST, 'jsonrpc: say "2.0"', message_id=message_id)
    if "method" not in body and message_id is not None and ("result" in body) != ("error" in body):
        return Message("", {})  # an answer, though nothing was asked
    if not isinstance(body.get("method"), str):
        raise ProtocolError(INVALID_REQUEST, "method: say it as text", message_id=message_id)
    return Message(body["method"], _params_of(body, message_id), message_id)


def _id_of(body: dict[str, Any]) -> MessageId:
    """Return the id of a message, None for one without."""
    if "id" not in body:
        return None
    match body["id"]:
        case bool():
            pass
        case str(text):
            return text
        case int(number):
            return number
        case float(number) if number.is_integer():
            return number
    raise ProtocolError(INVALID_REQUEST, "id: say text or a whole number, never null")


def _params_of(body: dict[str, Any], message_id: MessageId) -> dict[str, Any]:
    match body.get("params"):
        case None:
            return {}
        case dict(params):
            return params
        case list():
            code = INVALID_PARAMS
        case _:
            code = INVALID_REQUEST
    raise ProtocolError(code, "params: say an object, with names", message_id=message_id)


def error_body(code: int, message: str, message_id: MessageId, data: object) -> dict[str, Any]:
    """Return the body of an error response."""
    error = {"code": code, "message": message} | ({} if data is None else {"data": data})
    return {"jsonrpc": "2.0", "id": message_id, "error": error}


def refused(error: VideoApiError, shaped: dict[str, Any]) -> dict[str, Any]:
    """Return the body of what HTTP refuses before any message is read.

    MCP gives these no code: it is the status, outside JSON-RPC's range; `shaped` is the error as
    the REST dialect has it.
    """
    code = error.status
    if isinstance(error, MalformedBody):
        code = PARSE_ERROR
    elif code == SERVER_ERROR:
        code = INTERNAL_ERROR
    text = error.message.replace("POST /api/v1/uploads", "create_upload")  # as an agent does it
    return error_body(code, text, None, shaped["error"])
