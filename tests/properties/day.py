"""A day of the service in made-up time: peaks, odd answers, late videos, outages and deaths.

The workers are the real `Generation`, each in a thread of its own; one runs at a time, to its next
wait, and then the clock goes on to whatever comes next. The same seed gives the same day.
"""

import random
import threading
from collections import Counter, deque
from dataclasses import dataclass, field
from heapq import heappop, heappush

import httpx

from tests.support.fake_relay import CDN, FakeRelay, UpstreamJob, failed
from tests.support.fakes import START, Clock, Crash, FakeFiles, FakeQueue, FakeStore
from tests.support.movies import mp4
from tests.support.simulation import OWNER, FakeLog, Simulation
from tests.support.stepping import SteppingClock, Worker, moving
from videoapi.accounts.api_keys import ApiKey, Limits
from videoapi.domain.tasks import PAID, Dialect, GenerationRequest, Status
from videoapi.domain.timestamps import epoch, timestamp
from videoapi.errors import ServiceError
from videoapi.usecases.submission import Caller, Submission

ORDER = Submission(
    request=GenerationRequest(model="veo_3_1", prompt="A fox"),
    dialect=Dialect.REST,
)
OUTAGE = 1200.0  # seconds, of each
MAX_MESSAGES = 3  # a task, on average
PATIENCE = 4000.0  # seconds after the last arrival until every task has to have ended
SETTLED = 300.0  # seconds after an outage until times are ordinary again
VIDEO = mp4()
PAGE = "<!DOCTYPE html><html><body>Attention required</body></html>"

# One look in fifty is answered so, never two of a job in a row.
ODD_LOOKS = (
    lambda job: httpx.Response(200, json={"id": job.upstream_id, **failed("HIGH_TRAFFIC")}),
    lambda _: httpx.Response(200, json=failed("HIGH_TRAFFIC")),
    lambda _: httpx.Response(200, json=failed("GENERATION_FAILED", "Please try again later.")),
    lambda job: httpx.Response(200, json={"id": job.upstream_id, **failed("CONTENT_POLICY")}),
    lambda job: httpx.Response(200, json={"id": job.upstream_id, "status": "rendering_pass_2"}),
    lambda job: httpx.Response(200, json={"id": job.upstream_id}),
    lambda _: httpx.Response(200, json={"status": "processing"}),
    lambda _: httpx.Response(200, json=[]),
    lambda _: httpx.Response(200, text=""),
    lambda _: httpx.Response(200, text=PAGE, headers={"content-type": "text/html"}),
    lambda _: httpx.Response(403, text=PAGE, headers={"content-type": "text/html"}),
    lambda _: httpx.Response(401, json={"error": {"message": "invalid api key"}}),
    lambda _: httpx.Response(404, json={"code": "task_not_exist"}),
    lambda _: httpx.Response(404, text="not found"),
    lambda _: httpx.Response(429, json={}, headers={"retry-after": "20"}),
    lambda _: httpx.Response(500, json={"error": {"message": "database is locked"}}),
    lambda _: httpx.Response(502, text=PAGE),
    lambda _: httpx.Response(504, text="upstream timed out"),
    lambda _: httpx.ReadTimeout("no answer"),
    lambda _: httpx.RemoteProtocolError("closed in the middle"),
)
# What stands in a video's place while it is on its way.
LATE = (
    lambda: httpx.Response(404, json={"error": {"message": "file not found"}}),
    lambda: httpx.Response(503, text="try later"),
    lambda: httpx.Response(429, json={}),
    lambda: httpx.Response(429, json={}, headers={"retry-after": "25"}),
    lambda: httpx.Response(409, json={"error": {"message": "video is not ready yet"}}),
    lambda: httpx.Response(202, json={"status": "processing"}),
)
AWAY = (  # nothing reached the relay
    lambda: httpx.ConnectError("refused"),
    lambda: httpx.Response(502, text=PAGE),
    lambda: httpx.Response(503, json={}),
)
ENDINGS = ("HIGH_TRAFFIC", "AUDIO_FILTERED", "CONTENT_POLICY_VIOLATION")  # one job in fifty


