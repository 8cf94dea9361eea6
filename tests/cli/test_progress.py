"""What is shown of videos on their way, in a terminal and without one."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from videoapi_cli import tasks
from videoapi_cli.making import LEAVE, Maker, Outcome
from videoapi_cli.ordering import costs, summarized
from videoapi_cli.orders import Order
from videoapi_cli.progress import Bars, Lines, ask, display
from videoapi_cli.running import Run

ORDER = Order(fields={}, name="a [b]")
PENDING = {"status": "pending", "queue_position": 3, "eta_seconds": 75}


@pytest.mark.parametrize(
    ("task", "words"),
    [
        (PENDING, "waiting, 3 ahead, 1:15 left"),
        (PENDING | {"queue_position": None, "eta_seconds": None}, "waiting"),
        (
            {"status": "processing", "queue_position": 0, "eta_seconds": 5.4},
            "being made, 0:05 left",
        ),
    ],
)
def test_open_task_says_its_place_and_time(task, words):
    assert tasks.state(task) == words


@pytest.mark.parametrize(
    ("usd", "text"),
    [(0, "$0.00"), (3.2, "$3.20"), (0.000125, "$0.000125"), (12, "$12.00"), (0.1 + 0.2, "$0.30")],
)
def test_dollars_have_two_places_and_more_where_they_matter(usd, text):
    assert tasks.money(usd) == text


def test_bars_show_place_time_and_end():
    console = Console(file=io.StringIO(), force_terminal=True, width=120, color_system=None)
    with Bars(console, 2) as shown:
        shown.begin(ORDER)
        shown.update(ORDER, 40, tasks.state(PENDING))
        shown._progress.refresh()  # noqa: SLF001 — else its own thread does, later
        shown.say("Waiting …")
        shown.say("Waiting …")
        shown.end(Outcome(order=ORDER, status="failed", problem="[no]"))
    text = console.file.getvalue()
    assert "waiting, 3 ahead, 1:15 left" in text
    assert " 40 %" in text
    assert "2 videos" in text
    assert text.count("Waiting …") == 1
    assert "✗ a [b]: [no]" in text


@pytest.mark.parametrize(("task_id", "word"), [("", "ordering"), ("vid_1", "looking")])
def test_bar_of_what_is_ordered_already_says_nothing_of_an_order(task_id, word):
    """As `watch` and `download` have it, which order nothing."""
    console = Console(file=io.StringIO(), force_terminal=True, width=120, color_system=None)
    with Bars(console, 1) as shown:
        shown.begin(replace(ORDER, task_id=task_id))
        shown._progress.refresh()  # noqa: SLF001 — as above
    found = [each for each in ("ordering", "looking") if each in console.file.getvalue()]
    assert found == [word]


def test_lines_are_written_at_each_step_alone(capsys):
    shown = Lines(2)
    shown.begin(ORDER)
    for percent in (0, 10, 30, 31):
        shown.update(ORDER, percent, f"being made, 0:{50 - percent} left")
    shown.update(ORDER, 50, "downloading")
    shown.end(Outcome(order=ORDER, status="left", task_id="vid_1"))
    assert capsys.readouterr().err.splitlines() == [
        "a [b]: 0 %, being made, 0:50 left",
        "a [b]: 30 %, being made, 0:20 left",
        "[0/2] a [b]: left running as vid_1",
    ]


def test_nobody_to_ask_means_to_leave_it(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("c\n"))
    assert ask() == LEAVE


@pytest.mark.parametrize(("terminal", "kind"), [("xterm", Bars), ("dumb", Lines)])
def test_terminal_that_cannot_move_has_lines(monkeypatch, terminal, kind):
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes standard error for a terminal
    monkeypatch.setenv("TERM", terminal)
    assert isinstance(display(1), kind)


def test_no_terminal_means_no_bars():
    assert isinstance(display(1), Lines)


@pytest.mark.parametrize(
    ("task_id", "step"), [("vid_1", "videoapi watch vid_1 -o clips"), ("", "`videoapi list`")]
)
def test_single_order_that_was_stopped_has_a_next_step(task_id, step):
    run = Run(Maker(api=None, display=None, folder="clips"))
    run.interrupted = True
    words = summarized(run, [Outcome(order=ORDER, status="left", task_id=task_id)])
    assert words.splitlines()[0] == "1 left"
    assert step in words


def test_cost_that_is_not_known_yet_counts_as_estimated():
    def ended(actual):
        return Outcome(
            order=ORDER, status="completed", task={"cost": {"actual": actual, "estimated": 0.5}}
        )

    assert costs([ended(0.4), ended(None), Outcome(order=ORDER, status="left")]) == (0.9, False)
    assert costs([ended(0.4), ended(0)]) == (0.4, True)
    assert costs([]) == (None, True)
