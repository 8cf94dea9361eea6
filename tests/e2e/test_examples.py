"""Every example runs as it is: in the environment that its header asks for, on a stack."""

import asyncio
import base64
import http.server
import importlib.util
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import uuid

import httpx
import pytest

from devstack.settings import ROOT
from tests.support import web
from tests.support.own_files import own_files
from tests.support.running_stack import running_stack

EXAMPLES = ROOT / "examples"
MODULES = ROOT / "tests/e2e/clients/node/node_modules"
PROMPT = "A fox [[time:0.5]] [[render:tiny]]"
REFUSED = "A fox [[fail:MINOR_UPLOAD]] [[time:0.2]]"
MAX_SECONDS = 90
OPENAI = ROOT / ".venv/openai-3/bin/python"
needs_node = pytest.mark.skipif(
    shutil.which("node") is None or not MODULES.is_dir(),
    reason="Node is not installed (or was not when `make e2e` set up .venv/node)",
)


@pytest.fixture(scope="module")
def stack():
    with running_stack(UPSTREAM_SECONDS="1", VIDEO_MAX_CONCURRENT="4") as running:
        yield running


@pytest.fixture
def folder(tmp_path):
    """A copy of the examples as a reader has them, beside what `npm install` would bring."""
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    if MODULES.is_dir():
        (tmp_path / "node_modules").symlink_to(MODULES)
    return tmp_path


def run(folder, stack, *command, check=True, **environment):
    known = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        command,
        cwd=folder,
        env=known | (environment or {"VIDEOAPI_URL": stack.api_url}),
        capture_output=True,
        text=True,
        timeout=MAX_SECONDS,
        check=False,
    )
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


PROGRAMS = {
    "python/openai_sdk.py": OPENAI,
    "python/rest_httpx.py": sys.executable,
    "javascript/openai-sdk.mjs": "node",
    "javascript/fetch.mjs": "node",
    "vercel-ai-sdk/generate.mjs": "node",
}
every_program = pytest.mark.parametrize(
    "example",
    [pytest.param(n, marks=needs_node if n.endswith("mjs") else ()) for n in PROGRAMS],
)


@every_program
def test_example_makes_a_video(folder, stack, example):
    done = run(folder, stack, PROGRAMS[example], folder / "examples" / example, PROMPT)
    assert (folder / "video.mp4").read_bytes()[4:8] == b"ftyp"
    assert re.search(r"^vid_[a-z0-9]{24,}: video\.mp4$", done.stdout, re.MULTILINE)


@every_program
def test_example_says_why_there_is_no_video(folder, stack, example):
    program = folder / "examples" / example
    done = run(folder, stack, PROGRAMS[example], program, REFUSED, check=False)
    assert done.returncode != 0
    assert "content_policy" in done.stderr
    assert not (folder / "video.mp4").exists()


class Shaky(http.server.BaseHTTPRequestHandler):
    """The stack as a bad line shows it: the first answer to each request is lost, or a 503."""

    server: "ShakyServer"

    def do_GET(self):
        asked, self.server.asked = self.path in self.server.asked, self.server.asked ^ {self.path}
        if asked:
            self._pass_on()
        else:
            self.send_response(503)
            self.send_header("Retry-After", "1")
            self.send_header("Content-Length", "0")
            self.end_headers()

    def do_POST(self):
        first = self.path not in self.server.posted
        self.server.posted.add(self.path)
        self._pass_on(lost=first)

    def _pass_on(self, *, lost=False):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {n: v for n, v in self.headers.items() if n.lower() != "host"}
        answer = web.request(
            self.command, f"{self.server.url}{self.path}", headers=headers, content=body
        )
        if lost:
            self.close_connection = True
            return
        self.send_response(answer.status_code)
        for name, value in answer.headers.items():
            if name.lower() not in ("content-length", "content-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, *_): ...


class ShakyServer(http.server.ThreadingHTTPServer):
    def __init__(self, url):
        super().__init__(("127.0.0.1", 0), Shaky)
        self.url, self.asked, self.posted = url, frozenset(), set()


@pytest.fixture
def shaky(stack):
    with ShakyServer(stack.api_url) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def jobs_of(stack, key):
    return web.get(f"{stack.upstream_url}/_control").json()["tasks"][key]["accepted"]


@pytest.mark.parametrize(
    "example",
    [pytest.param(n, marks=needs_node if n.endswith("mjs") else ()) for n in PROGRAMS],
)
def test_example_on_a_bad_line_pays_once(folder, stack, shaky, example):
    key = example.replace("/", "-").partition(".")[0]
    prompt = f"{PROMPT} [[key:{key}]]"
    program = folder / "examples" / example
    run(folder, stack, PROGRAMS[example], program, prompt, VIDEOAPI_URL=shaky)
    assert (folder / "video.mp4").read_bytes()[4:8] == b"ftyp"
    assert jobs_of(stack, key) == 1


class Fileless(http.server.BaseHTTPRequestHandler):
    """An API whose task is done, and whose file is not there."""

    def do_GET(self):
        here = f"http://{self.headers['Host']}"
        task = {"task_id": "vid_done", "status": "completed", "video_url": f"{here}/gone.mp4"}
        form = {"url": f"{here}/form", "fields": {}, "reference": "upload_a"}
        body = json.dumps(task | form).encode()
        self.send_response(404 if self.path == "/gone.mp4" else 200)
        self.send_header("Location", "/task")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_): ...


