"""The jobs that were accepted, and the counts that tests read."""

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from simulator.failures import Failure
from simulator.faults import Fault, Plan, Stage
from simulator.orders import Order
from simulator.render import Render, Spec

QUEUED_SHARE = 0.1
"""The part of its time that a job spends as queued."""


@dataclass(slots=True)
class Job:
    """One accepted, hence paid, generation. Times are seconds of the epoch."""

    id: str
    plan: Plan
    order: Order
    """Without its image, or load tests would fill the memory."""
    input_bytes: int
    spec: Spec
    seconds: float
    """How long the generation takes at least."""
    failure: Failure | None
    video: Render | None
    """None for a job that is bound to fail."""
    created: float = field(default_factory=time.time)
    visits: Counter[Stage] = field(default_factory=Counter)
    polls: list[float] = field(default_factory=list)
    """Seconds after the creation, of each poll."""
    seen: float | None = None
    """When a poll first reported the end."""

    @property
    def fails(self) -> bool:
        """Whether it ends without a video."""
        return self.video is None or self.video.broken

    def ended(self, now: float) -> float | None:
        """Return when it ended: at the end of its time, or of its render where that is later."""
        end = self.created + self.seconds
        if self.video is not None:
            if self.video.ended_at is None:
                return None
            end = max(end, self.video.ended_at)
        return end if end <= now else None

    def state(self, now: float) -> str:
        """Return one of queued, in_progress, completed, failed."""
        if self.ended(now) is not None:
            return "failed" if self.fails else "completed"
        return "queued" if now - self.created < QUEUED_SHARE * self.seconds else "in_progress"

    def progress(self, now: float) -> int:
        """Return the percentage of its time, 100 only at the end."""
        if self.ended(now) is not None:
            return 100
        share = (now - self.created) / self.seconds if self.seconds else 1.0
        return max(0, min(int(100 * share), 99))

    def visit(self, stage: Stage) -> int:
        """Count a visit; returns its number, from 0."""
        self.visits[stage] += 1
        return self.visits[stage] - 1

    def count_poll(self, now: float) -> int:
        """Count a poll; returns its number, from 0."""
        self.polls.append(round(now - self.created, 3))
        return self.visit(Stage.POLL)

    def note_seen(self, now: float) -> None:
        """Note when a poll reports the end for the first time."""
        if self.seen is None and self.ended(now):
            self.seen = now

    def report(self, now: float) -> dict[str, Any]:
        """Describe it for `/_control`."""
        return {
            "id": self.id,
            "key": self.plan.key,
            "prompt": self.order.prompt,
            "fields": self.order.fields,
            "input_bytes": self.input_bytes,
            "motion": self.order.motion,
            "state": self.state(now),
            "progress": self.progress(now),
            "created_at": self.created,
            "ended_at": self.ended(now),
            "seen_at": self.seen,
            "polls": self.polls,
            "content_reads": self.visits[Stage.CONTENT],
            "file_reads": self.visits[Stage.FILE],
        }


@dataclass(slots=True)
class Ledger:
    """Everything that happened since the start or the last reset."""

    jobs: dict[str, Job] = field(default_factory=dict)
    posts: Counter[str] = field(default_factory=Counter)
    """Well-formed POSTs by task key, refused ones included."""
    accepted: Counter[str] = field(default_factory=Counter)
    """Jobs by task key: what the caller pays for."""
    calls: Counter[str] = field(default_factory=Counter)
    """Everything else that is counted, by name."""
    visits: Counter[tuple[Stage, str]] = field(default_factory=Counter)
    """Visits of the stages that belong to a task, not to a job."""
    peak: int = 0

    def count_post(self, plan: Plan) -> Fault | None:
        """Count a well-formed POST; returns the fault that decides it."""
        self.posts[plan.key] += 1
        return plan.at(Stage.SUBMIT, self.posts[plan.key] - 1)

    def count_visit(self, stage: Stage, plan: Plan) -> Fault | None:
        """Count a visit of a stage that belongs to a task; returns the fault that decides it."""
        self.visits[stage, plan.key] += 1
        return plan.at(stage, self.visits[stage, plan.key] - 1)

    def add(self, job: Job) -> None:
        """Add an accepted job."""
        self.jobs[job.id] = job
        self.accepted[job.plan.key] += 1
        self.peak = max(self.peak, self.live(job.created))

    def restore(self, jobs: Iterable[Job]) -> None:
        """Add jobs of an earlier run, without counting them."""
        self.jobs |= {job.id: job for job in jobs}

    def live(self, now: float) -> int:
        """Return how many jobs have not ended."""
        return sum(job.ended(now) is None for job in self.jobs.values())

    def report(self) -> dict[str, Any]:
        """Return all counts and all jobs, oldest first."""
        now = time.time()
        received, accepted = self.calls["creates"], self.accepted.total()
        return {
            "creates_received": received,
            "creates_accepted": accepted,
            "creates_refused": received - accepted,
            "polls": self.calls["polls"],
            "content_reads": self.calls["content_reads"],
            "file_reads": self.calls["file_reads"],
            "leaks": self.calls["leaks"],
            "llm_calls": self.calls["llm_calls"],
            "image_calls": self.calls["image_calls"],
            "live": self.live(now),
            "peak_live": self.peak,
            "tasks": {
                key: {"posts": posts, "accepted": self.accepted[key]}
                for key, posts in self.posts.items()
            },
            "jobs": [job.report(now) for job in self.jobs.values()],
        }
