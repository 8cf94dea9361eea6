"""Tasks in DynamoDB: one table, the truth of the whole system."""

import heapq
import random
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import BotoCoreError, ClientError

from videoapi.aws.errors import codes_of, service_error
from videoapi.aws.task_items import decode, listed_at, task_item, task_of, update_expression, values
from videoapi.domain.ids import is_task_id
from videoapi.domain.tasks import PAID, SHARDS, Status, Task
from videoapi.domain.timestamps import timestamp
from videoapi.domain.transitions import Change
from videoapi.errors import ServiceError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SWEEP_LIMIT = 100  # overdue tasks in one page of the index
PAGES = 10  # of an index, of 1 MB at most, read for one page of a list: the largest it can be
FILTERED_PAGES = 2  # … for one of a rare status, where the next page goes on, …
FILTERED = 100  # … and tasks in each of them
CONFLICT = frozenset({"TransactionConflict", "TransactionConflictException"})
# Tries of a transaction that meets others, and seconds in between: 11 in all at the most. By
# simulation 100 at once on one item all come through, at 20 ms each.
CONFLICTS, PAUSE, LONGEST_PAUSE = 14, 0.02, 1.2


@dataclass(frozen=True)
class Page:
    """Some tasks of a list (none, where a status is rare), and the `listed_at` to go on after."""

    tasks: list[Task]
    after: str | None


@dataclass(frozen=True)
class Write:
    """One write of a transaction: a `Put` or an `Update`, without table and return values.

    `name` tells whose condition has failed.
    """

    name: str
    kind: Literal["Put", "Update"]
    body: Mapping[str, Any]


class ConditionFailed(Exception):
    """Nothing was written, because the condition of this write did not hold.

    `item` is what stands there instead, as plain values; `repeated` says that botocore had lost an
    answer before this one, so that it may be what the write itself has put there.
    """

    def __init__(self, name: str, item: Mapping[str, Any], *, repeated: bool) -> None:
        """Name the write."""
        super().__init__(name)
        self.name = name
        self.item = item
        self.repeated = repeated


class Unconfirmed(ServiceError):
    """Whether the task was written is unknown: the answer was lost, and so was a read's."""

    retryable = False


