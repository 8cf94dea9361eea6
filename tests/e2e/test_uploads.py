"""Images too large for a function: a signed form to S3, then a submit by reference."""

import io
import os
import re
import subprocess
import sys

import pytest
from PIL import Image

from devstack.settings import ROOT
from tests.e2e.test_first_video import wait_for
from tests.support import docs, web
from tests.support.pictures import png

MAX_BYTES = 20 * 1024 * 1024
TINY = "[[time:0]] [[render:tiny]]"


@pytest.fixture(scope="module")
def noise():
    """A real PNG of some 12 MB: noise cannot be compressed."""
    picture = Image.frombytes("RGB", (2000, 2000), os.urandom(2000 * 2000 * 3))
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=1)
    assert 10_000_000 < file.tell() < MAX_BYTES
    return file.getvalue()


@pytest.fixture
def upload(api):
    response = api.post("/api/v1/uploads", json={"content_type": "image/png"})
    assert response.status_code == 201
    return response.json()


def send(upload, file, **changes):
    fields = {k: v for k, v in (upload["fields"] | changes).items() if v is not None}
    return web.post(upload["url"], data=fields, files={"file": file})


def submit(api, upload, path="/api/v1/videos/generate"):
    field = "image" if path.startswith("/api") else "input_reference"
    return api.post(path, json={field: upload["reference"], "prompt": TINY})


def test_an_image_of_12_mb_becomes_a_video_in_both_dialects(api, upload, noise):
    assert send(upload, noise).status_code == 204
    rest = submit(api, upload)
    assert (rest.status_code, wait_for(api, rest.json()["task_id"])["status"]) == (202, "completed")
    openai = submit(api, upload, "/v1/videos")
    assert wait_for(api, openai.json()["id"])["status"] == "completed"
    assert api.delete(f"/v1/videos/{openai.json()['id']}").status_code == 200
    assert submit(api, upload).status_code == 202, "an upload outlives the tasks that use it"


@pytest.mark.parametrize(
    ("file", "changes"),
    [
        (b"", {}),
        (png() + bytes(MAX_BYTES), {}),
        (png(), {"Content-Type": "text/html"}),
        (png(), {"Content-Type": None}),
        (png(), {"key": "inputs/anonymous/uploads/mine"}),
        (png(), {"key": "inputs/anonymous/vid_1/another.png"}),
        (png(), {"x-amz-signature": "0" * 64}),
        (png(), {"policy": "e30="}),
        (png(), {"acl": "public-read"}),
    ],
    ids=[
        "empty",
        "over 20 MB",
        "a type",
        "no type",
        "a key",
        "an input",
        "forged",
        "policy",
        "acl",
    ],
)
def test_s3_takes_what_was_signed_and_a_submit_knows_it(api, upload, file, changes):
    assert send(upload, file, **changes).status_code in (400, 403)
    for path, status in (("/api/v1/videos/generate", 422), ("/v1/videos", 400)):
        refused = submit(api, upload, path)
        assert (refused.status_code, refused.json()["error"]["code"]) == (
            status,
            "upload_not_found",
        )


def test_a_size_that_was_announced_is_the_only_one_taken(api):
    upload = api.post(
        "/api/v1/uploads", json={"content_type": "image/png", "size_bytes": len(png())}
    ).json()
    assert send(upload, png() + b"\0").status_code == 400
    assert send(upload, png()).status_code == 204


def test_what_is_no_image_ends_the_task_and_says_so(api, upload):
    assert send(upload, b"hello").status_code == 204
    task = wait_for(api, submit(api, upload).json()["task_id"])
    assert (task["status"], task["error"]["code"]) == ("failed", "invalid_image")
    assert task["error"]["maybe_charged"] is False


def test_the_documented_upload_runs_as_printed(stack, api, tmp_path):
    sample = re.search(r"<!-- upload:.*?```python\n(.*?)```", docs.API.read_text(), re.DOTALL)[1]
    sample = sample.replace("http://localhost:8000", stack.api_url)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", f"{sample}\nprint(task['task_id'])"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert wait_for(api, done.stdout.strip())["status"] == "completed"
