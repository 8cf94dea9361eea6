"""10, 1,000 and 100,000 videos a day through the template: what is met first, and what it costs.

Arrivals follow the day as 1 - cos does: none at night, twice the mean at the peak. A generation
takes 30 to 90 s, and holds its slot a moment longer. Everything is one owner's: the worst case.
"""

import random
from dataclasses import dataclass
from functools import cache
from heapq import heapify, heapreplace
from math import ceil, cos, pi
from statistics import mean

from benchmarks import calls, costs
from benchmarks.bench import GENERATION
from benchmarks.calls import operations
from benchmarks.costs import (
    DAY,
    MONTH_DAYS,
    RELAY,
    client_polls,
    parameter,
    per_month,
    per_video,
    prices,
    slot_seconds,
    veo_per_video,
)
from benchmarks.meter import Operation
from tests.support import docs
from tools import marked_tables

VOLUMES = (10, 1_000, 100_000)  # videos a day
PEAK = 2.0  # times the mean
MIN_SECONDS, MAX_SECONDS = 30.0, 90.0  # seconds of a generation, any as likely
PATIENCE = 60.0  # seconds: as long as 19 of 20 tasks may wait for a slot at the most
MIN_JOBS = 5_000  # simulated, over as many days as that takes
PARTITION_WRITES = 1_000  # units a second of one key of a table or index (DynamoDB's quota)
LEDGER_UNITS = 4  # of a video: its reserve and its end, each in a transaction, which writes twice
ACCOUNT_CONCURRENCY = 1_000  # executions at once (Lambda's default quota; a new account has 10)
MAX_CONCURRENCY = 1_000  # that an event source mapping takes as MaximumConcurrency

COLUMNS = (
    "videos a day",
    "busy slots, mean and peak",
    "`VideoMaxConcurrent`",
    "wait, mean and 95 %",
    "relay POSTs a minute, peak",
    "over the default of",
    "AWS a month",
    "Veo a month",
)


@dataclass(frozen=True)
class Limit:
    """Something that gives out: where it stands, and how much one video a second takes of it."""

    name: str
    quota: float
    takes: float
    turn: str

    @property
    def videos(self) -> float:
        """How many videos a day reach it, at the peak of the day."""
        return self.quota / self.takes * DAY / PEAK


@dataclass(frozen=True)
class Load:
    """What a number of videos a day needs; waits in seconds."""

    slots: int
    usual_wait: float
    late_wait: float


def slot() -> float:
    """Return how many seconds one video holds its slot; Little's law wants nothing else."""
    return slot_seconds(operations()[RELAY])


def limits() -> list[Limit]:
    """Return every limit of the template as it is, the first one first."""
    names = (RELAY, "submit, inline image", "submit with a key", "submit with a key and limits")
    worker, submit, plain, counted = (operations()[name] for name in names)
    requests, assumed = 2 + client_polls(worker), prices()["assumed"]
    api = assumed["submit_seconds"] + (requests - 1) * assumed["api_seconds"]
    slots, rate = parameter("VideoMaxConcurrent"), parameter("ApiRateLimit")
    found = [
        Limit(
            f"generations at once: `VideoMaxConcurrent` = {slots}",
            slots,
            slot(),
            "`VideoMaxConcurrent`, as far as the relay's own quota goes",
        ),
        Limit(
            f"requests: `ApiRateLimit` = {rate} a second",
            rate,
            requests,
            "`ApiRateLimit`, `ApiBurstLimit`",
        ),
        Limit(
            f"Lambda executions at once: {ACCOUNT_CONCURRENCY:,} in an account",
            ACCOUNT_CONCURRENCY,
            slot() + api,
            "Service Quotas, Lambda, concurrent executions",
        ),
        Limit(
            f"`VideoMaxConcurrent` at its highest: {MAX_CONCURRENCY:,}",
            MAX_CONCURRENCY,
            slot(),
            "a second stack beside this one",
        ),
        Limit(
            f"index `by_owner`, one owner: {PARTITION_WRITES:,} units a second",
            PARTITION_WRITES,
            _units("by_owner", worker, submit),
            "a key for each caller: each owner is a key of the index",
        ),
        Limit(
            f"index `open`, tasks with a paid job: {PARTITION_WRITES:,} units a second",
            PARTITION_WRITES,
            _units("open", worker),
            "a partition for some of them: `PAID` in `tasks.py`",
        ),
        Limit(
            f"`limits#` item of one key: {PARTITION_WRITES:,} units a second",
            PARTITION_WRITES,
            # Both are transactions; this key has two such items, a minute's and the set.
            (counted.written["table"] - plain.written["table"]) / 2,
            "more keys, or one without limits, which has no such item",
        ),
        Limit(
            f"`usage#` item of one owner: {PARTITION_WRITES:,} units a second",
            PARTITION_WRITES,
            LEDGER_UNITS,
            "a key for each caller: each owner has such an item",
        ),
    ]
    return sorted(found, key=lambda limit: limit.videos)


