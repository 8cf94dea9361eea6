"""The DynamoDB table, with plain values for items: reads, queries, writes and transactions."""

import os
import random
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from videoapi.aws.errors import IN_PROGRESS, aws_errors, codes_of, error_code, unanswered
from videoapi.aws.expressions import Expression, encode, values
from videoapi.errors import ServiceError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CONDITION_FAILED = "ConditionalCheckFailedException"  # … without "Exception" in a transaction
CONFLICT = frozenset({"TransactionConflict", "TransactionConflictException"})
# Tries of a transaction that meets others, and seconds in between.
MAX_TRIES, PAUSE, MAX_PAUSE = 14, 0.02, 1.2
# Seconds after which none is begun, where a caller waits: with the last try and a read that hang,
# within the function's 20. By simulation 100 at once on one item all come through, at 20 ms each.
PATIENCE_SECONDS, MORE_PATIENCE_SECONDS = 5.0, 30.0


class Write(NamedTuple):
    """One write of a transaction: a `Put` or an `Update`, without table and return values.

    `name` tells whose condition has failed.
    """

    name: str
    kind: Literal["Put", "Update"]
    body: Mapping[str, Any]


class ConditionFailed(Exception):
    """Nothing was written, because the condition of this write did not hold.

    `item` is what stands there instead, as plain values; `repeated` says that an answer had been
    lost before this one, so that it may be what the write itself has put there.
    """

    def __init__(self, name: str, item: Mapping[str, Any], *, repeated: bool) -> None:
        super().__init__(name)
        self.name = name
        self.item = item
        self.repeated = repeated


@dataclass(eq=False, repr=False)  # made once: what is not generated costs no start
class Table:
    """One table. Each method is one DynamoDB call unless it says otherwise.

    Raises `ServiceError` when DynamoDB does not answer; `subject` is the table in its message.
    """

    client: "DynamoDBClient"
    name: str
    subject: str = "The task table"
    sleep: Callable[[float], object] = time.sleep
    patience: float = PATIENCE_SECONDS
    monotonic: Callable[[], float] = time.monotonic

    def read(self, key: str) -> dict[str, Any] | None:
        """Return an item by its key, with strong consistency."""
        with self.errors():
            response = self.client.get_item(
                TableName=self.name, Key=encode({"task_id": key}), ConsistentRead=True
            )
        return values(response["Item"]) if "Item" in response else None

    def read_all(self, keys: Collection[str]) -> dict[str, dict[str, Any]]:
        """Return up to 100 items by key with strong consistency; those that are there."""
        wanted: Any = {"Keys": [encode({"task_id": key}) for key in keys], "ConsistentRead": True}
        with self.errors():
            response = self.client.batch_get_item(RequestItems={self.name: wanted})
        if response.get("UnprocessedKeys"):  # DynamoDB's way to say "throttled" of some of them
            raise ServiceError(f"{self.subject} does not answer just now. Try again.")
        found = map(values, response["Responses"][self.name])
        return {item["task_id"]: item for item in found}

    def query(
        self, index: str, *conditions: tuple[str, str, object], **options: object
    ) -> Iterator[tuple[list[dict[str, Any]], dict[str, Any]]]:
        """Yield an index's pages, and the key after which the next begins; empty at the end.

        `conditions` are names, operators and values. One call a page, as the caller goes on. The
        index is a moment behind the table.
        """
        key = Expression()
        spelled = [
            f"{key.name(name)} {sign} {key.value(value)}" for name, sign, value in conditions
        ]
        request: dict[str, Any] = {
            "TableName": self.name,
            "IndexName": index,
            "KeyConditionExpression": " AND ".join(spelled),
            **key.placeholders(),
            **options,
        }
        while True:
            with self.errors():
                response = self.client.query(**request)
            last = response.get("LastEvaluatedKey", {})
            yield [values(item) for item in response["Items"]], values(last)
            if not last:
                return
            request["ExclusiveStartKey"] = last

    def delete(self, key: str) -> None:
        """Remove an item; one that is not there is no error."""
        with self.errors():
            self.client.delete_item(TableName=self.name, Key=encode({"task_id": key}))

    def transact(self, *writes: Write) -> Mapping[str, Any]:
        """Make all of these writes or none of them; return the answer. Raises `ConditionFailed`.

        DynamoDB cancels a transaction that meets another one on an item, and refuses a single write
        that does: both are made again, after a pause of random length. A transaction whose answer
        was lost is made again under its token, once, and while it is in progress: that tells how it
        ended. A single write is no transaction, which would cost twice.
        """
        tries = lost = 0
        token, until = _new_token(), self.monotonic() + self.patience
        while True:
            with self.errors():
                try:
                    return self._write(writes, token)
                except (ClientError, BotoCoreError) as exc:
                    _raise_failed_condition(exc, writes, lost=lost > 0)
                    tries, lost = tries + 1, lost + unanswered(exc)
                    met = bool(CONFLICT & codes_of(exc))
                    passing = met or _may_settle(exc, writes, lost)
                    if tries == MAX_TRIES or not passing or self.monotonic() >= until:
                        raise
                    if met:  # it is known to have failed, and its token with it
                        token = _new_token()
            self.sleep(random.uniform(0, min(MAX_PAUSE, PAUSE * 2**tries)))  # noqa: S311 — spreads load, guards nothing

    def _write(self, writes: Sequence[Write], token: str) -> Mapping[str, Any]:
        common = {"TableName": self.name, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        requests: Any = [{each.kind: {**common, **each.body}} for each in writes]
        if len(writes) > 1:
            return self.client.transact_write_items(
                TransactItems=requests, ClientRequestToken=token
            )
        if "Put" in requests[0]:
            return self.client.put_item(**requests[0]["Put"])
        return self.client.update_item(**requests[0]["Update"])

    def errors(self) -> AbstractContextManager[None]:
        """Return the block in which DynamoDB's errors become `ServiceError`."""
        return aws_errors("DynamoDB", self.subject)


def _new_token() -> str:
    """Return a new `ClientRequestToken`; DynamoDB knows it for 10 minutes."""
    return os.urandom(16).hex()


def _may_settle(exc: Exception, writes: Sequence[Write], lost: int) -> bool:
    """Return whether a repeated transaction tells its outcome; `lost` answers were lost so far."""
    first = lost == 1 and unanswered(exc)
    return len(writes) > 1 and (first or IN_PROGRESS in codes_of(exc))


def _raise_failed_condition(exc: Exception, writes: Sequence[Write], *, lost: bool) -> None:
    """Raise `ConditionFailed` for the first write whose condition did not hold, if there is one."""
    if not isinstance(exc, ClientError):
        return
    response: Any = exc.response
    repeated = lost or response["ResponseMetadata"].get("RetryAttempts", 0) > 0
    reasons = response.get("CancellationReasons", [])
    if error_code(exc) == CONDITION_FAILED:
        reasons = [{**response, "Code": CONDITION_FAILED}]
    for write, reason in zip(writes, reasons, strict=False):
        if reason.get("Code") in (CONDITION_FAILED, "ConditionalCheckFailed"):
            item = values(reason.get("Item", {}))
            raise ConditionFailed(write.name, item, repeated=repeated) from exc
