"""Use case: accept a submit exactly once. Order matters: images, then task, then message.

A task that is in the table is accepted, and the submit answers so. The message is a hint that is
sent at once; where SQS does not take it in time, the sweeper's next round sends it.
One submit costs one DynamoDB write and one SQS send, one S3 put for each image it carries (one HEAD
for each upload it names), and one read more where its key has limits.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from videoapi.accounts.rate_limits import Limiter, Quota
from videoapi.aws.table import ConditionFailed
from videoapi.aws.task_queue import TaskQueue
from videoapi.aws.task_store import TaskStore, Unconfirmed
from videoapi.catalog.fitting import FIRST_FRAME, ROLES, Demand, Fit, Unsupported, fit, possible
from videoapi.catalog.prices import Quote, quote
from videoapi.catalog.routes import Route, routes_of
from videoapi.domain import ledger, transitions
from videoapi.domain.ids import derived_task_id, new_task_id
from videoapi.domain.ledger import Caps, Entry
from videoapi.domain.tasks import Dialect, GenerationRequest, Status, Task
from videoapi.domain.timestamps import seconds_since, timestamp
from videoapi.domain.transitions import MESSAGE_GRACE, NEVER
from videoapi.errors import Conflict, PaymentRequired, RateLimited, ServiceError, ValidationError
from videoapi.metrics import Metrics
from videoapi.net import ssrf
from videoapi.usecases import sdk_retries
from videoapi.usecases.caller import Caller
from videoapi.usecases.input_images import InputImages, RequestedImage, Sources


class Submission(NamedTuple):
    """What a submit asks for: the first frame first, then the last one, or references.

    `names` are what the caller calls fields that it calls otherwise than `GenerationRequest`.
    """

    request: GenerationRequest
    dialect: Dialect
    images: tuple[RequestedImage, ...] = ()
    names: Mapping[str, str] = MappingProxyType({})
    webhook_url: str | None = None


ADDED = ("size_named", "negative_prompt", "seed", "generate_audio")  # after the first version
WEBHOOK = "webhook_url"
NO_CAPS = (None, None)
MAX_TRIES = 3  # of a submit whose place others took while it made one free


class Submitted(NamedTuple):
    """The task of a submit, and whether an earlier request had already made it."""

    task: Task
    replayed: bool = False
    quota: Quota = Quota()  # left to the key, where this used some


class Preview(NamedTuple):
    """What a submit would order: from whom, what that makes of it, and what it costs."""

    route: Route
    made: Fit
    quote: Quote


@dataclass(kw_only=True, eq=False, repr=False)
class Submissions:
    """Everything a submit needs; see `submit`."""

    store: TaskStore
    queue: TaskQueue
    images: InputImages
    limiter: Limiter
    metrics: Metrics
    routes: Mapping[str, tuple[Route, ...]] = field(default_factory=dict)
    strict_lengths: bool = False
    relay_price_micros: int = 0  # unknown
    private_webhooks: bool = False  # http and private addresses too: for local work
    daily_budget: int | None = None  # of the stack, in micro-dollars

    def submit(self, submission: Submission, caller: Caller) -> Submitted:
        """Accept a submit, or find the task that an earlier try of it made.

        Raises `ValidationError` (no task written: a bad field, or a key that meant another
        request), `Conflict` (the task was deleted), `RateLimited`, `PaymentRequired`, and
        `ServiceError` (nothing accepted; retryable only where a repetition cannot pay twice).
        """
        sources = self.images.sources_of(submission.images, caller.owner)
        self._check_webhook(submission)
        task = _new_task(submission, caller, sources)
        try:
            task, existing, quota = self._create(task, sources, submission, caller)
        except (RateLimited, ValidationError, PaymentRequired) as refusal:
            existing = self._known(task, caller)
            if existing is None:
                sdk_retries.forbid_ambiguous_retry(self.store, task, caller, refusal)
                raise
        except ServiceError as refusal:
            if isinstance(refusal, Unconfirmed):
                refusal.retryable = caller.idempotency_key is not None
            else:
                sdk_retries.forbid_ambiguous_retry(self.store, task, caller, refusal)
            raise
        if existing is not None:
            return self._replay(existing, task, caller.now)
        self._send(task, caller.now)
        self.metrics.accepted()
        return Submitted(task, quota=quota.counted())

    def preview(self, submission: Submission, caller: Caller) -> Preview:
        """Return what a submit would order. Raise as it does, but for limits; write nothing."""
        sources = self.images.sources_of(submission.images, caller.owner)
        self._check_webhook(submission)
        self.images.require_uploads(sources, now=caller.now)
        able, demand = self._able(submission)
        made = fit(able[0], demand, strict=self.strict_lengths)
        return Preview(able[0], made, self._quote(able, demand))

    def _create(
        self, task: Task, sources: Sources, submission: Submission, caller: Caller
    ) -> tuple[Task, Task | None, Quota]:
        """Write the task, unless there is one already; return both, and what the key has left."""
        earlier, record = sdk_retries.earlier(self.store, task, caller)
        if earlier is not None:
            return task, earlier, Quota()
        price = self._quote(*self._able(submission))
        caps = caller.key.limits.usd_per_day, self.daily_budget
        task, entries = _reserving(task, price, caps)
        quota = self.limiter.quota(caller.key, caller.now, entries)
        task = self.images.store(sources, task, now=caller.now)
        others = [record.write(task)] if record else []
        for _ in range(MAX_TRIES):
            try:
                counts = quota.writes(task.task_id)
                return task, self.store.create(task, *others, *entries, *counts), quota
            except ConditionFailed as failed:
                if failed.name == sdk_retries.NAME:
                    return task, _other(self.store, failed), quota
                self.limiter.reconsider(quota, failed)
        raise ServiceError("The tasks alive of this key change too quickly. Try again.")

    def _able(self, submission: Submission) -> tuple[tuple[Route, ...], Demand]:
        """Return the routes that can make it; raise `ValidationError` where there is none."""
        routes = routes_of(self.routes, submission.request.model)
        demand = Demand.of(submission.request, tuple(each.role for each in submission.images))
        try:
            return possible(routes, demand, strict=self.strict_lengths), demand
        except Unsupported as problem:
            raise _unsupported(problem, submission) from problem

    def _quote(self, able: Sequence[Route], demand: Demand) -> Quote:
        return quote(
            able, demand, strict=self.strict_lengths, relay_price_micros=self.relay_price_micros
        )

    def _check_webhook(self, submission: Submission) -> None:
        """Raise `ValidationError` for an address that nothing is sent to, by its text alone."""
        if submission.webhook_url is not None:
            try:
                ssrf.require_webhook(submission.webhook_url, allow_private=self.private_webhooks)
            except ValueError as problem:
                name = submission.names.get(WEBHOOK, WEBHOOK)
                raise ValidationError.field(name, f"The URL {problem}") from None

    def _known(self, task: Task, caller: Caller) -> Task | None:
        """Return the task of a refused submit's key: a replay uses nothing up."""
        if caller.idempotency_key is None:
            return None
        return self.store.get(task.task_id, deleted=True)

    def _replay(self, existing: Task, task: Task, now: float) -> Submitted:
        if existing.fingerprint != task.fingerprint:
            message = "This Idempotency-Key was used for a different request."
            raise ValidationError(
                message,
                code="idempotency_key_reused",
                param="Idempotency-Key",
                headers={"Location": f"/api/v1/tasks/{existing.task_id}"},
            )
        if existing.status is Status.PENDING:
            existing = self._reminded(existing, now)
        if existing.status is Status.DELETED:
            message = "The video of this request was deleted. Use a new key for a new video."
            raise Conflict(message, code="video_deleted", param="Idempotency-Key")
        return Submitted(existing, replayed=True)

    def _reminded(self, waiting: Task, now: float) -> Task:
        """Send a waiting task's message again if the last is old; return the task as it is then.

        Not earlier than the sweeper would, or a caller could flood the queue with replays.
        """
        if seconds_since(waiting.queued_at, now) < MESSAGE_GRACE:
            return waiting
        with suppress(ServiceError):  # accepted it is, and the sweeper will come
            change = transitions.requeue(waiting, now=now, grace=MESSAGE_GRACE)
            touched = self.store.apply(waiting.task_id, change)
            if touched is None:
                return self.store.get(waiting.task_id, deleted=True) or waiting
            self._send(touched, now)
            return touched
        return waiting

    def _send(self, task: Task, now: float) -> None:
        """Send a task's message. Where that fails, let the sweeper's next round do it."""
        try:
            self.queue.send(task.task_id)
        except ServiceError:
            with suppress(ServiceError):  # else the sweeper sends it in a minute
                self.store.apply(task.task_id, transitions.unsent(task, now=now))


