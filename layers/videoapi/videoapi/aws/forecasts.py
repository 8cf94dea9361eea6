"""The forecast that the workers keep for all tasks: one item of the task table.

It is advice: a write that is lost or doubled costs nobody more than a worse estimate. Only workers
write it, beside the tasks and never with them, so that no submit waits for a busy item.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from videoapi.aws.expressions import Expression, encode, values
from videoapi.aws.table import Table
from videoapi.domain.forecast import Forecast, kind_of
from videoapi.domain.tasks import Status, Task
from videoapi.domain.timestamps import epoch
from videoapi.errors import ServiceError

KEY: Final = "forecast"
KIND: Final = "last "  # begins the name of an attribute that holds the last durations of a kind
MAX_DURATIONS: Final = 10  # durations of a kind; twice as many at the most, until they are cut
MAX_KINDS: Final = 20
MAX_STARTED: Final = 50  # as are the tasks claimed last
CACHED_SECONDS: Final = 5.0  # for which a process that answers callers does not read it again


@dataclass(eq=False, repr=False)
class ForecastStore:
    """Reads and writes that item. Each method is one DynamoDB call; raises `ServiceError`."""

    table: Table

    def read(self) -> Forecast:
        """Return the forecast as it stands."""
        return _forecast(self.table.read(KEY) or {})

    def start(self, task: Task) -> Forecast:
        """Note that a task was claimed; return the forecast with it."""
        note = Expression()
        entry = frozenset({_entry(task.task_id, epoch(task.claimed_at or task.updated_at))})
        return self._update(f"ADD {note.name('started')} {note.value(entry)}", note)

    def look(self, forecast: Forecast, *, slots: int) -> Forecast:
        """Note who waits, as `forecast` says, and forget older claims; return what stands then."""
        note = Expression()
        seen = {
            "waiting": list(forecast.waiting),
            "seen_at": int(forecast.seen_at * 1000),
            "slots": slots,
        }
        update = "SET " + ", ".join(
            f"{note.name(name)} = {note.value(value)}" for name, value in seen.items()
        )
        by_age = sorted(forecast.started.items(), key=lambda each: each[1])
        if old := frozenset(_entry(*each) for each in by_age[:-MAX_STARTED]):
            update += f" DELETE {note.name('started')} {note.value(old)}"
        return self._update(update, note)

    def end(self, task: Task, seconds: float) -> None:
        """Note how long the job of a task took. One call more where too many are kept."""
        kind = kind_of(task.request)
        note = Expression()
        place = note.name(KIND + kind)
        before, new = note.value([]), note.value([max(round(seconds), 1)])
        kept = self._update(
            f"SET {place} = list_append(if_not_exists({place}, {before}), {new})", note
        ).durations
        if len(kept[kind]) > 2 * MAX_DURATIONS or len(kept) > MAX_KINDS:
            self._cut(kept, kind)

    def _cut(self, kept: Mapping[str, Sequence[int]], kind: str) -> None:
        """Forget the oldest durations of a kind, and the kinds that are seldom asked for."""
        note = Expression()
        update = f"SET {note.name(KIND + kind)} = {note.value(list(kept[kind][-MAX_DURATIONS:]))}"
        others = sorted((each for each in kept if each != kind), key=lambda each: len(kept[each]))
        if seldom := others[: max(len(kept) - MAX_KINDS, 0)]:
            update += " REMOVE " + ", ".join(note.name(KIND + each) for each in seldom)
        self._update(update, note)

    def _update(self, update: str, note: Expression) -> Forecast:
        with self.table.errors():
            response = self.table.client.update_item(
                TableName=self.table.name,
                Key=encode({"task_id": KEY}),
                UpdateExpression=update,
                ReturnValues="ALL_NEW",
                **note.placeholders(),
            )
        return _forecast(values(response["Attributes"]))


@dataclass(eq=False, repr=False)
class CachedForecast:
    """The forecast for those whom callers wait for: read once in some seconds by each process.

    `clock` gives epoch seconds. None while DynamoDB does not tell it.
    """

    store: ForecastStore
    clock: Callable[[], float]
    _read: Forecast | None = field(default=None, init=False)
    _read_at: float = field(default=-CACHED_SECONDS, init=False)

    def of_use_to(self, task: Task) -> Forecast | None:
        """Return the forecast, up to five seconds old, to a task that waits for a worker.

        What any other is told stands on itself.
        """
        if task.status is not Status.PENDING:
            return None
        now = self.clock()
        if not 0 <= now - self._read_at < CACHED_SECONDS:
            self._read_at = now
            try:
                self._read = self.store.read()
            except ServiceError:
                self._read = None
        return self._read


def _entry(task_id: str, began: float) -> str:
    return f"{task_id} {round(began * 1000)}"


def _forecast(item: dict[str, Any]) -> Forecast:
    started: Sequence[str] = item.get("started", ())
    return Forecast(
        durations={
            name.removeprefix(KIND): known for name, known in item.items() if name.startswith(KIND)
        },
        started={each.split()[0]: int(each.split()[1]) / 1000 for each in started},
        waiting=item.get("waiting", []),
        seen_at=item.get("seen_at", 0) / 1000,
        slots=item.get("slots", 1),
    )
