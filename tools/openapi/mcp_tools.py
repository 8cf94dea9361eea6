"""The list of MCP's tools, made of the models: short enough for a language model to read.

Of what a route takes in several forms, a schema shows the plainest. Each reference is resolved,
because not every client of MCP does that.
"""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from tools.openapi import document, mcp_models, models, money_models, openai_models
from tools.openapi.notes import NOTES, UPLOAD_NOTES
from tools.openapi.schemas import Quiet
from videoapi.api.fields import DEFAULT_SIZE
from videoapi.api.mcp.arguments import GenerateVideoCall, ListModels, ListVideos, OneVideo
from videoapi.api.rest.image_requests import NewUpload

type Schema = dict[str, Any]

MORE_NOTES = {
    "image": "Where the video starts: an https URL, a data URL, base64, or the reference of "
    "create_upload, which is for files on your own disk. Without an image it is made of the "
    "prompt alone.",
    "resolution": f"1080p, 720p, or WIDTHxHEIGHT; {DEFAULT_SIZE} when omitted.",
    "duration": "Seconds. Omit it to let the model decide; list_models says which it makes.",
    "model": "One of list_models; the first of them when omitted.",
    "metadata": "Your own notes, which get_video repeats.",
    "idempotency_key": "Any text of your own for this one video. A second call with it returns "
    "the first one's task and costs nothing; always send one.",
    "dry_run": "true orders nothing, and returns what the call would order and cost.",
    "task_id": "As generate_video answered it.",
    "limit": "How many a page holds.",
    "status": "Only tasks with this status.",
    "cursor": "next_cursor of the page before.",
}
ALL_NOTES = NOTES | UPLOAD_NOTES | MORE_NOTES
FIRST = {"prompt", "image"}
ALIASES = {"callback_url"}
#: What a language model cannot use: text is held to what can be printed, whatever it sends.
NOISE = {"title", "pattern"}


@dataclass(frozen=True, kw_only=True)
class Tool:
    """One tool. `writes` and `destroys` become hints; who `orders` speaks to the provider."""

    name: str
    title: str
    text: str
    takes: type[BaseModel]
    returns: type[BaseModel]
    or_returns: type[BaseModel] | None = None
    writes: bool = False
    destroys: bool = False
    orders: bool = False

    def described(self) -> Schema:
        """Return the tool as `tools/list` has it."""
        return {
            "name": self.name,
            "title": self.title,
            "description": self.text,
            "inputSchema": _input(self.takes),
            "outputSchema": self._output(),
            "annotations": {
                "title": self.title,
                "readOnlyHint": not self.writes,
                "destructiveHint": self.destroys,
                "idempotentHint": self.destroys or not self.writes,
                "openWorldHint": self.orders,
            },
        }

    def _output(self) -> Schema:
        if self.or_returns is None:
            return _output(self.returns)
        return {"type": "object", "anyOf": [_output(self.returns), _output(self.or_returns)]}


TOOLS = (
    Tool(
        name="generate_video",
        title="Generate a video",
        text="Order one video from an image, a prompt, or both. It costs money; to repeat a lost "
        "call, send the same idempotency_key. Answers at once with a task_id: then call get_video "
        "every poll_after_seconds until its status is completed, failed or cancelled, most often "
        "within one or two minutes.",
        takes=GenerateVideoCall,
        returns=mcp_models.AcceptedVideo,
        or_returns=money_models.DryRun,
        writes=True,
        orders=True,
    ),
    Tool(
        name="get_video",
        title="Get a video",
        text="Say where a task stands. A completed one has a link to its MP4, which plays without "
        "a key for a while; call again for a fresh one.",
        takes=OneVideo,
        returns=mcp_models.PolledVideo,
    ),
    Tool(
        name="list_videos",
        title="List videos",
        text="List your own tasks, newest first.",
        takes=ListVideos,
        returns=mcp_models.VideoPage,
    ),
    Tool(
        name="cancel_video",
        title="Cancel a video",
        text="End a task that is pending or processing. A pending one then costs nothing; what "
        "was ordered already may be charged all the same.",
        takes=OneVideo,
        returns=models.CancelledTask,
        writes=True,
        destroys=True,
    ),
    Tool(
        name="list_models",
        title="List models",
        text="Say which models there are, what each can make, and at what price.",
        takes=ListModels,
        returns=openai_models.ModelList,
    ),
    Tool(
        name="create_upload",
        title="Upload an image",
        text="Get a form by which an image of up to 20 MB on your own disk is sent, with the "
        "command for it; generate_video then takes its reference as image, for 24 hours.",
        takes=NewUpload,
        returns=models.Upload,
        writes=True,
    ),
)


def text() -> str:
    """Return the list as it is committed."""
    return document.lines([tool.described() for tool in TOOLS]) + "\n"


def _input(model: type[BaseModel]) -> Schema:
    made = model.model_json_schema(schema_generator=Quiet)
    found = {
        name: field for name, field in made.get("properties", {}).items() if name not in ALIASES
    }
    fields = {
        name: {"description": ALL_NOTES[name]} | _plain(found[name], made.get("$defs", {}))
        for name in sorted(found, key=lambda name: name not in FIRST)
    }
    required = {"required": made["required"]} if "required" in made else {}
    return {"type": "object", "properties": fields, **required, "additionalProperties": False}


def _output(model: type[BaseModel]) -> Schema:
    made = model.model_json_schema(mode="serialization", schema_generator=Quiet)
    whole: Schema = _resolved(made, made.pop("$defs", {}))
    return whole


def _plain(field: Schema, known: Schema) -> Schema:
    """Return a field without null and without noise."""
    match field:
        case {"anyOf": [dict(some), {"type": "null"}], **rest}:
            field = rest | some
    plain: Schema = _resolved(field, known)
    return {name: value for name, value in plain.items() if name not in NOISE}


def _resolved(schema: Any, known: Schema) -> Any:
    """Return a schema without references; what it says nothing of may be there, later."""
    match schema:
        case {"$ref": str(reference), **rest}:
            return _resolved(known[reference.rpartition("/")[2]] | rest, known)
        case dict():
            return {
                name: _resolved(each, known)
                for name, each in schema.items()
                if (name, each) != ("additionalProperties", False)
            }
        case list():
            return [_resolved(each, known) for each in schema]
    return schema
