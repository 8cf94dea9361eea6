"""How much of their time slots are at work while tasks wait: the local stack, in real time."""

import time
from dataclasses import dataclass
from statistics import mean
from typing import Any

import httpx

from tests.support.running_stack import RunningStack

SLOTS, ROUNDS, SECONDS = 8, 2, 30
MAX_SECONDS = ROUNDS * (SECONDS + 60)


@dataclass(frozen=True)
class Backlog:
    """A real run, as the relay saw it."""

    idle: float  # share of the slots' time
    polls: float  # a job
    lags: list[float]  # seconds from a job's end to the poll that reports it

    @property
    def mean_lag(self) -> float:
        """Over all jobs."""
        return mean(self.lags)


def work_off(stack: RunningStack) -> Backlog:
    """Queue more tasks than there are slots and wait for the last (the stack has `SLOTS`)."""
    body = {"prompt": f"A fox [[time:{SECONDS}]] [[render:tiny]]"}
    with httpx.Client(base_url=stack.api_url, timeout=30) as api:
        submits = [api.post("/v1/videos", json=body) for _ in range(SLOTS * ROUNDS)]
        names = [submit.raise_for_status().json()["id"] for submit in submits]
        until = time.monotonic() + MAX_SECONDS
        tasks: dict[str, dict[str, Any]] = {name: {} for name in names}
        while not all(task.get("completed_at") for task in tasks.values()):
            if time.monotonic() > until:
                raise RuntimeError(f"the backlog is not worked off after {MAX_SECONDS} s: {tasks}")
            time.sleep(2)
            tasks = {name: api.get(f"/api/v1/tasks/{name}").json() for name in names}
    jobs = httpx.get(f"{stack.upstream_url}/_control", timeout=60).raise_for_status().json()["jobs"]
    jobs = [job for job in jobs if f"[[time:{SECONDS}]]" in job["prompt"]]
    spans = [(job["created_at"], job["ended_at"]) for job in jobs]
    lags = [job["seen_at"] - job["ended_at"] for job in jobs]
    return Backlog(idle_share(spans, SLOTS), mean(len(job["polls"]) for job in jobs), lags)


def idle_share(spans: list[tuple[float, float]], slots: int) -> float:
    """Return the share of the slots' time without a job, from the first moment when all are busy.

    It ends when the last job begins: after that no task waits.
    """
    begins = sorted(begin for begin, _ in spans)
    full, empty = begins[slots - 1], begins[-1]
    busy = sum(max(min(end, empty) - max(begin, full), 0) for begin, end in spans)
    return 1 - busy / (slots * (empty - full))
