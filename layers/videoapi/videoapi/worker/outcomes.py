"""What a worker writes when it lets go of a task: a video, an error, or when to go on with it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from aws_lambda_powertools import Logger

from videoapi.aws.table import ConditionFailed
from videoapi.aws.task_queue import TaskQueue
from videoapi.catalog.prices import charged, ordered_seconds
from videoapi.domain import attempts, endings, ledger, transitions
from videoapi.domain.ledger import Caps
from videoapi.domain.tasks import Task
from videoapi.domain.timestamps import seconds_since
from videoapi.errors import GenerationError, ServiceError
from videoapi.metrics import Metrics
from videoapi.providers.errors import Failure, SubmitUnknown
from videoapi.redaction import redact_prompts
from videoapi.settings import Settings
from videoapi.worker.costs import report_cost
from videoapi.worker.delivery import Delivery
from videoapi.worker.endings import AWAY_SECONDS
from videoapi.worker.lease import Lease, LeaseLost, Release, checkpoint
from videoapi.worker.retries import RetryableFailure, delay_before_next, schedule_retry

# The log's words; RelayAccountAlarm and the runbook send people to them.
ACCOUNT_REFUSED: Final = "a provider refused our account"


@dataclass(frozen=True)
class Outcomes:
    """Writes outcomes; `clock` gives epoch seconds, `jitter` a factor ≥ 1 on every back-off."""

    settings: Settings
    queue: TaskQueue
    webhooks: TaskQueue
    delivery: Delivery
    jitter: Callable[[], float]
    clock: Callable[[], float]
    log: Logger
    metrics: Metrics

    def release(self, lease: Lease, release: Release) -> None:
        """Free the task, and send a fresh message: receives of a message count crashes alone."""
        now = self.clock()
        again_at = now + release.delay
        lease.apply(transitions.release(lease.task, now=now, again_at=again_at, **release.notes))
        self.queue.send(lease.task.task_id, delay=release.delay)
        checkpoint(self.log, "handed over")

    def set_aside(self, lease: Lease, away: ServiceError) -> None:
        """Free the task while a service of AWS is away: nothing is counted for an outage.

        Raises what it got where that cannot be written either; the lease runs out then.
        """
        self.log.warning("a service is away: the task waits", reason=away.message)
        if lease.task.lease_owner:  # else it is free, its message is not sent, and it is due later
            try:
                self.release(lease, Release(AWAY_SECONDS))
            except ServiceError:
                raise away from None

    def retry_or_fail(self, lease: Lease, failure: RetryableFailure) -> None:
        """Start another attempt later, with the slot free meanwhile, or end the task."""
        task = lease.task
        delay = delay_before_next(task, failure, self.settings, jitter=self.jitter)
        if delay is None:
            self.fail(lease, failure)
            return
        now = self.clock()
        change = schedule_retry(lease.with_progress(), failure, now=now, again_at=now + delay)
        if isinstance(failure, SubmitUnknown):
            change = attempts.reserving(change, task, self._caps(lease))
        try:
            lease.apply(change)
        except ConditionFailed:
            self.log.warning("no cap has room for another order")
            self.fail(lease, failure)
            return
        self.queue.send(task.task_id, delay=delay)
        self.metrics.refused()
        detail = _loggable(failure, task)
        self.log.warning(
            "another attempt follows",
            code=failure.code,
            provider=task.provider,
            route=task.route,
            detail=detail,
            delay=round(delay, 1),
        )

    def fail(self, lease: Lease, failure: GenerationError) -> None:
        """End the task without a video."""
        failure.maybe_charged = failure.maybe_charged or lease.task.unknown_submits > 0
        charged = self._charged(lease, {} if _was_made(lease.task, failure) else None, failure)
        change = endings.fail(
            lease.task,
            failure,
            now=self.clock(),
            retention=self.settings.retention_seconds,
            charged=charged,
        )
        task = lease.apply(change)
        checkpoint(self.log, "failed")
        self.webhooks.remind(task)
        report_cost(task, self.metrics, self.log)
        if failure.code == "upstream_account_error":
            self.log.error(
                ACCOUNT_REFUSED,
                provider=task.provider,
                route=task.route,
                detail=_loggable(failure, task),
            )
        self.metrics.ended(failure.code)
        self.log.info("failed", code=failure.code, provider=task.provider, attempts=task.attempts)

    def complete(self, lease: Lease, result: dict[str, Any]) -> None:
        """End the task with its video; remove a copy that nobody wants any more."""
        checkpoint(self.log, "finishing")
        now, retention = self.clock(), self.settings.retention_seconds
        result["duration"] = round(seconds_since(lease.task.claimed_at, now), 3)
        charged = self._charged(lease, result)
        ordered = ordered_seconds(lease.task, strict=self.settings.veo3_strict_lengths)
        change = endings.complete(
            lease.task, result, now=now, retention=retention, charged=charged, ordered=ordered
        )
        try:
            task = lease.apply(change)
        except LeaseLost:
            self.delivery.withdraw(result, lease)
            raise
        report_cost(task, self.metrics, self.log)
        self.metrics.completed(result["duration"])
        checkpoint(self.log, "completed")
        self.webhooks.remind(task)

    def _charged(
        self,
        lease: Lease,
        result: Mapping[str, Any] | None,
        failure: GenerationError | None = None,
    ) -> int | None:
        """Return what the task has cost, in micro-dollars; None where nobody knows."""
        return charged(
            lease.task,
            result=result,
            maybe_charged=failure is not None and failure.maybe_charged,
            usage=lease.usage,
            relay_price_micros=self.settings.relay_price_micros,
        )

    def _caps(self, lease: Lease) -> Caps:
        """Return the caps of the day on which a task was accepted.

        The owner's is the lower one of the task's own key and of that day's last capped submit.
        """
        key = ledger.owner_key(lease.task.owner, ledger.day_of(lease.task.created_at))
        known = [lease.task.cost_cap, lease.item(key).get("cap")]
        lower = min((cap for cap in known if cap is not None), default=None)
        return lower, self.settings.daily_budget_micros


def _was_made(task: Task, failure: GenerationError) -> bool:
    """Return whether a video was made and could not be fetched: the job did not fail."""
    return task.done_at is not None and not isinstance(failure, Failure)


def _loggable(failure: GenerationError, task: Task) -> str:
    return redact_prompts(failure.detail, *task.prompts)
