"""The OpenAPI 3.1 document: the table of routes, put together with schemas, examples and errors."""

import json
from typing import Any

from tools.openapi import examples, refusals, webhook
from tools.openapi.mcp_routes import MCP_ROUTES
from tools.openapi.openai_routes import OPENAI_ROUTES
from tools.openapi.parts import (
    EVERYWHERE,
    FORM,
    HEADERS,
    MCP,
    OPENAI,
    PARAMETERS,
    REST,
    SERVICE,
    Body,
    Reply,
    Route,
)
from tools.openapi.rest_routes import REST_ROUTES
from tools.openapi.schemas import schemas
from tools.openapi.service_routes import SERVICE_ROUTES
from videoapi import __version__

type Json = Any

DESCRIPTION = """\
Turns an image and a prompt into a video, with Veo3.

Generation is asynchronous: **submit** a task, **poll** it until it has ended, **download** the
video. The same task can be reached in two dialects: REST under `/api/v1`, and OpenAI's under `/v1`,
which its official SDKs speak unmodified.

One accepted task is paid once. Send an `Idempotency-Key` with a submit, and a retry of yours that
crossed with its answer finds the first task instead of paying for a second.
"""
TAGS = {
    REST: ("Tasks, in the words of this service.", REST_ROUTES),
    OPENAI: ("Video objects, as OpenAI's SDKs know them.", OPENAI_ROUTES),
    MCP: ("The same for agents.", MCP_ROUTES),
    SERVICE: ("The service itself.", SERVICE_ROUTES),
}
WIDTH = 100
BASE_HEADERS = {
    "x-request-id": "RequestId",
    "X-Content-Type-Options": "NoSniff",
    "Strict-Transport-Security": "Https",
}


def build() -> dict[str, Json]:
    """Return the document."""
    paths: dict[str, Json] = {}
    answers = examples.answers()
    for tag, (_, routes) in TAGS.items():
        for route in routes:
            method, path = route.route_key.split()
            paths.setdefault(path, {})[method.lower()] = _operation(tag, route, answers)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Video API",
            "version": __version__,
            "summary": "Image-to-video generation with Veo3",
            "description": DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, (text, _) in TAGS.items()],
        "security": [{}, {"bearer": []}, {"key": []}],  # any of them: a service may be open
        "paths": paths,
        "webhooks": {"videoEnded": {"post": webhook.ended()}},
        "components": {
            "schemas": schemas(),
            "parameters": PARAMETERS,
            "headers": {key: _header(header) for key, header in HEADERS.items()},
            "responses": refusals.responses(),
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key. An open service takes any and none.",
                },
                "key": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-API-Key",
                    "description": "The same key, for clients without bearers. Not for downloads: "
                    "clients hand this header on to the host that a redirect leads to.",
                },
            },
        },
    }


def text() -> str:
    """Return the document as it is committed: in lines, so that a change shows as a change."""
    return lines(build()) + "\n"


def lines(value: Json, indent: str = "") -> str:
    """Return JSON with each value that fits on one line on one line."""
    line = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(line) <= WIDTH or not isinstance(value, dict | list):
        return line
    deeper = indent + " "
    if isinstance(value, list):
        parts, ends = [lines(each, deeper) for each in value], "[]"
    else:
        parts = [f"{json.dumps(name)}: {lines(each, deeper)}" for name, each in value.items()]
        ends = "{}"
    return f"{ends[0]}\n{deeper}" + f",\n{deeper}".join(parts) + f"\n{indent}{ends[1]}"


def _operation(tag: str, route: Route, answers: dict[str, Json]) -> Json:
    operation: dict[str, Json] = {
        "tags": [tag],
        "operationId": route.operation,
        "summary": route.summary,
        "description": route.text,
    }
    if route.deprecated:
        operation["deprecated"] = True
    if tag == SERVICE:
        operation["security"] = []
    if route.bearer_alone:
        operation["security"] = [{}, {"bearer": []}]
    if route.parameters:
        operation["parameters"] = [_component("parameters", name) for name in route.parameters]
    if route.bodies:
        content = {kind: _body(kind, body) for kind, body in route.bodies.items()}
        operation["requestBody"] = {"required": True, "content": content}
    operation["responses"] = {
        str(route.reply.status): _reply(route.reply, answers.get(route.operation, {})),
        **{
            str(reply.status): _reply(reply, answers.get(f"{route.operation} {reply.status}", {}))
            for reply in route.other_replies
        },
        **{
            str(status): _component("responses", refusals.name_of(tag, status))
            for status in (*route.errors, *EVERYWHERE)
        },
    }
    return operation


def _body(kind: str, body: Body) -> Json:
    content: dict[str, Json] = {
        "schema": _component("schemas", body.schema),
        "examples": {name: {"value": value} for name, value in body.examples.items()},
    }
    if kind == FORM:
        images = "image/jpeg, image/png, image/webp, application/octet-stream, text/plain"
        content["encoding"] = {"input_reference": {"contentType": images}}
    return content


def _reply(reply: Reply, shown: dict[str, Json]) -> Json:
    headers = BASE_HEADERS | {HEADERS[key]["name"]: key for key in reply.headers}
    made: dict[str, Json] = {
        "description": reply.text,
        "headers": {name: _component("headers", key) for name, key in headers.items()},
    }
    if reply.schema is None:
        made["content"] = {"text/plain": {"schema": {"type": "string", "maxLength": 0}}}
    else:
        made["content"] = {reply.media_type: {"schema": reply.schema}}
    if shown:
        values = {name: {"value": value} for name, value in shown.items()}
        made["content"][reply.media_type]["examples"] = values
    if reply.links:
        place = "$response.body#/" + ("task_id" if "TaskLocation" in reply.headers else "id")
        made["links"] = {
            name: {"operationId": name, "parameters": {"path.task_id": place}}
            for name in reply.links
        }
    return made


def _header(header: dict[str, Json]) -> Json:
    return {name: value for name, value in header.items() if name != "name"}


def _component(kind: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{kind}/{name}"}
