"""MCP's messages, and what its tools return, as models. They describe and never run."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from tools.openapi.answers import Answer, TaskId
from tools.openapi.models import RestStatus, Task, TaskSummary
from tools.openapi.money_models import Cost

PollAfter = Annotated[int, Field(ge=1, le=10)]


class AcceptedVideo(Answer):
    """An accepted task."""

    task_id: TaskId
    status: RestStatus
    """`pending`, or where the task stands when an idempotency_key found it."""
    replayed: bool
    """Whether an earlier call with this idempotency_key had made it: nothing more is paid."""
    poll_after_seconds: PollAfter | None
    """When to call get_video; null when the task has ended."""
    cost: Cost


class PolledVideo(Task):
    """The whole task."""

    poll_after_seconds: PollAfter | None
    """When to call get_video again; null when the task has ended."""


class VideoPage(Answer):
    """A page of tasks, newest first."""

    videos: list[TaskSummary]
    next_cursor: str | None
    """Of the next page; null on the last one."""


class McpMessage(BaseModel):
    """A JSON-RPC message: a request, or a notification, which has no id."""

    model_config = ConfigDict(extra="allow", use_attribute_docstrings=True)

    jsonrpc: Literal["2.0"]
    id: str | int | SkipJsonSchema[None] = None
    """Your own; the answer repeats it."""
    method: str
    """`tools/list`, `tools/call` and the like."""
    params: dict[str, Any] | None = None


class McpErrorBody(Answer):
    """Why a message could not be served."""

    code: int
    """JSON-RPC's or MCP's; of what is refused before a message is read, the HTTP status."""
    message: str
    """For people."""
    data: Any = None
    """For programs. Not always there."""


class McpError(Answer):
    """A JSON-RPC error."""

    jsonrpc: Literal["2.0"]
    id: str | int | float | None
    """Null where the message has none that can be read."""
    error: McpErrorBody


class McpResult(Answer):
    """A JSON-RPC result."""

    jsonrpc: Literal["2.0"]
    id: str | int | float
    result: dict[str, Any]
    """Of a tool: `content` in words, `structuredContent` as data, and `isError`."""


ANSWERS = (McpError, McpResult)
