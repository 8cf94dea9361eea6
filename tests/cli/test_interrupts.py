"""A Ctrl-C at the one moment that no `read` and no lock hears of, as it was lost once in CI."""

import contextlib
import os
import pty
import signal
import threading
from concurrent.futures import Future

import pytest
import typer

from tests.support.fake_api import URL, FakeApi, FakeClock
from videoapi_cli import running
from videoapi_cli.client import Api, Stopped
from videoapi_cli.making import GO_ON, LEAVE, Maker, Outcome
from videoapi_cli.ordering import asked
from videoapi_cli.orders import Order, submit
from videoapi_cli.output import ask
from videoapi_cli.progress import ask as ask_what_to_do

SOON_SECONDS = 0.2
LOST_AFTER_SECONDS = 10


@pytest.fixture
def keyboard(monkeypatch):
    """Return what types at the terminal that standard input is."""
    typist, follower = pty.openpty()
    with os.fdopen(follower) as terminal:
        monkeypatch.setattr("sys.stdin", terminal)
        yield lambda text: os.write(typist, text.encode())
    os.close(typist)


@contextlib.contextmanager
def ctrl_c_that_ends_no_call(otherwise):
    """Send SIGINT to another thread: the main one hears of it, and no call of its is ended.

    `otherwise` is called where it was lost.
    """

    def send():
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        os.kill(os.getpid(), signal.SIGINT)

    timers = [threading.Timer(SOON_SECONDS, send), threading.Timer(LOST_AFTER_SECONDS, otherwise)]
    for timer in timers:
        timer.start()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        timers[1].cancel()
        for timer in timers:
            timer.join()


def test_ctrl_c_just_before_the_question_is_read_leaves(keyboard, capsys):
    with ctrl_c_that_ends_no_call(otherwise=lambda: keyboard("g\n")):
        assert ask_what_to_do() == LEAVE
    assert "[L/c/g]: " in capsys.readouterr().err


def test_ctrl_c_just_before_the_wait_asks():
    class Display:
        def ask(self):
            made.set_result(Outcome(order=Order(fields={}, name="a"), status="completed"))
            return GO_ON

    made = Future()
    run = running.Run(Maker(api=None, display=Display(), folder=None))
    with ctrl_c_that_ends_no_call(otherwise=lambda: made.set_result(None)):
        assert not run._waited([made])  # noqa: SLF001 — what the command waits in
    assert made.result().status == "completed"


@pytest.mark.parametrize(("cancel", "status"), [(True, "cancelled"), (False, "left")])
def test_what_was_stopped_is_told_once_by_what_became_of_it(cancel, status):
    """Not as left running first, where it is cancelled then."""
    told = []
    api = Api(url=URL, key="vak", transport=FakeApi().transport, clock=FakeClock())

    class Display:
        def begin(self, order): ...

        def end(self, outcome):
            told.append(outcome.status)

    class Stopping(Maker):
        def make(self, order, outcome):
            outcome.task_id = submit(order, api)[0]
            raise Stopped

    class Interrupted(running.Run):
        def _waited(self, futures):
            super()._waited(futures)
            return cancel

    order = Order(fields={"prompt": "Pan"}, name="a", key="one")
    Interrupted(Stopping(api=api, display=Display(), folder=None)).of([order], 1)
    assert told == [status]


@pytest.mark.parametrize(("typed", "said"), [("Yes\n", True), ("what\n n \n", False)], ids=repr)
@pytest.mark.parametrize("usual", [True, False])
def test_question_of_yes_or_no_is_asked_until_it_is_answered(keyboard, typed, said, usual):
    keyboard(typed)
    assert asked("Order it?", usual=usual) is said


@pytest.mark.parametrize(("usual", "shown"), [(True, "[Y/n]: "), (False, "[y/N]: ")])
def test_enter_alone_is_the_usual_answer(keyboard, capsys, usual, shown):
    """What deletes or replaces something wants a word."""
    keyboard("\n")
    assert asked("Do it?", usual=usual) is usual
    assert capsys.readouterr().err.endswith(shown)


def test_end_of_the_input_is_no_answer(keyboard):
    keyboard("\x04")
    with pytest.raises(typer.Abort):
        ask("Order it?")
