"""What workers note so that callers learn when a video is ready; see `domain.forecast`.

Notes are made where a worker would only wait, and DynamoDB's failures end with them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Final

from aws_lambda_powertools import Logger

from videoapi.aws.forecasts import ForecastStore
from videoapi.aws.task_store import TaskStore
from videoapi.domain.forecast import STALE_SECONDS, Forecast, milliseconds
from videoapi.domain.tasks import Task
from videoapi.domain.timestamps import seconds_since
from videoapi.errors import ServiceError

LOOK_SECONDS: Final = 10.0  # between two looks at the queue
MAX_WAITING: Final = 200  # tasks that a look notes; those behind them get no forecast


@dataclass
class Forecasting:
    """One worker's share in the forecast, while it has one task. `clock` gives epoch seconds.

    Of all workers only the one that claimed last looks at the queue.
    """

    store: ForecastStore
    tasks: TaskStore
    slots: int
    clock: Callable[[], float]
    log: Logger
    _forecast: Forecast | None = None
    _task_id: str = ""
    _looked_at: float = 0.0

    def start(self, task: Task) -> int | None:
        """Note that a task was claimed; return the seconds that its job is expected to take."""
        self._forecast, self._task_id, self._looked_at = None, task.task_id, 0.0
        try:
            self._forecast = self.store.start(task)
        except ServiceError as exc:
            self.log.warning("the forecast is not to be had", reason=exc.message)
            return None
        return self._forecast.expected_seconds(task.request)

    def look(self) -> None:
        """Note who waits, if it is time for that and nobody has claimed a task since."""
        seen, now = self._forecast, self.clock()
        if seen is None or now - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = now
        try:
            self._forecast = self._noted(seen, now)
        except ServiceError as exc:
            self.log.warning("the queue was not looked at", reason=exc.message)
            self._forecast = None

    def end(self, task: Task) -> None:
        """Note how long the job of a task took that has its video now."""
        try:
            self.store.end(task, seconds_since(task.accepted_at, self.clock()))
        except ServiceError as exc:
            self.log.warning("how long the job took was not noted", reason=exc.message)

    def _noted(self, seen: Forecast, now: float) -> Forecast | None:
        """Look, and note what is new; return the forecast, None where others look from now on."""
        open_tasks = islice(self.tasks.unpaid(), MAX_WAITING + len(seen.started))
        waiting = [milliseconds(due) for due, task_id in open_tasks if task_id not in seen.started]
        fresh = now - seen.seen_at < STALE_SECONDS / 3
        if waiting == list(seen.waiting) and (fresh or not waiting):
            return seen
        noted = seen._replace(waiting=waiting[:MAX_WAITING], seen_at=now)
        after = self.store.look(noted, slots=self.slots)
        newest = max(after.started, key=lambda each: after.started[each], default=self._task_id)
        return after if newest == self._task_id else None
