"""Commands for operators of a stack: API keys, its tasks, one task's story, dead letters, money.

Without `--stack` they speak to `make run`; with it, to a deployed stack, by the shell's own AWS
credentials.
"""

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Iterator
from typing import Any, NoReturn

from botocore.exceptions import BotoCoreError, ClientError

from videoapi.aws.expressions import values
from videoapi.aws.task_items import task_of
from videoapi.aws.task_store import TaskStore
from videoapi.domain.ids import is_task_id
from videoapi.domain.tasks import PAID, SHARDS, Status, Task
from videoapi.domain.timestamps import epoch
from videoapi.errors import ServiceError
from videoapi_cli.operator import spending, webhooks
from videoapi_cli.operator.keys import key
from videoapi_cli.operator.stack import Deployed, find
from videoapi_cli.operator.story import facts, story
from videoapi_cli.operator.words import show, typed

MONEY = re.compile(r"([0-9]{1,6})(?:[.]([0-9]{1,6}))?")  # dollars
MAX_REDRIVEN = 10_000  # messages of one round
MAX_LISTED = 100  # tasks for people, the newest; JSON has them all


def tasks(stack: Deployed, options: argparse.Namespace) -> None:
    """List what waits and what runs, or with `--all` what has ended too; the newest first."""
    found = _all(stack.store()) if options.all else _alive(stack.store())
    listed = sorted(found, key=lambda each: each.created_at, reverse=True)
    now = time.time()
    rows = [_row(each, now) for each in listed]
    counts = [
        f"{number} {status}"
        for status in Status
        if (number := sum(each.status is status for each in listed))
    ]
    ended = "" if options.all else " ARGS=--all lists what has ended too."
    summary = f"{', '.join(counts) or ('No task' if options.all else 'Nothing runs')}.{ended}"
    show(options, "\n".join((*map(_line, rows[:MAX_LISTED]), summary)), rows)


def _alive(store: TaskStore) -> Iterator[Task]:
    """Return the tasks that have not ended: a query for each partition, a read for each task."""
    for partition in (PAID, *map(str, range(SHARDS))):
        for items, _ in store.query("open", ("open", "=", partition)):
            yield from filter(None, (store.get(item["task_id"]) for item in items))


def _all(store: TaskStore) -> Iterator[Task]:
    """Return every task, by a scan, which reads (and pays for) the whole table."""
    for page in store.client.get_paginator("scan").paginate(TableName=store.name):
        for item in map(values, page["Items"]):
            if is_task_id(item["task_id"]) and item["status"] != Status.DELETED:
                yield task_of(item)


def _row(stored: Task, now: float) -> dict[str, Any]:
    """Return what the list tells of a task, without its owner's words."""
    ended = epoch(stored.completed_at) if stored.completed_at else now
    return {
        "task_id": stored.task_id,
        "status": str(stored.status),
        "progress": stored.progress,
        "age_seconds": round(ended - epoch(stored.created_at)),
        "model": stored.request.model,
        "seconds": stored.request.seconds,
        "size": stored.request.size,
        "owner": stored.owner,
        "error": stored.error["code"] if stored.status is Status.FAILED and stored.error else None,
    }


def _line(row: dict[str, Any]) -> str:
    """Return one line of the list."""
    shown = "{task_id}  {status:10} {progress:3} %  {age_seconds:>6} s  {model}".format(**row)
    facts = f"{row['seconds'] or '-'} s  {row['size']}  {row['owner']}  {row['error'] or ''}"
    return f"{shown} {facts}".rstrip()


def task(stack: Deployed, options: argparse.Namespace) -> None:
    """Tell one task's story, without its owner's words."""
    if not options.id:
        raise ValueError("Which task? Say ID=vid_…")
    found = stack.store().get(options.id, deleted=True)
    if found is None:
        raise ValueError(f"No task {options.id} here: wrong stack, or past its retention.")
    place = (stack.outputs["FilesBucketName"], stack.relay)
    show(options, "\n".join(story(found, *place)), {"id": found.task_id} | facts(found, *place))


