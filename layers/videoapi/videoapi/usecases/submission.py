"""Use case: accept a submit exactly once. Order matters: image, then task, then message.

A task that is in the table is accepted, and the submit answers so. The message is a hint that is
sent at once; where SQS does not take it in time, the sweeper's next round sends it.
One submit costs one DynamoDB write and one SQS send, one S3 put when it carries an image (one HEAD
when it names an upload), and one read more where its key has limits.
"""

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import NamedTuple

from videoapi.accounts.rate_limits import Limiter, Quota
from videoapi.aws.table import ConditionFailed
from videoapi.aws.task_queue import TaskQueue
from videoapi.aws.task_store import TaskStore, Unconfirmed
from videoapi.domain import transitions
from videoapi.domain.ids import derived_task_id, new_task_id
from videoapi.domain.tasks import Dialect, GenerationRequest, Status, Task
from videoapi.domain.timestamps import seconds_since, timestamp
from videoapi.domain.transitions import MESSAGE_GRACE, NEVER
from videoapi.errors import Conflict, RateLimited, ServiceError, ValidationError
from videoapi.metrics import Metrics
from videoapi.usecases import sdk_retries
from videoapi.usecases.caller import Caller
from videoapi.usecases.input_images import ImageSource, InputImages, RemoteImage


@dataclass(frozen=True, kw_only=True)
class Submission:
    """What a submit asks for. `image` is as the caller gave it: text, or the bytes of a file."""

    request: GenerationRequest
    image: str | bytes | None
    image_param: str
    dialect: Dialect


MAX_TRIES = 3  # of a submit whose place others took while it made one free


class Submitted(NamedTuple):
    """The task of a submit, and whether an earlier request had already made it."""

    task: Task
    replayed: bool = False
    quota: Quota = Quota()  # left to the key, where this used some


@dataclass(kw_only=True, eq=False, repr=False)
class Submissions:
    """Everything a submit needs; see `submit`."""

    store: TaskStore
    queue: TaskQueue
    images: InputImages
    limiter: Limiter
    measurements: Metrics

    def submit(self, submission: Submission, caller: Caller) -> Submitted:
        """Accept a submit, or find the task that an earlier try of it made.

        Raises `ValidationError` (no task written: a bad field, or a key that meant another
        request), `Conflict` (the task was deleted), `RateLimited`, and `ServiceError` (nothing
        accepted; retryable only where a repetition cannot pay twice).
        """
        source = self.images.source_of(submission.image, caller.owner, param=submission.image_param)
        task = _new_task(submission, caller, source)
        try:
            task, existing, quota = self._create(task, source, submission, caller)
        except (RateLimited, ValidationError) as refusal:
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
        self.measurements.accepted()
        return Submitted(task, quota=quota.counted())

    def _create(
        self, task: Task, source: ImageSource | None, submission: Submission, caller: Caller
    ) -> tuple[Task, Task | None, Quota]:
        """Write the task, unless there is one already; return both, and what the key has left."""
        earlier, record = sdk_retries.earlier(self.store, task, caller)
        if earlier is not None:
            return task, earlier, Quota()
        quota = self.limiter.quota(caller.key, caller.now)
        key = self.images.store(
            source, task.owner, task.task_id, param=submission.image_param, now=caller.now
        )
        url = source.url if isinstance(source, RemoteImage) else None
        task = replace(task, image_key=key, image_url=url)
        others = [record.write(task)] if record else []
        for _ in range(MAX_TRIES):
            try:
                return task, self.store.create(task, *others, *quota.writes(task.task_id)), quota
            except ConditionFailed as failed:
                if failed.name == sdk_retries.NAME:
                    return task, self._other(failed), quota
                self.limiter.reconsider(quota, failed)
        raise ServiceError("The tasks alive of this key change too quickly. Try again.")

    def _other(self, failed: ConditionFailed) -> Task:
        """Return the task of the same submit's other try."""
        found = self.store.get(sdk_retries.task_id_in(failed.item), deleted=True)
        if found is None:
            raise ServiceError("An earlier try of this request has just expired. Try again.")
        return found

    def _known(self, task: Task, caller: Caller) -> Task | None:
        """Return the task of a refused submit's key: a replay uses nothing up."""
        if caller.idempotency_key is None:
            return None
        return self.store.get(task.task_id, deleted=True)

    def _replay(self, existing: Task, task: Task, now: float) -> Submitted:
        if existing.fingerprint != task.fingerprint:
            message = "This Idempotency-Key was used for a different request."
            raise ValidationError(message, code="idempotency_key_reused", param="Idempotency-Key")
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
            with suppress(ServiceError):  # due in a minute all the same
                self.store.apply(task.task_id, transitions.unsent(task, now=now))


def _new_task(submission: Submission, caller: Caller, source: ImageSource | None) -> Task:
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
        fingerprint=_fingerprint(submission, source.identity if source else None),
    )


def _fingerprint(submission: Submission, image: str | None) -> str:
    asked = {**asdict(submission.request), "image": image}
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
