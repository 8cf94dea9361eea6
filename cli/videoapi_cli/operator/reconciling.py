"""A bill held against the tasks: what was billed that nobody knows, twice, or at another price.

A bill names jobs by their providers' ids, or by the label `task` of Google's billing export. What
was billed before the oldest task that is still kept cannot be judged.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from videoapi.domain.tasks import Task
from videoapi.domain.timestamps import epoch, timestamp
from videoapi_cli.operator.bill import Row

MAX_LINES = 20  # of one kind
ROUNDING = 0.001  # of an amount that several rows bill; at least a micro-dollar for each
# Seconds before an order was sent, and after the latest end of its job (VIDEO_TASK_TIMEOUT later),
# in which the provider may have put it on its bill.
EARLY, LATE = 60, 300
_LABEL = re.compile(r"(vid_[a-z0-9]{24,64})(?:-[0-9]+)?")


class Lost(NamedTuple):
    """An order whose answer was lost: it may have been billed under an id that nobody knows."""

    task: Task
    at: float
    provider: str


@dataclass
class Findings:
    """What a bill says, each in a sentence: `wrong` needs somebody to act, `notes` do not."""

    wrong: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    notes: list[str] = field(default_factory=list)
    known: int = 0  # rows whose task is known


def reconcile(
    rows: Sequence[Row], tasks: Iterable[Task], *, kept_from: float, timeout: int
) -> Findings:
    """Hold a bill against the tasks.

    Before `kept_from` (epoch seconds) tasks may have expired; a job ends within `timeout` seconds.
    """
    found = Findings()
    tasks = list(tasks)
    by_id = {_short(job): task for task in tasks for job in task.failed_upstream_ids}
    by_id |= {name: task for task in tasks for name in (task.task_id, *map(_short, jobs_of(task)))}
    billed: dict[str, list[Row]] = defaultdict(list)
    strangers: list[Row] = []
    for row in rows:
        task = by_id.get(_task_in(row.job_id) or _short(row.job_id))
        if task is None:
            strangers.append(row)
        else:
            billed[task.task_id].append(row)
            found.known += 1
    every = {task.task_id: task for task in by_id.values()}
    for task_id, mine in billed.items():
        _judge(found, every[task_id], mine)
    lost = [each for task in every.values() for each in _lost(task, billed.get(task.task_id, ()))]
    unknown = _judge_lost(found, strangers, lost, timeout + LATE, rows)
    _judge_strangers(found, unknown, kept_from)
    _judge_missing(found, every.values(), billed, rows)
    return found


def jobs_of(task: Task) -> list[str]:
    """Return the ids of the jobs that were taken for a task, and not given up for another one."""
    return [each for each in (task.upstream_id, *task.late_upstream_ids) if each]


def report_lines(findings: Findings, rows: Sequence[Row]) -> Iterator[str]:
    """Yield the findings in lines."""
    total = usd(sum(row.amount for row in rows))
    yield f"{len(rows)} rows, {total}; the tasks of {findings.known} are known."
    yield from _shortened(findings.notes)
    for advice, lines in findings.wrong.items():
        yield f"\n{advice}"
        yield from _shortened(lines)
    number = sum(map(len, findings.wrong.values()))
    yield f"\n{number} thing(s) to look into." if number else "All is well."


def _shortened(lines: Sequence[str]) -> Iterator[str]:
    yield from (f"  {line}" for line in lines[:MAX_LINES])
    if len(lines) > MAX_LINES:
        yield f"  … and {len(lines) - MAX_LINES} more"


def usd(amount: int) -> str:
    """Return micro-dollars for people."""
    return f"{'-' if amount < 0 else ''}${abs(amount) / 1_000_000:,.6f}"


def _judge(found: Findings, task: Task, mine: Sequence[Row]) -> None:
    """Judge what was billed of one task."""
    paid: dict[str, list[int]] = defaultdict(list)
    for row in mine:
        paid[_short(row.job_id)].append(row.amount)
    amount = sum(row.amount for row in mine)
    costly = [job for job, amounts in paid.items() if sum(amounts) > 0]
    facts = f"{task.task_id}  {task.provider}  billed {usd(amount)}"
    if task.cost_actual is not None and _alike(amount, task.cost_actual, mine):
        return
    if len(costly) > 1:
        found.wrong[
            "Tasks that were paid more than once. A job that failed is not to be charged: ask the "
            "provider for the money, with the ids (`make task ID=…` has their story)."
        ].append(f"{facts} for {len(costly)} jobs: {', '.join(costly)}")
    elif _is_multiple(amount, task, [each for each in mine if each.amount > 0]):
        found.wrong[
            "Jobs that the bill charges more than once. Ask the provider for the money."
        ].append(f"{facts} for {costly[0]}")
    elif task.ended and task.cost_actual is None and _unclear(task, costly):
        found.notes.append(
            f"{facts} for {costly[0]}, whose order was not answered clearly: the provider may "
            "still have the video"
        )
    elif task.cost_actual is None:
        state = "is not known yet" if not task.ended else "was not known"
        found.notes.append(f"{facts}: what it cost {state}")
    else:
        found.wrong[
            "Amounts that differ from what was recorded. Compare the price (VIDEO_PRICE_USD, or "
            "docs/models.md) with the provider's; what failed is not to be charged."
        ].append(f"{facts}, recorded {usd(task.cost_actual)}, {task.status}")


def _unclear(task: Task, jobs: Iterable[str]) -> list[str]:
    """Return which jobs a task knows only by answers that may not have taken its orders."""
    named = set(map(_short, task.failed_upstream_ids)) - set(map(_short, jobs_of(task)))
    return [job for job in jobs if job in named]


def _alike(billed: int, recorded: int, mine: Sequence[Row]) -> bool:
    """Tell whether amounts are the same: to the digit, or but for the rounding of several lines."""
    slack = max(len(mine), recorded * ROUNDING) if len(mine) > 1 else 0
    return abs(billed - recorded) <= slack


def _is_multiple(billed: int, task: Task, charges: Sequence[Row]) -> bool:
    """Tell whether a job's lines come to several times what it cost, or was estimated to cost.

    Several lines alone say nothing: some bills have one for each SKU or hour.
    """
    known = task.cost_estimated if task.cost_actual is None else task.cost_actual
    if not known or len(charges) < 2:  # noqa: PLR2004 — a charge, and another
        return False
    times = round(billed / known)
    return times > 1 and _alike(billed, times * known, charges)


def _judge_lost(
    found: Findings, strangers: Sequence[Row], lost: list[Lost], late: int, rows: Sequence[Row]
) -> list[Row]:
    """Judge orders whose answers were lost by rows of unknown ids; return the other rows."""
    others = []
    for row in strangers:
        orders = [each for each in lost if _may_be(row, each, late)]
        if not orders:
            others.append(row)
            continue
        order = min(orders, key=lambda each: abs(row.time - each.at))
        lost.remove(order)
        doubt = f" (or it is another one of {len(orders)} such orders)" if orders[1:] else ""
        found.notes.append(
            f"{order.task.task_id}: its order of {timestamp(order.at)} was lost, and billed as "
            f"{row.job_id}, {usd(row.amount)}: the provider may still have the video{doubt}"
        )
    for each in lost:
        if rows and rows[0].time + EARLY <= each.at <= rows[-1].time - late:
            found.notes.append(
                f"{each.task.task_id}: its order of {timestamp(each.at)} was lost, and not billed"
            )
    return others


def _judge_strangers(found: Findings, strangers: Sequence[Row], kept_from: float) -> None:
    """Judge rows whose ids nobody knows: of expired tasks, or somebody else's videos."""
    gone = [row for row in strangers if row.time < kept_from]
    for row in (row for row in strangers if row.time >= kept_from):
        found.wrong[
            "Jobs that no task knows. Who else orders with this account's key? The worker's "
            "log knows each id that was accepted; if it does not, rotate the key."
        ].append(f"{row.job_id}  {timestamp(row.time)}  {usd(row.amount)}")
    if gone:
        found.notes.append(
            f"{len(gone)} rows, {usd(sum(row.amount for row in gone))}, could not be judged: "
            f"their tasks may have expired before {timestamp(kept_from)} (TASK_RETENTION_HOURS "
            "keeps them for longer)"
        )


