"""How far everything is, on standard error: bars in a terminal, else a line a step."""

import sys
import threading
from typing import Protocol, Self

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from videoapi_cli import making, output, tasks
from videoapi_cli.making import CANCEL, GO_ON, LEAVE, Outcome
from videoapi_cli.orders import Order

STEP = 25  # percent between two lines of a video, where there are no bars
MARKS = {"completed": ("✓", "green"), "left": ("…", "yellow")}


class Shown(making.Display, Protocol):
    """A display that is opened and closed, and that says sentences."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def say(self, text: str) -> None:
        """Say something once, however many ask for it."""


def display(total: int) -> Shown:
    """Return the display for standard error as it is."""
    console = Console(stderr=True)
    can_move = console.is_terminal and not console.is_dumb_terminal
    return Bars(console, total) if can_move else Lines(total)


def outcome_text(outcome: Outcome) -> str:
    """Return how an order ended, in a line."""
    order = outcome.order
    name = f"{order.where} ({order.name})" if order.where else order.name
    facts = [outcome.problem or outcome.status]
    if outcome.file:
        there = "" if outcome.task_id else "was there"
        facts = [str(outcome.file), there, tasks.cost({"cost": outcome.cost})]
    elif outcome.status == "left" and outcome.task_id:
        facts = [f"left running as {outcome.task_id}"]
    return f"{name}: {', '.join(filter(None, facts))}"


class Lines:
    """Plain lines: for a log, a pipe, or a terminal without abilities."""

    def __init__(self, total: int) -> None:
        self._total, self._ended = total, 0
        self._printed: set[str] = set()
        self._shown: dict[str, tuple[str, int]] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def say(self, text: str) -> None:
        """Say something once."""
        with self._lock:
            if text not in self._printed:
                self._printed.add(text)
                self._print(text)

    def begin(self, order: Order) -> None:
        """Say nothing: the first look follows."""

    def update(self, order: Order, percent: float, words: str) -> None:
        """Say what is new."""
        doing = words.partition(",")[0]
        step = (doing, int(percent) // STEP)
        with self._lock:
            if self._shown.get(order.name) != step and doing != "downloading":
                self._shown[order.name] = step
                self._print(f"{order.name}: {int(percent)} %, {words}")

    def end(self, outcome: Outcome) -> None:
        """Say how it ended."""
        with self._lock:
            self._ended += outcome.status != "left"
            count = f"[{self._ended}/{self._total}] " if self._total > 1 else ""
            self._print(f"{count}{outcome_text(outcome)}")

    def ask(self) -> str:
        """Return what a Ctrl-C means."""
        return ask()

    @staticmethod
    def _print(text: str) -> None:
        print(text, file=sys.stderr, flush=True)


class Bars:
    """A bar for each video that is worked on, and one for all."""

    def __init__(self, console: Console, total: int) -> None:
        self._console = console
        self._bars: dict[str, TaskID] = {}
        self._printed: set[str] = set()
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[words]}", markup=False),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._all = self._progress.add_task(
            f"{total} videos", total=total, words="", visible=total > 1
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def say(self, text: str) -> None:
        """Say something once."""
        if text not in self._printed:
            self._printed.add(text)
            self._console.print(Text(text))

    def begin(self, order: Order) -> None:
        """Show a new bar."""
        words = "looking" if order.task_id else "ordering"
        self._bars[order.name] = self._progress.add_task(order.name, total=100, words=words)

    def update(self, order: Order, percent: float, words: str) -> None:
        """Move a bar."""
        self._progress.update(self._bars[order.name], completed=percent, words=words)

    def end(self, outcome: Outcome) -> None:
        """Take a bar away, and say how it ended."""
        self._progress.remove_task(self._bars.pop(outcome.order.name))
        mark, colour = MARKS.get(outcome.status, ("✗", "red"))
        self._console.print(Text(f"{mark} ", colour) + Text(outcome_text(outcome)))
        self._progress.advance(self._all, outcome.status != "left")

    def ask(self) -> str:
        """Return what a Ctrl-C means."""
        self._progress.stop()
        choice = ask()
        if choice == GO_ON:
            self._progress.start()
        return choice


def ask() -> str:
    """Ask what to do with what runs; another Ctrl-C, or nobody to ask, leaves it."""
    if not sys.stdin.isatty():
        return LEAVE
    words = {"l": LEAVE, "c": CANCEL, "g": GO_ON, "": LEAVE}
    try:
        while True:
            question = "\nLeave them running on the server, cancel them, or go on? [L/c/g]"
            if (choice := words.get(output.ask(question)[:1])) is not None:
                return choice
    except (typer.Abort, KeyboardInterrupt):
        return LEAVE
