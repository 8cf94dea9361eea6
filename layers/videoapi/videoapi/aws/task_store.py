"""Tasks in DynamoDB: one table, the truth of the whole system."""

import heapq
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from videoapi.aws.errors import unanswered
from videoapi.aws.expressions import encode
from videoapi.aws.table import ConditionFailed, Table, Write
from videoapi.aws.task_items import (
    decode,
    entry_write,
    listed_at,
    task_item,
    task_of,
    update_expression,
)
from videoapi.domain.ids import is_task_id
from videoapi.domain.ledger import Entry
from videoapi.domain.tasks import PAID, SHARDS, WEBHOOKS, Status, Task
from videoapi.domain.timestamps import timestamp
from videoapi.domain.transitions import Change
from videoapi.errors import ServiceError

SWEEP_LIMIT = 100  # overdue tasks in one page of the index
MAX_PAGES = 10  # of an index, of 1 MB at most, read for one page of a list: the largest it can be
MAX_FILTERED_PAGES = 2  # … for one of a rare status, where the next page goes on, …
FILTERED_LIMIT = 100  # … and tasks in each of them
TASK = "task"  # the write of a task in a transaction
EVER = "~"  # sorts after every instant


class Page(NamedTuple):
    """Some tasks of a list (none, where a status is rare), and the `listed_at` to go on after."""

    tasks: list[Task]
    after: str | None


class Unconfirmed(ServiceError):
    """Whether the task was written is unknown: the answer was lost, and so was a read's."""

    retryable = False


class TaskStore(Table):
    """The tasks in the table. Each method is one DynamoDB call unless it says otherwise.

    Raises `ServiceError` when DynamoDB does not answer; a lost condition is a return value.
    """

    def create(self, task: Task, *others: Write | Entry) -> Task | None:
        """Put a new task; return None, or the task (or tombstone) that has its id already.

        Together with `others` or not at all: one transaction. Raises `ConditionFailed` for one of
        them. A lost answer is settled by one read; raises `Unconfirmed` where that fails too, or
        finds nothing of a write that may still be on its way.
        """
        condition = "attribute_not_exists(task_id)"
        put = Write(TASK, "Put", {"Item": task_item(task), "ConditionExpression": condition})
        try:
            self.transact(put, *map(_write, others))
        except ConditionFailed as failed:
            if failed.name != put.name:
                raise
            found, lost = task_of(failed.item), failed.repeated
        except ServiceError as error:
            found, lost = self._settled(task, error), True
        else:
            return None
        same = (found.created_at, found.fingerprint) == (task.created_at, task.fingerprint)
        return None if lost and same else found

    def _settled(self, task: Task, error: ServiceError) -> Task:
        """Return the task that a put has made whose answer was lost, or raise `error`."""
        if not error.retryable:
            raise error
        notes = list(error.__notes__)
        try:
            if found := self.get(task.task_id, deleted=True):
                return found
        except ServiceError as again:
            notes += again.__notes__
        else:
            if not unanswered(error.__cause__):
                raise error
        unknown = Unconfirmed(error.message)
        for note in notes:
            unknown.add_note(note)
        raise unknown from error

    def get(self, task_id: str, *, deleted: bool = False) -> Task | None:
        """Read a task with strong consistency; its tombstone only for `deleted`.

        What is no task id reads as none without a call: it may be an empty key, or a foreign one.
        """
        item = self.read(task_id) if is_task_id(task_id) else None
        task = task_of(item) if item else None
        return None if task is None or (task.status is Status.DELETED and not deleted) else task

    def apply(self, task_id: str, change: Change) -> Task | None:
        """Make one conditional write; return the task after it, or None if the condition failed.

        A change with entries is a transaction, and a read, since transactions return nothing;
        raises `ConditionFailed` for an entry that has no room.
        """
        update = {"Key": encode({"task_id": task_id}), **update_expression(change)}
        if not change.entries:
            update["ReturnValues"] = "ALL_NEW"
        entries = map(entry_write, change.entries)
        try:
            response = self.transact(Write(TASK, "Update", update), *entries)
        except ConditionFailed as failed:
            if failed.name != TASK:
                raise
            return None
        if change.entries:
            return self.get(task_id, deleted=True)
        return decode(response["Attributes"])

    def page(
        self,
        owner: str,
        *,
        limit: int,
        after: str | None = None,
        status: str | None = None,
        newest_first: bool = True,
    ) -> Page:
        """List an owner's tasks from `after` (a `listed_at`) on, by at most `MAX_PAGES` queries."""
        beyond = [] if after is None else [("listed_at", "<" if newest_first else ">", after)]
        pages = self.query(
            "by_owner",
            ("owner", "=", owner),
            *beyond,
            ScanIndexForward=not newest_first,
            Limit=limit + 1 if status is None else max(limit + 1, FILTERED_LIMIT),
        )
        found: list[Task] = []
        for items, last in islice(pages, MAX_PAGES if status is None else MAX_FILTERED_PAGES):
            found += [task for task in map(task_of, items) if status in (None, task.status)]
            if len(found) > limit:
                return Page(found[:limit], listed_at(found[limit - 1]))
            after = last.get("listed_at")
        return Page(found, after)

    def overdue(self, now: float, *, paid: bool) -> Iterator[str]:
        """Yield ids of open tasks whose `due_at` has passed, the longest overdue first.

        Those with a `paid` job (one query), or the others (one for each shard); more queries as the
        caller goes on. The index is a moment behind the table.
        """
        partitions = [PAID] if paid else [str(number) for number in range(SHARDS)]
        for _, task_id in heapq.merge(*(self._due(each, timestamp(now)) for each in partitions)):
            yield task_id

    def unpaid(self) -> Iterator[tuple[str, str]]:
        """Yield `due_at` and id of the open tasks without a paid job, as they follow each other.

        One query for each shard; more of them as the caller goes on.
        """
        return heapq.merge(*(self._due(str(number), EVER) for number in range(SHARDS)))

    def events_due(self, now: float) -> Iterator[tuple[str, str]]:
        """Yield `due_at` and id of ended tasks whose event is overdue, the longest first."""
        return self._due(WEBHOOKS, timestamp(now))

    def _due(self, partition: str, until: str) -> Iterator[tuple[str, str]]:
        before = ("due_at", "<", until)
        for items, _ in self.query("open", ("open", "=", partition), before, Limit=SWEEP_LIMIT):
            yield from ((item["due_at"], item["task_id"]) for item in items)


def _write(other: Write | Entry) -> Write:
    return entry_write(other) if isinstance(other, Entry) else other
