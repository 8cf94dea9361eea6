"""The one POST of an attempt: written down before it is sent, and what it brought right after it.

A crash at any point leaves a row from which the next worker knows what to do:
before `begin_attempt` nothing was paid, so it posts; after `accept` the paid job has an id, so it
polls that job; in between nobody can know, so the task ends as `upstream_submit_unknown` (or posts
to the relay again where VEO3_AMBIGUOUS_SUBMIT=retry).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from aws_lambda_powertools import Logger

from videoapi.catalog.routes import Route
from videoapi.domain import attempts, transitions
from videoapi.errors import ServiceError
from videoapi.metrics import Metrics
from videoapi.providers.errors import SubmitRefused, SubmitUnknown
from videoapi.providers.provider import VideoProvider
from videoapi.redaction import redact_prompts
from videoapi.settings import Settings
from videoapi.worker.lease import ROOM_TO_WORK, Lease, LeaseLost, checkpoint
from videoapi.worker.preparation import OrderBuilder, PreparedOrder
from videoapi.worker.retries import retries_left
from videoapi.worker.routing import Routing

MAX_IDS = 4  # of an answer that is no acceptance


@dataclass(frozen=True)
class Posting:
    """Orders the job of a task; `clock` gives epoch seconds."""

    settings: Settings
    routing: Routing
    order_builder: OrderBuilder
    clock: Callable[[], float]
    log: Logger
    metrics: Metrics

    def ensure_job(self, lease: Lease) -> None:
        """Make sure that there is a paid job, posting only if nobody has."""
        task = lease.task
        if task.upstream_id is not None:
            return
        if task.intent_at is not None:
            raise SubmitUnknown("a worker died before it had the answer")
        while not self._post(lease):
            pass

    def _post(self, lease: Lease) -> bool:
        """Post once; return whether the order was accepted, False where the next route follows.

        Raise `SubmitRefused` where no other attempt follows at once, and `SubmitUnknown`.
        """
        lease.require(ROOM_TO_WORK)
        route, rested = self.routing.choose(lease.task)
        provider = self.routing.provider(route.provider, None)
        _prepare(provider)
        prepared = self.order_builder.prepare(lease.task, route)
        try:
            self._begin_attempt(lease, prepared, route, provider)
        except LeaseLost:
            self.order_builder.withdraw(prepared, lease.read())
            raise
        checkpoint(self.log, "intended")
        lease.check()
        try:
            accepted = provider.submit(prepared.order)
        except SubmitUnknown as unknown:
            _keep(lease, unknown.job_ids)
            raise
        except SubmitRefused as refusal:
            lease.task = replace(lease.task, intent_at=None)  # for the write that releases it
            _keep(lease, refusal.job_ids)
            self._go_on(lease, route, refusal)
            return False
        checkpoint(self.log, "answered")
        self._save(lease, accepted.job_id)
        if rested:
            self.routing.took_order(route)
        return True

    def _go_on(self, lease: Lease, refused: Route, refusal: SubmitRefused) -> None:
        """Turn to the next route, if the refusal is the provider's own and one is left."""
        task = lease.task
        detail = redact_prompts(refusal.detail, *task.prompts)
        self.routing.refused(refused, refusal, detail)
        if not (refusal.elsewhere and retries_left(task, self.settings)):
            raise refusal
        following = self.routing.after(task, refused)
        if following is None:
            refusal.another_route = self.routing.another(task, refused)
            raise refusal
        checkpoint(self.log, "refused")
        change = attempts.next_route(task, str(following), now=self.clock(), code=refusal.code)
        lease.apply(change)
        lease.posting = False
        checkpoint(self.log, "rerouted")
        self.metrics.refused()
        self.log.warning(
            "the next route follows", code=refusal.code, detail=detail, route=str(following)
        )

    def _begin_attempt(
        self, lease: Lease, prepared: PreparedOrder, route: Route, provider: VideoProvider
    ) -> None:
        lease.check()
        change = transitions.begin_attempt(
            lease.task,
            now=self.clock(),
            to=transitions.Destination(
                route=str(route), provider=route.provider, model=route.model, url=provider.address
            ),
            prompt=prepared.order.prompt,
            optimized=prepared.optimized,
            thumbnail_key=prepared.thumbnail_key,
            image_note=prepared.image_note,
            expected_seconds=lease.expected_seconds,
        )
        try:
            lease.apply(change)
        finally:
            lease.posting = True  # so the table may say, also where its answer was lost

    def _save(self, lease: Lease, upstream_id: str) -> None:
        """Save the paid job's id: in its place, or beside a task that has no place for it now."""
        task = lease.task
        self.log.info("the order was accepted", upstream_id=upstream_id, provider=task.provider)
        saved = lease.write(transitions.accept(task, upstream_id, now=self.clock()))
        self.metrics.paid()
        if saved is None:  # or it was written, the answer lost, and the repetition refused
            saved = lease.read()
        if saved is None or saved.upstream_id != upstream_id:
            lease.write(transitions.accepted_late(upstream_id))
            raise LeaseLost
        if saved.lease_owner != task.lease_owner:
            raise LeaseLost
        lease.task, lease.posting = saved, False
        checkpoint(self.log, "accepted")


def _keep(lease: Lease, job_ids: tuple[str, ...]) -> None:
    """Save what an answer that is no acceptance names: by it the provider's bill may know a job."""
    known = lease.task.failed_upstream_ids
    for job_id in [each for each in job_ids if each not in known][:MAX_IDS]:
        lease.write(attempts.named(job_id))


def _prepare(provider: VideoProvider) -> None:
    """Wait with the order while the secret cannot be read; a missing one fails with it."""
    try:
        provider.prepare()
    except ServiceError as exc:
        if exc.retryable:
            raise