def _judge_missing(
    found: Findings, tasks: Iterable[Task], billed: Iterable[str], rows: Sequence[Row]
) -> None:
    """Judge what was recorded as spent, and is not on the bill of its time and provider."""
    if not rows:
        return
    on_bill, first = set(billed), rows[0].time - rows[0].time % 86_400
    spent = [task for task in tasks if task.cost_actual and task.task_id not in on_bill]
    providers = {task.provider for task in tasks if task.task_id in on_bill}
    later = 0
    for task in spent:
        began = epoch(task.accepted_at or task.created_at)
        if task.provider not in providers or began < first:
            continue
        if began > rows[-1].time:
            later += 1
            continue
        found.wrong[
            "Recorded as spent, and not on the bill. Is the bill complete, and of this account?"
        ].append(
            f"{task.task_id}  {task.provider}  {timestamp(began)}  {usd(task.cost_actual or 0)}"
        )
    if later:
        found.notes.append(f"{later} task(s) are later than the bill's last row: on the next one")


def _lost(task: Task, mine: Sequence[Row]) -> list[Lost]:
    """Return a task's orders whose answers were lost, as its log of attempts tells them.

    Without those that are billed by an id: `mine` is what was billed of the task.
    """
    lost: list[Lost] = []
    entries = [entry.partition(" ") for entry in task.attempt_log]
    sent: tuple[float, str] | None = None
    for instant, _, what in entries:
        if ":" in what:  # PROVIDER:NAME; else the code that the attempt ended with
            sent = epoch(instant), what.partition(":")[0]
        elif sent and what == "upstream_submit_unknown":
            lost.append(Lost(task, *sent))
    if task.ended and task.attempts and task.cost_actual is None and not jobs_of(task):
        began = epoch(task.intent_at or task.updated_at)
        lost.append(Lost(task, *(sent or (began, task.provider or "relay"))))
    billed = {_short(row.job_id) for row in mine if row.amount > 0}
    return lost[len(billed.intersection(map(_short, task.failed_upstream_ids))) :]


def _may_be(row: Row, lost: Lost, late: int) -> bool:
    """Tell whether a row is of a lost order's time, and its id of the provider's shape."""
    google = row.job_id.startswith("projects/")
    return google == (lost.provider == "vertex") and -EARLY <= row.time - lost.at <= late


def _short(job_id: str) -> str:
    """Return a job's id without what leads to it: exports may leave Vertex's path out."""
    job_id = job_id.rpartition("/operations/")[2]
    return job_id.casefold() if _task_in(job_id) else job_id


def _task_in(job_id: str) -> str | None:
    """Return the task that Google's label `task` names."""
    label = _LABEL.fullmatch(job_id.casefold())
    return label and label[1]
