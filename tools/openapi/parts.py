"""What a route is made of, and the parameters and headers that routes share."""

from dataclasses import dataclass, field
from functools import partial
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
    headers: tuple[str, ...] = ("NoStore", "Vary")  # of HEADERS
    links: tuple[str, ...] = ()  # operations that take the id of this answer


@dataclass(frozen=True, kw_only=True)
class Route:
    """One method of one path: the `route_key`, as API Gateway has it."""

    route_key: str
    operation: str
    summary: str
    text: str
    reply: Reply
    other_replies: tuple[Reply, ...] = ()  # successes of other statuses
    parameters: tuple[str, ...] = ()  # of PARAMETERS
    bodies: dict[str, Body] = field(default_factory=dict)
    errors: tuple[int, ...] = ()  # besides those of EVERYWHERE
    deprecated: bool = False
    bearer_alone: bool = False  # no X-API-Key


def ref(schema: str) -> dict[str, str]:
    """Return a reference to a schema of the components."""
    return {"$ref": f"#/components/schemas/{schema}"}


EVERYWHERE = (429, 500, 503)  # errors of every route
LIMITS = ("LimitPolicy", "LimitState")


def _parameter(place: str, name: str, description: str, **schema: Json) -> dict[str, Json]:
    required = {"required": True} if place == "path" else {}
    return {"name": name, "in": place, **required, "description": description, "schema": schema}


_path, _query = partial(_parameter, "path"), partial(_parameter, "query")
PARAMETERS: dict[str, dict[str, Json]] = {
    "TaskId": _path(
        "task_id",
        "As the submit answered it, in either dialect.",
        type="string",
        format="task-id",
        pattern=ID_PATTERN,
        examples=[ID],
    ),
    "Model": _path(
        "model",
        "Its name, as a submit takes it.",
        type="string",
        format="model",
        examples=["veo_3_1"],
    ),
    "File": _path(
        "file",
        "One of those that the page names.",
        type="string",
        format="file",
        examples=["main.js"],
    ),
    "Limit": _query(
        "limit", "How many a page may hold.", type="integer", minimum=1, maximum=100, default=20
    ),
    "Status": _query("status", "Only tasks with this status.", **ref("RestStatus")),
    "Cursor": _query(
        "cursor", "Taken from the `Link` header of the page before.", type="string", format="cursor"
    ),
    "After": _query("after", "The `last_id` of the page before.", type="string", format="task-id"),
    "Order": _query(
        "order", "`desc`: newest first.", type="string", enum=["desc", "asc"], default="desc"
    ),
    "Variant": _query(
        "variant",
        "Which file. There is a thumbnail where the video had an input image.",
        type="string",
        enum=["video", "thumbnail"],
        default="video",
    ),
    "FirstDay": _query(
        "from",
        "The first UTC day. The first of its month where it is not said.",
        type="string",
        format="date",
    ),
    "LastDay": _query(
        "to",
        "The last UTC day, at most 91 days later. Today where it is not said.",
        type="string",
        format="date",
    ),
    "DryRun": _query(
        "dry_run",
        "`true` validates and prices, and says who would be asked: nothing is ordered, written "
        "or counted.",
        type="boolean",
        default=False,
    ),
    "IdempotencyKey": _parameter(
        "header",
        "Idempotency-Key",
        "Makes retries safe: requests with the same key are one task, paid once. Up to 255 "
        "printable ASCII characters, quoted or not.",
        type="string",
        pattern='^(?:"[ -~]{1,255}"|(?!""$)[!-~](?:[ -~]{0,253}[!-~])?)$',
        examples=["order-4711"],
    ),
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
