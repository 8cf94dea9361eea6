"""MCP by the official clients, unmodified, each in an environment of its own."""

import json
import os
import shutil
import subprocess

import httpx
import pytest

from devstack.settings import ROOT
from tests.support import web
from tests.support.running_stack import running_stack

CLIENTS = ROOT / "tests/e2e/clients"
STILL = str(ROOT / "examples/mountains.jpg")
TINY = "[[time:0.5]] [[render:tiny]]"
MAX_SECONDS = 120  # of one client
TOOLS = ["generate_video", "get_video", "list_videos", "cancel_video", "list_models"]
TOOLS += ["create_upload"]
AGENTS = {
    "python, newest": ("mcp_client.py", "auto", "2026-07-28"),
    "python, handshake": ("mcp_client.py", "legacy", "2025-11-25"),
    "typescript, newest": ("node/mcp.mjs", "auto", "2026-07-28"),
    "typescript, handshake": ("node/mcp.mjs", "legacy", "2025-11-25"),
    "typescript, first SDK": ("node/mcp.mjs", "sdk", "2025-11-25"),
}
no_node = shutil.which("node") is None or not (CLIENTS / "node/node_modules").is_dir()
every_agent = pytest.mark.parametrize(
    "agent",
    [
        pytest.param(
            name,
            marks=pytest.mark.skipif(
                name.startswith("typescript") and no_node,
                reason="Node is not installed (or was not when `make e2e` set up .venv/node)",
            ),
        )
        for name in AGENTS
    ],
)


def run(agent, url, *, key=""):
    """Run one client's whole use; return what it printed."""
    script, mode, _ = AGENTS[agent]
    program = ROOT / ".venv/mcp/bin/python" if script.endswith(".py") else "node"
    options = {"url": url, "mode": mode, "still": STILL, "tokens": TINY, "key": key}
    done = subprocess.run(
        [program, CLIENTS / script, json.dumps(options)],
        env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        capture_output=True,
        text=True,
        timeout=MAX_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def stack():
    settings = {"UPSTREAM_SECONDS": "1", "VIDEO_MAX_CONCURRENT": "4"}
    with running_stack(IMAGE_URL_ALLOW_PRIVATE="true", **settings) as running:
        yield running


@every_agent
def test_agent_makes_videos_and_pays_once(stack, agent):
    result = run(agent, stack.api_url)
    assert result["tools"] == TOOLS
    assert result["version"] == AGENTS[agent][2]
    with httpx.Client(base_url=stack.api_url, timeout=30) as api:
        attempts = [api.get(f"/api/v1/tasks/{each}").json()["attempts"] for each in result["made"]]
    assert attempts[:-1] == [1, 1, 1]
    assert attempts[-1] <= 1


def test_agent_needs_a_key_where_keys_are_asked_for():
    with running_stack(ALLOW_ANONYMOUS="false") as closed:
        for agent in AGENTS:
            if not (no_node and agent.startswith("typescript")):
                assert "401" in run(agent, closed.api_url, key="wrong")["refused"], agent


def test_page_of_a_foreign_name_may_not_speak(stack):
    body = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    for origin, status in (("http://evil.example", 403), (stack.api_url, 200)):
        response = web.post(f"{stack.api_url}/mcp", json=body, headers={"origin": origin})
        assert response.status_code == status
