"""The counts that tests read: who was asked for what, and what it costs."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from simulator.fault_words import AUTH_STAGES, Stage
from simulator.faults import Fault, Plan
from simulator.jobs import Job
from simulator.orders import GEMINI, RELAY, VERTEX

_COUNTED = ("creates", "polls", "content_reads", "file_reads", "cancels", "tokens")


@dataclass(slots=True)
class Ledger:
    """Everything that happened since the start or the last reset."""

    jobs: dict[str, Job] = field(default_factory=dict)
    posts: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Well-formed POSTs by provider and task key, refused ones included."""
    accepted: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Jobs by provider and task key: what the caller pays for."""
    calls: Counter[str] = field(default_factory=Counter)
    """Everything else that is counted, by name."""
    by_provider: Counter[tuple[str, str]] = field(default_factory=Counter)
    """The same by provider and name."""
    visits: Counter[tuple[Stage, str]] = field(default_factory=Counter)
    """Visits of the stages that belong to a task, not to a job."""
    peak: int = 0

    def count(self, provider: str, name: str) -> None:
        """Count a call of a provider."""
        self.calls[name] += 1
        self.by_provider[provider, name] += 1

    def count_post(self, plan: Plan) -> Fault | None:
        """Count a well-formed POST; returns the fault that decides it."""
        self.posts[plan.provider, plan.key] += 1
        return _deciding(plan, Stage.SUBMIT, self.posts, 1)

    def fault_of_job(self, plan: Plan) -> Fault | None:
        """Return the failure that the next job of a task ends with."""
        return _deciding(plan, Stage.FAIL, self.accepted, 0)

    def count_visit(self, stage: Stage, plan: Plan) -> Fault | None:
        """Count a visit of a stage that belongs to a task; returns the fault that decides it."""
        self.visits[stage, plan.key] += 1
        return plan.at(stage, self.visits[stage, plan.key] - 1)

    def forget_auth_visits(self) -> None:
        """Count the visits of the token services from 0 again."""
        for stage, key in list(self.visits):
            if stage in AUTH_STAGES:
                del self.visits[stage, key]

    def add(self, job: Job) -> None:
        """Add an accepted job."""
        self.jobs[job.id] = job
        self.accepted[job.order.provider, job.plan.key] += 1
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
                key: {"posts": _of_key(self.posts, key), "accepted": _of_key(self.accepted, key)}
                for _, key in self.posts
            },
            "labels": self._labels(),
            "providers": {name: self._provider(name) for name in (RELAY, VERTEX, GEMINI)},
            "jobs": [job.report(now) for job in self.jobs.values()],
        }

    def bill(self, provider: str | None) -> Iterator[tuple[str, str, float]]:
        """Return what is billed of one provider, or of all: id, ISO time and dollars."""
        for job in self.jobs.values():
            if job.is_billed() and provider in {None, job.order.provider}:
                moment = datetime.fromtimestamp(job.created, UTC)
                yield job.id, moment.isoformat(timespec="milliseconds"), job.order.usd

    def _labels(self) -> dict[str, dict[str, int]]:
        """Return how many jobs each labelled task has at each provider."""
        labels: dict[str, Counter[str]] = {}
        for job in self.jobs.values():
            if job.order.label:
                labels.setdefault(job.order.label, Counter())[job.order.provider] += 1
        return {label: dict(counts) for label, counts in labels.items()}

    def _provider(self, name: str) -> dict[str, Any]:
        billed = [j for j in self.jobs.values() if j.order.provider == name and j.is_billed()]
        return {
            **{each: self.by_provider[name, each] for each in _COUNTED},
            "accepted": sum(n for (whose, _), n in self.accepted.items() if whose == name),
            "billed": len(billed),
            "billed_usd": round(sum(job.order.usd for job in billed), 6),
            "tasks": {
                key: {"posts": posts, "accepted": self.accepted[whose, key]}
                for (whose, key), posts in self.posts.items()
                if whose == name
            },
        }


def _deciding(
    plan: Plan, stage: Stage, counts: Counter[tuple[str, str]], offset: int
) -> Fault | None:
    """Return what decides a visit: a token that names a provider counts its visits alone."""
    own = counts[plan.provider, plan.key] - offset
    total = _of_key(counts, plan.key) - offset
    return next((f for f in plan.of(stage) if f.holds(own if f.provider else total)), None)


def _of_key(counts: Counter[tuple[str, str]], key: str) -> int:
    return sum(counts[provider, key] for provider in (RELAY, VERTEX, GEMINI))
