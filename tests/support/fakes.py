"""Fakes of what stands around the use cases, in memory and in made-up time.

The store interprets the same `transitions.Change` as DynamoDB does (a property test holds the two
against each other), the queue is SQS as Lambda's poller sees it, the relay answers through httpx's
own `MockTransport`. `tests.support.simulation` puts them together, and hears of each effect before
and after it.
"""

import itertools
from collections import Counter
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace

from videoapi.aws.route_rests import REST_SECONDS
from videoapi.aws.table import ConditionFailed
from videoapi.aws.task_items import LISTS, index_keys, listed_at
from videoapi.aws.task_queue import MAX_DELAY, TaskQueue
from videoapi.aws.task_store import Page
from videoapi.domain.forecast import Forecast, kind_of
from videoapi.domain.ledger import Entry
from videoapi.domain.tasks import PAID, WEBHOOKS, GenerationRequest, Status, Task
from videoapi.domain.timestamps import epoch, timestamp
from videoapi.domain.transitions import NEVER
from videoapi.errors import ServiceError

START = 1_768_127_400.0  # 2026-01-11T10:30:00Z
QUEUE_VISIBILITY, MAX_RECEIVES = 900, 5


class Crash(BaseException):  # like the end of a process, it is no Exception that code could handle
    """The worker's process dies here."""


class Clock:
    """Made-up time. While it passes, the leases of living workers beat once a second."""

    def __init__(self):
        self.now = START
        self.held_leases = []

    def __call__(self):
        return self.now

    def sleep(self, event, seconds):
        until = self.now + seconds
        while not event.is_set() and self.now < until:
            self.advance(min(1.0, until - self.now))

    def advance(self, seconds):
        until = self.now + seconds
        while self.now < until:
            self.now = min(self.now + 1.0, until)
            for lease in list(self.held_leases):
                lease.heartbeat()

    @contextmanager
    def run_heartbeat(self, lease):
        self.held_leases.append(lease)
        try:
            yield
        finally:
            self.held_leases.remove(lease)

    @contextmanager
    def frozen(self):
        """No worker that lives now beats: their processes are paused."""
        held_leases, self.held_leases = self.held_leases, []
        yield
        self.held_leases = held_leases


def row_of(task):
    """Return what `task_items.task_item` writes, as plain values."""
    attributes = vars(task) | index_keys(task) | dict.fromkeys(LISTS)
    return {name: deepcopy(value) for name, value in attributes.items() if value is not None}


def task_of(row):
    blank = {"created_at": "", "request": GenerationRequest(model="")}
    known = {name: value for name, value in row.items() if name in Task.__dataclass_fields__}
    return Task(**deepcopy(blank | known))


def changed(row, change):
    """Return the row after a change, or None where its condition does not hold."""
    seen = all(row.get(name) == value for name, value in change.equals.items())
    lease = row.get("lease_until")
    free = change.lease_before is None or (lease is not None and lease <= change.lease_before)
    progress = change.sets.get("progress")
    late = progress is not None and not row.get("progress", 101) <= progress
    if row.get("status") not in change.leaves or not seen or not free or late:
        return None
    new = {**row, **deepcopy(dict(change.sets))}
    for name, value in change.keeps.items():
        new.setdefault(name, value)
    for name, number in change.adds.items():
        new[name] = new.get(name, 0) + number
    for name, value in change.appends.items():
        new[name] = [*new.get(name, []), value]
    return {name: value for name, value in new.items() if value is not None}


def change_kind(change):
    """Name a change after the function of `transitions` that made it."""
    sets = change.sets
    if "late_upstream_ids" in change.appends:
        return "accepted_late"
    if "status" in sets:
        return {"processing": "claim"}.get(sets["status"], str(sets["status"]))
    if sets.get("upstream_id"):
        return "accept"
    if sets.get("queued_at") == NEVER:
        return "unsent"
    telling = {
        "prompt_sent": "begin_attempt",
        "unknown_submits": "retry_submit",
        "image_failures": "retry_image",
        "progress": "renew",
        "lease_until": "release",
        "done_at": "note done",
        "intent_at": "next_route",
        "job_ended_at": "job ended",
        "cancel_asked_at": "cancel asked",
        "webhook_lease": "begin try",
        "webhook_due_at": "try later",
        "queued_at": "requeue",
        "due_at": "remind",
    }
    return next((kind for name, kind in telling.items() if name in sets), "requeue")


