"""The one POST of an attempt: written down before it is sent, and what it brought right after it.

A crash at any point leaves a row from which the next worker knows what to do:
before `begin_attempt` nothing was paid, so it posts; after `accept` the paid job has an id, so it
polls that job; in between nobody can know, so the task ends as `upstream_submit_unknown` (or posts
again where VEO3_AMBIGUOUS_SUBMIT=retry).
"""

from collections.abc import Callable
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from videoapi.domain import transitions
from videoapi.errors import ServiceError
from videoapi.metrics import Metrics
from videoapi.providers.errors import SubmitUnknown
from videoapi.providers.provider import VideoProvider
from videoapi.worker.lease import ROOM_TO_WORK, Lease, LeaseLost, checkpoint
from videoapi.worker.preparation import OrderBuilder, PreparedOrder


@dataclass(frozen=True)
class Posting:
    """Orders the job of a task; `clock` gives epoch seconds."""

    provider: VideoProvider
    order_builder: OrderBuilder
    clock: Callable[[], float]
    log: Logger
    measurements: Metrics

    def ensure_job(self, lease: Lease) -> None:
        """Make sure that there is a paid job, posting only if nobody has."""
        task = lease.task
        if task.upstream_id is not None:
            return
        if task.intent_at is not None:
            raise SubmitUnknown("a worker died before it had the answer")
        lease.require(ROOM_TO_WORK)
        self._prepare_key()
        prepared = self.order_builder.prepare(task)
        try:
            self._begin_attempt(lease, prepared)
        except LeaseLost:
            self.order_builder.withdraw(prepared, lease.read())
            raise
        checkpoint(self.log, "intended")
        accepted = self.provider.submit(prepared.order)
        checkpoint(self.log, "answered")
        self._save(lease, accepted.job_id)

    def _prepare_key(self) -> None:
        """Wait with the order while the secret cannot be read; a missing one fails with it."""
        try:
            self.provider.prepare()
        except ServiceError as exc:
            if exc.retryable:
                raise

    def _begin_attempt(self, lease: Lease, prepared: PreparedOrder) -> None:
        lease.check()
        change = transitions.begin_attempt(
            lease.task,
            now=self.clock(),
            prompt=prepared.order.prompt,
            optimized=prepared.optimized,
            thumbnail_key=prepared.thumbnail_key,
            image_note=prepared.image_note,
        )
        try:
            lease.apply(change)
        finally:
            lease.posting = True  # so the table may say, also where its answer was lost

    def _save(self, lease: Lease, upstream_id: str) -> None:
        """Save the paid job's id: in its place, or beside a task that has no place for it now."""
        task = lease.task
        self.log.info("the relay accepted", upstream_id=upstream_id)
        saved = lease.write(transitions.accept(task, upstream_id, now=self.clock()))
        self.measurements.paid()
        if saved is None:  # or it was written, the answer lost, and the repetition refused
            saved = lease.read()
        if saved is None or saved.upstream_id != upstream_id:
            lease.write(transitions.accepted_late(upstream_id))
            raise LeaseLost
        if saved.lease_owner != task.lease_owner:
            raise LeaseLost
        lease.task, lease.posting = saved, False
        checkpoint(self.log, "accepted")
