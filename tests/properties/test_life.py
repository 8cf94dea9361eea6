"""The life of tasks, however workers, callers, crashes, time and a relay's moods interleave."""

from collections import deque
from contextlib import suppress
from itertools import pairwise

import httpx
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.support.fake_relay import failed
from tests.support.simulation import OWNER
from tests.support.stepping import SteppingSimulation
from videoapi.accounts.api_keys import ApiKey, Limits
from videoapi.domain.endings import KEPT_BY_TOMBSTONE, KEPT_WHILE_PAID
from videoapi.domain.tasks import OPEN, Dialect, GenerationRequest, Status
from videoapi.domain.timestamps import epoch
from videoapi.domain.transitions import LEGAL, MESSAGE_GRACE
from videoapi.errors import Conflict, NotFound, ServiceError
from videoapi.usecases.submission import Caller, Submission

STEPS = st.integers(min_value=1, max_value=12)
LONG_STEPS = st.sampled_from([0, 100])
WHICH = st.integers(min_value=0, max_value=3)
TOMBSTONE = {*KEPT_BY_TOMBSTONE, *KEPT_WHILE_PAID, "status", "updated_at", "expires_at"}
BOUND = ("task_id", "owner", "created_at", "request", "fingerprint")  # for a task's whole life
END = ("status", "result", "error", "progress", "completed_at", "attempts")
SUBMISSION = Submission(
    request=GenerationRequest(model="veo_3_1", prompt="A fox"),
    dialect=Dialect.REST,
)
MAX_WORKERS = 3
MAX_UNSEEN_SECONDS = 900 + 60 + 60  # seconds: the longest back-off, its message's grace, one sweep

POSTS = {
    "busy": lambda _relay: httpx.Response(503, json={}),
    "later": lambda _relay: httpx.Response(429, headers={"retry-after": "30"}),
    "refused": lambda _relay: httpx.Response(400, json={"code": "CONTENT_POLICY_VIOLATION"}),
    "unreachable": lambda _relay: httpx.ConnectError("refused"),
    "lost, not taken": lambda _relay: httpx.ReadTimeout("no answer"),
    "lost, taken": lambda relay: lambda post: (relay.accept(post), httpx.ReadTimeout(""))[1],
    "no id": lambda _relay: httpx.Response(200, json={"status": "queued"}),
}
ROUTES_REFUSED = {
    "no key": lambda _relay: httpx.Response(401, json={"code": "invalid_api_key"}),
    "no money": lambda _relay: httpx.Response(403, json={"code": "insufficient_user_quota"}),
    "model gone": lambda _relay: httpx.Response(404, json={"code": "model_not_found"}),
}
WRITES = [
    f"{kind} written"
    for kind in (
        "claim",
        "begin_attempt",
        "accept",
        "renew",
        "retry_submit",
        "next_route",
        "release",
    )
]
WRITES += ["note done written", "unsent written", "completed written", "failed written"]
WRITES += ["created", "sent", "put done"]
LOOKS = [
    httpx.Response(404),
    httpx.Response(401),
    httpx.Response(500),
    httpx.ReadTimeout("no answer"),
    httpx.Response(200, json={"status": "processing", "progress": 3}),
]
VIDEOS = [  # in the place of a finished video
    httpx.Response(404),
    httpx.Response(503, headers={"retry-after": "40"}),
    httpx.Response(429, headers={"retry-after": "5000"}),
    httpx.Response(200, json={"video_url": None}),  # as a filter that swallowed it answers
    httpx.Response(200, content=b"cut off"),
    httpx.ReadTimeout("no answer"),
]
ENDINGS = [failed("HIGH_TRAFFIC"), failed("AUDIO_FILTERED"), failed("CONTENT_POLICY_VIOLATION")]