def redrive(stack: Deployed, options: argparse.Namespace) -> None:
    """Put every dead letter back into the queue of tasks."""
    sqs, moved = stack.client("sqs"), 0
    letters, tasks = stack.outputs["DeadLetterQueueUrl"], stack.outputs["TasksQueueUrl"]
    while moved < MAX_REDRIVEN:
        found = sqs.receive_message(QueueUrl=letters, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        for message in found.get("Messages", []):
            sqs.send_message(QueueUrl=tasks, MessageBody=message["Body"])
            sqs.delete_message(QueueUrl=letters, ReceiptHandle=message["ReceiptHandle"])
            moved += 1
        if not found.get("Messages"):
            break
    show(options, f"{moved} dead letter(s) queued again.", {"queued_again": moved})


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with a command in one sentence, as for every other failure."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


def read(arguments: list[str]) -> argparse.Namespace:
    """Read the command line; raise `ValueError` for what it does not know."""
    parser = _Parser(prog="videoapi_cli.operator.operations", description=__doc__)
    parser.add_argument("--stack", help="a deployed stack's name; without it, `make run`'s")
    commands = parser.add_subparsers(required=True)
    keys = commands.add_parser("key", help="make a key, list or revoke them")
    keys.add_argument("name", nargs="?", default="", help="the owner, NAME=… of `make key`")
    keys.add_argument("--list", action="store_true", help="show every key's name, id and limits")
    keys.add_argument("--revoke", action="store_true", help="revoke all keys of the name")
    keys.add_argument("--key", default="", metavar="ID", help="with --revoke: this one alone")
    for option, limit, read_limit, what in (
        ("--per-minute", "submits_per_minute", _limit, "submits, images and uploads in a minute"),
        ("--alive", "tasks_alive", _limit, "tasks that have not ended, at a time"),
        ("--per-day", "videos_per_day", _limit, "videos and images in a day"),
        ("--usd-per-day", "usd_per_day", _dollars, "dollars for videos in a UTC day"),
    ):
        text = f"{what}, or none; unless said as the name's latest key has it, else none"
        keys.add_argument(
            option, dest=limit, type=read_limit, default=argparse.SUPPRESS, metavar="N", help=text
        )
    webhooks.add_options(keys)
    keys.set_defaults(run=key)
    several = commands.add_parser("tasks", help="list what waits and what runs")
    several.add_argument("--all", action="store_true", help="what has ended too, by a scan")
    several.set_defaults(run=tasks)
    one = commands.add_parser("task", help="tell one task's story")
    one.add_argument("id", nargs="?", default="", help="the task, ID=vid_… of `make task`")
    one.set_defaults(run=task)
    commands.add_parser("redrive", help="queue dead letters again").set_defaults(run=redrive)
    spending.add_commands(commands)
    for command in commands.choices.values():
        command.add_argument("--json", action="store_true", help="print one JSON document")
    return parser.parse_args(arguments)


def _limit(text: str) -> int | None:
    if text == "none":
        return None
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text} is no limit: say 1 or more, or none")
    return int(text)


def _dollars(text: str) -> int | None:
    """Read a cap in dollars as micro-dollars."""
    if text == "none":
        return None
    match = MONEY.fullmatch(text)
    if match is None or not (micros := int(match[1]) * 10**6 + int((match[2] or "").ljust(6, "0"))):
        message = f"{text} is no cap: say dollars, such as 5 or 0.50, or none"
        raise argparse.ArgumentTypeError(message)
    return micros


def main(arguments: list[str]) -> int:
    """Run one command; a failure is printed as one sentence, or as JSON where that is asked for."""
    try:
        options = read(arguments)
        code: int | None = options.run(find(options.stack or None), options)
        sys.stdout.flush()
    except (ValueError, ServiceError, ClientError, BotoCoreError) as exc:
        why = "\n".join((typed(str(exc)), *getattr(exc, "__notes__", ())))
        if "--json" in arguments:
            print(json.dumps({"error": {"message": why}}, indent=1))
        else:
            print(f"It did not work: {why}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    return code or 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
