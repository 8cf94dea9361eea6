"""The one route of MCP."""

from tools.openapi import mcp_examples
from tools.openapi.parts import JSON, Body, Reply, Route, ref

MCP_ROUTES = (
    Route(
        route_key="POST /mcp",
        operation="sendMcpMessage",
        summary="Model Context Protocol",
        text="Takes one JSON-RPC message and answers as JSON. Versions 2025-06-18, 2025-11-25 and "
        "2026-07-28 are spoken, as `MCP-Protocol-Version` says. `tools/list` tells the tools and "
        "their fields. A wrong call of a tool is a result with `isError`, which says what to "
        "change.",
        bodies={JSON: Body(schema="McpMessage", examples=mcp_examples.MESSAGES)},
        reply=Reply(
            text="The answer to a request.", schema={"anyOf": [ref("McpResult"), ref("McpError")]}
        ),
        other_replies=(Reply(status=202, text="A notification, taken."),),
        errors=(400, 401, 403, 404, 413, 415),
    ),
)
