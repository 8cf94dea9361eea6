"""Deaths at each step of an ending and of its delivery: sent at least once, under one id.

Each victim is one task whose processes die as its point says; all live at once. The sweeper runs
more often here than a schedule can, so that what waits for it is seen soon. The short form has half
of the points, and lets no lost hint wait for its minute. By `--long` each point has five victims,
which are more than a hundred kills.
"""

import json
import threading
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.fault_injection.stack import task_id
from tests.fault_injection.traps import Trap

LONG_TIMES, MIN_KILLS = 5, 100
LONG_AGO = "2020-01-01T00:00:00.000Z"
WITHIN = 420  # seconds for all of it
SETTLED = {"delivered", "failed", "disabled"}
WRITE, HINT, NOTE, TAKE = "TransactWriteItems", "Webhook", "webhook_log", "webhook_body"


@dataclass(frozen=True)
class Point:
    """Where a victim's processes die, and how its task ends."""

    name: str
    traps: tuple[Trap, ...]
    end: str = "completed"
    answers: tuple[int, ...] = ()  # of the receiver, before it takes the event


def worker(moment, place, needle=""):
    return Trap(moment, place, needle, function="worker")


def cancel(moment, place, needle=""):
    return Trap(moment, place, needle, function="cancel")


def notifier(moment, place, needle=""):
    return Trap(moment, place, needle, function="notifier")


POINTS = [
    Point("before the ending", (worker("before", WRITE, "video.completed"),)),
    Point("after the ending", (worker("after", WRITE, "video.completed"),)),
    Point("ended, and said so", (worker("step", "completed"),)),
    Point("before the hint", (worker("before", "SendMessage", HINT),)),
    Point("after the hint", (worker("after", "SendMessage", HINT),)),
    Point("before a failure", (worker("before", WRITE, "video.failed"),), "failed"),
    Point("after a failure", (worker("after", WRITE, "video.failed"),), "failed"),
    Point("failed, and said so", (worker("step", "failed"),), "failed"),
    Point("before a cancel", (cancel("before", WRITE, "video.cancelled"),), "cancelled"),
    Point("after a cancel", (cancel("after", WRITE, "video.cancelled"),), "cancelled"),
    Point("before a cancel's hint", (cancel("before", "SendMessage", HINT),), "cancelled"),
    Point("after a cancel's hint", (cancel("after", "SendMessage", HINT),), "cancelled"),
    Point("before a deletion", (cancel("before", WRITE, "video.cancelled"),), "deleted"),
    Point("after a deletion", (cancel("after", WRITE, "video.cancelled"),), "deleted"),
    Point("before a deletion's hint", (cancel("before", "SendMessage", HINT),), "deleted"),
    Point("before the look", (notifier("before", "GetItem"),)),
    Point("before it is taken", (notifier("before", "UpdateItem", TAKE),)),
    Point("after it is taken", (notifier("after", "UpdateItem", TAKE),)),
    Point("before it is sent", (notifier("step", "claimed"),)),
    Point("after it is sent", (notifier("step", "sent"),)),
    Point("before it is noted", (notifier("before", "UpdateItem", NOTE),)),
    Point("after it is noted", (notifier("after", "UpdateItem", NOTE),)),
    Point("before a refusal is noted", (notifier("before", "UpdateItem", NOTE),), answers=(500,)),
    Point("after a refusal is noted", (notifier("after", "UpdateItem", NOTE),), answers=(500,)),
    Point("before the next hint", (notifier("before", "SendMessage"),), answers=(500,)),
    Point("after the next hint", (notifier("after", "SendMessage"),), answers=(500,)),
    Point(
        "at the ending and at the delivery",
        (worker("after", WRITE, "video.completed"), notifier("step", "sent")),
    ),
]


class Receiver:
    """Takes events at a port of this machine; notes (id, body) of each by the path, a task's."""

    def __init__(self):
        self.events = defaultdict(list)
        self.answers = {}  # by path, those to give first
        self.lock = threading.Lock()

    @contextmanager
    def listening(self):
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                length = int(self.headers["content-length"])
                body = self.rfile.read(length)
                if len(body) < length:  # who sends it has died
                    return
                with outer.lock:
                    outer.events[self.path].append((self.headers["webhook-id"], body))
                    left = outer.answers.get(self.path)
                    status = left.pop(0) if left else 204
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_):
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            yield f"http://127.0.0.1:{server.server_port}"
            server.shutdown()
            thread.join()


