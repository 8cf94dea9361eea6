"""Use case: turn one claimed task into a video, paying once.

    claim → begin_attempt → POST → accept → watch (poll ⟲, deliver) → complete

A poll, a download or a copy that fails never leads to a POST; `posting` says what a crash between
two steps means. `tests/fault_injection/scenarios.py` names, for a worker's death at each step, the
place that makes it safe.
"""

import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from aws_lambda_powertools import Logger

from videoapi.aws.forecasts import ForecastStore
from videoapi.aws.task_queue import TaskQueue
from videoapi.aws.task_store import TaskStore
from videoapi.domain import transitions
from videoapi.domain.tasks import Task
from videoapi.domain.timestamps import seconds_since, timestamp
from videoapi.errors import GenerationError, ServiceError
from videoapi.metrics import Metrics
from videoapi.providers.errors import Failure, ImageUnavailable, SubmitUnknown
from videoapi.settings import Settings
from videoapi.worker.cancelled_jobs import CancelledJobs
from videoapi.worker.delivery import Delivery
from videoapi.worker.dispatch import Dispatch
from videoapi.worker.endings import reason_to_give_up
from videoapi.worker.forecasting import Forecasting
from videoapi.worker.lease import (
    MESSAGE_MARGIN,
    Lease,
    LeaseLost,
    Message,
    Release,
    Sleep,
    checkpoint,
)
from videoapi.worker.outcomes import Outcomes
from videoapi.worker.posting import Posting
from videoapi.worker.preparation import OrderBuilder
from videoapi.worker.routing import Routing
from videoapi.worker.watch import Watch


@dataclass(kw_only=True)
class Generation:
    """The worker's life with one task; see `run`.

    `clock` gives epoch seconds, `jitter` a factor ≥ 1 on every back-off.
    """

    settings: Settings
    store: TaskStore
    queue: TaskQueue
    webhooks: TaskQueue
    forecasts: ForecastStore
    routing: Routing
    order_builder: OrderBuilder
    delivery: Delivery
    clock: Callable[[], float]
    sleep: Sleep
    jitter: Callable[[], float]
    heartbeat: Callable[[Lease], AbstractContextManager[None]]
    log: Logger
    metrics: Metrics

    def __post_init__(self) -> None:
        """Make the parts that share these adapters."""
        tools = self.clock, self.log, self.metrics
        self._dispatch = Dispatch(self.store, self.queue, self.clock, self.log)
        self._forecasting = Forecasting(
            self.forecasts, self.store, self.settings.video_max_concurrent, self.clock, self.log
        )
        self._cancelled_jobs = CancelledJobs(
            self.store, self.routing, *tools, self.settings.relay_price_micros
        )
        self._posting = Posting(self.settings, self.routing, self.order_builder, *tools)
        parts = self.settings, self.queue, self.webhooks, self.delivery, self.jitter
        self._outcomes = Outcomes(*parts, *tools)

    def run(self, message: Message) -> None:
        """Work on what is due: the message's task, and what waits in the table beside it.

        Returns when the message has served its purpose. What escapes (DynamoDB away) lets the
        message come back after its visibility. A worker that dies is missed when its lease has run
        out: its message comes back then, and any other worker takes the task up as overdue.
        """
        for task_id in self._dispatch.tasks(message):
            self.log.append_keys(task_id=task_id)
            if lease := self._claim(task_id, message):
                self._hold(lease)

    def _claim(self, task_id: str, message: Message) -> Lease | None:
        """Claim a task; return None for one that has ended, or that another worker has."""
        # The clock first: however long the call takes, the message stays hidden beyond the lease.
        seconds, now = self.settings.lease_seconds, self.clock()
        self.queue.hide(message.receipt_handle, seconds=seconds + MESSAGE_MARGIN)
        owner = f"{message.request_id}/{secrets.token_hex(4)}"  # Lambda repeats a request's id
        claim = transitions.claim(owner, now=now, lease_seconds=seconds)
        task = self.store.apply(task_id, claim) or self.store.get(task_id, deleted=True)
        if task is None or task.lease_owner != owner:
            self._pass_by(task, message)
            return None
        if task.claimed_at == timestamp(now):
            self.metrics.claimed(seconds_since(task.created_at, now))
        checkpoint(self.log, "claimed")
        lease = self._lease(task, message)
        lease.expected_seconds = self._forecasting.start(task)
        return lease

    def _pass_by(self, task: Task | None, message: Message) -> None:
        """Leave a task alone that has ended, or that another worker has; stop a job left over."""
        self.log.info("nothing to do: ended, or another worker has it")
        if task is not None and self._cancelled_jobs.unstopped(task):
            now = timestamp(self.clock())
            lease = self._lease(replace(task, lease_until=now), message)
            self._cancelled_jobs.see_off(task, message, lease.wait_hidden)

    def _lease(self, task: Task, message: Message) -> Lease:
        seconds = self.settings.lease_seconds
        return Lease(task, message, self.store, self.queue, seconds, self.clock, self.sleep)

    def _hold(self, lease: Lease) -> None:
        """Work on the task while its lease lasts."""
        try:
            with self.heartbeat(lease):
                try:
                    self._work(lease)
                except ServiceError as away:
                    self._outcomes.set_aside(lease, away)
        except LeaseLost:
            self.log.info("the task was cancelled or taken over")
            if task := self.store.get(lease.task.task_id, deleted=True):
                self._cancelled_jobs.see_off(task, lease.message, lease.wait_hidden, lease.task)

    def _work(self, lease: Lease) -> None:
        """Carry the task as far as it goes now."""
        try:
            if ending := reason_to_give_up(lease.task, self.clock(), self.settings):
                raise ending
            self._posting.ensure_job(lease)
            provider = self.routing.provider_of(lease.task)
            parts = self.settings, provider, self.delivery, self.clock, self.log
            result = Watch(lease, *parts, meanwhile=self._forecasting.look).follow()
        except Release as release:
            self._outcomes.release(lease, release)
        except (Failure, SubmitUnknown, ImageUnavailable) as failure:
            self._outcomes.retry_or_fail(lease, failure)
        except GenerationError as failure:
            self._outcomes.fail(lease, failure)
        else:
            self._outcomes.complete(lease, result)
            self._forecasting.end(lease.task)
