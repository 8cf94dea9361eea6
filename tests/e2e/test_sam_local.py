"""The API in Lambda containers: skipped where there is no Docker, or not Lambda's image."""

import base64
import json
import shutil
import statistics
import subprocess
import time
from urllib.parse import urlsplit

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError

from devstack import template
from devstack.build import TOOLS
from devstack.sam import engine
from devstack.sam.environment import environment
from devstack.settings import ROOT
from tests.support import web
from tests.support.own_files import own_files
from tests.support.pictures import png
from tests.support.running_stack import running_stack

EXAMPLE = (ROOT / "examples" / "mountains.jpg").read_bytes()
EVENTS = [path.stem for path in own_files("events/*.json")]
#: A recorded event names a task that no other stack has.
ANSWERS = {
    "submit": 202,
    "status": 404,
    "list": 200,
    "content": 404,
    "cancel": 404,
    "images": 200,
    "uploads": 201,
    "mcp": 200,
    "hook_test": 200,
    "docs": 200,
    "worker": None,
    "dead_letter": None,
    "sweeper": None,
    "notifier": None,
}


@pytest.fixture(scope="module", autouse=True)
def bridge():
    try:
        engine.require_image(template.load(ROOT / "template.yaml"), template.architecture())
        return engine.address([])
    except RuntimeError as exc:
        pytest.skip(str(exc))


def running_sam(**settings):
    return running_stack("devstack.sam", UPSTREAM_SECONDS="1", **settings)


@pytest.fixture(scope="module")
def sam():
    with running_sam(VEO3_SKIP_UPLOAD="false") as running:
        yield running


@pytest.fixture
def api(sam):
    with httpx.Client(base_url=sam.api_url, timeout=60) as client:
        yield client


def files(sam):
    return ROOT / ".local" / "sam" / str(sam.ports["API_PORT"])


def containers(sam):
    """The containers that speak to this very stack."""
    listed = engine.docker("ps", "--quiet").split()
    inspected = engine.docker("inspect", "--format", "{{.Config.Env}}", *listed) if listed else ""
    return inspected.count(f":{sam.ports['AWS_PORT']} ")


def ended(task):
    return task["status"] in ("completed", "failed")


def poll(api, path):
    until = time.monotonic() + 60
    while not ended(task := api.get(path).raise_for_status().json()):
        assert time.monotonic() < until, task
        time.sleep(0.2)
    return task


def test_health_is_answered_from_a_container(api, sam):
    assert api.get("/api/v1/health").json()["status"] == "ok"
    assert containers(sam)


def test_an_unknown_route_is_refused_in_the_callers_dialect(api):
    response = api.get("/v1/nothing")
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "route_not_found"


def test_a_task_with_an_image_in_json_is_completed(api):
    image = base64.b64encode(png(640, 360)).decode()
    fields = {"image": image, "prompt": "A slow pan", "duration": 4}
    submitted = api.post("/api/v1/videos/generate", json=fields)
    assert submitted.status_code == 202
    task = poll(api, f"/api/v1/tasks/{submitted.json()['task_id']}")
    assert task["status"] == "completed"


def test_a_video_of_an_uploaded_image_can_be_watched(api, sam, bridge):
    upload = {"input_reference": ("mountains.jpg", EXAMPLE, "image/jpeg")}
    submitted = api.post("/v1/videos", data={"prompt": "A slow pan"}, files=upload)
    assert submitted.status_code == 200
    video = poll(api, f"/v1/videos/{submitted.json()['id']}")
    assert video["status"] == "completed"

    redirect = api.get(f"/v1/videos/{video['id']}/content")
    assert redirect.status_code == 307
    link = urlsplit(redirect.headers["location"])
    # Signed in a container for the address that both sides know; here it is asked on loopback.
    assert link.netloc == f"{bridge}:{sam.ports['AWS_PORT']}"
    file = web.get(
        f"{sam.aws_url}{link.path}?{link.query}", headers={"Host": link.netloc}
    ).raise_for_status()
    assert file.headers["content-type"] == "video/mp4"
    assert file.content[4:8] == b"ftyp"


def test_a_warm_request_takes_less_than_100_ms(api):
    def seconds():
        began = time.perf_counter()
        assert api.get("/api/v1/tasks/vid_unknown").status_code == 404
        return time.perf_counter() - began

    seconds()  # a cold container
    assert statistics.median(seconds() for _ in range(31)) < 0.1


def test_container_may_do_what_its_role_may(sam):
    variables = json.loads((files(sam) / "env.json").read_text())["StatusFunction"]
    table = boto3.client(
        "dynamodb",
        endpoint_url=sam.aws_url,
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=variables["AWS_SESSION_TOKEN"],
    )
    table.get_item(TableName=variables["TABLE_NAME"], Key={"task_id": {"S": "vid_unknown"}})
    with pytest.raises(ClientError, match="AccessDenied"):
        table.scan(TableName=variables["TABLE_NAME"])


@pytest.mark.parametrize("name", EVENTS)
def test_a_recorded_event_is_answered_by_sam_local_invoke(sam, name):
    arguments = [f"{name.title().replace('_', '')}Function", "--event", f"events/{name}.json"]
    arguments += ["--config-file", ROOT / "samconfig.toml"]
    arguments += ["--template-file", files(sam) / "template.json"]
    arguments += ["--env-vars", files(sam) / "env.json"]
    done = subprocess.run(
        [TOOLS / "sam" / "bin" / "sam", "local", "invoke", *arguments],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    response = json.loads(done.stdout)
    assert "errorMessage" not in (response or {}), done.stderr
    assert (response or {}).get("statusCode") == ANSWERS[name], response


def test_a_stop_ends_every_container_and_leaves_no_file():
    with running_sam() as running:
        assert containers(running)
        assert running.stop() < 20
        assert running.process.returncode == 0
        assert not containers(running)
        assert not files(running).exists()


def test_a_killed_stack_leaves_no_container():
    with running_sam() as running:
        running.process.kill()
        running.process.wait()
        until = time.monotonic() + 20
        while containers(running):
            assert time.monotonic() < until
            time.sleep(0.2)
        shutil.rmtree(files(running))
