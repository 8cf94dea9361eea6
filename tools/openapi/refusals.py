"""The errors of both dialects: which statuses there are, and what their bodies and headers hold."""

from typing import Any

from tools.openapi import error_examples, mcp_examples
from tools.openapi.parts import JSON, MCP, OPENAI, REST, SERVICE, ref
from videoapi.domain.tasks import Dialect

type Json = Any

DIALECTS = {REST: Dialect.REST, OPENAI: Dialect.OPENAI, SERVICE: Dialect.REST}
PREFIXES = {REST: "Rest", OPENAI: "OpenAi", MCP: "Mcp", SERVICE: "Rest"}
MEANINGS = {
    400: "The body cannot be read.",
    401: "No API key, or one that is not known here. (An open service takes any and none.)",
    402: "A daily budget has no room, or needs a price that nobody knows.",
    404: "No such task, or another caller's.",
    409: "The state of the task, or of an earlier request with this key, does not allow it.",
    413: "The body is over 6 MB (about 4.4 MB of binary).",
    415: "The route reads another format.",
    422: "Fields are wrong; each one is named.",
    429: "Too many requests: of everybody, or of your key.",
    500: "Something went wrong here.",
    503: "Something behind this service does not answer just now; nothing was charged.",
}
OPENAI_MEANINGS = MEANINGS | {
    400: "A field is wrong, and `param` names it; or the body cannot be read.",
    404: "No such video, or no file of it: not yet, not any more, or never.",
}
MCP_MEANINGS = MEANINGS | {
    400: "It is no message of a version that is spoken here.",
    403: "A web page of this origin may not ask.",
    404: "There is no such method. (Up to 2025-11-25 an error with status 200.)",
}
# The gateway in front answers these by itself too, in neither dialect's shape.
OF_THE_GATEWAY = frozenset({413, 429, 500, 503})
RETRYABLE = frozenset({429, 503})
OF_STATUS = {
    401: {"WWW-Authenticate": "Challenge"},
    429: {"RateLimit-Policy": "LimitPolicy", "RateLimit": "LimitState"},
}


def responses() -> dict[str, Json]:
    """Return every error answer by its component's name."""
    found = {tag: error_examples.refusals(DIALECTS[tag]) for tag in (REST, OPENAI)}
    return {
        name_of(tag, status): _response(tag, status, bodies)
        for tag, statuses in (found | {MCP: mcp_examples.refusals()}).items()
        for status, bodies in sorted(statuses.items())
    }


def name_of(tag: str, status: int) -> str:
    """Return the name of an error answer's component."""
    return f"{PREFIXES[tag]}{status}"


def meaning(tag: str, status: int) -> str:
    """Return what a status says in a dialect."""
    return {OPENAI: OPENAI_MEANINGS, MCP: MCP_MEANINGS}.get(tag, MEANINGS)[status]


def _response(tag: str, status: int, bodies: list[Json]) -> Json:
    shape: Json = ref(f"{PREFIXES[tag]}Error")
    gateway = status in OF_THE_GATEWAY
    if gateway:
        shape = {"anyOf": [shape, ref("GatewayError")]}
    shown = {str(body["error"]["code"]): {"value": body} for body in bodies}
    return {
        "description": meaning(tag, status),
        "headers": _headers(status),
        "content": {JSON: {"schema": shape, "examples": shown}},
    }


def _headers(status: int) -> Json:
    names = {"Retry-After": "RetryAfter"} if status in RETRYABLE else {"x-should-retry": "NoRetry"}
    if status in OF_THE_GATEWAY:  # which sends none of ours
        names.pop("x-should-retry", None)
    else:
        names |= {"x-request-id": "RequestId", "Cache-Control": "NoStore"}
    names |= OF_STATUS.get(status, {})
    return {name: {"$ref": f"#/components/headers/{key}"} for name, key in names.items()}
