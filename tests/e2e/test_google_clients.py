"""Google's own clients on the simulator alone, unmodified, in an environment of their own."""

import json
import os
import subprocess
from io import BytesIO

import av
import pytest

from devstack.settings import ROOT
from tests.support.simulator_process import running

SCRIPT = ROOT / "tests/e2e/clients/google_sdk.py"
PYTHON = ROOT / ".venv/google/bin/python"
STILL = str(ROOT / "examples/mountains.jpg")
MAX_SECONDS = 90  # of one client


@pytest.fixture(scope="module")
def simulator():
    with running("--seconds=0.3") as started:
        yield started


def run(simulator, mode, **settings):
    """Run one use of the clients; return what it printed."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [PYTHON, SCRIPT, mode, json.dumps({"url": simulator.api} | settings)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=MAX_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def shape(video):
    with av.open(BytesIO(bytes.fromhex(video))) as movie:
        stream = movie.streams.video[0]
        return stream.width, stream.height, stream.frames, stream.average_rate


@pytest.mark.parametrize("impersonate", [False, True])
def test_google_auth_gets_a_token_for_awss_identity(simulator, impersonate):
    result = run(simulator, "token", impersonate=impersonate)
    assert result["valid"]
    assert result["token"].startswith("ya29.")


def test_google_genai_gets_a_video_of_agent_platform(simulator):
    result = run(simulator, "veo", still=STILL, prompt="The camera tilts vertically")
    assert shape(result["video"]) == (1280, 720, 4 * 24, 24)
    job = next(job for job in simulator.report()["jobs"] if job["id"] == result["name"])
    assert (job["motion"], job["label"], job["billed_usd"]) == ("tilt", "sdk-veo", 0.8)


def test_google_genai_is_told_of_the_bucket(simulator):
    prompt = "A sea [[render:tiny]]"
    result = run(simulator, "veo", still=STILL, prompt=prompt, bucket="gs://our-bucket/videos")
    assert result["uri"].startswith("gs://our-bucket/videos/")


@pytest.mark.parametrize("delivery", ["uri", "inline"])
def test_google_genai_gets_a_video_by_interactions(simulator, delivery):
    prompt = "A fox, locked-off [[content:processing*2]]"
    result = run(simulator, "omni", still=STILL, prompt=prompt, delivery=delivery)
    assert shape(result["video"]) == (360, 640, 3 * 24, 24)
    assert result["status"] == "completed"
    assert result["tokens"] == {"video": 3 * 1931}


def test_google_genai_cancels_an_interaction(simulator):
    result = run(simulator, "cancel", prompt="A sea [[time:60]] [[render:tiny]]")
    assert result["status"] == "cancelled"
    job = next(job for job in simulator.report()["jobs"] if job["id"] == result["name"])
    assert (job["state"], job["billed_usd"]) == ("cancelled", 0)