class TaskStore:
    """The table. Each method is one DynamoDB call unless it says otherwise.

    Raises `ServiceError` when DynamoDB does not answer; a lost condition is a return value.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        *,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        """Take the client that `bootstrap` made."""
        self._client = client
        self._table = table
        self._sleep = sleep

    def create(self, task: Task, *others: Write) -> Task | None:
        """Put a new task; return None, or the task (or tombstone) that has its id already.

        Together with `others` or not at all: one transaction. Raises `ConditionFailed` for one of
        them. A lost answer is settled by one read; raises `Unconfirmed` where that fails too.
        """
        condition = "attribute_not_exists(task_id)"
        put = Write("task", "Put", {"Item": task_item(task), "ConditionExpression": condition})
        try:
            self.transact(put, *others)
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

    def transact(self, *writes: Write) -> None:
        """Make all of these writes or none of them. Raises `ConditionFailed`.

        DynamoDB cancels a transaction that meets another one on an item: it is made again, after
        a pause of random length. A single write is no transaction, which would cost twice.
        """
        tries = 0
        while True:
            try:
                self._write(writes)
            except ClientError as exc:
                for write, item in zip(writes, _stood_there(exc), strict=False):
                    if item is not None:
                        repeated = exc.response["ResponseMetadata"].get("RetryAttempts", 0) > 0
                        raise ConditionFailed(write.name, values(item), repeated=repeated) from exc
                tries += 1
                if tries == CONFLICTS or not CONFLICT & codes_of(exc):
                    raise _away(exc) from exc
            except BotoCoreError as exc:
                raise _away(exc) from exc
            else:
                return
            self._sleep(random.uniform(0, min(LONGEST_PAUSE, PAUSE * 2**tries)))  # noqa: S311 — spreads load, guards nothing

    def _write(self, writes: Sequence[Write]) -> None:
        common = {"TableName": self._table, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        requests: Any = [{each.kind: {**common, **each.body}} for each in writes]
        if len(writes) > 1:
            self._client.transact_write_items(TransactItems=requests)
        elif "Put" in requests[0]:
            self._client.put_item(**requests[0]["Put"])
        else:
            self._client.update_item(**requests[0]["Update"])

    def _settled(self, task: Task, error: ServiceError) -> Task:
        """Return the task that a put without an answer has made all the same, or raise `error`."""
        if not error.retryable:
            raise error
        try:
            found = self.get(task.task_id, deleted=True)
        except ServiceError as again:
            unknown = Unconfirmed(error.message)
            for note in (*error.__notes__, *again.__notes__):
                unknown.add_note(note)
            raise unknown from error
        if found is None:
            raise error
        return found

    def get(self, task_id: str, *, deleted: bool = False) -> Task | None:
        """Read a task with strong consistency; its tombstone only for `deleted`.

        What is no task id reads as none without a call: it may be an empty key, or a foreign one.
        """
        item = self.read(task_id) if is_task_id(task_id) else None
        task = task_of(item) if item else None
        return None if task is None or (task.status is Status.DELETED and not deleted) else task

    def apply(self, task_id: str, change: Change) -> Task | None:
        """Make one conditional write; return the task after it, or None if the condition failed."""
        try:
            answer = self._client.update_item(
                TableName=self._table,
                Key={"task_id": {"S": task_id}},
                ReturnValues="ALL_NEW",
                **update_expression(change),
            )
        except ClientError as exc:
            if exc.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return None
            raise _away(exc) from exc
        except BotoCoreError as exc:
            raise _away(exc) from exc
        return decode(answer["Attributes"])

    def page(
        self,
        owner: str,
        *,
        limit: int,
        after: str | None = None,
        status: str | None = None,
        newest_first: bool = True,
    ) -> Page:
        """List an owner's tasks from `after` (a `listed_at`) on, by at most `PAGES` queries."""
        condition, values = "#o = :o", {":o": {"S": owner}}
        if after is not None:
            condition += " AND listed_at < :a" if newest_first else " AND listed_at > :a"
            values[":a"] = {"S": after}
        found: list[Task] = []
        start: dict[str, Any] = {}
        for _ in range(PAGES if status is None else FILTERED_PAGES):
            answer = self._query(
                IndexName="by_owner",
                KeyConditionExpression=condition,
                ExpressionAttributeNames={"#o": "owner"},
                ExpressionAttributeValues=values,
                ScanIndexForward=not newest_first,
                Limit=limit + 1 if status is None else max(limit + 1, FILTERED),
                **start,
            )
            tasks = (decode(item) for item in answer["Items"])
            found += [task for task in tasks if status in (None, task.status)]
            if len(found) > limit:
                return Page(found[:limit], listed_at(found[limit - 1]))
            if "LastEvaluatedKey" not in answer:
                return Page(found, None)
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
        return Page(found, str(start["ExclusiveStartKey"]["listed_at"]["S"]))

    def overdue(self, now: float, *, paid: bool) -> Iterator[str]:
        """Yield ids of open tasks whose `due_at` has passed, the longest overdue first.

        Those with a `paid` job (one query), or the others (one for each shard); more queries as the
        caller goes on. The index is a moment behind the table.
        """
        partitions = [PAID] if paid else [str(number) for number in range(SHARDS)]
        for _, task_id in heapq.merge(*(self._due(each, now) for each in partitions)):
            yield task_id

    def _due(self, partition: str, now: float) -> Iterator[tuple[str, str]]:
        start: dict[str, Any] = {}
        while True:
            answer = self._query(
                IndexName="open",
                KeyConditionExpression="#o = :o AND due_at < :now",
                ExpressionAttributeNames={"#o": "open"},
                ExpressionAttributeValues={
                    ":o": {"S": partition},
                    ":now": {"S": timestamp(now)},
                },
                Limit=SWEEP_LIMIT,
                **start,
            )
            yield from ((item["due_at"]["S"], item["task_id"]["S"]) for item in answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def _query(self, **request: Any) -> Any:  # noqa: ANN401 — botocore's own untyped shape
        try:
            return self._client.query(TableName=self._table, **request)
        except (ClientError, BotoCoreError) as exc:
            raise _away(exc) from exc

    def read(self, key: str) -> dict[str, Any] | None:
        """Read any item with strong consistency, as plain values."""
        try:
            answer = self._client.get_item(
                TableName=self._table, Key={"task_id": {"S": key}}, ConsistentRead=True
            )
        except (ClientError, BotoCoreError) as exc:
            raise _away(exc) from exc
        return values(answer["Item"]) if "Item" in answer else None

    def read_all(self, keys: Collection[str]) -> dict[str, dict[str, Any]]:
        """Read up to 100 items by key with strong consistency; those that are there."""
        wanted: Any = {"Keys": [{"task_id": {"S": key}} for key in keys], "ConsistentRead": True}
        try:
            answer = self._client.batch_get_item(RequestItems={self._table: wanted})
        except (ClientError, BotoCoreError) as exc:
            raise _away(exc) from exc
        if answer.get("UnprocessedKeys"):  # DynamoDB's way to say "throttled" of some of them
            raise ServiceError("The task table does not answer just now. Try again.")
        found = map(values, answer["Responses"][self._table])
        return {item["task_id"]: item for item in found}


def _stood_there(exc: ClientError) -> list[Mapping[str, Any] | None]:
    """Return, for each write, the item that its failed condition found; None where it held."""
    response: Any = exc.response
    if exc.response["Error"]["Code"] == "ConditionalCheckFailedException":
        return [response.get("Item", {})]
    reasons = response.get("CancellationReasons", [])
    failed = "ConditionalCheckFailed"
    return [each.get("Item", {}) if each.get("Code") == failed else None for each in reasons]


def _away(exc: Exception) -> ServiceError:
    return service_error(exc, "DynamoDB", "The task table")