REST = [n for n in PROGRAMS if "openai" not in n]


@pytest.mark.parametrize(
    "example", [pytest.param(n, marks=needs_node if n.endswith("mjs") else ()) for n in REST]
)
def test_example_writes_no_error_as_a_video(folder, example):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Fileless) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        program = folder / "examples" / example
        done = run(folder, None, PROGRAMS[example], program, PROMPT, check=False, VIDEOAPI_URL=url)
        server.shutdown()
    assert "404" in done.stderr
    assert not (folder / "video.mp4").exists()


def test_index_names_every_example():
    index = (EXAMPLES / "README.md").read_text()
    found = {path.relative_to(EXAMPLES).parts[0] for path in own_files("examples/*/*")}
    assert {each for each in found if f"]({each}/" not in index} == set()
    assert {name for name in PROGRAMS if not name.startswith("vercel")} <= set(
        re.findall(r"\]\(([^)]+)\)", index)
    )


# --- LiteLLM, whose proxy starts as its page says


MASTER_KEY = f"sk-{uuid.uuid4().hex}"


@pytest.fixture
def proxy(folder, stack):
    """The address of a proxy that the example's file configures, in front of the stack."""
    known = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    known |= {"VIDEOAPI_BASE": f"{stack.api_url}/v1", "VIDEOAPI_KEY": "not-needed"}
    known |= {"LITELLM_MASTER_KEY": MASTER_KEY, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    program, config = ROOT / ".venv/litellm/bin/litellm", folder / "examples/litellm/config.yaml"
    with (folder / "proxy.log").open("w") as log:
        server = subprocess.Popen(
            [program, "--config", config, "--host", "127.0.0.1", "--port", port],
            cwd=folder,
            env=known,
            stdout=log,
            stderr=log,
        )
    until, alive = time.monotonic() + MAX_SECONDS, False
    while not alive and time.monotonic() < until and server.poll() is None:
        try:
            alive = web.get(f"http://127.0.0.1:{port}/health/liveliness").is_success
        except httpx.ConnectError:
            time.sleep(0.2)
    assert alive, (folder / "proxy.log").read_text()
    yield f"http://127.0.0.1:{port}/v1"
    server.terminate()
    server.wait(20)


def test_litellm_proxy_serves_videos_by_its_config(folder, stack, proxy):
    """The OpenAI SDK makes one with an image through it; a caller without the key makes none."""
    script = """
import sys
from openai import OpenAI
videos = OpenAI(base_url=sys.argv[1], api_key=sys.argv[2]).videos
with open("examples/mountains.jpg", "rb") as image:
    wanted = {"model": "veo", "prompt": sys.argv[3], "seconds": "4"}
    video = videos.create_and_poll(input_reference=image, **wanted)
assert video.status == "completed", video
assert videos.download_content(video.id).read()[4:8] == b"ftyp"
"""
    run(folder, stack, OPENAI, "-c", script, proxy, MASTER_KEY, PROMPT)
    refused = web.post(f"{proxy}/videos", json={"model": "veo", "prompt": PROMPT})
    assert refused.is_error


# --- the web page, whose server a webhook tells


SECRET = f"whsec_{base64.b64encode(os.urandom(32)).decode()}"


@pytest.fixture
def page(folder):
    """The page's server beside a stack that signs with its secret; its events as they come."""
    with running_stack(UPSTREAM_SECONDS="1", WEBHOOK_SECRET=SECRET) as running:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        known = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        known |= {"VIDEOAPI_URL": running.api_url, "WEBHOOK_SECRET": SECRET, "PORT": port}
        server = subprocess.Popen(
            [shutil.which("node"), folder / "examples/web/server.mjs"],
            env=known | {"PAGE_URL": f"http://127.0.0.1:{port}"},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert server.stdout.readline().startswith("Open http://127.0.0.1")
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            yield client
        server.terminate()
        server.wait(10)
        server.stdout.close()


@needs_node
def test_page_is_told_by_webhook(page):
    assert "<form>" in page.get("/").text
    assert page.post("/hook", json={"id": "evt_forged"}).status_code == 401
    forged = {"webhook-id": "a", "webhook-timestamp": str(int(time.time()))}
    forged |= {"webhook-signature": "v1,AAAA"}
    assert page.post("/hook", json={"id": "evt_forged"}, headers=forged).status_code == 401
    with page.stream("GET", "/events") as events:
        lines = events.iter_lines()
        assert next(lines) == ": open"
        image = base64.b64encode((EXAMPLES / "mountains.jpg").read_bytes()).decode()
        wanted = {"prompt": PROMPT, "image": f"data:image/jpeg;base64,{image}"}
        ordered = web.post(page.base_url.join("/order"), json=wanted)
        assert ordered.status_code == 200, ordered.text
        event = json.loads(next(line for line in lines if line.startswith("data: "))[6:])
    assert (event["type"], event["data"]["id"]) == ("video.completed", ordered.json()["id"])
    assert web.get(event["data"]["video_url"]).content[4:8] == b"ftyp"
    refused = web.post(page.base_url.join("/order"), json={"prompt": ""})
    assert refused.status_code == 400


# --- Open WebUI, which executes a tool's text and shows its events


@pytest.fixture
def tool(stack):
    path = EXAMPLES / "open-webui/video_tool.py"
    spec = importlib.util.spec_from_file_location("video_tool", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = module.Tools()
    made.valves.url = stack.api_url.replace("localhost", "127.0.0.1")
    return made


def test_open_webui_tool_links_to_a_video(tool):
    shown = []

    async def emit(event):
        shown.append(event["data"]["description"])

    message = {"message_id": str(uuid.uuid4())}
    asked = {"prompt": PROMPT, "seconds": 4, "__metadata__": message, "__event_emitter__": emit}
    first, again = (asyncio.run(tool.generate_video(**asked)) for _ in range(2))
    link = re.fullmatch(r"\[Watch the video\]\((.+)\)", first)[1]
    assert web.get(link).content[4:8] == b"ftyp"
    assert shown[-1] == "completed"
    assert httpx.URL(link).path == httpx.URL(again.partition("(")[2][:-1]).path, "paid once"


def test_open_webui_tool_says_why_there_is_none(tool):
    assert "content_policy" in asyncio.run(tool.generate_video(REFUSED))
    assert "seconds" in asyncio.run(tool.generate_video("A fox", seconds=99))
    tool.valves.wait_seconds = 1
    waiting = asyncio.run(tool.generate_video(f"[[time:60]] {PROMPT}"))
    assert re.fullmatch(r"The video vid_\w+ is still being made\.", waiting)


def test_open_webui_tool_on_a_bad_line_pays_once(stack, shaky, tool):
    tool.valves.url = shaky
    said = asyncio.run(tool.generate_video(f"{PROMPT} [[key:web-ui]]", seconds=4))
    assert said.startswith("[Watch the video]")
    assert jobs_of(stack, "web-ui") == 1
    tool.valves.url = "http://127.0.0.1:1"
    assert "Nothing answers at http://127.0.0.1:1" in asyncio.run(tool.generate_video("A fox"))


# --- n8n, whose nodes are replayed as n8n reads them


WORKFLOW = json.loads((EXAMPLES / "n8n/workflow.json").read_text())
NODES = {node["name"]: node for node in WORKFLOW["nodes"]}
#: The versions of n8n's nodes whose parameters are used.
KINDS = {
    "stickyNote": 1,
    "manualTrigger": 1,
    "set": 3.4,
    "httpRequest": 4.2,
    "wait": 1.1,
    "if": 2.2,
    "stopAndError": 1,
}


EXPRESSION = r"(?:\$\('(\w+)'\)\.item\.json|\$json)\.([\w.]+)"


class Replay:
    """One execution: what each node answered, and the file that goes on from node to node."""

    def __init__(self, settings):
        self.answers, self.file = {"Settings": settings}, b""

    def text(self, value, current):
        """Fill in what n8n would in a value that begins with `=`."""
        if not value.startswith("="):
            return value
        return re.sub(r"\{\{ (.+?) \}\}", lambda m: str(self._read(m[1], current)), value[1:])

    def _read(self, expression, current):
        node, path = re.fullmatch(EXPRESSION, expression).groups()
        found = self.answers[node] if node else current
        for name in path.split("."):
            found = found[name]
        return found

    def ask(self, parameters, current):
        """Send the request of an HTTP node; return its JSON, or keep its file."""
        headers = {
            each["name"]: self.text(each["value"], current)
            for each in parameters.get("headerParameters", {}).get("parameters", ())
        }
        fields = parameters.get("bodyParameters", {}).get("parameters", ())
        form = {
            each["name"]: (None, self.text(each["value"], current))
            if "value" in each
            else ("image.jpg", self.file)
            for each in fields
        }
        url = self.text(parameters["url"], current)
        response = web.request(
            parameters.get("method", "GET"), url, headers=headers, files=form or None
        ).raise_for_status()
        if "response" in parameters["options"]:
            self.file = response.content
            return current
        return response.json()

    def holds(self, conditions, current):
        found = [
            self.text(each["leftValue"], current) == each["rightValue"]
            for each in conditions["conditions"]
        ]
        assert conditions["combinator"] == "or"
        return any(found)

    def run(self):
        """Follow the connections from the order on; return the name of the last node."""
        name, current = "Image", self.answers["Settings"]
        for _ in range(200):
            node, branch = NODES[name], 0
            match node["type"].removeprefix("n8n-nodes-base."):
                case "httpRequest":
                    current = self.answers[name] = self.ask(node["parameters"], current)
                case "if":
                    branch = 0 if self.holds(node["parameters"]["conditions"], current) else 1
                case "wait":
                    time.sleep(0.2)
                case "stopAndError":
                    self.file = self.text(node["parameters"]["errorMessage"], current).encode()
            if name not in WORKFLOW["connections"]:
                return name
            (following,) = WORKFLOW["connections"][name]["main"][branch]
            name = following["node"]
        raise AssertionError(name)


def settings_of(stack, **changes):
    assigned = NODES["Settings"]["parameters"]["assignments"]["assignments"]
    values = {each["name"]: each["value"] for each in assigned}
    base = "http://localhost:8000"
    here = {name: text.replace(base, stack.api_url) for name, text in values.items()}
    return here | {"order": str(uuid.uuid4())} | changes


def test_n8n_workflow_is_one_that_n8n_imports():
    assert len({node["id"] for node in NODES.values()}) == len(NODES) == len(WORKFLOW["nodes"])
    assert WORKFLOW["id"]  # `n8n import:workflow` takes none without
    for node in NODES.values():
        assert node.keys() >= {"id", "name", "type", "typeVersion", "position", "parameters"}
        assert node["typeVersion"] == KINDS[node["type"].removeprefix("n8n-nodes-base.")]
    for start, outputs in WORKFLOW["connections"].items():
        assert outputs.keys() == {"main"}
        leads = [target for output in outputs["main"] for target in output]
        assert {start, *(target["node"] for target in leads)} <= NODES.keys()
        assert all((target["type"], target["index"]) == ("main", 0) for target in leads)
    reached = {t["node"] for o in WORKFLOW["connections"].values() for m in o["main"] for t in m}
    assert NODES.keys() - reached == {"Start", "How to use"}


def test_n8n_tries_every_request_again():
    """Another execution would be another order."""
    again = {name for name, node in NODES.items() if node.get("retryOnFail")}
    assert again == {"Image", "Order", "Look", "Download"}


def test_n8n_nodes_make_a_video_once(stack):
    replay = Replay(settings_of(stack, prompt=PROMPT))
    assert replay.run() == "Download"
    assert replay.file[4:8] == b"ftyp"
    again = Replay(replay.answers["Settings"])  # as when an execution is retried from a node on
    again.run()
    assert again.answers["Order"]["id"] == replay.answers["Order"]["id"]


def test_n8n_nodes_end_with_the_reason(stack):
    replay = Replay(settings_of(stack, prompt=REFUSED))
    assert (replay.run(), b"content_policy" in replay.file) == ("Failed", True)