class FakeRouteRests:
    """`RouteRests` in a dict; the methods named in `away` fail as when DynamoDB is away."""

    def __init__(self):
        self.until = {}
        self.away = set()

    def read(self):
        self._reached("read")
        return dict(self.until)

    def rest(self, route, *, now):
        self._reached("rest")
        self.until[route] = int(now) + REST_SECONDS

    def probe(self, route, seen, *, now):
        self._reached("probe")
        if self.until.get(route) != seen:
            return False
        self.until[route] = int(now) + REST_SECONDS
        return True

    def wake(self, route):
        self._reached("wake")
        self.until.pop(route, None)

    def _reached(self, method):
        if method in self.away:
            error = ServiceError("The task table refuses what this service asks of it.")
            error.add_note("DynamoDB: AccessDeniedException")
            raise error


class FakeForecasts:
    """`ForecastStore` in memory; `away` fails every call as when DynamoDB is away."""

    def __init__(self):
        self.forecast = Forecast()
        self.looks = []  # each `waiting` that was noted
        self.away = False

    def read(self):
        self._reached()
        return self.forecast

    def start(self, task):
        self._reached()
        started = {**self.forecast.started, task.task_id: epoch(task.claimed_at)}
        self.forecast = self.forecast._replace(started=started)
        return self.forecast

    def look(self, forecast, *, slots):
        self._reached()
        self.looks.append(forecast.waiting)
        started = self.forecast.started
        self.forecast = self.forecast._replace(
            waiting=forecast.waiting, seen_at=forecast.seen_at, slots=slots
        )
        assert forecast.started.items() <= started.items()
        return self.forecast

    def end(self, task, seconds):
        self._reached()
        kind = kind_of(task.request)
        known = [*self.forecast.durations.get(kind, ()), max(round(seconds), 1)]
        self.forecast = self.forecast._replace(durations={**self.forecast.durations, kind: known})

    def _reached(self):
        if self.away:
            raise ServiceError("The task table does not answer just now. Try again.")


class FakeStore:
    """`TaskStore` in a dict. `history` holds every row that ever was, by task."""

    def __init__(self, sim):
        self.rows = {}
        self.ledger = {}
        self.history = {}
        self.writes = []
        self.away = 0  # calls that fail before DynamoDB answers again
        self.away_until = 0.0  # every call before it fails
        self._sim = sim

    @property
    def kinds(self):
        """How often each kind of write was made."""
        return Counter(kind for kind, _, _ in self.writes)

    def create(self, task, *others):
        assert all(type(each) is Entry for each in others), "limits are tested on moto"
        self._reached("create")
        if task.task_id in self.rows:
            return task_of(self.rows[task.task_id])
        self._enter(others)
        self._write(task.task_id, row_of(task), "create")
        self._sim.at("created")
        return None

    def get(self, task_id, *, deleted=False):
        self._reached("get")
        row = self.rows.get(task_id)
        gone = row is None or (row["status"] is Status.DELETED and not deleted)
        return None if gone else task_of(row)

    def read(self, key):
        self._reached("read")
        return dict(self.ledger[key]) if key in self.ledger else None

    def read_all(self, keys):
        self._reached("read")
        return {key: dict(self.ledger[key]) for key in keys if key in self.ledger}

    def apply(self, task_id, change):
        kind = change_kind(change)
        self._reached(kind)
        new = changed(self.rows.get(task_id, {}), change)
        if new is None:
            return None
        self._enter(change.entries)
        self._write(task_id, new, kind)
        self._sim.at(f"{kind} written")
        return task_of(new)

    def page(self, owner, *, limit, after=None, status=None, newest_first=True):
        rows = [row for row in self.rows.values() if row["owner"] == owner and "listed_at" in row]
        rows.sort(key=lambda row: row["listed_at"], reverse=newest_first)
        if after is not None:
            rows = [row for row in rows if (row["listed_at"] < after) is newest_first]
            rows = [row for row in rows if row["listed_at"] != after]
        found = [task_of(row) for row in rows if status in (None, row["status"])]
        return Page(found[:limit], listed_at(found[limit - 1]) if len(found) > limit else None)

    def overdue(self, now, *, paid):
        self._reached("overdue")
        due = sorted(
            (row["due_at"], task_id)
            for task_id, row in self.rows.items()
            if row.get("due_at", "~") < timestamp(now)
            and (row["open"] == PAID) is paid
            and row["open"] != WEBHOOKS
        )
        yield from (task_id for _, task_id in due)

    def events_due(self, now):
        self._reached("events due")
        rows = [row for row in self.rows.values() if row.get("open") == WEBHOOKS]
        due = sorted(
            (row["due_at"], row["task_id"]) for row in rows if row["due_at"] < timestamp(now)
        )
        yield from due

    def unpaid(self):
        rows = [row for row in self.rows.values() if row.get("open", PAID) not in {PAID, WEBHOOKS}]
        yield from sorted((row["due_at"], row["task_id"]) for row in rows)

    def _enter(self, entries):
        for entry in entries:
            committed = self.ledger.get(entry.key, {}).get("committed", 0)
            if entry.most is not None and committed > entry.most:
                raise ConditionFailed(entry.key, {}, repeated=False)
        for entry in entries:
            item = self.ledger.setdefault(entry.key, Counter())
            item.update(entry.adds)
            if entry.cap is not None:
                item["cap"] = entry.cap

    def _reached(self, kind):
        self._sim.at(kind)
        if self.away or self._sim.clock() < self.away_until:
            self.away = max(self.away - 1, 0)
            raise ServiceError("The task table does not answer just now. Try again.")

    def _write(self, task_id, row, kind):
        self.rows[task_id] = row
        self.history.setdefault(task_id, []).append(row)
        self.writes.append((kind, task_id, self._sim.clock()))


