"""How often the worker looks at a job, and how late it sees the end, by a clock that jumps."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from statistics import mean

from videoapi.worker.polling import next_poll

ANSWER_SECONDS = 0.25  # until a poll's answer is there
SEED = 20260111


@dataclass(frozen=True)
class Polls:
    """What many jobs came to; lags in seconds from a job's end until the worker knows of it."""

    polls: float
    lag: float
    latest: float


#: What a job tells after some seconds of all its seconds, in per cent.
type Progress = Callable[[float, float], int | None]


def stepped(step: int) -> Progress:
    """Linear progress, told in steps of so many per cent."""
    return lambda at, total: int(100 * at / total) // step * step


def silent(_at: float, _total: float) -> None:
    """No progress at all."""


def watch(total: float, progress: Progress, usual: float | None = None) -> tuple[int, float]:
    """Poll one job of `total` seconds to its end; return the polls and the lag.

    The state is that of the moment at which a poll is sent.
    """
    at, polls, since = 0.0, 0, 0.0
    highest: int | None = None
    while True:
        at += next_poll(at, highest, since=since, usual=usual)
        polls += 1
        if at >= total:
            return polls, at + ANSWER_SECONDS - total
        percent = progress(at, total)
        if percent is not None and percent > (highest or 0):
            highest, since = percent, at


def simulate(
    shortest: float,
    longest: float,
    progress: Progress,
    *,
    jobs: int = 10_000,
    usual: float | None = None,
) -> Polls:
    """Watch jobs of random lengths (seconds), always the same ones; others took `usual` seconds."""
    draw = random.Random(SEED)  # noqa: S311 — a simulation
    seen = [watch(draw.uniform(shortest, longest), progress, usual) for _ in range(jobs)]
    polls, lags = zip(*seen, strict=True)
    return Polls(mean(polls), mean(lags), max(lags))
