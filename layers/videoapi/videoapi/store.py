"""Tasks in DynamoDB: one table, the truth of the whole system."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from videoapi.errors import ServiceError
from videoapi.items import decode, encode, task_item, update_expression
from videoapi.tasks import SHARDS, Status, Task, is_task_id, timestamp
from videoapi.transitions import Change, listed_at

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SWEEP_LIMIT = 500  # tasks a sweep takes up from one shard; the next sweep is a minute away
PAGES = 20  # index pages read for one filtered page of a list, at most …
FILTERED = 100  # … and tasks in each of them
CONFLICTS = 8  # transactions of the same wish at once; each try takes some milliseconds
FINGERPRINT_PREFIX = "fingerprint#"


@dataclass(frozen=True)
class Page:
    """Some tasks of a list (none, where a status is rare), and the `listed_at` to go on after."""

    tasks: list[Task]
    after: str | None


@dataclass(frozen=True, kw_only=True)
class Memory:
    """How an SDK's submit without a key is remembered, so that its own retry finds its task.

    `began` is when the request was received, `until` when it is forgotten (epoch seconds); `gone`
    is the task that a retry was led to and that is not there.
    """

    began: float
    until: float
    retry: bool
    gone: str = ""


class TaskStore:
    """The table. Each method is one DynamoDB call unless it says otherwise.

    Raises `ServiceError` when DynamoDB does not answer; a lost condition is a return value.
    """

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        """Take the client that `services` made."""
        self._client = client
        self._table = table

    def create(self, task: Task, memory: Memory | None = None) -> Task | None:
        """Put a new task; return None, or the task (or tombstone) that has its id already.

        With a `memory` its fingerprint is remembered in the same transaction, for `recent_twin`;
        of a request and its retry, whichever comes second then gets the other's task.
        """
        put = {
            "TableName": self._table,
            "Item": task_item(task),
            "ConditionExpression": "attribute_not_exists(task_id)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        try:
            if memory is None:
                self._client.put_item(**put)  # type: ignore[arg-type]  # built as a dict for both calls
            else:
                self._put_both(put, self._twin(task, memory))
        except ClientError as exc:
            existing = _existing(exc) or {}
            twin = existing.get("twin", {}).get("S")
            found = self.get(twin, deleted=True) if twin else existing and decode(existing)
            if not found:
                raise _away(exc) from exc
            return found
        except BotoCoreError as exc:
            raise _away(exc) from exc
        return None

    def _put_both(self, *puts: dict[str, Any]) -> None:
        """Put in one transaction, again while others write the same fingerprint.

        A 503 would lose a wish: its SDK's repetition would be taken for that of the other's.
        """
        tries = 0
        while True:
            tries += 1
            try:
                self._client.transact_write_items(TransactItems=[{"Put": put} for put in puts])  # type: ignore[typeddict-item]  # same dict
            except ClientError as exc:
                if tries == CONFLICTS or not _conflicts(exc):
                    raise
            else:
                return

    def get(self, task_id: str, *, deleted: bool = False) -> Task | None:
        """Read a task with strong consistency; its tombstone only for `deleted`.

        What is no task id reads as none without a call: it may be an empty key, or a foreign one.
        """
        item = self._read(task_id) if is_task_id(task_id) else None
        task = decode(item) if item else None
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

    def take_back(self, task: Task) -> bool:
        """Remove a task that nobody was told of; False when a worker or a replay has touched it.

        True also when it is not there (a repetition by botocore finds nothing any more), or when
        an earlier task has its id.
        """
        try:
            self._client.delete_item(
                TableName=self._table,
                Key={"task_id": {"S": task.task_id}},
                ConditionExpression="#s = :pending AND submitted_by = :us AND queued_at = :sent",
                ExpressionAttributeNames={"#s": "status"},
                ExpressionAttributeValues={
                    ":pending": {"S": Status.PENDING},
                    ":us": {"S": task.submitted_by},
                    ":sent": {"S": task.queued_at},
                },
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as exc:
            if exc.response["Error"]["Code"] == "ConditionalCheckFailedException":
                there = _existing(exc)
                return there is None or decode(there).submitted_by != task.submitted_by
            raise _away(exc) from exc
        except BotoCoreError as exc:
            raise _away(exc) from exc
        return True

    def recent_twin(self, owner: str, fingerprint: str, *, now: float) -> str | None:
        """Return the id of the same owner's task with this fingerprint, while remembered."""
        item = self._read(_twin_key(owner, fingerprint))
        if item is None or float(item["expires_at"]["N"]) <= now:
            return None
        return str(item["twin"]["S"])

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
        for _ in range(PAGES):
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

    def overdue(self, now: float) -> Iterator[str]:
        """Yield ids of open tasks whose `due_at` has passed (one query for each shard)."""
        for number in range(SHARDS):
            answer = self._query(
                IndexName="open",
                KeyConditionExpression="#o = :o AND due_at < :now",
                ExpressionAttributeNames={"#o": "open"},
                ExpressionAttributeValues={
                    ":o": {"S": str(number)},
                    ":now": {"S": timestamp(now)},
                },
                Limit=SWEEP_LIMIT,
            )
            yield from (str(item["task_id"]["S"]) for item in answer["Items"])

    def _query(self, **request: Any) -> Any:  # noqa: ANN401 — botocore's own untyped shape
        try:
            return self._client.query(TableName=self._table, **request)
        except (ClientError, BotoCoreError) as exc:
            raise _away(exc) from exc

    def _read(self, key: str) -> dict[str, Any] | None:
        try:
            answer = self._client.get_item(
                TableName=self._table, Key={"task_id": {"S": key}}, ConsistentRead=True
            )
        except (ClientError, BotoCoreError) as exc:
            raise _away(exc) from exc
        return answer.get("Item")

    def _twin(self, task: Task, memory: Memory) -> dict[str, Any]:
        """Return the put that remembers `task`, unless that would forget its other half.

        A first request may be overtaken by its own retry (a cold start, a slow line): it then
        finds a retry that began after it. A retry finds whatever was written since it looked.
        """
        item = {
            "task_id": _twin_key(task.owner, task.fingerprint),
            "twin": task.task_id,
            "expires_at": int(memory.until),
        }
        began = int(memory.began * 1000)
        if memory.retry:
            item["retried_at"] = began
            free = "attribute_not_exists(task_id) OR expires_at <= :now OR twin = :gone"
            values = {":now": int(memory.began), ":gone": memory.gone}
        else:
            free = "attribute_not_exists(retried_at) OR retried_at <= :began"
            values = {":began": began}
        return {
            "TableName": self._table,
            "Item": encode(item),
            "ConditionExpression": free,
            "ExpressionAttributeValues": encode(values),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }


def _twin_key(owner: str, fingerprint: str) -> str:
    return f"{FINGERPRINT_PREFIX}{owner}#{fingerprint}"


def _conflicts(exc: ClientError) -> bool:
    """Tell a transaction that met another one, and no condition that failed."""
    reasons: Any = exc.response.get("CancellationReasons", [])
    codes = {reason.get("Code") for reason in reasons}
    return "TransactionConflict" in codes and "ConditionalCheckFailed" not in codes


def _existing(exc: ClientError) -> Mapping[str, Any] | None:
    """Return the item that a lost put found, from either kind of write."""
    response: Any = exc.response
    reasons = [response, *response.get("CancellationReasons", [])]
    return next((reason["Item"] for reason in reasons if reason.get("Item")), None)


def _away(exc: Exception) -> ServiceError:
    error = ServiceError("The task table does not answer just now. Try again.")
    error.add_note(f"DynamoDB: {exc}")
    return error