@dataclass
class Letter:
    task_id: str
    visible_at: float
    received: int = 0
    receipt: str = ""


class FakeQueue:
    """SQS: a received message is hidden for a while, and after five receives it is a dead one."""

    def __init__(self, sim):
        self.letters, self.dead, self.sent = [], [], []
        self.groups = []  # of each that was sent
        self.hidden = []  # (instant, seconds) of each change of a visibility
        self.away = 0  # calls that fail before SQS answers again
        self._sim = sim
        self._numbers = itertools.count(1)

    def send(self, task_id, *, delay=0, group=""):
        self._reached("send")
        seconds = min(MAX_DELAY, -int(-delay // 1))
        now = self._sim.clock()
        self.letters.append(Letter(task_id, now + seconds))
        self.sent.append((task_id, seconds, now))
        self.groups.append(group)
        self._sim.at("sent")

    def hide(self, receipt_handle, *, seconds):
        now = self._sim.clock()
        letter = next((each for each in self.letters if each.receipt == receipt_handle), None)
        # The worker's first act: from the queue's own visibility to that of its lease.
        self._reached("shorten" if letter and letter.visible_at > now + seconds else "hide")
        self.hidden.append((now, seconds))
        if letter:
            letter.visible_at = now + seconds

    remind = TaskQueue.remind

    def waiting(self):
        self._reached("waiting")
        return len(self._visible())

    def receive(self):
        for letter in self._visible():
            letter.received += 1
            if letter.received > MAX_RECEIVES:
                self.letters.remove(letter)
                self.dead.append(letter.task_id)
                continue
            letter.receipt = f"receipt-{next(self._numbers)}"
            letter.visible_at = self._sim.clock() + QUEUE_VISIBILITY
            return replace(letter)
        return None

    def delete(self, receipt):
        self.letters = [letter for letter in self.letters if letter.receipt != receipt]

    def _visible(self):
        now = self._sim.clock()
        return [letter for letter in self.letters if letter.visible_at <= now]

    def _reached(self, kind):
        self._sim.at(kind)
        if self.away:
            self.away -= 1
            raise ServiceError("The task queue does not answer just now. Try again.")


class FakeFiles:
    """The bucket."""

    def __init__(self, sim):
        self.objects = {}
        self.away = 0  # calls that fail before S3 answers again
        self._sim = sim

    def put(self, key, body, content_type):
        self._reached("put")
        self.objects[key] = (body if isinstance(body, bytes) else body.read(), content_type)
        self._sim.at("put done")

    def get(self, key):
        self._reached("fetch")
        return self.objects.get(key)

    def delete(self, keys):
        self._reached("remove")
        for key in keys:
            self.objects.pop(key, None)

    def _reached(self, kind):
        self._sim.at(kind)
        if self.away:
            self.away -= 1
            raise ServiceError("The file store does not answer just now. Try again.")
