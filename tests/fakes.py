"""The world around the use cases, in memory and in made-up time: "command in, state out".

The store interprets the same `transitions.Change` as DynamoDB does (a property test holds the two
against each other), the queue is SQS with Lambda's poller, the relay answers through httpx's own
`MockTransport`. Every effect is announced at `World.at`, where a test lets a worker die or lets
somebody else act in between.
"""

import itertools
import json
import re
from collections import deque
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass, replace

import httpx

from tests.movies import mp4
from videoapi.cancellation import Cancellation
from videoapi.delivery import Delivery
from videoapi.errors import ServiceError
from videoapi.fetch import Fetcher
from videoapi.generation import Generation
from videoapi.inputs import Inputs
from videoapi.lease import Message
from videoapi.queue import LONGEST_DELAY
from videoapi.recovery import Recovery
from videoapi.settings import Settings
from videoapi.store import Page
from videoapi.submission import Submissions
from videoapi.tasks import GenerationRequest, Status, Task, new_task_id, timestamp
from videoapi.transitions import KEPT_BY_TOMBSTONE, index_keys, listed_at
from videoapi.veo3 import Veo3

START = 1_768_127_400.0  # 2026-01-11T10:30:00Z
OWNER = "anonymous"
FUNCTION_SECONDS, QUEUE_VISIBILITY, MAX_RECEIVES = 900, 900, 5
CDN = "https://cdn.example.com"
DEFAULTS = Settings(veo3_base_url="https://relay.example.com")


class NoLimits:
    """A limiter of keys that have none."""

    def admit(self, _key, _task_id):
        return {}


class Crash(BaseException):  # like the end of a process, it is no Exception that code could handle
    """The worker's process dies here."""


class Clock:
    """Made-up time. While it passes, the leases of living workers beat once a second."""

    def __init__(self):
        self.now = START
        self.hearts = []

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
            for lease in list(self.hearts):
                lease.beat()

    @contextmanager
    def beating(self, lease):
        self.hearts.append(lease)
        try:
            yield
        finally:
            self.hearts.remove(lease)

    @contextmanager
    def frozen(self):
        """No worker that lives now beats: their processes are paused."""
        hearts, self.hearts = self.hearts, []
        yield
        self.hearts = hearts


def row_of(task):
    """Return what `items.task_item` writes, as plain values."""
    attributes = vars(task) | index_keys(task) | {"late_upstream_ids": None}
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
    if row.get("status") not in change.leaves or not seen or not free:
        return None
    new = {**row, **deepcopy(dict(change.sets))}
    for name, value in change.keeps.items():
        new.setdefault(name, value)
    for name, value in change.appends.items():
        new[name] = [*new.get(name, []), value]
    return {name: value for name, value in new.items() if value is not None}


def kind_of(change):
    """Name a change after the function of `transitions` that made it."""
    sets = change.sets
    if change.appends:
        return "accepted_late"
    if "status" in sets:
        return {"processing": "claim"}.get(sets["status"], str(sets["status"]))
    if sets.get("upstream_id"):
        return "accept"
    if "intent_at" in sets:
        return "intend" if sets["intent_at"] else "refuse"
    if "progress" in sets:
        return "renew"
    return "release" if "lease_until" in sets else "requeue"


