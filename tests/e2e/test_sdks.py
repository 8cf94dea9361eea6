"""Clients that this project did not write, unmodified, each in an environment of its own.

`API_URL` names a deployment to use in place of a local stack. It pays for some nine videos then.
"""

import json
import os
import re
import shutil
import subprocess
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx
import pytest

from devstack.settings import ROOT
from tests.e2e.clients.losing_proxy import losing_proxy
from tests.support import docs, web
from tests.support.running_stack import RunningStack, running_stack

CLIENTS = ROOT / "tests" / "e2e" / "clients"
ENVIRONMENTS = ROOT / ".venv"
LISTED = 250
MAX_RUN_SECONDS = 900 if os.environ.get("API_URL") else 150  # seconds of one client
PYTHONS = ("openai-3", "openai-2-21", "openai-2-3")
NODE = pytest.param(
    "node",
    marks=pytest.mark.skipif(
        shutil.which("node") is None or not (CLIENTS / "node" / "node_modules").is_dir(),
        reason="Node is not installed (or was not when `make e2e` set up .venv/node)",
    ),
)


@dataclass
class Target:
    url: str
    stack: RunningStack | None

    @property
    def tokens(self):
        return "[[time:1.5]] [[render:tiny]]" if self.stack else ""


@pytest.fixture(scope="module")
def target():
    if url := os.environ.get("API_URL"):
        yield Target(url.rstrip("/"), None)
        return
    with running_stack(UPSTREAM_SECONDS="1", VIDEO_MAX_CONCURRENT="4") as stack:
        yield Target(stack.api_url, stack)


@pytest.fixture(scope="module")
def listed(target):
    """Make many videos, cancelled before they cost anything; none on a deployment."""
    if target.stack is None:
        return []
    limits = httpx.Limits(max_connections=8)
    with (
        httpx.Client(base_url=target.url, timeout=60, limits=limits) as api,
        ThreadPoolExecutor(8) as pool,
    ):

        def one(number):
            body = {"prompt": f"Frame {number} {target.tokens}"}
            made = api.post("/v1/videos", json=body).raise_for_status().json()["id"]
            api.delete(f"/api/v1/tasks/{made}")  # 409 is as good: it is over
            return made

        return list(pool.map(one, range(LISTED)))


def run(client, mode, **settings):
    """Run a client's script in its own environment; return what it printed."""
    if client == "node":
        command = ["node", CLIENTS / "node" / "sdk.mjs"]
    else:
        script = "litellm_client.py" if client == "litellm" else "openai_sdk.py"
        command = [ENVIRONMENTS / client / "bin" / "python", CLIENTS / script]
    settings["still"] = str(ROOT / "examples" / "mountains.jpg")
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [*command, mode, json.dumps(settings)],
        env=environment | {"LITELLM_LOCAL_MODEL_COST_MAP": "True"},
        capture_output=True,
        text=True,
        timeout=MAX_RUN_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("client", [*PYTHONS, "litellm", NODE])
def test_an_unmodified_client_does_all_it_is_used_for(client, target, listed):
    assert run(client, "all", url=target.url, tokens=target.tokens, listed=listed, key="")["video"]


def test_the_readmes_sdk_sample_runs_as_printed(target, tmp_path):
    if target.stack is None:
        pytest.skip("a deployment wants a key, which the sample has not")
    sample = re.search(r"```python\n(.*?)```", docs.README.read_text(), re.DOTALL)[1]
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    done = subprocess.run(
        [
            ENVIRONMENTS / PYTHONS[0] / "bin" / "python",
            *("-c", sample.replace("http://localhost:8000", target.url)),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=MAX_RUN_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"ftyp" in (tmp_path / "video.mp4").read_bytes()[:16]


@pytest.mark.parametrize("client", [*PYTHONS, NODE])
def test_lost_answer_costs_one_video_and_a_conflict_no_retry(client, target):
    if target.stack is None:
        pytest.skip("what was paid for is told by the simulator alone")
    key = f"lost-{uuid.uuid4().hex}"
    with losing_proxy(target.url) as (url, posts):
        made = run(client, "lost", url=url, tokens=target.tokens, listed=[], key=key)
    counts = [post.get("X-Stainless-Retry-Count", post.get("x-stainless-retry-count"))
              for post in posts]  # fmt: skip
    assert counts == ["0", "1", "0", "0", "0"]
    recent = web.get(f"{target.url}/v1/videos", params={"limit": 100}).json()["data"]
    assert [video["id"] for video in recent if key in video["prompt"]] == [made["lost"]]
    paid = web.get(f"{target.stack.upstream_url}/_control").json()["tasks"]
    assert paid[key] == {"posts": 1, "accepted": 1}
