"""`videoapi` as a user has it: a wheel in an environment of its own, outside of the clone."""

import csv
import functools
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import time

import av
import pytest

import videoapi
from devstack.settings import ROOT
from tests.support import docs, web
from tests.support.running_stack import PORTS, running_stack
from videoapi_cli.journal import NAME

UV = ROOT / ".venv/tools/bin/uv"
BUILDER = ROOT / ".venv/cli/bin/python"
STILL = ROOT / "examples/mountains.jpg"
PRICE = "0.05"
MAX_SECONDS = 120  # of one command, on a busy machine
PAGE = docs.CLI.read_text()


@pytest.fixture(scope="module")
def stack():
    settings = {"VIDEO_PRICE_USD": PRICE, "VIDEO_MAX_CONCURRENT": "4", "ALLOW_ANONYMOUS": "false"}
    with running_stack(UPSTREAM_SECONDS="1", **settings) as running:
        web.post(f"{running.upstream_url}/_control/settings", json={"tiny": True})
        yield running


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """Build the wheel, install it beside what its lock pins, and return `videoapi`."""
    folder = tmp_path_factory.mktemp("installed")
    build = [BUILDER, "-m", "hatchling", "build", "-t", "wheel", "-d", folder]
    subprocess.run(build, cwd=ROOT / "cli", check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    python = folder / "venv/bin/python"
    for arguments in (
        ("venv", "--quiet", "--python", BUILDER, folder / "venv"),
        (
            "pip",
            "sync",
            "--quiet",
            "--require-hashes",
            "--python",
            python,
            ROOT / "requirements/cli.txt",
        ),
        ("pip", "install", "--quiet", "--no-deps", "--python", python, wheel),
    ):
        subprocess.run([UV, *arguments], check=True, cwd=folder)
    return folder / "venv/bin/videoapi"


@pytest.fixture(scope="module")
def operate(stack, program):
    """Return what runs an operator's command in the clone, on this stack."""
    ports = {name: str(stack.ports[name]) for name in PORTS}

    def run(*arguments):
        environment = os.environ | ports | {"ENV_FILE": os.devnull}
        done = subprocess.run(
            [program, *arguments],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


class User:
    """Somebody with a key, in a folder of stills."""

    def __init__(self, program, stack, key, folder):
        self.program, self.folder = program, folder
        self._started = []
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "VIDEOAPI_URL": stack.api_url,
            "VIDEOAPI_KEY": key,
            "COLUMNS": "100",
            "TERM": "xterm",
        }

    def start(self, *arguments, **options):
        command = [self.program, *map(str, arguments)]
        process = subprocess.Popen(command, cwd=self.folder, env=self.environment, **options)
        self._started.append(process)
        return process

    def leave(self):
        """End what a test that failed left running."""
        for process in self._started:
            process.kill()
            process.wait()

    def run(self, *arguments, code=0):
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = self.start(*arguments, text=True, **quiet)
        output, errors = process.communicate(timeout=MAX_SECONDS)
        assert process.returncode == code, output + errors
        assert "Traceback" not in output + errors
        return output, errors

    def json(self, *arguments, code=0):
        return json.loads(self.run(*arguments, "--json", code=code)[0])

    def stills(self, number, where="."):
        """Make stills that differ, and return the folder."""
        folder = self.folder / where
        folder.mkdir(exist_ok=True)
        for each in range(number):
            # What follows the end of a JPEG is no part of the picture.
            (folder / f"still-{each:02}.jpg").write_bytes(STILL.read_bytes() + bytes([each]))
        return folder

    def batch(self, prompts):
        """Write jobs.csv, a row a prompt."""
        self.stills(len(prompts))
        with (self.folder / "jobs.csv").open("w", newline="") as file:
            rows = [(f"still-{n:02}.jpg", prompt, 4) for n, prompt in enumerate(prompts)]
            csv.writer(file).writerows([("image", "prompt", "seconds"), *rows])
        return "jobs.csv"


@pytest.fixture(scope="module")
def keys(operate):
    """Return a key of some limits, made once."""

    @functools.cache
    def made(*limits):
        name = re.sub("[^a-z0-9-]", "", "".join(("user", *limits)))
        return operate("keys", "create", name, *limits).splitlines()[-1]

    return made


@pytest.fixture
def user(program, stack, keys, tmp_path, request):
    somebody = User(program, stack, keys(*getattr(request, "param", ())), tmp_path)
    yield somebody
    somebody.leave()


def playable(path):
    with av.open(path) as movie:
        return sum(1 for _ in movie.decode(video=0)) > 0


def paid(stack, *keys):
    """Return how many jobs the simulator took for each key of a prompt."""
    tasks = web.get(f"{stack.upstream_url}/_control").json()["tasks"]
    return [tasks[key]["accepted"] if key in tasks else 0 for key in keys]


def test_one_command_from_a_still_to_a_video(user):
    (user.folder / "a.jpg").write_bytes(STILL.read_bytes())
    output, errors = user.run("generate", "a.jpg", "-p", "Pan", "-s", "4", "-o", "clips")
    assert output == "clips/a.mp4\n"
    assert playable(user.folder / "clips/a.mp4")
    assert "1 video (veo_3_1, 4 s, 1920x1080): about $0.05" in errors
    assert errors.splitlines()[-1] == "a: clips/a.mp4, $0.05"


def test_large_still_and_prompt_alone_are_videos_too(user):
    (user.folder / "big.jpg").write_bytes(STILL.read_bytes() + bytes(5_000_000))
    body = user.json("generate", "big.jpg", "-p", "Pan", "--json")
    summary = body["summary"]
    assert (summary["completed"], summary["left"], summary["refused"]) == (1, 0, None)
    assert (summary["usd"], summary["usd_final"]) == (0.05, True)
    user.run("generate", "-p", "A fox", "-o", "fox.mp4")
    assert playable(user.folder / "fox.mp4")
    assert user.run("generate", "-p", "A fox", "-o", "fox.mp4", code=2)[1].count("--overwrite") == 1


def test_batch_killed_at_three_points_pays_once_a_row(user, stack):
    """SIGKILL while it orders, while it waits, and while it downloads; its notes are lost once."""
    keys = [f"killed-{number}" for number in range(6)]
    jobs = user.batch([f"Pan [[key:{key}]]" for key in keys])
    out, command = user.folder / "out", ("generate", "--batch", jobs, "-o", "out", "--yes")
    points = (
        lambda: sum(paid(stack, *keys)) >= 1,
        lambda: sum(paid(stack, *keys)) >= 4,
        lambda: len(list(out.glob("*.mp4"))) >= 2,
    )
    for number, reached in enumerate(points):
        process = user.start(*command, stderr=subprocess.DEVNULL)
        until = time.monotonic() + MAX_SECONDS
        while not reached():
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.02)
        process.kill()
        process.wait()
        if number == 1:
            (out / NAME).unlink()
            (out / f".{user.json('list', '-n', 1)[0]['task_id']}.part").write_bytes(b"half of it")
    body = user.json(*command)
    assert body["summary"]["completed"] == 6
    assert paid(stack, *keys) == [1] * 6
    videos = [out / f"still-{number:02}.mp4" for number in range(6)]
    assert all(map(playable, videos))
    assert not list(out.glob(".*.part"))
    assert user.json(*command)["summary"]["usd"] > 0
    assert paid(stack, *keys) == [1] * 6


