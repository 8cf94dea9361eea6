"""What a route is made of, and the parameters and headers that routes share."""

from dataclasses import dataclass, field
from typing import Any

from tools.openapi.answers import ID_PATTERN
from tools.openapi.examples import ID

type Json = Any

REST, OPENAI, MCP, SERVICE = "REST", "OpenAI", "MCP", "Service"
JSON, FORM = "application/json", "multipart/form-data"
HTML, SCRIPT = "text/html", "text/javascript"


@dataclass(frozen=True, kw_only=True)
class Body:
    """A request body in one media type."""

    schema: str
    examples: dict[str, Json]


@dataclass(frozen=True, kw_only=True)
class Reply:
    """The answer of a success. `schema` None: nothing worth reading is in its body."""

    status: int = 200
    text: str
    schema: dict[str, Json] | None = None
    media_type: str = JSON
    headers: tuple[str, ...] = ()  # of HEADERS
    links: tuple[str, ...] = ()  # operations that take the id of this answer


@dataclass(frozen=True, kw_only=True)
class Route:
    """One method of one path."""

    method: str
    path: str
    tag: str
    operation: str
    summary: str
    text: str
    reply: Reply
    other_replies: tuple[Reply, ...] = ()
    parameters: tuple[str, ...] = ()  # of PARAMETERS
    bodies: dict[str, Body] = field(default_factory=dict)
    errors: tuple[int, ...] = ()
    deprecated: bool = False
    bearer_alone: bool = False  # no X-API-Key
    others: tuple[Reply, ...] = ()  # successes of other statuses


def ref(schema: str) -> dict[str, str]:
    """Return a reference to a schema of the components."""
    return {"$ref": f"#/components/schemas/{schema}"}


LIMITS = ("LimitPolicy", "LimitState")
PARAMETERS: dict[str, dict[str, Json]] = {
    "TaskId": {
        "name": "task_id",
        "in": "path",
        "required": True,
        "description": "As the submit answered it, in either dialect.",
        "schema": {"type": "string", "format": "task-id", "pattern": ID_PATTERN, "examples": [ID]},
    },
    "Model": {
        "name": "model",
        "in": "path",
        "required": True,
        "description": "Its name, as a submit takes it.",
        "schema": {"type": "string", "format": "model", "examples": ["veo_3_1"]},
    },
    "File": {
        "name": "file",
        "in": "path",
        "required": True,
        "description": "One of those that the page names.",
        "schema": {"type": "string", "format": "file", "examples": ["main.js"]},
    },
    "Limit": {
        "name": "limit",
        "in": "query",
        "description": "How many a page may hold.",
        "schema": {"type": "integer", "minimum": 1, "maximum": 100, "default": 20},
    },
    "Status": {
        "name": "status",
        "in": "query",
        "description": "Only tasks with this status.",
        "schema": {"$ref": "#/components/schemas/RestStatus"},
    },
    "Cursor": {
        "name": "cursor",
        "in": "query",
        "description": "Taken from the `Link` header of the page before.",
        "schema": {"type": "string", "format": "cursor"},
    },
    "After": {
        "name": "after",
        "in": "query",
        "description": "The `last_id` of the page before.",
        "schema": {"type": "string", "format": "task-id"},
    },
    "Order": {
        "name": "order",
        "in": "query",
        "description": "`desc`: newest first.",
        "schema": {"type": "string", "enum": ["desc", "asc"], "default": "desc"},
    },
    "Variant": {
        "name": "variant",
        "in": "query",
        "description": "Which file. There is a thumbnail where the video had an input image.",
        "schema": {"type": "string", "enum": ["video", "thumbnail"], "default": "video"},
    },
    "FirstDay": {
        "name": "from",
        "in": "query",
        "description": "The first UTC day. The first of its month where it is not said.",
        "schema": {"type": "string", "format": "date"},
    },
    "LastDay": {
        "name": "to",
        "in": "query",
        "description": "The last UTC day, at most 91 days later. Today where it is not said.",
        "schema": {"type": "string", "format": "date"},
    },
    "DryRun": {
        "name": "dry_run",
        "in": "query",
        "description": "`true` validates and prices, and says who would be asked: nothing is "
        "ordered, written or counted.",
        "schema": {"type": "boolean", "default": False},
    },
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Makes retries safe: requests with the same key are one task, paid once. "
        "Up to 255 printable ASCII characters, quoted or not.",
        "schema": {
            "type": "string",
            "pattern": '^(?:"[ -~]{1,255}"|(?!""$)[!-~](?:[ -~]{0,253}[!-~])?)$',
            "examples": ["order-4711"],
        },
    },
}


def _header(name: str, description: str, *, always: bool = True, **schema: Json) -> dict[str, Json]:
    return {
        "name": name,
        "description": description,
        "required": always,
        "schema": {"type": "string", **schema},
    }


_SECONDS = {"type": "integer", "minimum": 1, "maximum": 60}
HEADERS: dict[str, dict[str, Json]] = {
    "RequestId": _header("x-request-id", "Finds this request in the service's logs."),
    "NoSniff": _header("X-Content-Type-Options", "Browsers must not guess.", const="nosniff"),
    "Https": _header("Strict-Transport-Security", "Use https.", const="max-age=31536000"),
    "MayBeKept": _header("Cache-Control", "For every caller.", const="public, max-age=300"),
    "AskedAgain": _header("Cache-Control", "Kept, and asked for each time.", const="no-cache"),
    "EntityTag": _header("ETag", "For `If-None-Match`."),
    "NoStore": _header("Cache-Control", "Not to be stored.", const="no-store"),
    "Vary": _header("Vary", "What the answer depends on besides the address."),
    "TaskLocation": _header("Location", "Path of the task.", pattern="^/api/v1/tasks/vid_"),
    "FileLocation": _header("Location", "Absolute address of the file.", format="uri"),
    "NextPage": _header("Link", '`<…>; rel="next"`, when there is a next page.', always=False),
    "Successor": _header("Link", "The route to use instead.", pattern='rel="successor-version"$'),
    "Deprecation": _header("Deprecation", "Since when (RFC 9745).", pattern="^@[0-9]+$"),
    "Replayed": _header(
        "Idempotency-Replayed", "Nothing new: an earlier request had made it.", always=False,
        const="true",
    ),
    "PollAfter": _header(
        "Retry-After", "Seconds until the next look is worth it, unless the task has ended.",
        always=False, **_SECONDS,
    ),
    "PollAfterMs": _header(
        "openai-poll-after-ms", "Milliseconds between two looks; OpenAI's SDKs keep the first.",
        always=False, type="integer", minimum=1,
    ),
    "ContentSecurity": _header("Content-Security-Policy", "Nothing but its own parts is loaded."),
    "Challenge": _header("WWW-Authenticate", "How to present a key.", const="Bearer"),
    "LimitPolicy": _header(
        "RateLimit-Policy", "The limits of your key, if it has any.", always=False
    ),
    "LimitState": _header(
        "RateLimit", "What is left of them, and for how many seconds.", always=False
    ),
    "NoRetry": _header("x-should-retry", "A retry is useless or could pay twice.", const="false"),
    "RetryAfter": _header(
        "Retry-After", "Seconds until a retry is worth it.", always=False, **_SECONDS
    ),
}  # fmt: skip