class Life(RuleBasedStateMachine):
    """`VEO3_AMBIGUOUS_SUBMIT=fail`: what nobody knows is never paid a second time."""

    policy = "fail"
    routes = ()

    @initialize(
        skip_upload=st.booleans(), has_url=st.booleans(), takes=st.sampled_from([1.0, 20.0, 100.0])
    )
    def begin(self, skip_upload, has_url, takes):
        self.sim = SteppingSimulation(
            *self.routes,
            veo3_ambiguous_submit=self.policy,
            veo3_skip_upload=skip_upload,
            video_generation_retry_delay=2.0,
            video_task_timeout=600,
        )
        for relay in self.sim.relays.values():
            relay.takes = takes
            if not has_url:
                relay.video = {}
        self.seen = {}  # task → how many of its rows were checked
        self.accepted = set()  # tasks that a caller was told of
        self.submit(0)

    # --- callers

    @rule(which=WHICH)
    def submit(self, which):
        """Submit, or submit again with the same `Idempotency-Key`."""
        caller = Caller(
            key=ApiKey(OWNER, Limits()), now=self.sim.clock(), idempotency_key=f"key {which}"
        )
        with suppress(ServiceError, Conflict):
            self.accepted.add(self.sim.submissions.submit(SUBMISSION, caller).task.task_id)

    @rule(which=WHICH, how=st.sampled_from(["cancel", "delete"]))
    def give_up(self, which, how):
        with suppress(ServiceError, Conflict, NotFound):
            getattr(self.sim.cancellation, how)(_pick(self.tasks or ["vid_none"], which), OWNER)

    @rule(which=WHICH)
    def deliver_twice(self, which):
        with suppress(ServiceError):
            self.sim.queue.send(_pick(self.tasks or ["vid_none"], which))

    # --- workers

    @rule(steps=STEPS)
    def receive(self, steps):
        if len(self.sim.workers) < MAX_WORKERS and (worker := self.sim.begin()):
            self._move(worker, steps)

    @rule(which=WHICH, steps=STEPS)
    def go_on(self, which, steps):
        moving = [worker for worker in self.sim.workers if not worker.stalled]
        if moving:
            self._move(_pick(moving, which), steps)
        else:
            self.receive(steps)

    @rule(which=WHICH)
    @precondition(lambda self: self.sim.workers)
    def crash(self, which):
        self.sim.move(_pick(self.sim.workers, which), dies=True)

    @rule(which=WHICH, steps=STEPS)
    @precondition(lambda self: self.sim.workers)
    def overtake(self, which, steps):
        """Let a worker stall until its lease has run out, and another take its task."""
        _pick(self.sim.workers, which).stalled = True
        self.sim.clock.advance(43)
        self.receive(steps)

    @rule(steps=STEPS)
    def wake_up(self, steps):
        for worker in list(self.sim.workers):
            if worker.stalled:
                worker.stalled = False
                self._move(worker, steps)

    # --- time, the schedule, and trouble

    @rule(seconds=st.sampled_from([1, 14, 43, 43, 130, 700]))
    def wait(self, seconds):
        self.sim.clock.advance(seconds)

    @rule()
    def sweep(self):
        self.sim.tick()

    @rule(answer=st.sampled_from(sorted(POSTS)))
    @precondition(lambda self: not self.sim.relay.posts)
    def trouble_with_the_next_order(self, answer):
        self.sim.relay.posts.append(POSTS[answer](self.sim.relay))

    @rule(answers=st.lists(st.sampled_from(LOOKS), min_size=1, max_size=3))
    def trouble_with_the_next_looks(self, answers):
        self.sim.relay.looks.extend(answers)

    @rule(answer=st.sampled_from(VIDEOS), times=st.sampled_from([1, 6, 12]), steps=LONG_STEPS)
    @precondition(lambda self: not self.sim.relay.contents)
    def trouble_with_the_next_videos(self, answer, times, steps):
        """Let finished videos be late: their tasks are freed, with what is known of them noted."""
        self.sim.cdn = deque([answer] * times)
        self.sim.relay.contents.extend([answer] * times)
        for worker in list(self.sim.workers):
            if not worker.stalled:
                self._move(worker, steps)

    @rule(ending=st.sampled_from(ENDINGS))
    @precondition(lambda self: not self.sim.relay.endings)
    def trouble_with_the_next_job(self, ending):
        self.sim.relay.endings.append(ending)

    @rule(service=st.sampled_from(["store", "queue", "files"]), calls=st.integers(1, 4))
    def away(self, service, calls):
        getattr(self.sim, service).away = calls

    @rule(write=st.sampled_from(WRITES))
    def lose_the_answer(self, write):
        """Let an effect happen, and its answer get lost."""
        self.sim.at_event[write] = self._fail

    # --- what always holds

    @invariant()
    def a_task_goes_only_legal_ways(self):
        for task_id in self.tasks:
            rows = self.sim.store.history[task_id]
            new = rows[max(self.seen.get(task_id, 0) - 1, 0) :]
            for before, after in pairwise(new):
                _check_step(before, after)
            self.seen[task_id] = len(rows)

    @invariant()
    def an_accepted_task_is_never_lost(self):
        assert self.accepted <= set(self.tasks)

    @invariant()
    def an_open_task_is_found_again_and_an_ended_one_is_not(self):
        now = self.sim.clock()
        for task_id in self.tasks:
            row = self.sim.store.rows[task_id]
            if row["status"] in OPEN:
                assert "open" in row
                assert epoch(row["due_at"]) <= now + MAX_UNSEEN_SECONDS
                assert "expires_at" not in row
            else:
                assert not row.keys() & {"open", "due_at"}
                assert row["expires_at"] > now - 1

    @invariant()
    def nothing_is_paid_twice(self):
        now = self.sim.clock()
        for task_id in self.tasks:
            jobs = self.sim.paid(task_id)
            allowed = 1 + self._unknown(task_id)
            assert len(jobs) <= allowed
            assert sum(job.alive(now) for job in self.sim.jobs_of(task_id)) <= allowed

    def teardown(self):
        if not hasattr(self, "sim"):
            return
        self.sim.kill()
        for service in (self.sim.store, self.sim.queue, self.sim.files):
            service.away = 0
        self.sim.at_event.clear()
        self.sim.settle(within=4000)
        self.a_task_goes_only_legal_ways()
        self.an_open_task_is_found_again_and_an_ended_one_is_not()
        self.nothing_is_paid_twice()

    @property
    def tasks(self):
        return list(self.sim.store.rows)

    @staticmethod
    def _fail():
        raise ServiceError("The answer was lost.")

    def _move(self, worker, steps):
        for _ in range(steps):
            if not worker.done:
                self.sim.move(worker)

    def _unknown(self, task_id):
        rows = self.sim.store.history[task_id]
        return max(row.get("unknown_submits", 0) for row in rows)


