"""What was spent is what the simulator bills, to the last digit; the bill is held against it."""

import csv
import os
import subprocess
import time

import httpx
import pytest

from devstack.settings import ROOT
from tests.support import web
from tests.support.running_stack import PYTHON, running_stack

ROUTES = (
    "relay=relay:veo_3_1;veo=vertex:veo-3.1-generate-001;fast=vertex:veo-3.1-fast-generate-001;"
    "omni=gemini:gemini-omni-1.2-flash"
)
WITHIN_SECONDS = 180
VIDEOS = (
    ("relay", "", {}),
    ("relay", "[[fail:PROMINENT_PEOPLE]]", {}),
    ("relay", "[[fail:HIGH_TRAFFIC*1]]", {}),
    ("relay", "[[submit:401]]", {}),
    ("relay", "[[submit:503*1]]", {}),
    ("veo", "", {"seconds": "4", "size": "1280x720"}),
    ("veo", "", {"seconds": "6", "size": "1280x720", "generate_audio": False}),
    ("fast", "", {"size": "1920x1080", "generate_audio": False}),
    ("fast", "[[fail:filtered]]", {"size": "1280x720"}),
    ("fast", "[[fail:13]]", {"size": "1280x720"}),
    ("omni", "", {"seconds": "3", "size": "1280x720"}),
    ("omni", "with words that are counted, too", {"seconds": "5", "size": "1080x1920"}),
    ("omni", "[[fail:filtered]]", {"seconds": "3", "size": "1280x720"}),
)


@pytest.fixture(scope="module")
def stack():
    with running_stack(
        UPSTREAM_SECONDS="1",
        VIDEO_PROVIDERS="relay,vertex,gemini",
        VIDEO_ROUTES=ROUTES,
        VEO3_MODEL="relay",
        VIDEO_PRICE_USD="0.25",
        VIDEO_MAX_CONCURRENT="6",
        VIDEO_GENERATION_RETRY_DELAY="1",
    ) as running_one:
        yield running_one


@pytest.fixture
def api(stack):
    with httpx.Client(base_url=stack.api_url, timeout=60) as client:
        yield client


@pytest.fixture
def operate(stack):
    """Return a function that runs an operator's command, and returns its code and its words."""

    def run(*arguments):
        command = [PYTHON, "-m", "videoapi_cli.operator.operations", *arguments]
        paths = os.pathsep.join(str(ROOT / each) for each in ("layers/videoapi", "cli"))
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": paths,
            "AWS_PORT": str(stack.ports["AWS_PORT"]),
            "ENV_FILE": os.devnull,
        }
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.fixture
def bill(stack, tmp_path, tasks):  # noqa: ARG001 — that there is something on it
    """Return a function that writes the simulator's bill, its rows changed, to a file."""

    def write(change=lambda rows: rows):
        head, *rows = web.get(f"{stack.upstream_url}/_control/bill").text.splitlines()
        path = tmp_path / "bill.csv"
        path.write_text("\r\n".join([head, *change(rows), ""]))
        return path

    return write


def submit(api, model, tokens, **more):
    body = {"prompt": f"A sea {tokens} [[render:tiny]]", "model": model} | more
    return api.post("/v1/videos", json=body).raise_for_status().json()["id"]


def until(found):
    """Return what is found in the end."""
    end = time.monotonic() + WITHIN_SECONDS
    while time.monotonic() < end:
        if value := found():
            return value
        time.sleep(0.5)
    raise AssertionError(found)


def task_of(api, video):
    return api.get(f"/api/v1/tasks/{video}").raise_for_status().json()


def settled(api, video):
    return until(lambda: (task := task_of(api, video))["cost"]["final"] and task)


def days(api):
    return api.get("/api/v1/usage").raise_for_status().json()["days"]


def micros(usd):
    return round(usd * 1_000_000)


def spent(api):
    return sum(micros(day["usd_spent"]) for day in days(api))


def billed(path):
    with path.open(newline="") as file:
        return sum(micros(float(row["amount"])) for row in csv.DictReader(file))


def cancelled_while_it_runs(api, model):
    video = submit(api, model, "[[time:12]]", seconds="4", size="1280x720")
    until(lambda: task_of(api, video)["attempts"])
    until(lambda: task_of(api, video)["progress"] or task_of(api, video)["provider"])
    api.delete(f"/api/v1/tasks/{video}").raise_for_status()
    return video


@pytest.fixture(scope="module")
def tasks(stack):
    """Return the tasks of `VIDEOS`, and one that was cancelled while it ran, all settled."""
    with httpx.Client(base_url=stack.api_url, timeout=60) as api:
        videos = [submit(api, model, tokens, **more) for model, tokens, more in VIDEOS]
        videos.append(cancelled_while_it_runs(api, "relay"))
        return [settled(api, video) for video in videos]


def test_usage_is_the_simulators_bill_to_the_last_digit(api, operate, bill, tasks):
    costs = [micros(task["cost"]["actual"]) for task in tasks]
    assert (costs[0], costs[1:4], costs[5:10]) == (
        250_000,
        [0, 250_000, 0],
        [1_600_000, 1_200_000, 800_000, 0, 0],
    )
    assert costs[-1] == 250_000, "its job ran on"
    assert sum(costs) == spent(api) == billed(bill())
    (day,) = [day for day in days(api) if day["completed"]]
    assert (day["failed"], day["cancelled"], day["usd_reserved"]) == (5, 1, 0)
    assert day["completed"] == len(VIDEOS) - 5
    code, output = operate("reconcile", str(bill()))
    assert (code, output.splitlines()[-1]) == (0, "All is well.")
    code, output = operate("usage")
    assert f"{spent(api) / 1_000_000:.6f}" in output


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: [*rows, rows[-1].replace(rows[-1][:6], "abcdef")], "no task knows"),
        (lambda rows: [*rows, rows[0]], "charges more than once"),
        (lambda rows: [rows[0], *rows[2:]], "not on the bill"),
        (lambda rows: [f"{rows[0]}1", *rows[1:]], "All is well"),
        (lambda rows: [rows[0][:-1] + "1", *rows[1:]], "differ from what was recorded"),
    ],
)
def test_doctored_bill_is_found_out(operate, bill, change, words):
    code, output = operate("reconcile", str(bill(change)))
    assert words in output
    assert code == (words != "All is well")


def test_lost_order_is_found_on_the_bill_by_its_time(api, operate, bill):
    video = submit(api, "relay", "[[submit:504+created]]")
    task = until(lambda: (found := task_of(api, video))["error"] and found)
    assert (task["error"]["maybe_charged"], task["cost"]["final"]) == (True, False)
    code, output = operate("reconcile", str(bill()))
    assert code == 0
    assert f"{video}: its order of " in output
    assert billed(bill()) == spent(api) + 250_000
    assert sum(micros(day["usd_reserved"]) for day in days(api)) == 250_000
