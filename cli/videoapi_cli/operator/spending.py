"""`make usage` and `make reconcile`: what all keys spent, and whether a provider's bill says so."""

import argparse
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

from videoapi.api.usage import day_row
from videoapi.aws.expressions import encode, values
from videoapi.aws.task_items import task_of
from videoapi.domain.ids import ID_PREFIX, is_task_id
from videoapi.domain.tasks import Task
from videoapi_cli.operator.bill import read_bill
from videoapi_cli.operator.reconciling import reconcile, report_lines
from videoapi_cli.operator.stack import Deployed
from videoapi_cli.operator.words import show

LEDGER = "usage#"
COUNTS = ("completed", "failed", "cancelled", "seconds")
NUMBERS = (*COUNTS, "usd_spent", "usd_reserved")


def add_commands(commands: "argparse._SubParsersAction[Any]") -> None:
    """Add both commands to a parser."""
    days = commands.add_parser("usage", help="what all keys made and spent, a row a day")
    days.add_argument("--from", dest="first", type=_day, metavar="YYYY-MM-DD", help="first UTC day")
    days.add_argument("--to", dest="last", type=_day, metavar="YYYY-MM-DD", help="last UTC day")
    days.set_defaults(run=usage)
    bill = commands.add_parser("reconcile", help="hold a provider's bill against the tasks")
    bill.add_argument("bill", nargs="?", default="", help="BILL=file.csv of `make reconcile`")
    bill.set_defaults(run=check_bill)


def usage(stack: Deployed, options: argparse.Namespace) -> None:
    """Show what each owner made and spent; this month so far, unless it is said otherwise."""
    last = options.last or datetime.now(UTC).date()
    first = options.first or last.replace(day=1)
    if first > last:
        raise ValueError(f"--from {first} is after {last}.")
    rows = sorted(_days(stack, first.isoformat(), last.isoformat()))
    body = {"days": [row | {"date": day, "owner": owner} for day, owner, row in rows]}
    show(options, "\n".join(_table(rows)) or f"Nothing from {first} to {last}.", body)


def _table(rows: list[tuple[str, str, dict[str, Any]]]) -> Iterator[str]:
    if not rows:
        return
    owners = list(dict.fromkeys(owner for _, owner, _ in rows))
    width = max(map(len, (*owners, "owner")))
    counted = "completed  failed  cancelled  seconds       spent    reserved"
    yield f"{'date':10}  {'owner':{width}}  {counted}"
    for day, owner, row in rows:
        yield _line(day, f"{owner:{width}}", row)
    for owner in owners if len(owners) > 1 else ():
        mine = [row for _, name, row in rows if name == owner]
        yield _line("total", f"{owner:{width}}", _sum(mine))
    yield _line("total", f"{'':{width}}", _sum([row for *_, row in rows]))


def check_bill(stack: Deployed, options: argparse.Namespace) -> int:
    """Hold a bill against the tasks; return 1 where something is wrong."""
    rows = read_bill(options.bill)
    kept_from = time.time() - stack.retention_hours * 3600
    found = reconcile(rows, _tasks(stack), kept_from=kept_from, timeout=stack.task_timeout)
    body = {"rows": len(rows), "known": found.known, "wrong": found.wrong, "notes": found.notes}
    show(options, "\n".join(report_lines(found, rows)), body)
    return 1 if found.wrong else 0


def _days(stack: Deployed, first: str, last: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield day, owner and numbers of the ledger's items, by a scan; the stack's own have no owner.

    An owner's name may hold whatever its key may be called.
    """
    for item in _scan(stack, beginning=LEDGER):
        owner, _, day = item["task_id"].removeprefix(LEDGER).rpartition("#")
        if owner and first <= day <= last:
            yield day, owner, day_row(day, item)


def _tasks(stack: Deployed) -> Iterator[Task]:
    """Yield every task, tombstones too, by a scan."""
    for item in _scan(stack, beginning=ID_PREFIX):
        if is_task_id(item["task_id"]):
            yield task_of(item)


def _scan(stack: Deployed, beginning: str) -> Iterator[Mapping[str, Any]]:
    """Yield the items whose keys begin so; it reads, and pays for, the whole table."""
    store = stack.store()
    pages = store.client.get_paginator("scan").paginate(
        TableName=store.name,
        FilterExpression="begins_with(task_id, :beginning)",
        ExpressionAttributeValues=encode({":beginning": beginning}),
    )
    for page in pages:
        yield from map(values, page["Items"])


def _sum(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: sum(row[name] for row in rows) for name in NUMBERS}


def _line(day: str, owner: str, row: Mapping[str, Any]) -> str:
    counts = "  ".join(
        f"{row[name]:{width}}" for name, width in zip(COUNTS, (9, 6, 9, 7), strict=True)
    )
    return f"{day:10}  {owner}  {counts}  {row['usd_spent']:10.6f}  {row['usd_reserved']:10.6f}"


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no day: say YYYY-MM-DD") from None
