"""A relay dies amid twenty submits and stays away: the other route makes what it did not take."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.support import web
from tests.support.running_stack import running_stack
from tests.support.simulator_process import running

SUBMITS, TAKEN, SLOTS = 20, 3, 6
JOB_SECONDS = 3  # as long as the relay's jobs run: they are still open when it dies
TASK_TIMEOUT = 60  # seconds: until its jobs are given up
WITHIN_SECONDS = 150
ENDED = {"completed", "failed", "cancelled"}


def submit(api, number):
    prompt = f"A sea [[key:k{number}]] [[render:tiny]]"
    response = api.post("/v1/videos", json={"prompt": prompt, "model": "veo_3_1"})
    return response.raise_for_status().json()["id"]


def ended(api, video, until):
    while (task := api.get(f"/api/v1/tasks/{video}").json())["status"] not in ENDED:
        assert time.monotonic() < until, task
        time.sleep(0.5)
    return task


def wait_until_it_took_some(relay):
    until = time.monotonic() + 30
    while relay.report()["creates_accepted"] < TAKEN:
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.long
def test_a_dead_relay_costs_nobody_a_second_payment(tmp_path):
    kept = (f"--keep-in={tmp_path}", f"--seconds={JOB_SECONDS}", "--tiny", "--key=paid")
    with running(*kept) as relay, ThreadPoolExecutor(8) as pool:
        real = {
            "VEO3_API_KEY": "paid",
            "VEO3_BASE_URL": relay.api,
            "VEO3_RESULT_ORIGINS": relay.files,
            "VIDEO_PROVIDERS": "relay,vertex",
            "VIDEO_ROUTES": "veo_3_1=relay:veo_3_1,vertex:veo-3.1-fast-generate-001",
            "VIDEO_MAX_CONCURRENT": str(SLOTS),
            "VIDEO_TASK_TIMEOUT": str(TASK_TIMEOUT),
            "UPSTREAM_SECONDS": "1",
        }
        with (
            running_stack(**real) as stack,
            httpx.Client(base_url=stack.api_url, timeout=60) as api,
        ):
            videos = list(pool.map(lambda number: submit(api, number), range(SUBMITS)))
            wait_until_it_took_some(relay)
            relay.process.kill()
            relay.process.wait(5)
            until = time.monotonic() + WITHIN_SECONDS
            tasks = [ended(api, video, until) for video in videos]
            at_google = web.get(f"{stack.upstream_url}/_control").json()["jobs"]
        with running(*kept) as again:  # what it kept of its jobs
            at_relay = again.report()["jobs"]
    paid = [job["key"] for job in (*at_google, *at_relay)]
    assert len(paid) == len(set(paid))
    for number, task in enumerate(tasks):
        unpaid = f"k{number}" not in paid
        assert task["status"] == "completed" or unpaid or task["error"]["maybe_charged"], task
    made = [task["provider"] for task in tasks if task["status"] == "completed"]
    assert made.count("vertex") >= SUBMITS - 2 * SLOTS
    assert at_relay