def constantly(answer):
    """Return an answer, or raise it where it is an exception."""
    if isinstance(answer, Exception):
        raise answer
    return answer


@dataclass(frozen=True)
class Plan:
    """How a day goes. Windows are pairs of instants; `deadly` is the odds of each event."""

    tasks: int
    seconds: float
    slots: int
    deadly: float
    seed: int

    def outage(self, number):
        """Return when one of the three outages begins and ends."""
        begin = START + self.seconds * (0.2 + 0.25 * number)
        return begin, begin + OUTAGE


class DayClock(SteppingClock):
    """Time goes on when every worker waits."""

    def sleep(self, event, seconds):
        if worker := moving():
            worker.woken_by = event
        super().sleep(event, seconds)

    def advance(self, seconds):
        Clock.advance(self, seconds)


class QuietLog(FakeLog):
    """Forgets at once: a day says a million lines."""

    def __init__(self):
        super().__init__()
        self.lines = deque(maxlen=0)


class DayStore(FakeStore):
    """Keeps only the last row of each task, and an index of the open ones."""

    def __init__(self, sim):
        super().__init__(sim)
        self.open = {}

    def overdue(self, now, *, paid):
        self._reached("overdue")
        due = sorted(
            (row["due_at"], task_id)
            for task_id, row in self.open.items()
            if row["due_at"] < timestamp(now) and (row["open"] == PAID) is paid
        )
        yield from (task_id for _, task_id in due)

    def _write(self, task_id, row, kind):
        del kind
        self.rows[task_id] = row
        if "open" in row:
            self.open[task_id] = row
        else:
            self.open.pop(task_id, None)

    def _reached(self, kind):
        self.away = int(self._sim.away("store"))
        super()._reached(kind)


class DayQueue(FakeQueue):
    """Cannot be reached during the outage, by Lambda's poller either."""

    def receive(self):
        return None if self._sim.away("queue") else super().receive()

    def delete(self, receipt):
        if not self._sim.away("queue"):
            super().delete(receipt)

    def _reached(self, kind):
        self.away = int(self._sim.away("queue"))
        super()._reached(kind)


class DayFiles(FakeFiles):
    """The bucket is as far away as the table."""

    def _reached(self, kind):
        self.away = int(self._sim.away("store"))
        super()._reached(kind)


@dataclass
class DayJob(UpstreamJob):
    """A job with its mood."""

    has_url: bool = True
    late_until: float = 0.0
    was_odd: bool = False


class DayRelay(FakeRelay):
    """2 % odd looks, 1 % late content, 2 % failures, and an outage."""

    def __init__(self, sim):
        super().__init__(sim)
        self.by_id, self.by_task = {}, {}
        self.odd = 0

    def __call__(self, request):
        random_of, clock = self._sim.random, self._sim.clock
        if self._sim.away("relay"):
            return constantly(random_of.choice(AWAY)())
        if request.method == "POST":
            return self._post(request)
        upstream_id, _, content = request.url.path.removeprefix("/v1/videos/").partition("/")
        job = self.by_id[upstream_id]
        self._sim.at("content" if content else "look")
        if content:
            return self._sim.video_of(job)
        job.was_odd = not job.was_odd and random_of.random() < 0.02
        if job.was_odd:
            self.odd += 1
            return constantly(random_of.choice(ODD_LOOKS)(job))
        return self._look_at(job, clock())

    def accept(self, request):
        choose, now = self._sim.random, self._sim.clock()
        ending = failed(choose.choice(ENDINGS)) if choose.random() < 0.02 else None
        until = now + choose.uniform(20, 150)
        job = DayJob(
            upstream_id=f"video:{len(self.by_id) + 1}",
            task_id=request.headers["idempotency-key"].rpartition("-")[0],
            order={},
            since=now,
            until=until,
            ending=ending,
            has_url=choose.random() < 0.7,
            late_until=until + choose.uniform(20, 200) if choose.random() < 0.01 else 0.0,
        )
        self.by_id[job.upstream_id] = job
        self.by_task.setdefault(job.task_id, []).append(job)
        return httpx.Response(200, json={"id": job.upstream_id, "status": "queued"})

    def jobs_of(self, task_id):
        return self.by_task.get(task_id, [])

    def _post(self, request):
        self._sim.at("post")
        request.read()
        self._sim.pause(self._sim.random.uniform(0.5, 4))
        response = self.accept(request)
        self._sim.at("posted")
        self._sim.pause(self._sim.random.uniform(0.1, 1))
        return response

    @staticmethod
    def _look_at(job, now):
        if job.alive(now):
            percent = int(100 * (now - job.since) / (job.until - job.since))
            body = {"status": "processing", "progress": percent}
        else:
            body = job.ending or {"status": "completed", "progress": 100}
            if job.ending is None and job.has_url:
                body = {**body, "video_url": f"{CDN}/{job.upstream_id}.mp4"}
        return httpx.Response(200, json={"id": job.upstream_id, **body})