def test_rows_that_fail_stop_no_other(user):
    jobs = user.batch(["Pan", "Pan [[fail:PROMINENT_PEOPLE]]"])
    with (user.folder / jobs).open("a") as file:
        file.write("none.jpg,Pan,4\nstill-00.jpg,Pan,11\nstill-01.jpg,Pan,four\n")
    assert "line 6: seconds" in user.run("generate", "--batch", jobs, code=2)[1].replace(
        "duration", "seconds"
    )
    lines = (user.folder / jobs).read_text().splitlines()[:-1]
    (user.folder / jobs).write_text("\n".join(lines))
    output, _ = user.run("generate", "--batch", jobs, "-o", "out", code=1)
    assert output.splitlines()[0] == "1 done, 3 failed; cost: $0.05"
    for words in ("content_policy", "none.jpg cannot be read", "duration"):
        assert words in output


@pytest.mark.parametrize("user", [("--alive", "1")], indirect=True)
def test_limit_of_the_key_is_waited_for(user):
    jobs = user.batch([f"Pan {number} [[time:0]]" for number in range(2)])
    output, errors = user.run("generate", "--batch", jobs, "-o", "out")
    assert output.startswith("2 done")
    assert "tasks alive at once. Waiting" in errors


@pytest.mark.parametrize(
    ("user", "words"),
    [
        (("--per-day", "1"), ("1 videos a day", "tomorrow")),
        (("--usd-per-day", "0.09"), ("daily budget", "next day begins", "larger budget")),
    ],
    indirect=["user"],
)
def test_spent_day_says_what_is_done_and_left(user, words):
    jobs = user.batch([f"Pan {number}" for number in range(3)])
    command = ("generate", "--batch", jobs, "-o", "out", "--parallel", "1")
    output, errors = user.run(*command, code=3)
    assert output.splitlines()[0] == "1 done, 2 left; cost: $0.05"
    assert all(each in errors for each in words)


