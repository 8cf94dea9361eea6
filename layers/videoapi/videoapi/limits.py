"""What one key may use up: submits (and images) a minute, videos a day, tasks alive at once.

One item a key, `limits#<owner>`, and one conditional write a submit: counters that only DynamoDB
adds to, so that a thousand submits at once cannot slip past a limit. A new minute or day costs one
write more. Tasks alive are a set of ids that is cleaned of ended ones only when it is full, so no
worker and no cancel has to remember it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from videoapi.errors import RateLimited, ServiceError
from videoapi.keys import ApiKey, Limits
from videoapi.store import TaskStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MINUTE, DAY = 60, 86_400
TRIES = 5  # a new minute, a new day and a full set may all come at once
LONGEST_RETRY_AFTER = 60  # seconds; a longer reset is told in the RateLimit header
ALIVE_RETRY = 10  # seconds: about how often a slot comes free


@dataclass(frozen=True)
class Windows:
    """The numbers of the current minute and day, as they are stored."""

    minute: int
    day: int

    @classmethod
    def at(cls, now: float) -> "Windows":
        """Return the windows that an instant (epoch seconds) lies in."""
        return cls(int(now // MINUTE), int(now // DAY))


class Limiter:
    """Counts what keys with limits do. Raises `RateLimited`, `ServiceError`."""

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        store: TaskStore,
        clock: Callable[[], float],
    ) -> None:
        """Take the client and the store that `services` made."""
        self._client = client
        self._table = table
        self._store = store
        self._clock = clock

    def admit_image(self, key: ApiKey) -> dict[str, str]:
        """Count an image, which costs money too, as a submit of its minute and as nothing else."""
        minute = Limits(submits_per_minute=key.limits.submits_per_minute)
        return self.admit(ApiKey(key.name, minute), None)

    def admit(self, key: ApiKey, task_id: str | None) -> dict[str, str]:
        """Count one submit; return the `RateLimit` headers of the answer.

        Costs nothing for a key without limits. Without a task it is no video of the day.
        """
        if not key.limits.any:
            return {}
        for _ in range(TRIES):
            now = self._clock()
            windows = Windows.at(now)
            admitted, item = self._count(key, task_id, windows)
            headers = rate_limit_headers(key.limits, item, now)
            if admitted:
                return headers
            if (item.get("minute"), item.get("day")) != (windows.minute, windows.day):
                self._open(key, item, windows)
            elif not self._is_full(key, item):
                raise _over(key.limits, item, now, headers)
            elif not self._clean(key, item):
                raise RateLimited(
                    f"This key may have {key.limits.tasks_alive} tasks alive at once.",
                    code="too_many_tasks_alive",
                    headers=headers | {"Retry-After": str(ALIVE_RETRY)},
                )
        raise ServiceError("The limits of this key change too quickly. Try again.")

    def _count(
        self, key: ApiKey, task_id: str | None, windows: Windows
    ) -> tuple[bool, dict[str, Any]]:
        """Add one to each counter, if all of them allow it; return the item after or instead."""
        limits = key.limits
        names = {"#m": "minute", "#d": "day", "#mc": "submits"}
        values: dict[str, Any] = {
            ":m": {"N": str(windows.minute)},
            ":d": {"N": str(windows.day)},
            ":one": {"N": "1"},
        }
        where = ["#m = :m", "#d = :d"]
        for name, limit in (("#mc", limits.submits_per_minute), ("#dc", limits.videos_per_day)):
            if limit is not None:
                values[f":{name[1:]}"] = {"N": str(limit)}
                where.append(f"{name} < :{name[1:]}")
        adds = "#mc :one"
        if task_id is not None:
            names["#dc"] = "videos"
            adds += ", #dc :one"
        if limits.tasks_alive is not None:
            names["#a"] = "alive"
            values |= {":alive": {"N": str(limits.tasks_alive)}, ":ids": {"SS": [task_id]}}
            where.append("(attribute_not_exists(#a) OR size(#a) < :alive)")
            adds += ", #a :ids"
        try:
            answer = self._update(
                key,
                UpdateExpression=f"ADD {adds}",
                ConditionExpression=" AND ".join(where),
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=values,
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except _ConditionLostError as lost:
            return False, _plain(lost.item)
        return True, _plain(answer["Attributes"])

    def _open(self, key: ApiKey, item: dict[str, Any], windows: Windows) -> None:
        """Begin a new window, unless somebody else has just done so."""
        same_day = item.get("day") == windows.day
        values = {
            ":m": {"N": str(windows.minute)},
            ":d": {"N": str(windows.day)},
            ":zero": {"N": "0"},
            ":videos": {"N": str(item.get("videos", 0) if same_day else 0)},
        }
        condition = "attribute_not_exists(#m)"
        if "minute" in item:
            condition = "#m = :seen AND #d = :day AND #dc = :count"
            values |= {
                ":seen": {"N": str(item["minute"])},
                ":day": {"N": str(item["day"])},
                ":count": {"N": str(item["videos"])},
            }
        names = {"#m": "minute", "#d": "day", "#mc": "submits", "#dc": "videos"}
        try:
            self._update(
                key,
                UpdateExpression="SET #m = :m, #d = :d, #mc = :zero, #dc = :videos",
                ConditionExpression=condition,
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=values,
            )
        except _ConditionLostError:
            return

    def _is_full(self, key: ApiKey, item: dict[str, Any]) -> bool:
        alive = key.limits.tasks_alive
        return alive is not None and len(item.get("alive", ())) >= alive

    def _clean(self, key: ApiKey, item: dict[str, Any]) -> bool:
        """Take ended tasks out of the set; return whether any was."""
        tasks = {task_id: self._store.get(task_id) for task_id in item["alive"]}
        ended = [task_id for task_id, task in tasks.items() if task is None or task.ended]
        if ended:
            self._update(
                key,
                UpdateExpression="DELETE #a :ids",
                ExpressionAttributeNames={"#a": "alive"},
                ExpressionAttributeValues={":ids": {"SS": ended}},
            )
        return bool(ended)

    def _update(self, key: ApiKey, **request: Any) -> Any:  # noqa: ANN401 — botocore's own shape
        try:
            return self._client.update_item(
                TableName=self._table, Key={"task_id": {"S": f"limits#{key.name}"}}, **request
            )
        except ClientError as exc:
            if exc.response["Error"]["Code"] == "ConditionalCheckFailedException":
                raise _ConditionLostError(dict(exc.response).get("Item", {})) from exc
            raise _away(exc) from exc
        except BotoCoreError as exc:
            raise _away(exc) from exc


class _ConditionLostError(Exception):
    def __init__(self, item: Any) -> None:  # noqa: ANN401 — botocore's own shape
        super().__init__()
        self.item = item


def rate_limit_headers(limits: Limits, item: dict[str, Any], now: float) -> dict[str, str]:
    """Return `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10)."""
    windows = Windows.at(now)
    rows = (
        ("minute", limits.submits_per_minute, MINUTE, "submits", windows.minute),
        ("day", limits.videos_per_day, DAY, "videos", windows.day),
    )
    policy, state = [], []
    for name, limit, seconds, counter, window in rows:
        if limit is None:
            continue
        used = item.get(counter, 0) if item.get(name) == window else 0
        policy.append(f'"{name}";q={limit};w={seconds}')
        state.append(f'"{name}";r={max(limit - used, 0)};t={_left(now, seconds)}')
    if not policy:
        return {}
    return {"RateLimit-Policy": ", ".join(policy), "RateLimit": ", ".join(state)}


def _over(limits: Limits, item: dict[str, Any], now: float, headers: dict[str, str]) -> RateLimited:
    daily = limits.videos_per_day is not None and item["videos"] >= limits.videos_per_day
    wait = min(_left(now, DAY if daily else MINUTE), LONGEST_RETRY_AFTER)
    text = (
        f"This key may make {limits.videos_per_day} videos a day."
        if daily
        else f"This key may submit {limits.submits_per_minute} times a minute."
    )
    error = RateLimited(text, headers=headers | {"Retry-After": str(wait)})
    error.code = "daily_limit_reached" if daily else "rate_limited"
    if daily:  # no use within the minute that a client would wait
        error.headers["x-should-retry"] = "false"
    return error


def _left(now: float, window: int) -> int:
    return int(window - now % window) + 1


def _plain(item: dict[str, Any]) -> dict[str, Any]:
    kinds: dict[str, Callable[[Any], Any]] = {"N": int, "SS": list, "S": str}
    return {name: kinds[kind](raw) for name, ((kind, raw),) in _pairs(item)}


def _pairs(item: dict[str, Any]) -> list[tuple[str, tuple[tuple[str, Any], ...]]]:
    return [(name, tuple(value.items())) for name, value in item.items()]


def _away(exc: Exception) -> ServiceError:
    error = ServiceError("The limits of this key cannot be read just now. Try again.")
    error.add_note(f"DynamoDB: {exc}")
    return error
