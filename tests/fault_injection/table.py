"""The table of kills, in Markdown."""

from dataclasses import dataclass

from tests.fault_injection.scenarios import POINTS

HEAD = """\
| the worker dies … | kills | tasks | completed | unknown | paid | duplicates | recovery | safe by |
|---|--:|--:|--:|--:|--:|--:|--:|---|
"""
BEGIN, END = "<!-- faults: make faults writes this -->", "<!-- faults end -->"
RETRY = "VEO3_AMBIGUOUS_SUBMIT=retry: "


@dataclass(frozen=True)
class Row:
    """What became of all tasks of one point.

    `duplicates`: paid jobs that nobody allowed; `chosen`: those that VEO3_AMBIGUOUS_SUBMIT=retry
    allowed. `recovery`: the worst, in seconds.
    """

    name: str
    kills: int
    tasks: int
    completed: int
    unknown: int
    paid: int
    duplicates: int
    chosen: int
    recovery: float | None
    safe_by: str = ""


def rows(outcomes):
    """Return a row for each point, in the points' order, those of lost answers retried last."""
    groups = {}
    for outcome in sorted(outcomes, key=lambda each: (each.retry, POINTS.index(each.point))):
        groups.setdefault((outcome.retry, outcome.point), []).append(outcome)
    return [_row(retry, point, group) for (retry, point), group in groups.items()]


def markdown(outcomes):
    """Return the table, with a row of sums at its end."""
    found = rows(outcomes)
    return HEAD + "".join(map(_line, [*found, _sum("**all**", found)]))


def _row(retry, point, group):
    recoveries = [outcome.recovery for outcome in group if outcome.recovery is not None]
    return Row(
        name=(RETRY if retry else "") + point.name,
        kills=sum(outcome.kills for outcome in group),
        tasks=len(group),
        completed=sum(outcome.completed for outcome in group),
        unknown=sum(outcome.unknown for outcome in group),
        paid=sum(outcome.paid for outcome in group),
        duplicates=sum(max(outcome.paid - outcome.allowed, 0) for outcome in group),
        chosen=sum(min(outcome.paid, outcome.allowed) - 1 for outcome in group) if retry else 0,
        recovery=max(recoveries, default=None),
        safe_by="" if retry else _place(point),
    )


def _place(point):
    """Return the place that makes the point safe, linked from docs/, and how it does."""
    folder, module, name = point.safe_by.split(".", 2)
    return f"[`{name}`](../layers/videoapi/videoapi/{folder}/{module}.py): {point.because}"


def _sum(name, found):
    recoveries = [row.recovery for row in found if row.recovery is not None]
    counts = ("kills", "tasks", "completed", "unknown", "paid", "duplicates", "chosen")
    sums = {count: sum(getattr(row, count) for row in found) for count in counts}
    return Row(name=name, recovery=max(recoveries, default=None), **sums)


def _line(row):
    recovery = "" if row.recovery is None else f"{row.recovery:.1f} s"
    chosen = f" (and {row.chosen} chosen)" if row.chosen else ""
    cells = (row.name, row.kills, row.tasks, row.completed, row.unknown, row.paid)
    more = (f"{row.duplicates}{chosen}", recovery, row.safe_by)
    return "| " + " | ".join(map(str, (*cells, *more))) + " |\n"


def write(path, text):
    """Write the table into a file: between its two marks where it has them, else as the whole."""
    before, begin, rest = path.read_text().partition(BEGIN) if path.exists() else ("", "", "")
    _, end, after = rest.partition(END)
    path.write_text(f"{before}{begin}\n{text}{end}{after}" if end else text)