def test_other_commands_answer_in_json(user):
    body = user.json("generate", "-p", "Pan", "-o", "a.mp4")
    (video,) = body["videos"]
    task_id = video["task_id"]
    assert user.json("list")[0]["task_id"] == task_id
    assert user.json("show", task_id)["status"] == "completed"
    assert user.json("watch", task_id)[0]["status"] == "completed"
    assert user.json("download", task_id, "-o", "again.mp4")[0]["file"] == "again.mp4"
    assert user.json("models")["object"] == "list"
    assert user.json("cancel", task_id, code=1)[0]["error"]["code"] == "task_already_ended"
    assert user.json("delete", task_id, "--yes")[0]["deleted"] is True
    assert user.json("show", task_id, code=1)["error"]["code"] == "task_not_found"
    user.environment["VIDEOAPI_KEY"] = "vak_wrong"
    assert user.json("list", code=3)["error"]["code"] == "invalid_api_key"
    user.environment["VIDEOAPI_URL"] = "http://127.0.0.1:9"
    assert "VIDEOAPI_URL" in user.json("list", code=4)["error"]["next_step"]


def test_operator_sees_what_users_did(user, operate):
    task_id = user.json("generate", "-p", "Pan")["videos"][0]["task_id"]
    assert "charged" in operate("tasks", "show", task_id)
    assert task_id in operate("tasks", "list", "--all")
    assert operate("keys", "list").startswith("u")
    assert operate("dead-letters", "redrive").startswith("0 dead")
    operate("keys", "create", "gone", "--per-day", "3")
    assert "1 key(s)" in operate("keys", "revoke", "gone")


