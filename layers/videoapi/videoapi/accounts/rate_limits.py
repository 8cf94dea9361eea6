"""What one key may use up: submits a minute, videos and images a day, tasks alive at once.

Each minute and each day of a key is an item of its own, `limits#<owner>#m<number>`, that is only
ever added to and that TTL removes; the ids of tasks alive are a set in `limits#<owner>`. They are
written in the transaction that writes the task: what is refused uses nothing up, and however many
come at once, no more than the limit are let in.

The set is looked over only when it is full, so that no worker and no cancel has to remember it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from videoapi.accounts.api_keys import ApiKey, Limits
from videoapi.aws.expressions import Expression, encode
from videoapi.aws.table import ConditionFailed, Table, Write
from videoapi.aws.task_items import task_of
from videoapi.domain.ledger import Entry
from videoapi.errors import RateLimited

MINUTE, DAY = 60, 86_400
ALIVE, TESTS, UPLOADS = "alive", "tests", "uploads"
MAX_TESTS = 10  # of webhooks by one owner in a minute, whatever its limits: each is a POST of ours
UPLOADS_A_VIDEO = 10  # of a key with so many videos a day: one takes five images, and some fail
ALIVE_RETRY = 10  # seconds: about how often a place comes free
LOOKED_AT_ONCE = 25  # tasks of a full set in one read
PAUSE = 3  # seconds until a set in which no task had ended is looked over again …
FEW = 5  # … if there are more in it than these, which cost no more than the refusal


class Window(NamedTuple):
    """One minute or day of one key, and how much of it was used up when it was read."""

    name: str  # as in the RateLimit header
    unit: str  # the attribute that counts
    limit: int
    seconds: int
    number: int  # of the minute or day, since 1970
    owner: str
    used: int = 0

    @property
    def key(self) -> str:
        """The item's key."""
        return f"limits#{self.owner}#{self.name[0]}{self.number}"

    def write(self) -> Write:
        """Return the write that counts one more."""
        count = Expression()
        unit, end = count.name(self.unit), count.name("expires_at")
        # A clock that is behind still counts in it after its end.
        until = count.value((self.number + 2) * self.seconds)
        body = {
            "Key": encode({"task_id": self.key}),
            "UpdateExpression": f"SET {end} = {until} ADD {unit} {count.value(1)}",
            "ConditionExpression": _under(unit, unit, count.value(self.limit)),
            **count.placeholders(),
        }
        return Write(self.name, "Update", body)

    def left(self, now: float) -> int:
        """Return the seconds until the next window."""
        return int(self.seconds - now % self.seconds) + 1


class Quota(NamedTuple):
    """What a key may still do, as it was read at `now`.

    The transaction of its `entries` and its `writes` decides.
    """

    owner: str = ""
    now: float = 0.0
    windows: Sequence[Window] = ()
    alive: int | None = None  # tasks at once
    entries: Sequence[Entry] = ()  # of the ledger, that go with them

    def writes(self, task_id: str = "") -> list[Write]:
        """Return the writes that count one more, of a task alive where the key limits those.

        The day's first: of several limits that are reached, it is the one that is told.
        """
        writes = [window.write() for window in reversed(self.windows)]
        if self.alive is not None:
            add = Expression()
            ids = add.name(ALIVE)
            body = {
                "Key": encode({"task_id": _alive_key(self.owner)}),
                "UpdateExpression": f"ADD {ids} {add.value(frozenset({task_id}))}",
                "ConditionExpression": _under(ids, f"size({ids})", add.value(self.alive)),
                **add.placeholders(),
            }
            writes.append(Write(ALIVE, "Update", body))
        return writes

    def counted(self) -> "Quota":
        """Return the quota after one more."""
        windows = tuple(each._replace(used=each.used + 1) for each in self.windows)
        return self._replace(windows=windows)

    def refusal(self, name: str) -> "LimitReached":
        """Return the error for the limit of this name."""
        if name == ALIVE:
            text = f"This key may have {self.alive} tasks alive at once."
            return LimitReached(text, self, code="too_many_tasks_alive", retry_after=ALIVE_RETRY)
        windows = [
            each._replace(used=each.limit) if each.name == name else each for each in self.windows
        ]
        (full,) = (each for each in windows if each.name == name)
        daily = full.seconds == DAY
        error = LimitReached(
            f"This key may {_MAY[name].format(full.limit)}.",
            self._replace(windows=windows),
            code="daily_limit_reached" if daily else "rate_limited",
            retry_after=full.left(self.now),
        )
        error.retryable = not daily  # no use within the minute that a client would wait
        return error


_MAY = {
    "minute": "submit {} times a minute",
    "day": "make {} videos a day",
    TESTS: "test {} webhooks a minute",
    UPLOADS: "upload {} images a day",
}


class LimitReached(RateLimited):
    """A key has nothing left of one of its limits; `quota` tells what it has of the others."""

    def __init__(self, message: str, quota: Quota, *, code: str, retry_after: int) -> None:
        """`retry_after` is in seconds."""
        super().__init__(message, code=code, retry_after=retry_after)
        self.quota = quota


