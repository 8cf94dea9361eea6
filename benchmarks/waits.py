"""How late a caller who heeds `Retry-After` learns of the end, by a clock that jumps.

The worker polls as `polling` says and shows progress as `lease` does: looked at each second,
written at most every five. The caller reads, waits as long as told, and reads again.
"""

import random
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from statistics import mean

from benchmarks.polling import ANSWER_SECONDS, SEED, Progress
from videoapi.api.waiting import retry_after
from videoapi.domain.tasks import GenerationRequest, Status, Task
from videoapi.domain.timestamps import timestamp
from videoapi.worker.lease import PROGRESS_SECONDS
from videoapi.worker.polling import next_poll

READ_SECONDS = 0.05  # until a status is read
RENEWED_EVERY = 14.0  # seconds; a beat keeps the lease, whatever the progress
BEGAN = 1_768_127_400.0  # epoch seconds of each job's acceptance

#: Seconds until the next look, of a task just read and of now.
type Hint = Callable[[Task, float], float]


@dataclass(frozen=True)
class Waits:
    """What many jobs came to, in seconds from the upstream's end until the caller knows."""

    reads: float
    lag: float
    latest: float


def hinted(task: Task, now: float) -> float:
    """Wait as the API says."""
    return retry_after(task, now=now)


def simulate(
    shortest: float, longest: float, progress: Progress, *, jobs: int, hint: Hint = hinted
) -> Waits:
    """Wait for jobs of random lengths (seconds), always the same ones."""
    draw = random.Random(SEED)  # noqa: S311 — a simulation
    lags, reads = [], []
    for _ in range(jobs):
        total, waited = draw.uniform(shortest, longest), draw.uniform(0.2, 1.5)
        rows, done = _written(total, progress, first_heartbeat=draw.random())
        knows, looks = _followed(rows, done, hint, at=-waited)
        lags.append(knows - total)
        reads.append(looks)
    return Waits(mean(reads), mean(lags), max(lags))


def _polled(total: float, progress: Progress) -> tuple[list[tuple[float, int]], float]:
    """Poll one job; return what the worker knew from when on, and when it knew of the end."""
    at, since, highest = 0.0, 0.0, 0
    known = [(0.0, 0)]
    while True:
        at += next_poll(at, highest or None, since=since)
        if at >= total:
            return known, at + ANSWER_SECONDS
        percent = progress(at, total) or 0
        if percent > highest:
            highest, since = percent, at
        known.append((at + ANSWER_SECONDS, highest))


def _written(
    total: float, progress: Progress, *, first_heartbeat: float
) -> tuple[list[tuple[float, int]], float]:
    """Return what stood in the table from when on, and when the end was written."""
    known, done = _polled(total, progress)
    rows, heartbeat = [(0.0, 0)], first_heartbeat
    while heartbeat < done:
        percent = known[bisect_right(known, heartbeat, key=lambda each: each[0]) - 1][1]
        age = heartbeat - rows[-1][0]
        if age >= RENEWED_EVERY or (percent != rows[-1][1] and age >= PROGRESS_SECONDS):
            rows.append((heartbeat, percent))
        heartbeat += 1.0
    return rows, done


def _followed(
    rows: list[tuple[float, int]], done: float, hint: Hint, *, at: float
) -> tuple[float, int]:
    """Read until the end is read, the first hint being that of a pending task; count the reads."""
    reads = 1
    while at < done:
        if at < 0:
            task = _task(at, 0, None)
        else:
            written, percent = rows[bisect_right(rows, at, key=lambda each: each[0]) - 1]
            task = _task(written, percent, 0.0)
        at += hint(task, BEGAN + at) + READ_SECONDS
        reads += 1
    return at + READ_SECONDS, reads


def _task(written: float, percent: int, accepted: float | None) -> Task:
    began = None if accepted is None else timestamp(BEGAN + accepted)
    return Task(
        task_id="vid_a",
        owner="anonymous",
        status=Status.PENDING if began is None else Status.PROCESSING,
        created_at=timestamp(BEGAN - 2),
        updated_at=timestamp(BEGAN + written),
        request=GenerationRequest(model="veo"),
        claimed_at=began,
        accepted_at=began,
        progress=percent,
    )
