"""What is told of an open task's future: its progress, its place in the queue, its end. Pure.

A provider that tells no progress leaves an estimate: the time since the acceptance over the time
that such videos took lately. What nobody knows is None, never a guess.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from math import ceil
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from videoapi.domain.tasks import GenerationRequest, Status, Task
from videoapi.domain.timestamps import epoch

type Source = Literal["provider", "estimate"]

USUAL_SECONDS: Final = 60  # of a job of whose kind none has ended yet: Veo takes 30 to 90 s
MAX_ESTIMATE: Final = 95  # percent: only the provider knows that a job has come to its end
OVERDUE: Final = 0.1  # the share of its own time that a job is given which takes longer than usual
WRITE_SECONDS: Final = 1.0  # that a write of a task may take
STALE_SECONDS: Final = 90.0  # after which a look at the queue tells nothing any more


class Forecast(NamedTuple):
    """What the workers noted for all tasks: how long videos take, and who waits in which order.

    `durations` are the seconds from acceptance to end of the last videos of each kind; `started`
    tells when (epoch seconds) the tasks claimed last were first claimed, `waiting` the `due_at`
    (epoch milliseconds) of the tasks that waited for a worker at `seen_at`, in their order.
    """

    durations: Mapping[str, Sequence[int]] = MappingProxyType({})
    started: Mapping[str, float] = MappingProxyType({})
    waiting: Sequence[int] = ()
    seen_at: float = 0.0
    slots: int = 1

    def expected_seconds(self, request: GenerationRequest) -> int | None:
        """Return how long such a job takes, as a rule; None where none has ended yet."""
        known = self.durations.get(kind_of(request))
        return _median(known) if known else None

    def position(self, task: Task, *, now: float) -> int | None:
        """Return how many tasks are served before this one; None where that is unknown.

        A task that was claimed since the look stood before it.
        """
        if task.status is Status.PROCESSING:
            return 0
        if task.status is not Status.PENDING or task.due_at is None:
            return None
        if not epoch(task.queued_at) <= self.seen_at <= now < self.seen_at + STALE_SECONDS:
            return None
        due = milliseconds(task.due_at)
        place = bisect_left(self.waiting, due)
        if self.waiting[place : place + 1] != [due]:
            return None
        return max(place - sum(at > self.seen_at for at in self.started.values()), 0)

    def seconds_to_start(self, position: int, *, now: float) -> float | None:
        """Return when the task at a position gets its slot; None where nothing has ended yet.

        The slots serve in order. Each is taken to be held for as long as videos took lately.
        """
        every = [seconds for known in self.durations.values() for seconds in known]
        if not every:
            return None
        takes = _median(every)
        rounds, place = divmod(position, self.slots)
        running = sorted(self.started.values())[-self.slots :]
        if len(running) < self.slots:  # more slots than starts are kept of: they end evenly
            return takes * (position + 1) / self.slots
        return max(running[place] + takes - now, 0) + rounds * takes


def kind_of(request: GenerationRequest) -> str:
    """Return what videos take alike long: those of one model, length and size."""
    return f"{request.model[:60]} {request.seconds or 0} {request.size}"


def milliseconds(instant: str) -> int:
    """Return a timestamp as epoch milliseconds."""
    return round(epoch(instant) * 1000)


def source_of(task: Task) -> Source:
    """Return who says the progress: the provider, or our estimate."""
    by_provider = task.status is Status.COMPLETED or task.progress_source == "provider"
    return "provider" if by_provider else "estimate"


def progress_of(task: Task, *, now: float) -> int:
    """Return the progress in percent. It never goes back, whatever its source."""
    return max(task.progress, _estimate(task, now))


def eta_seconds(task: Task, *, now: float, forecast: Forecast | None = None) -> int | None:
    """Return in how many seconds an open task ends; None until such a one has ended."""
    if task.status is Status.PROCESSING:
        return None if task.expected_seconds is None else ceil(seconds_left(task, now=now) or 1)
    position = forecast.position(task, now=now) if forecast else None
    if forecast is None or position is None:
        return None
    takes, waits = (
        forecast.expected_seconds(task.request),
        forecast.seconds_to_start(position, now=now),
    )
    return None if takes is None or waits is None else ceil(waits + takes)


def seconds_left(task: Task, *, now: float) -> float | None:
    """Return how long the job of a task runs on; None where neither it nor others tell.

    By its own progress as it stood when it was written, else by the time that others took.
    """
    began, takes = task.accepted_at or task.claimed_at, task.expected_seconds
    if began is None:
        return None
    elapsed = max(now - epoch(began), 0.0)
    if task.progress > 0 and task.progress_source != "estimate":
        whole = (epoch(task.updated_at) - epoch(began)) * 100 / task.progress
        return max(whole - elapsed, 1.0)
    if takes is None:
        return None
    return max(takes - elapsed, OVERDUE * elapsed, 1.0)


def progress_at_write(task: Task, *, now: float) -> int:
    """Return the progress to write: no less than readers see until the write is done."""
    return progress_of(task, now=now + WRITE_SECONDS)


def _median(seconds: Sequence[int]) -> int:
    return sorted(seconds)[len(seconds) // 2]  # `statistics` costs a cold start 5 ms


def _estimate(task: Task, now: float) -> int:
    """Return the estimated progress; 0 where there is no job, or its provider tells its own."""
    if task.progress_source != "estimate" or task.accepted_at is None:
        return 0
    until = min(now, epoch(task.completed_at)) if task.completed_at else now
    elapsed = max(until - epoch(task.accepted_at), 0.0)
    return min(int(100 * elapsed / (task.expected_seconds or USUAL_SECONDS)), MAX_ESTIMATE)