@dataclass(eq=False, repr=False)
class Limiter:
    """Holds keys to their limits. Raises `RateLimited`, `ServiceError`."""

    table: Table

    def quota(
        self, key: ApiKey, now: float, entries: Sequence[Entry] = (), more: Sequence[Window] = ()
    ) -> Quota:
        """Read what a key has used up, and refuse what it has nothing left for.

        One read, and none for a key without limits, nor `more` of them. The `writes`, and the
        `entries` that its video needs of the ledger, must be made with the task's.
        """
        windows, alive = [*_windows(key, now), *more], key.limits.tasks_alive
        keys = [each.key for each in windows] + [_alive_key(key.name)] * (alive is not None)
        capped = [each for each in entries if each.most is not None]
        keys += [each.key for each in capped]
        if not keys:
            return Quota(entries=entries)
        found = self.table.read_all(keys)
        if capped:
            from videoapi.accounts import budgets  # noqa: PLC0415 — few callers have a cap

            budgets.require_room(capped, found)
        windows = [
            each._replace(used=found.get(each.key, {}).get(each.unit, 0)) for each in windows
        ]
        item = found.get(_alive_key(key.name), {})
        quota = Quota(key.name, now, windows, alive, entries)
        for each in reversed(windows):
            if each.used >= each.limit:
                raise quota.refusal(each.name)
        if alive is not None and len(item.get(ALIVE, ())) >= alive:
            self._make_room(quota, item)
        return quota

    def reconsider(self, quota: Quota, failed: ConditionFailed) -> None:
        """Return if a place came free for what a transaction did not let in; else refuse it."""
        for entry in quota.entries:
            if failed.name == entry.key:
                from videoapi.accounts import budgets  # noqa: PLC0415 — as above

                raise budgets.exceeded(entry)
        if failed.name != ALIVE:
            raise quota.refusal(failed.name)
        self._make_room(quota, failed.item)

    def admit_image(self, key: ApiKey, now: float) -> Quota:
        """Count an image, which costs money too, in its minute and day; return what is left."""
        return self._admit(key, key.limits._replace(tasks_alive=None), now)

    def admit_upload(self, key: ApiKey, now: float) -> Quota:
        """Count an upload, which costs five days of storage, in its minute and among the day's.

        It is none of the day's videos: its own would have no place left. Return what is left.
        """
        limits = Limits(submits_per_minute=key.limits.submits_per_minute)
        if (videos := key.limits.videos_per_day) is None:
            return self._admit(key, limits, now)
        most, number = videos * UPLOADS_A_VIDEO, int(now // DAY)
        return self._admit(
            key, limits, now, Window(UPLOADS, "uploads", most, DAY, number, key.name)
        )

    def admit_test(self, key: ApiKey, now: float) -> Quota:
        """Count a test of a webhook in its minute, and among the tests, of all without a key too.

        Return what is left.
        """
        limits = Limits(submits_per_minute=key.limits.submits_per_minute)
        number = int(now // MINUTE)
        tests = Window(TESTS, "tests", MAX_TESTS, MINUTE, number, key.name)
        return self._admit(key, limits, now, tests)

    def _admit(self, key: ApiKey, limits: Limits, now: float, *more: Window) -> Quota:
        quota = self.quota(ApiKey(key.name, limits), now, more=more)
        if quota.windows:
            try:
                self.table.transact(*quota.writes())
            except ConditionFailed as failed:
                raise quota.refusal(failed.name) from failed
        return quota.counted()

    def _make_room(self, quota: Quota, item: Mapping[str, Any]) -> None:
        """Take ended tasks out of a full set, or refuse; at most so many a time, in turn.

        An id has had its task since both were written: one that is not there has expired.
        """
        ids, now = sorted(item.get(ALIVE, ())), quota.now
        if not ids or (len(ids) > FEW and 0 <= now - item.get("looked_at", 0) < PAUSE):
            raise quota.refusal(ALIVE)
        first = int(now // PAUSE) * LOOKED_AT_ONCE % len(ids)
        some = (ids + ids)[first : first + min(LOOKED_AT_ONCE, len(ids))]
        tasks = {key: task_of(found) for key, found in self.table.read_all(some).items()}
        gone = [each for each in some if each not in tasks or not tasks[each].keeps_place(now)]
        look = Expression()
        update = (
            f"DELETE {look.name(ALIVE)} {look.value(frozenset(gone))}"
            if gone
            else f"SET {look.name('looked_at')} = {look.value(int(now))}"
        )
        body = {
            "Key": encode({"task_id": _alive_key(quota.owner)}),
            "UpdateExpression": update,
            **look.placeholders(),
        }
        if gone or len(ids) > FEW:
            self.table.transact(Write(ALIVE, "Update", body))
        if not gone:
            raise quota.refusal(ALIVE)


def _windows(key: ApiKey, now: float) -> list[Window]:
    rows = (
        ("minute", "submits", key.limits.submits_per_minute, MINUTE),
        ("day", "videos", key.limits.videos_per_day, DAY),
    )
    return [
        Window(
            name=name,
            unit=unit,
            limit=limit,
            seconds=seconds,
            number=int(now // seconds),
            owner=key.name,
        )
        for name, unit, limit, seconds in rows
        if limit is not None
    ]


def _under(attribute: str, number: str, limit: str) -> str:
    """Return the condition that a number, if there is any, is under its limit."""
    return f"attribute_not_exists({attribute}) OR {number} < {limit}"


def _alive_key(owner: str) -> str:
    return f"limits#{owner}"