class FakeStore:
    """`TaskStore` in a dict. `history` holds every row that ever was, by task."""

    def __init__(self, world):
        self.rows, self.twins = {}, {}
        self.history = {}
        self.writes = []
        self.away = 0  # calls that fail before DynamoDB answers again
        self._world = world

    def create(self, task, *, remember_until=None):
        self._reached("create")
        if task.task_id in self.rows:
            return task_of(self.rows[task.task_id])
        self._write(task.task_id, row_of(task), "create")
        if remember_until is not None:
            self.twins[task.owner, task.fingerprint] = task.task_id, int(remember_until)
        self._world.at("created")
        return None

    def get(self, task_id, *, deleted=False):
        self._reached("get")
        row = self.rows.get(task_id)
        gone = row is None or (row["status"] is Status.DELETED and not deleted)
        return None if gone else task_of(row)

    def apply(self, task_id, change):
        kind = kind_of(change)
        self._reached(kind)
        new = changed(self.rows.get(task_id, {}), change)
        if new is None:
            return None
        self._write(task_id, new, kind)
        self._world.at(f"{kind} written")
        return task_of(new)

    def take_back(self, task_id):
        self._reached("take back")
        if self.rows.get(task_id, {}).get("status") is not Status.PENDING:
            return False
        del self.rows[task_id], self.history[task_id]
        return True

    def recent_twin(self, owner, fingerprint, *, now):
        twin, until = self.twins.get((owner, fingerprint), (None, 0))
        return twin if until > now else None

    def page(self, owner, *, limit, after=None, status=None, newest_first=True):
        rows = [row for row in self.rows.values() if row["owner"] == owner and "listed_at" in row]
        rows.sort(key=lambda row: row["listed_at"], reverse=newest_first)
        if after is not None:
            rows = [row for row in rows if (row["listed_at"] < after) is newest_first]
            rows = [row for row in rows if row["listed_at"] != after]
        found = [task_of(row) for row in rows if status in (None, row["status"])]
        return Page(found[:limit], listed_at(found[limit - 1]) if len(found) > limit else None)

    def overdue(self, now):
        due = [
            task_id
            for task_id, row in self.rows.items()
            if "open" in row and row.get("due_at", "~") < timestamp(now)
        ]
        yield from due

    def _reached(self, kind):
        self._world.at(kind)
        if self.away:
            self.away -= 1
            raise ServiceError("The task table does not answer just now. Try again.")

    def _write(self, task_id, row, kind):
        self.rows[task_id] = row
        self.history.setdefault(task_id, []).append(row)
        self.writes.append((kind, task_id, self._world.clock()))


@dataclass
class Letter:
    task_id: str
    visible_at: float
    received: int = 0
    receipt: str = ""