@dataclass
class Tally:
    """What became of a day."""

    accepted: list = field(default_factory=list)
    deaths: int = 0
    struck: set = field(default_factory=set)  # tasks that lost the answer to their order
    unfortunate: set = field(default_factory=set)  # tasks whose worker died, at any point


class Day(Simulation):
    """See the module; `run` lives through it."""

    clock_type = DayClock
    log_type, relay_type = QuietLog, DayRelay

    def __init__(self, plan, **settings):
        self.plan = plan
        self.random = random.Random(plan.seed)  # noqa: S311 — a day that can be had again
        self.workers, self.tally = [], Tally()
        super().__init__(video_max_concurrent=plan.slots, **settings)
        self.measured = deque(maxlen=0)
        self.events = deque(maxlen=0)

    def adapters(self):
        return DayStore(self), DayQueue(self), DayFiles(self)

    def away(self, what):
        """Whether a part of the world is out: relay, CDN, table and bucket; the queue for half."""
        number = ("relay", "cdn", "store", "queue").index(what)
        begin, end = self.plan.outage(min(number, 2))
        # Messages come before the table does: their receives are used up, and they are dead ones.
        return begin <= self.clock() < (end - OUTAGE / 2 if what == "queue" else end)

    def at(self, event):
        """Let a worker die here, now and then."""
        del event
        if (worker := moving()) and self.random.random() < self.plan.deadly:
            self.note_death(worker)
            raise Crash

    def note_death(self, worker):
        self.tally.deaths += 1
        if worker.lease in self.clock.held_leases:
            task_id = worker.lease.task.task_id
            self.tally.unfortunate.add(task_id)
            self.note_struck(task_id)

    def note_struck(self, task_id):
        row = self.store.rows[task_id]
        if row.get("intent_at") and not row.get("upstream_id") and "open" in row:
            self.tally.struck.add(task_id)

    def pause(self, seconds):
        self.clock.sleep(threading.Event(), seconds)

    def video_of(self, job):
        if self.clock() < job.late_until:
            return constantly(self.random.choice(LATE)())
        return httpx.Response(200, content=VIDEO)

    def _download(self, request):
        self.at("download")
        if self.away("cdn"):
            return constantly(self.random.choice(AWAY)())
        return self.video_of(self.relay.by_id[request.url.path[1:].removesuffix(".mp4")])

    def run(self):
        """Live through the day, until every task has ended."""
        plan, coming = self.plan, []
        for number, instant in enumerate(self._arrivals()):
            heappush(coming, (instant, number))
        swept, out = self.clock(), False
        while coming or self.store.open:
            now = self.clock()
            last = max(START + plan.seconds, coming[0][0] if coming else 0)
            assert now < last + PATIENCE, f"no progress: {list(self.store.open.values())[:3]}"
            if not out and self.away("store"):
                out = True
                for task_id in list(self.store.open):
                    self.note_struck(task_id)
            while coming and coming[0][0] <= now:
                self._submit(coming, heappop(coming)[1])
            self._work()
            if now - swept >= 60:
                swept = now
                self.tick()
                continue
            self.clock.advance(max(self._next(coming, swept + 60) - now, 0.001))

    def _arrivals(self):
        """Return instants with two peaks: a third of all callers come within a tenth of the day."""
        for _ in range(self.plan.tasks):
            where = self.random.random()
            if self.random.random() < 1 / 3:
                where = self.random.choice([0.3, 0.8]) + self.random.uniform(-0.025, 0.025)
            yield START + where * self.plan.seconds

    def _submit(self, coming, number):
        """Submit as a client does: what was not accepted is sent again under the same key."""
        caller = Caller(
            key=ApiKey(OWNER, Limits()), now=self.clock(), idempotency_key=f"order {number}"
        )
        try:
            self.tally.accepted.append(self.submissions.submit(ORDER, caller).task.task_id)
        except ServiceError:
            heappush(coming, (self.clock() + 30, number))

    def _work(self):
        """Let every worker whose wait is over go on, and begin what the slots have room for."""
        now = self.clock()
        for worker in list(self.workers):
            if worker.wakes_at <= now or worker.woken_by.is_set():
                self._go_on(worker)
        while len(self.workers) < self.plan.slots and (letter := self.queue.receive()):
            worker = Worker(self, letter)
            self.workers.append(worker)
            self._go_on(worker)

    def _go_on(self, worker):
        """Let a worker go on, or a sleeping one die."""
        dies = worker.wakes_at is not None and self.random.random() < self.plan.deadly
        if dies:
            self.note_death(worker)
        worker.step(dies=dies)
        if worker.done:
            self.workers.remove(worker)
            worker.join()

    def _next(self, coming, sweep):
        times = [sweep, *(worker.wakes_at for worker in self.workers)]
        if coming:
            times.append(coming[0][0])
        if len(self.workers) < self.plan.slots:
            times += [letter.visible_at for letter in self.queue.letters]
        return min(time for time in times if time > self.clock())


