"""The samples of the REST dialect as printed; test_first_video has one more."""

import json
import re
import subprocess
import sys

import pytest

from devstack.settings import ROOT

SAMPLES = ROOT / "tests" / "e2e" / "samples"
STILL = ROOT / "examples" / "mountains.jpg"
MAX_RUN_SECONDS = 120  # seconds; the samples sleep 5 and more between polls


def sample(name, stack):
    return (SAMPLES / name).read_text().replace("http://localhost:8000", stack.api_url)


def run(*command):
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=MAX_RUN_SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def python(source):
    return run(sys.executable, "-W", "ignore", "-c", source)


def test_curl_submits_an_image_by_its_address(stack, api):
    submitted = json.loads(run("/bin/bash", "-euo", "pipefail", "-c", sample("submit.sh", stack)))
    assert re.fullmatch(r"vid_[a-z0-9]{24,}", submitted["task_id"])
    assert submitted["status"] == "pending"
    assert submitted["message"]
    api.delete(f"/api/v1/tasks/{submitted['task_id']}")  # its image is nowhere


def test_an_image_that_was_generated_becomes_a_video(stack, api):
    made = "print(image_response.status_code, video_response.status_code, video_response.text)"
    first, second, task = python(f"{sample('input_image.py', stack)}\n{made}").split(" ", 2)
    assert (first, second) == ("200", "202")
    cancelled = api.delete(f"/api/v1/tasks/{json.loads(task)['task_id']}")
    assert cancelled.status_code in (200, 409)


@pytest.mark.parametrize(
    ("prompt", "printed"),
    [
        (None, "Success: http"),
        (
            "[[time:0]] [[fail:CONTENT_POLICY_VIOLATION]]",
            "Content policy violation - adjust prompt",
        ),
    ],
)
def test_the_polling_and_error_samples_tell_how_a_task_ends(stack, prompt, printed):
    driven = sample("error_handling.py", stack)
    if prompt:  # the sample has none, and a failure must be asked of the simulator
        driven = driven.replace('"duration": 5', f'"duration": 5, "prompt": {prompt!r}')
    image = (
        f"import base64\nimage_url = base64.b64encode(open({str(STILL)!r}, 'rb').read()).decode()\n"
    )
    output = python(f"{sample('polling.py', stack)}\n{image}\n{driven}")
    assert printed in output


def test_the_error_sample_tells_of_a_refusal(stack):
    sources = sample("polling.py", stack), sample("error_handling.py", stack)
    assert "HTTP Error: 422" in python('{}\nimage_url = "no image"\n{}'.format(*sources))