@dataclass
class Told:
    """What came of one victim."""

    point: Point
    kills: int
    state: str | None
    events: list  # (id, body), in their order


@pytest.fixture(scope="module")
def outcomes(running, long, say):
    """Let all victims end, die and be told; return what came of each."""
    running.limit(8)
    running.configure(LEASE_SECONDS="5", VEO3_SKIP_UPLOAD="true", VEO3_AMBIGUOUS_SUBMIT="fail")
    victims = {
        f"told-{number}-{which}": point
        for number, point in enumerate(POINTS)
        for which in range(LONG_TIMES if long else 1 - number % 2)
    }
    receiver = Receiver()
    with receiver.listening() as origin:
        began = time.monotonic()
        for name, point in victims.items():
            running.traps.set(task_id(name), *point.traps)
            receiver.answers[f"/{name}"] = list(point.answers)
        with running.paused():  # a cancel comes before any worker
            for name, point in victims.items():
                if point.end in ("cancelled", "deleted"):
                    running.submit(name, image=False, webhook_url=f"{origin}/{name}")
                    give_up(running, name, point.end)
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(lambda each: submit(running, origin, *each), victims.items()))
        while not all(is_through(running, name) for name in victims):
            assert time.monotonic() - began < WITHIN, still(running, victims)
            for name in () if long else still(running, victims):
                hurry(running, name)
            running.sweep()
            time.sleep(1)
        say(f"{len(victims)} tasks were told after {time.monotonic() - began:.0f} s")
    return [
        Told(
            point,
            sum(kills_of(running, name).values()),
            state_of(running, name),
            receiver.events[f"/{name}"],
        )
        for name, point in victims.items()
    ]


def submit(running, origin, name, point):
    tokens = "[[time:0]] [[render:tiny]]" + (" [[submit:400]]" if point.end == "failed" else "")
    if point.end in ("completed", "failed"):
        running.submit(name, tokens, image=False, webhook_url=f"{origin}/{name}")


def give_up(running, name, how):
    """Cancel or delete a task, again until that was answered."""
    path = f"/api/v1/tasks/{task_id(name)}" if how == "cancelled" else f"/v1/videos/{task_id(name)}"
    for _ in range(5):
        if not running.api.delete(path).is_server_error:
            return
    raise AssertionError(name)


def state_of(running, name):
    return (running.row(name) or {}).get("webhook_state", {}).get("S")


def kills_of(running, name):
    functions = ("worker", "cancel", "notifier")
    return Counter(
        function
        for function in functions
        for entry in running.journal.of(task_id(name), function)
        if entry.what == "killed"
    )


def hurry(running, name):
    """Let the sweeper see what is owed at once, unless a notifier has it."""
    row = running.row(name) or {}
    if "webhook_due_at" in row and "webhook_lease" not in row:
        running.overwrite(name, "due_at", LONG_AGO)


def is_through(running, name):
    return state_of(running, name) in SETTLED


def still(running, victims):
    return {name: state_of(running, name) for name in victims if not is_through(running, name)}


@pytest.mark.parametrize("point", POINTS, ids=[point.name for point in POINTS])
def test_end_is_told_at_least_once_under_one_id(point, outcomes):
    for outcome in (each for each in outcomes if each.point == point):
        # Several are told by one process: the death of one may spare another its own.
        assert outcome.kills <= len(point.traps)
        assert outcome.state == "delivered"
        assert len(outcome.events) >= 1 + len(point.answers)
        assert len({event_id for event_id, _ in outcome.events}) == 1
        assert len({body for _, body in outcome.events}) == 1
        kind = "cancelled" if point.end == "deleted" else point.end
        assert json.loads(outcome.events[0][1])["type"] == f"video.{kind}"


def test_nearly_every_trap_has_sprung(outcomes):
    set_up = sum(len(outcome.point.traps) for outcome in outcomes)
    assert sum(outcome.kills for outcome in outcomes) >= 0.8 * set_up


def test_repetitions_are_rare(outcomes):
    """A death costs its own event a repetition, and those that were under way beside it."""
    repeated = sum(len(outcome.events) - 1 - len(outcome.point.answers) for outcome in outcomes)
    assert repeated <= 2 * sum(outcome.kills for outcome in outcomes)


@pytest.mark.long
def test_there_were_a_hundred_kills(outcomes):
    assert sum(outcome.kills for outcome in outcomes) >= MIN_KILLS
