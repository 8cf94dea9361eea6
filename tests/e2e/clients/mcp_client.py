"""What an agent does over MCP, with the official client: in the version of its `mode`."""

import asyncio
import base64
import json
import sys
from pathlib import Path
from urllib.request import urlopen

import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client

URL, MODE, STILL, TOKENS, KEY = (
    json.loads(sys.argv[1])[name] for name in ("url", "mode", "still", "tokens", "key")
)
MAX_POLLS = 120
HEADERS = {"Authorization": f"Bearer {KEY}"} if KEY else {}


async def call(client, name, **arguments):
    result = await client.call_tool(name, arguments)
    assert not result.is_error, result
    return result


async def wrong(client, name, **arguments):
    result = await client.call_tool(name, arguments)
    assert result.is_error, result
    return result.content[0].text


async def finished(client, task_id):
    """Poll as the server asks for it; return the link of the finished video."""
    for _ in range(MAX_POLLS):
        result = await call(client, "get_video", task_id=task_id)
        if result.structured_content["status"] == "completed":
            (link,) = (part for part in result.content if part.type == "resource_link")
            assert link.mime_type == "video/mp4"
            return str(link.uri)
        assert result.structured_content["status"] in ("pending", "processing"), result
        await asyncio.sleep(result.structured_content["poll_after_seconds"])
    raise AssertionError(task_id)


def movie(link):
    """Read a link as anybody would, without a key."""
    with urlopen(link, timeout=30) as response:  # noqa: S310 — the stack's own
        content = response.read()
    assert content[4:8] == b"ftyp"


async def uploaded(client):
    form = (await call(client, "create_upload")).structured_content
    async with httpx2.AsyncClient() as http:
        still = {"file": Path(STILL).read_bytes()}  # noqa: ASYNC240 — a small one
        sent = await http.post(form["url"], data=form["fields"], files=still)
    assert sent.status_code == 204, sent.text
    return form["reference"]


async def generations(client):
    data = base64.b64encode(Path(STILL).read_bytes()).decode()  # noqa: ASYNC240 — a small one
    images = {
        "url": f"{URL}/examples/mountains.jpg",
        "data": f"data:image/jpeg;base64,{data}",
        "upload": await uploaded(client),
    }
    made = {}
    for kind, image in images.items():
        asked = {"image": image, "prompt": f"A {kind} {TOKENS}", "duration": 4}
        asked |= {"resolution": "720p", "idempotency_key": f"{MODE} {kind}"}
        one, two = [
            (await call(client, "generate_video", **asked)).structured_content for _ in range(2)
        ]
        assert (one["task_id"], one["replayed"], two["replayed"]) == (two["task_id"], False, True)
        made[kind] = one["task_id"]
    for task_id in made.values():
        await asyncio.to_thread(movie, await finished(client, task_id))
    return list(made.values())


async def cancelling(client):
    asked = {"prompt": f"[[time:600]] Never made {TOKENS}"}
    made = (await call(client, "generate_video", **asked)).structured_content["task_id"]
    assert (await call(client, "cancel_video", task_id=made)).structured_content["success"]
    now = (await call(client, "get_video", task_id=made)).structured_content
    assert (now["status"], now["poll_after_seconds"]) == ("cancelled", None)
    assert "task_already_ended" in await wrong(client, "cancel_video", task_id=made)
    return made


async def mistakes(client):
    assert "duration" in await wrong(client, "generate_video", prompt="A fox", duration=99)
    assert "Unknown field" in await wrong(client, "generate_video", prompt="A fox", n=2)
    assert "No such task" in await wrong(client, "get_video", task_id="vid_none")
    again = {"prompt": "Another", "idempotency_key": f"{MODE} url"}
    assert "idempotency_key" in await wrong(client, "generate_video", **again)
    for ask in (client.list_resources, lambda: client.call_tool("make_coffee", {})):
        assert await protocol_fault(ask) in (-32601, -32602), ask


async def protocol_fault(ask):
    try:
        await ask()
    except MCPError as error:
        return error.code
    raise AssertionError(ask)


async def everything():
    async with httpx2.AsyncClient(headers=HEADERS, timeout=60) as http:
        transport = streamable_http_client(f"{URL}/mcp", http_client=http)
        async with Client(transport, mode=MODE) as client:
            assert client.server_info.name == "video-api"
            tools = (await client.list_tools()).tools
            assert all(tool.description and tool.output_schema for tool in tools)
            models = (await call(client, "list_models")).structured_content["data"]
            made = [*await generations(client), await cancelling(client)]
            await mistakes(client)
            listed = (await call(client, "list_videos", limit=100)).structured_content["videos"]
            assert {each["task_id"] for each in listed} >= set(made)
            return {
                "version": client.protocol_version,
                "tools": [tool.name for tool in tools],
                "models": [each["id"] for each in models],
                "made": made,
            }


async def refused():
    """Return what the client says of a server that does not know its key."""
    try:
        async with httpx2.AsyncClient(headers=HEADERS) as http:
            transport = streamable_http_client(f"{URL}/mcp", http_client=http)
            async with Client(transport, mode=MODE) as client:
                await client.list_tools()
    except BaseExceptionGroup as errors:
        return {"refused": str(errors.exceptions)}
    except MCPError as error:
        return {"refused": str(error)}
    raise AssertionError(URL)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(refused() if KEY == "wrong" else everything())))