def _other(store: TaskStore, failed: ConditionFailed) -> Task:
    """Return the task of the same submit's other try."""
    found = store.get(sdk_retries.task_id_in(failed.item), deleted=True)
    if found is None:
        raise ServiceError("An earlier try of this request has just expired. Try again.")
    return found


def _reserving(task: Task, price: Quote, caps: Caps) -> tuple[Task, tuple[Entry, ...]]:
    """Return a task with its price, and what its reserve adds to the ledger.

    Raise `PaymentRequired` where a cap cannot be kept, because nobody knows the price.
    """
    task = task.having(
        cost_estimated=price.estimated,
        cost_reserved=price.reserve,
        cost_cap=caps[0],
        in_budget=None if caps[1] is None else 1,
    )
    if price.reserve is None and caps != NO_CAPS:
        from videoapi.accounts.budgets import no_price  # noqa: PLC0415 — few callers have a cap

        raise no_price(task)
    return task, ledger.reserved(task, price.reserve or 0, caps)


def _new_task(submission: Submission, caller: Caller, sources: Sources) -> Task:
    key, now = caller.idempotency_key, timestamp(caller.now)
    return Task(
        task_id=derived_task_id(caller.owner, key) if key else new_task_id(),
        owner=caller.owner,
        status=Status.PENDING,
        created_at=now,
        updated_at=now,
        queued_at=now,
        due_at=timestamp(caller.now + MESSAGE_GRACE),
        lease_until=NEVER,
        request=submission.request,
        dialect=caller.dialect,
        fingerprint=_fingerprint(submission, sources),
        webhook_url=submission.webhook_url or caller.key.webhook_url,
    )


def _unsupported(problem: Unsupported, submission: Submission) -> ValidationError:
    role = ROLES.get(problem.field)
    images = (each.param.partition(".")[0] for each in submission.images if each.role == role)
    name = next(images, submission.names.get(problem.field, problem.field))
    error = ValidationError.field(name, str(problem), code="unsupported_value")
    error.details = [{**each, "allowed": list(problem.legal)} for each in error.details or ()]
    return error


def _fingerprint(submission: Submission, sources: Sources) -> str:
    """Return what tells a request from another.

    What was added later counts only where it is said: a request keeps its fingerprint over updates.
    """
    asked = dict(vars(submission.request))
    for name in ADDED:
        if name == "size_named" or asked[name] is None:
            del asked[name]
    identities = [(image.role, source.identity) for image, source in sources]
    asked["image"] = next((each for role, each in identities if role == FIRST_FRAME), None)
    if more := [each for each in identities if each[0] != FIRST_FRAME]:
        asked["more_images"] = more
    if submission.webhook_url is not None:  # else a second address would be dropped in silence
        asked[WEBHOOK] = submission.webhook_url
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