class RoutedLife(Life):
    """Three routes: whatever fails over, and whoever dies meanwhile, one job is paid for."""

    routes = ("relay:veo_3_1", "vertex:veo-3.1-generate-001", "gemini:gemini-omni-1.2-flash")

    @rule(
        provider=st.sampled_from(["relay", "vertex", "gemini"]),
        answer=st.sampled_from([*sorted(POSTS), *sorted(ROUTES_REFUSED)]),
    )
    def trouble_at_a_provider(self, provider, answer):
        relay = self.sim.relays[provider]
        if not relay.posts:
            relay.posts.append((POSTS | ROUTES_REFUSED)[answer](relay))

    @rule(provider=st.sampled_from(["vertex", "gemini"]), ending=st.sampled_from(ENDINGS))
    def trouble_with_a_job_elsewhere(self, provider, ending):
        if not self.sim.relays[provider].endings:
            self.sim.relays[provider].endings.append(ending)

    @rule()
    def minute_of_rest_passes(self):
        self.sim.clock.advance(61)


class GenerousLife(Life):
    """`VEO3_AMBIGUOUS_SUBMIT=retry`: every further payment was announced as unknown before."""

    policy = "retry"


def _pick(several, which):
    return several[which % len(several)]


def _check_step(before, after):
    """Check one write: legal states, nothing rewritten, no progress lost, no lease broken."""
    was, now = before["status"], after["status"]
    holder = after.get("lease_owner")
    if holder and holder != before["lease_owner"]:
        assert before["lease_until"] <= after["updated_at"]
    if now is Status.PROCESSING and not holder:
        grace = 0 if after.get("upstream_id") else MESSAGE_GRACE
        assert epoch(after["lease_until"]) <= epoch(after["due_at"]) - grace
    if now is Status.DELETED:
        assert after.keys() <= TOMBSTONE
        return
    assert now is was or now in LEGAL[was]
    assert after["progress"] >= before["progress"]
    assert {name: after.get(name) for name in BOUND} == {name: before.get(name) for name in BOUND}
    if was not in OPEN:
        assert {name: after.get(name) for name in END} == {name: before.get(name) for name in END}
    if before.get("upstream_id") and after.get("upstream_id"):
        assert after["upstream_id"] == before["upstream_id"]
    if before.get("done_at"):  # then it is paid, and never ordered again
        assert after["done_at"] == before["done_at"]
        assert after["upstream_id"] == before["upstream_id"]
        assert after["attempts"] == before["attempts"]


TestLife, TestGenerousLife = Life.TestCase, GenerousLife.TestCase
TestRoutedLife = RoutedLife.TestCase
TestLife.settings = settings(
    max_examples=200,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestGenerousLife.settings = settings(TestLife.settings, max_examples=100)
TestRoutedLife.settings = settings(TestLife.settings, max_examples=100)