def shell(commands, folder, environment):
    """Run a page's block as its reader does."""
    path = f"{environment['program'].parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["/bin/bash", "-eux", "-c", commands],
        cwd=folder,
        env=os.environ | environment["set"] | {"PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=3 * MAX_SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_commands_of_the_page_do_what_it_says(user):
    folder = user.folder
    user.stills(2, "stills")
    for name in ("photo.jpg", "evening.jpg", "stills/one.jpg", "stills/two.jpg"):
        (folder / name).write_bytes(STILL.read_bytes() + name.encode())
    text = PAGE.partition("## Operators")[0]
    (folder / "jobs.csv").write_text(re.search(r"```csv\n(.*?)```", text, re.DOTALL)[1])
    commands = "".join(re.findall(r"```bash\n(.*?)```", text, re.DOTALL))
    shell(commands, folder, {"program": user.program, "set": user.environment})
    made = {str(each.relative_to(folder)) for each in folder.rglob("*.mp4")}
    stills = {f"clips/{name}.mp4" for name in ("photo", "still-00", "still-01", "one", "two")}
    assert made == stills | {"fox.mp4", "again.mp4", "scenes/opening.mp4", "scenes/two.mp4"}


def test_operators_commands_of_the_page_run_in_the_clone(program, stack):
    commands = re.search(r"```bash\n(.*?)```", PAGE.partition("## Operators")[2], re.DOTALL)[1]
    ports = {name: str(stack.ports[name]) for name in PORTS} | {"ENV_FILE": os.devnull}
    output = shell(commands, ROOT, {"program": program, "set": ports})
    assert "alice" in output
    assert "1 key(s) of alice revoked" in output


def test_make_cli_says_how_to_call_it():
    done = subprocess.run(
        [shutil.which("make"), "cli"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=MAX_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    program = re.search(r"Call it as (.+?/videoapi)", done.stdout)[1]
    called = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    assert called.stdout == f"{videoapi.__version__}\n"


class Terminal:
    """A command in a terminal, typed at."""

    def __init__(self, user, *arguments):
        self.reader, follower = pty.openpty()
        self.process = user.start(
            *arguments,
            stdin=follower,
            stdout=follower,
            stderr=follower,
            start_new_session=True,
            preexec_fn=lambda: _controlling(follower),
        )
        os.close(follower)
        self.text = ""

    def expect(self, words):
        until = time.monotonic() + MAX_SECONDS
        while words not in self.text:
            assert time.monotonic() < until, self.text
            if select.select([self.reader], [], [], 1)[0]:
                try:
                    self.text += os.read(self.reader, 65536).decode(errors="replace")
                except OSError:  # it has ended
                    assert words in self.text, self.text
        self.text = self.text.partition(words)[2]

    def type(self, text):
        os.write(self.reader, text.encode())

    def wait(self):
        code = self.process.wait(timeout=MAX_SECONDS)
        os.close(self.reader)
        return code


def _controlling(terminal):
    import fcntl  # noqa: PLC0415 — of the child
    import termios  # noqa: PLC0415

    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


CTRL_C = "\x03"


def test_ctrl_c_cancels_on_demand(user):
    terminal = Terminal(user, "generate", "-p", "Pan [[time:30]]", "-o", "out")
    terminal.expect("being made")
    terminal.type(CTRL_C)
    terminal.expect("[L/c/g]")
    terminal.type("c\r")
    terminal.expect("1 cancelled")
    assert terminal.wait() == 130
    assert user.json("list")[0]["status"] == "cancelled"


@pytest.mark.parametrize("answer", ["l\r", CTRL_C])
def test_ctrl_c_leaves_and_the_same_command_goes_on(user, stack, answer):
    """A second Ctrl-C leaves, too. The jobs outlast the question, on a busy machine too."""
    folder, key = user.stills(2, "stills"), f"left-{len(answer)}"
    command = ("generate", folder.name, "-p", f"Pan [[key:{key}]] [[time:12]]", "-o", "out")
    terminal = Terminal(user, *command)
    terminal.expect("being made")
    terminal.type(CTRL_C)
    terminal.expect("[L/c/g]")
    terminal.type(answer)
    terminal.expect("The same command goes on")
    assert terminal.wait() == 130
    assert user.json(*command)["summary"]["completed"] == 2
    assert paid(stack, key) == [2]


def test_folder_of_stills_becomes_clips(user, stack, request):
    """A producer's 50 (here 15; `make e2e ARGS="--long -k stills"`), interrupted in the middle."""
    number = 50 if request.config.getoption("--long", default=False) else 15
    folder, key = user.stills(number, "stills"), "producer"
    command = (
        "generate",
        folder.name,
        "-p",
        f"Pan [[key:{key}]] [[time:0]]",
        "-o",
        "clips",
        "--yes",
    )
    first = user.start(*command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + MAX_SECONDS
    while len(list((user.folder / "clips").glob("*.mp4"))) < number // 5:
        assert time.monotonic() < until
        time.sleep(0.05)
    first.send_signal(signal.SIGINT)
    assert first.wait(timeout=MAX_SECONDS) == 130
    output, _ = user.run(*command)
    assert output == f"{number} done; cost: ${number * 0.05:.2f}\n"
    assert paid(stack, key) == [number]
    assert len(list((user.folder / "clips").glob("*.mp4"))) == number
