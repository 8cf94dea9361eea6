"""POST /mcp: the Model Context Protocol, by which agents make and read videos."""

from aws_lambda_powertools.event_handler import Response

from videoapi import bootstrap
from videoapi.api.json_bodies import read_json
from videoapi.api.mcp import origins
from videoapi.api.mcp.server import McpServer
from videoapi.api.mcp.tools import Tools

api = bootstrap.api(key_later=True)  # a foreign page is refused before that
server = McpServer(
    tools=Tools(
        api=api,
        store=bootstrap.store(),
        links=bootstrap.links(),
        forecasts=bootstrap.forecasts(),
        logger=bootstrap.logger(),
        submissions=bootstrap.submissions(),
        cancellation=bootstrap.cancellation(),
        limiter=bootstrap.limiter(),
    )
)


@api.post("/mcp")
def message() -> Response[str]:
    """Answer one message of the protocol."""
    own, allowed = api.base_url, api.settings.cors_allow_origins
    origins.require_known(api.headers.get("origin"), own, allowed)
    api.authenticate()
    return server.answer(read_json(api.json_body()), api.headers)


handler = api.handle
