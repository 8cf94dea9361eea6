"""How often the worker looks at a job, and how late it sees the end, by a clock that jumps."""

import random
from dataclasses import dataclass
from statistics import mean

from videoapi.polling import next_poll

ANSWER_SECONDS = 0.25  # until a poll's answer is there
SEED = 20260111


@dataclass(frozen=True)
class Polls:
    """What many jobs came to; lags in seconds from a job's end until the worker knows of it."""

    polls: float
    lag: float
    latest: float


def watch(total: float, step: int | None) -> tuple[int, float]:
    """Poll one job of `total` seconds to its end; return the polls and the lag.

    Its progress is linear and told in steps of some per cent; None tells nothing.
    """
    at, polls, since = 0.0, 0, 0.0
    highest: int | None = None
    while True:
        at += next_poll(at, highest, since=since)
        polls += 1
        if at >= total:
            return polls, at + ANSWER_SECONDS - total
        told = None if step is None else int(100 * at / total) // step * step
        if told is not None and told > (highest or 0):
            highest, since = told, at


def simulate(jobs: int, step: int | None, shortest: float = 30, longest: float = 90) -> Polls:
    """Watch jobs of random lengths (seconds), always the same ones."""
    draw = random.Random(SEED)  # noqa: S311 — a simulation
    polls, lags = zip(
        *(watch(draw.uniform(shortest, longest), step) for _ in range(jobs)), strict=True
    )
    return Polls(mean(polls), mean(lags), max(lags))