def check(day):
    """Check what a day has to end with; return a summary."""
    rows, tally = day.store.rows, day.tally
    assert len(tally.accepted) == day.plan.tasks
    assert set(tally.accepted) == set(rows)
    assert {row["status"] for row in rows.values()} <= {Status.COMPLETED, Status.FAILED}
    ends = {task_id: row.get("error", {}).get("code", "completed") for task_id, row in rows.items()}
    unknown = {task_id for task_id, end in ends.items() if end == "upstream_submit_unknown"}
    assert unknown <= tally.struck, "unknown, although no answer was lost"
    assert [task_id for task_id in rows if len(day.relay.paid(task_id)) > 1] == [], "paid twice"
    videos = {job.task_id: job for job in day.relay.by_id.values() if job.ending is None}
    lost = {task_id for task_id in videos if ends[task_id] != "completed"}
    assert [rows[task_id] for task_id in lost - unknown][:3] == [], "paid, without its video"
    completed = [row for row in rows.values() if row["status"] is Status.COMPLETED]
    for result in (row["result"] for row in completed):
        assert "video_url" in result or day.files.objects[result["video_key"]][0] == VIDEO
    messages = len(day.queue.sent) / len(rows)
    assert messages <= MAX_MESSAGES
    waits = sorted(_waits(day, videos))
    return (
        f"{len(rows)} tasks: {dict(Counter(ends.values()))}; {tally.deaths} workers died, "
        f"{len(tally.struck)} answers to orders were lost; {day.relay.odd} odd looks; "
        f"{messages:.2f} messages a task; from made to completed, outside outages: "
        f"{waits[len(waits) // 2]:.1f} s, at most {waits[-1]:.0f} s"
    )


def _waits(day, videos):
    """Yield how long finished videos took to be handed out where nothing was in their way."""
    for task_id, job in videos.items():
        row = day.store.rows[task_id]
        if (
            row["status"] is not Status.COMPLETED
            or job.late_until
            or task_id in day.tally.unfortunate
        ):
            continue
        done = epoch(row["completed_at"])
        outages = map(day.plan.outage, range(3))
        if not any(begin <= done and job.until < end + SETTLED for begin, end in outages):
            yield done - job.until
