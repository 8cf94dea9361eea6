"""Several images of one video, as docs/api.md prints it, in both dialects."""

import base64
import re

import pytest

from devstack.settings import ROOT
from tests.e2e.test_first_video import run, wait_for
from tests.support import docs, web
from tests.support.pictures import png

FIRST, LAST, THIRD = png(64, 36), png(128, 72), png(32, 18)
TINY = "[[time:0]] [[render:tiny]]"


def as_base64(image):
    return base64.b64encode(image).decode()


def sizes_at_relay(stack, prompt):
    """Return the bytes of each image that the simulator got with an order."""
    jobs = web.get(f"{stack.upstream_url}/_control").json()["jobs"]
    (job,) = (each for each in jobs if prompt in each["prompt"])
    return [int(size) for size in re.findall(r"(\d+) bytes", job["fields"]["input_reference"])]


def test_the_documented_frames_run_as_printed(stack, api, tmp_path):
    (command,) = re.findall(r"```bash\n(curl[^`]*last_frame=@[^`]*)```", docs.API.read_text())
    command = command.replace("http://localhost:8000", stack.api_url)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    done = run(["/bin/bash", "-euc", command], tmp_path)
    assert done.returncode == 0, done.stderr
    task_id = re.search(r'"id":"(\w+)"', done.stdout)[1]
    assert wait_for(api, task_id)["status"] == "completed"
    assert len(set(sizes_at_relay(stack, "The sun sets"))) == 1


@pytest.mark.parametrize("words", ["rest", "openai", "openrouter", "references"])
def test_every_image_reaches_the_relay_in_order(stack, api, words):
    first, last, third = map(as_base64, (FIRST, LAST, THIRD))
    frames = [("last_frame", last), ("first_frame", first)]
    path, fields = {
        "rest": ("/api/v1/videos/generate", {"image": first, "last_frame": last}),
        "openai": ("/v1/videos", {"input_reference": first, "end_image": last}),
        "openrouter": (
            "/v1/videos",
            {
                "frame_images": [
                    {"type": "image_url", "image_url": {"url": image}, "frame_type": kind}
                    for kind, image in frames
                ]
            },
        ),
        "references": (
            "/v1/videos",
            {"reference_images": [first, last, third], "model": "veo_3_1-components"},
        ),
    }[words]
    prompt = f"frames by {words} {TINY}"
    response = api.post(path, json=fields | {"prompt": prompt}).json()
    assert wait_for(api, response.get("task_id") or response["id"])["status"] == "completed"
    sent = [FIRST, LAST, THIRD][: 3 if words == "references" else 2]
    assert sizes_at_relay(stack, f"frames by {words}") == [len(image) for image in sent]


def test_what_the_relay_cannot_do_costs_nothing(stack, api):
    prompt = f"refused {TINY}"
    for field, value in (("seed", 0), ("generate_audio", False), ("negative_prompt", "fog")):
        refused = api.post("/v1/videos", json={"prompt": prompt, field: value})
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, field)
    jobs = web.get(f"{stack.upstream_url}/_control").json()["jobs"]
    assert not [each for each in jobs if "refused" in each["prompt"]]