def _units(index: str, *done: Operation) -> int:
    return sum(each.written[index] for each in done)


@cache
def load(volume: int) -> Load:
    """Return the slots (the default, or as many as `PATIENCE` wants) and the waits with them."""
    overhead = slot() - GENERATION
    arrivals = _arrivals(volume)
    draw = random.Random(volume)  # noqa: S311 — a simulation
    jobs = [(at, draw.uniform(MIN_SECONDS, MAX_SECONDS) + overhead) for at in arrivals]
    default = parameter("VideoMaxConcurrent")
    low, high = default, ceil(PEAK * volume / DAY * slot()) + default
    while low < high:  # the more slots, the shorter the wait
        middle = (low + high) // 2
        if _share(waits(jobs, middle), 0.95) <= PATIENCE:
            high = middle
        else:
            low = middle + 1
    found = waits(jobs, low)
    return Load(low, mean(found), _share(found, 0.95))


def _arrivals(volume: int) -> list[float]:
    draw = random.Random(volume)  # noqa: S311 — a simulation
    days = max(1, MIN_JOBS // volume)
    at, found = 0.0, []
    while (at := at + draw.expovariate(PEAK * volume / DAY)) < days * DAY:
        if draw.random() < (1 - cos(2 * pi * at / DAY)) / 2:
            found.append(at)
    return found


def waits(jobs: list[tuple[float, float]], slots: int) -> list[float]:
    """Return how long each job waits for a slot: first come, first served."""
    free, found = [0.0] * slots, []
    heapify(free)
    for at, takes in jobs:
        begins = max(at, free[0])
        heapreplace(free, begins + takes)
        found.append(begins - at)
    return found


def _share(values: list[float], share: float) -> float:
    return sorted(values)[int(share * (len(values) - 1))]


def table() -> list[str]:
    """Return the two tables in Markdown."""
    lines = [f"| {' | '.join(COLUMNS)} |", "|--:|--:|--:|--:|--:|---|--:|--:|"]
    lines += [_row(volume) for volume in VOLUMES]
    lines += ["", "| limit | reached at, videos a day | turn |", "|---|--:|---|"]
    lines += [f"| {each.name} | {_two_digits(each.videos)} | {each.turn} |" for each in limits()]
    return lines


def _row(volume: int) -> str:
    need, busy = load(volume), volume / DAY * slot()
    met = [limit.name.split(":")[0] for limit in limits() if limit.videos <= volume]
    aws = per_video(copied=False), per_video(copied=True)
    month = [sum(each.values()) * volume * MONTH_DAYS + sum(per_month().values()) for each in aws]
    veo = [each * volume * MONTH_DAYS for each in veo_per_video().values()]
    cells = [
        f"{volume:,}",
        f"{busy:.2f}, {PEAK * busy:.2f}" if busy < 1 else f"{busy:.0f}, {PEAK * busy:.0f}",
        f"{need.slots}",
        f"{need.usual_wait:.0f} s, {need.late_wait:.0f} s",
        _two_digits(PEAK * volume / DAY * 60),
        met[0] if met else "none",
        f"${_two_digits(month[0])} to {_two_digits(month[1])}",
        f"${_two_digits(min(veo))} to {_two_digits(max(veo))}",
    ]
    return f"| {' | '.join(cells)} |"


def _two_digits(number: float) -> str:
    """Return a number that claims no more than is known."""
    rounded = float(f"{number:.2g}")
    return f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:g}"  # noqa: PLR2004 — two digits


def main() -> None:
    """Print the tables of calls, costs and scale; put the last two into docs/costs-and-scale.md."""
    made = {"costs": costs.table(), "scale": table()}
    for lines in (calls.table(), *made.values()):
        print("\n".join(lines), end="\n\n")
    for name, lines in made.items():
        marked_tables.put(docs.COSTS, name, "costs", lines)


if __name__ == "__main__":
    main()
