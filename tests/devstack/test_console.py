"""What a person reads, and what a log must not hold."""

import io
import json
import re

import pytest

from devstack.console import Console

TASK = "vid_te77aaaaaaaaaaaaaaaaaaaaaa"
URL = "http://localhost:8000"


class Terminal(io.StringIO):
    def isatty(self):
        return True


def console_on(stream, **environment):
    return Console(stream, api_url=URL, environment=environment, clock=lambda: 0.0)


@pytest.fixture
def piped():
    return io.StringIO()


@pytest.fixture
def console(piped):
    return console_on(piped)


def lines(stream):
    return [line.partition(" ")[2] for line in stream.getvalue().splitlines()]


def row(status="pending", *, prompt="Camera slowly pans", **more):
    attributes = {
        "task_id": TASK,
        "status": status,
        "created_at": "2026-01-11T10:30:00.000Z",
        "request": json.dumps({"model": "veo_3_1", "prompt": prompt}),
        **more,
    }
    return {
        name: {"N": str(value)} if isinstance(value, int) else {"S": value}
        for name, value in attributes.items()
    }


def test_request_is_one_line(console, piped):
    """A request is one line with time, status, milliseconds and task."""
    console.request("POST", "/v1/videos", 200, 0.0184, task=TASK)
    assert re.fullmatch(rf"\d\d:\d\d:\d\d POST /v1/videos 200 18 ms {TASK}\n", piped.getvalue())


def test_a_task_that_the_path_names_is_not_repeated(console, piped):
    console.request("DELETE", f"/v1/videos/{TASK}", 200, 0.001, task=TASK)
    assert lines(piped) == [f"DELETE /v1/videos/{TASK} 200 1 ms"]


def test_a_tasks_life_is_a_line_a_change(console, piped):
    ends = {"completed_at": "2026-01-11T10:30:10.400Z"}
    for each in (
        row(),
        row("processing"),
        row("processing"),  # a renewed lease
        row("processing", progress=51),
        row("completed", progress=100, **ends),
        row("completed", progress=100, **ends),
    ):
        console.item(each)
    assert lines(piped) == [
        f"{TASK} started",
        f"{TASK} 51 %",
        f"{TASK} done in 10 s {URL}/v1/videos/{TASK}/content",
    ]


def test_end_that_was_read_is_told_once_of_a_task_at_work(console, piped):
    """A task's end is a transaction, whose answer holds no row: it is read after it."""
    ends = {"completed_at": "2026-01-11T10:30:10.400Z"}
    console.item(row("cancelled", **ends), written=False)  # of an earlier run
    console.item(row("processing"))
    for each in (
        row("processing", progress=40),
        row("completed", **ends),
        row("completed", **ends),
    ):
        console.item(each, written=False)
    assert lines(piped) == [
        f"{TASK} started",
        f"{TASK} done in 10 s {URL}/v1/videos/{TASK}/content",
    ]


@pytest.mark.parametrize(("provider", "words"), [("relay", ""), ("vertex", " at vertex")])
def test_an_end_says_who_made_it_beside_the_relay(console, piped, provider, words):
    console.item(row("completed", completed_at="2026-01-11T10:30:02.000Z", provider=provider))
    assert lines(piped) == [f"{TASK} done in 2 s{words} {URL}/v1/videos/{TASK}/content"]


def test_failure_shows_its_reason_without_the_prompt(console, piped):
    error = {"code": "upstream_rejected", "message": "Refused: 'a fox' is too wild"}
    console.item(
        row(
            "failed",
            prompt="a fox",
            error=json.dumps(error),
            completed_at="2026-01-11T10:30:03.000Z",
        )
    )
    assert lines(piped) == [
        f"{TASK} failed after 3 s: upstream_rejected: Refused: '***' is too wild"
    ]


@pytest.mark.parametrize(
    ("begun", "words"), [({}, ""), ({"intent_at": "2026-01-11T10:30:01.000Z"}, " (may be charged)")]
)
def test_a_cancellation_says_whether_it_may_have_cost(console, piped, begun, words):
    console.item(row("cancelled", completed_at="2026-01-11T10:30:02.000Z", **begun))
    assert lines(piped) == [f"{TASK} cancelled after 2 s{words}"]


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"task_id": {"S": "key#abc"}, "status": {"S": "completed"}},
        {"task_id": {"S": TASK}},
        row("deleted"),
    ],
)
def test_what_is_no_change_of_a_task_is_no_line(console, piped, item):
    console.item(item)
    assert piped.getvalue() == ""


def test_a_task_that_goes_on_after_a_restart_tells_where_it_is(console, piped):
    console.item(row("processing", progress=51))
    assert lines(piped) == [f"{TASK} 51 %"]


def test_prompt_is_shown_on_a_terminal_alone():
    shown = {}
    for stream in (Terminal(), io.StringIO()):
        console = console_on(stream, NO_COLOR="1")
        console.item(row())
        console.request("POST", "/v1/videos", 200, 0.018, task=TASK)
        shown[stream.isatty()] = lines(stream)
    assert shown[True] == [f'POST /v1/videos 200 18 ms {TASK} "Camera slowly pans"']
    assert shown[False] == [f"POST /v1/videos 200 18 ms {TASK}"]


def test_a_prompt_is_cut_and_steers_no_terminal():
    stream = Terminal()
    console = console_on(stream, NO_COLOR="1")
    console.item(row(prompt="\x1b[2J\n" + "x" * 500))
    console.request("POST", "/v1/videos", 200, 0.018, task=TASK)
    assert "\x1b" not in stream.getvalue()
    assert len(stream.getvalue().splitlines()) == 1
    assert len(stream.getvalue()) < 200


@pytest.mark.parametrize(
    ("stream", "environment", "coloured"),
    [
        (Terminal, {"TERM": "xterm"}, True),
        (Terminal, {"NO_COLOR": ""}, True),
        (Terminal, {"NO_COLOR": "1"}, False),
        (Terminal, {"TERM": "dumb"}, False),
        (io.StringIO, {"TERM": "xterm"}, False),
    ],
)
def test_colours_are_for_a_terminal_whose_user_wants_them(stream, environment, coloured):
    opened = stream()
    console_on(opened, **environment).request("GET", "/docs", 500, 0.1)
    assert ("\x1b[31m500\x1b[0m" in opened.getvalue()) == coloured


def test_further_lines_of_a_text_stand_below_it(console, piped):
    console.line("worker | broken\nTraceback")
    first, second = piped.getvalue().splitlines()
    assert first.endswith(" worker | broken")
    assert second == f"{'':8} Traceback"


class Gone(io.StringIO):
    def flush(self):
        raise BrokenPipeError


def test_a_reader_that_has_gone_stops_nothing():
    console_on(Gone()).request("GET", "/docs", 200, 0.1)


def test_the_memory_of_tasks_has_an_end(console, piped):
    for number in range(3000):
        item = row("processing") | {"task_id": {"S": f"vid_{number:024}"}}
        console.item(item)
    piped.truncate(0)
    console.item(row("processing") | {"task_id": {"S": f"vid_{2999:024}"}})
    assert piped.getvalue().strip("\0") == ""
    console.item(row("processing") | {"task_id": {"S": f"vid_{0:024}"}})
    assert "started" in piped.getvalue()