class FakeQueue:
    """SQS: a received message is hidden for a while, and after five receives it is a dead one."""

    def __init__(self, world):
        self.letters, self.dead, self.sent = [], [], []
        self.hidden = []  # (instant, seconds) of each change of a visibility
        self.away = 0  # calls that fail before SQS answers again
        self._world = world
        self._numbers = itertools.count(1)

    def send(self, task_id, *, delay=0):
        self._reached("send")
        seconds = min(LONGEST_DELAY, -int(-delay // 1))
        now = self._world.clock()
        self.letters.append(Letter(task_id, now + seconds))
        self.sent.append((task_id, seconds, now))
        self._world.at("sent")

    def hide(self, receipt_handle, *, seconds):
        now = self._world.clock()
        letter = next((each for each in self.letters if each.receipt == receipt_handle), None)
        # The worker's first act: from the queue's own visibility to that of its lease.
        self._reached("shorten" if letter and letter.visible_at > now + seconds else "hide")
        self.hidden.append((now, seconds))
        if letter:
            letter.visible_at = now + seconds

    def waiting(self):
        return len(self._visible())

    def receive(self):
        for letter in self._visible():
            letter.received += 1
            if letter.received > MAX_RECEIVES:
                self.letters.remove(letter)
                self.dead.append(letter.task_id)
                continue
            letter.receipt = f"receipt-{next(self._numbers)}"
            letter.visible_at = self._world.clock() + QUEUE_VISIBILITY
            return replace(letter)
        return None

    def delete(self, receipt):
        self.letters = [letter for letter in self.letters if letter.receipt != receipt]

    def _visible(self):
        now = self._world.clock()
        return [letter for letter in self.letters if letter.visible_at <= now]

    def _reached(self, kind):
        self._world.at(kind)
        if self.away:
            self.away -= 1
            raise ServiceError("The task queue does not answer just now. Try again.")


class FakeFiles:
    """The bucket."""

    def __init__(self, world):
        self.objects = {}
        self.away = 0  # calls that fail before S3 answers again
        self._world = world

    def put(self, key, body, content_type):
        self._reached("put")
        self.objects[key] = (body if isinstance(body, bytes) else body.read(), content_type)
        self._world.at("put done")

    def get(self, key):
        self._reached("fetch")
        return self.objects.get(key)

    def delete(self, keys):
        self._reached("remove")
        for key in keys:
            self.objects.pop(key, None)

    def _reached(self, kind):
        self._world.at(kind)
        if self.away:
            self.away -= 1
            raise ServiceError("The file store does not answer just now. Try again.")


class FakeLog:
    """What was logged, as (level, message, fields)."""

    def __init__(self):
        self.lines = []

    def info(self, message, **fields):
        self.lines.append(("info", message, fields))

    def warning(self, message, **fields):
        self.lines.append(("warning", message, fields))

    def error(self, message, **fields):
        self.lines.append(("error", message, fields))

    @property
    def steps(self):
        return [fields["step"] for _, message, fields in self.lines if message == "step"]


@dataclass
class UpstreamJob:
    """A job that the relay accepted, and was paid for."""

    upstream_id: str
    task_id: str
    order: dict
    since: float
    until: float
    ending: object  # answer fields at the end, or None for a video

    def alive(self, now):
        return now < self.until


class FakeRelay:
    """An OpenAI-style relay behind `MockTransport`.

    `posts`, `looks` and `contents` hold the next answers, used up one by one: a response, an
    exception, or what makes one of the request. Without any, it behaves. `endings` are used up by
    the jobs it accepts: fields of their last answer, or None for a video.
    """

    def __init__(self, world):
        self.jobs, self.requests = [], []
        self.posts, self.looks, self.contents, self.endings = (deque() for _ in range(4))
        self.takes = 30.0  # seconds for a generation
        self.video = {"video_url": f"{CDN}/video.mp4"}
        self.polls = []
        self._world = world

    def __call__(self, request):
        self.requests.append(request)
        now = self._world.clock()
        if request.method == "POST":
            return self._post(request)
        upstream_id, _, content = request.url.path.removeprefix("/v1/videos/").partition("/")
        if content:
            self._world.at("content")
            return _next(self.contents, request) or httpx.Response(200, content=mp4())
        self._world.at("look")
        self.polls.append(now)
        return _next(self.looks, request) or self._look(upstream_id, now)

    def paid(self, task_id):
        """Return a task's jobs that were accepted and did not end by the relay's own trouble."""
        return [job for job in self.jobs_of(task_id) if not self._free(job)]

    def jobs_of(self, task_id):
        return [job for job in self.jobs if job.task_id == task_id]

    def accept(self, request):
        key = request.headers["idempotency-key"]
        now = self._world.clock()
        job = UpstreamJob(
            upstream_id=f"video:{len(self.jobs) + 1}",
            task_id=key.rpartition("-")[0],
            order=form_of(request),
            since=now,
            until=now + self.takes,
            ending=self.endings.popleft() if self.endings else None,
        )
        self.jobs.append(job)
        return httpx.Response(200, json={"id": job.upstream_id, "status": "queued"})

    def _free(self, job):
        """A transient failure or an audio filter that the relay has told: nothing is charged."""
        return job.ending is not None and not job.alive(self._world.clock())

    def _post(self, request):
        self._world.at("post")
        answer = _next(self.posts, request) or self.accept(request)
        self._world.at("posted")
        return answer

    def _look(self, upstream_id, now):
        job = next((each for each in self.jobs if each.upstream_id == upstream_id), None)
        if job is None:
            return httpx.Response(404, json={"code": "task_not_exist"})
        if job.alive(now):
            percent = int(100 * (now - job.since) / (job.until - job.since))
            return httpx.Response(200, json={"status": "processing", "progress": percent})
        ending = {"status": "completed", "progress": 100, **self.video}
        return httpx.Response(200, json={"id": upstream_id, **(job.ending or ending)})


def failed(code, message="The generation failed."):
    """Return the last answer of a job that failed."""
    return {"status": "failed", "error": {"code": code, "message": message}}


def form_of(request):
    """Return the fields of a multipart order; a file as its bytes."""
    boundary = re.search("boundary=(.+)", request.headers["content-type"])[1].encode()
    fields = {}
    for part in request.read().split(b"--" + boundary)[1:-1]:
        head, _, value = part.strip(b"\r\n").partition(b"\r\n\r\n")
        name = re.search(rb'name="([^"]+)"', head)[1].decode()
        fields[name] = value if b"filename=" in head else value.decode()
    return fields


def _next(answers, request):
    answer = answers.popleft() if answers else None
    if callable(answer):
        answer = answer(request)
    if isinstance(answer, BaseException):
        raise answer
    return answer


class World:
    """One deployment of the service. See the module."""

    clock_type = Clock

    def __init__(self, *, optimizer=None, **settings):
        self.settings = replace(DEFAULTS, **settings)
        self.clock = self.clock_type()
        self.store, self.queue, self.files = FakeStore(self), FakeQueue(self), FakeFiles(self)
        self.relay, self.log = FakeRelay(self), FakeLog()
        self.cdn = deque()  # answers to downloads of results and images, as in `FakeRelay`
        self.downloads = []
        self.events = []  # everything that was reached, in order
        self.at_event = {}  # what happens there: index into `events` → action
        self.jitter = 1.0
        self.address = "93.184.216.34"  # of every name that is looked up
        self._numbers = itertools.count(1)
        self.fetcher = Fetcher(
            allow_private=False,
            trusted_origins=("https://relay.example.com",),
            resolve=lambda _host, port, **_: [(2, 1, 6, "", (self.address, port))],
            transport=httpx.MockTransport(self._download),
        )
        veo3 = Veo3(
            httpx.Client(transport=httpx.MockTransport(self.relay), trust_env=False),
            base_url=self.settings.veo3_base_url,
            endpoint=self.settings.veo3_endpoint,
            key=lambda: "sk-relay-secret",
        )
        self.inputs = Inputs(self.settings, self.files, self.fetcher, optimizer)
        self.delivery = Delivery(
            self.settings, self.store, self.files, veo3, self.fetcher, self.log
        )
        self.generation = Generation(
            self.settings,
            self.store,
            self.queue,
            veo3,
            self.inputs,
            self.delivery,
            clock=self.clock,
            sleep=self.clock.sleep,
            jitter=lambda: self.jitter,
            beating=self.clock.beating,
            log=self.log,
        )
        self.recovery = Recovery(self.settings, self.store, self.queue, clock=self.clock)
        self.submissions = Submissions(
            self.settings, self.store, self.queue, self.files, links=None, limiter=NoLimits()
        )
        self.cancellation = Cancellation(
            self.store,
            self.files,
            retention_hours=self.settings.task_retention_hours,
            clock=self.clock,
        )

    def at(self, event):
        """Note that an effect is about to happen, or has just happened, and let others act."""
        self.events.append(event)
        action = self.at_event.pop(len(self.events) - 1, None) or self.at_event.pop(event, None)
        if action is not None:
            action()

    def submit(self, **fields):
        """Put a task and send its message, as `submission` does."""
        request = fields.pop("request", None) or GenerationRequest(model="veo_3_1", prompt="A fox")
        now = self.clock()
        task = Task(
            **{
                "task_id": new_task_id(),
                "owner": OWNER,
                "status": Status.PENDING,
                "created_at": timestamp(now),
                "updated_at": timestamp(now),
                "queued_at": timestamp(now),
                "due_at": timestamp(now + 120),
                "lease_until": timestamp(now),
                "request": request,
                **fields,
            }
        )
        self.store.create(task)
        self.queue.send(task.task_id)
        return task.task_id

    def task(self, task_id):
        return task_of(self.store.rows[task_id])

    def message(self, task_id, receipt="receipt", seconds=FUNCTION_SECONDS):
        """Return a delivery to an invocation that has `seconds` left."""
        end = self.clock() + seconds
        return Message(
            task_id=task_id,
            receipt_handle=receipt,
            request_id=f"request-{next(self._numbers)}",
            remaining=lambda: end - self.clock(),
        )

    def work(self, seconds=FUNCTION_SECONDS):
        """Receive one message and run a worker on it; return whether there was one."""
        letter = self.queue.receive()
        if letter is None:
            return False
        try:
            self.generation.run(self.message(letter.task_id, letter.receipt, seconds))
        except (Crash, ServiceError):
            return True  # the message comes back
        self.queue.delete(letter.receipt)
        return True

    def tick(self):
        """Do what the schedule and the dead letters do; what fails is done the next time."""
        with suppress(ServiceError):
            while self.queue.dead:
                self.recovery.bury(self.queue.dead[0])
                self.queue.dead.pop(0)
            self.recovery.sweep()

    def settle(self, *, within=7200.0):
        """Let workers, sweeper and dead letters go on until every task has ended."""
        end = self.clock() + within
        swept = self.clock()
        while any("open" in row for row in self.store.rows.values()):
            assert self.clock() < end, "a task is in limbo"
            if self.work():
                continue
            if self.clock() - swept >= 60:
                swept = self.clock()
                self.tick()
                continue
            coming = [letter.visible_at for letter in self.queue.letters]
            self.clock.advance(max(min([*coming, swept + 60]) - self.clock(), 0.001))

    def idle(self, seconds):
        """Let time pass with nothing but what is left in the queue."""
        until = self.clock() + seconds
        while self.clock() < until:
            self.work()
            self.tick()
            self.clock.advance(60)

    def run(self, **fields):
        """Submit a task, let it end, return it."""
        task_id = self.submit(**fields)
        self.settle()
        return self.task(task_id)

    def _download(self, request):
        self.downloads.append(request)
        self.at("download")
        return _next(self.cdn, request) or httpx.Response(200, content=mp4())


def tombstone_of(row):
    """Return what a deletion leaves of a row for good."""
    return {name: row[name] for name in KEPT_BY_TOMBSTONE if name in row}


def as_json(value):
    return json.dumps(value, ensure_ascii=False, default=str)
