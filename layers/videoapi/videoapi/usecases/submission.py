"""Use case: accept a submit exactly once. Order matters: image, then task, then message.

A task that is in the table is accepted, and the submit answers so. The message is a hint that is
sent at once; where SQS does not take it in time, the sweeper's next round sends it.
One submit costs one DynamoDB write and one SQS send, one S3 put when it carries an image (one HEAD
when it names an upload), and one read more where its key has limits.
"""

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace

from videoapi.accounts.rate_limits import Limiter, Quota
from videoapi.aws.files import Files, input_key, is_own_input
from videoapi.aws.presigned import Links
from videoapi.aws.table import ConditionFailed
from videoapi.aws.task_queue import TaskQueue
from videoapi.aws.task_store import TaskStore, Unconfirmed
from videoapi.domain import transitions
from videoapi.domain.ids import derived_task_id, new_task_id
from videoapi.domain.tasks import Dialect, GenerationRequest, Status, Task
from videoapi.domain.timestamps import seconds_since, timestamp
from videoapi.domain.transitions import MESSAGE_GRACE, NEVER
from videoapi.errors import Conflict, RateLimited, ServiceError, ValidationError, VideoApiError
from videoapi.media import images
from videoapi.metrics import Measurements
from videoapi.net import ssrf
from videoapi.settings import Settings
from videoapi.usecases import sdk_retries, uploads
from videoapi.usecases.caller import Caller
from videoapi.usecases.sdk_retries import RetryRecord


@dataclass(frozen=True, kw_only=True)
class Submission:
    """One accepted wish. `image` is still as the caller gave it: text, or the bytes of a file."""

    request: GenerationRequest
    image: str | bytes | None
    image_param: str
    dialect: Dialect


TRIES = 3  # of a submit whose place others took while it made one free


@dataclass(frozen=True)
class Submitted:
    """The task of a submit, and whether an earlier request had already made it."""

    task: Task
    replayed: bool = False
    quota: Quota = field(default_factory=Quota)  # left to the key, where this used some


@dataclass(frozen=True, kw_only=True)
class _Source:
    """Where the image comes from: at most one of these."""

    data: images.Image | None = None
    url: str | None = None
    key: str | None = None  # in our bucket
    upload: bool = False  # the key's file may not have arrived

    @property
    def identity(self) -> str | None:
        """What tells this image from another, in a fingerprint."""
        return self.data.sha256 if self.data else self.url or self.key


class Submissions:
    """Everything a submit needs; see `submit`."""

    def __init__(
        self,
        settings: Settings,
        store: TaskStore,
        queue: TaskQueue,
        files: Files,
        links: Links,
        limiter: Limiter,
        measurements: Measurements,
    ) -> None:
        """Take the adapters that `bootstrap` made."""
        self._settings = settings
        self._store = store
        self._queue = queue
        self._files = files
        self._links = links
        self._limiter = limiter
        self._measurements = measurements

    def submit(self, submission: Submission, caller: Caller) -> Submitted:
        """Accept a submit, or find the task that an earlier try of it made.

        Raises `ValidationError` (no task written: a bad field, or a key that meant another
        request), `Conflict` (the task was deleted), `RateLimited`, and `ServiceError` (nothing
        accepted; retryable only where a repetition cannot pay twice).
        """
        source = self._source(submission, caller)
        task = _new_task(submission, caller, source)
        try:
            task, existing, quota = self._create(task, source, submission, caller)
        except (RateLimited, ValidationError) as refusal:
            existing = self._known(task, caller)
            if existing is None:
                self._mind_older_one(task, caller, refusal)
                raise
        except ServiceError as refusal:
            if isinstance(refusal, Unconfirmed):
                refusal.retryable = caller.idempotency_key is not None
            else:
                self._mind_older_one(task, caller, refusal)
            raise
        if existing is not None:
            return self._replay(existing, task, caller.now)
        self._send(task, caller.now)
        self._measurements.accepted()
        return Submitted(task, quota=quota.counted())

    def _create(
        self, task: Task, source: _Source, submission: Submission, caller: Caller
    ) -> tuple[Task, Task | None, Quota]:
        """Write the task, unless there is one already; return both, and what the key has left."""
        earlier, record = self._earlier(task, caller)
        if earlier is not None:
            return task, earlier, Quota()
        quota = self._limiter.quota(caller.key, caller.now)
        key = self._kept(source, task, submission, caller)
        task = replace(task, image_key=key, image_url=source.url)
        others = [record.write(task)] if record else []
        for _ in range(TRIES):
            try:
                return task, self._store.create(task, *others, *quota.writes(task.task_id)), quota
            except ConditionFailed as failed:
                if failed.name == sdk_retries.NAME:
                    return task, self._other(failed), quota
                self._limiter.reconsider(quota, failed)
        raise ServiceError("The tasks alive of this key change too quickly. Try again.")

    def _other(self, failed: ConditionFailed) -> Task:
        """Return the task of the same submit's other try."""
        found = self._store.get(sdk_retries.task_id_in(failed.item), deleted=True)
        if found is None:
            raise ServiceError("An earlier try of this request has just expired. Try again.")
        return found

    def _source(self, submission: Submission, caller: Caller) -> _Source:
        """Return the image: checked bytes, a URL to fetch later, or a key of our bucket."""
        given = submission.image
        if given is None:
            return _Source()
        try:
            if isinstance(given, bytes):
                return _Source(data=images.read_bytes(given))
            if uploads.is_reference(given):
                return _Source(key=uploads.key_of(given, caller.owner), upload=True)
            if not images.is_url(given):
                return _Source(data=images.read_inline(given))
            own = self._links.key_of(given)
            if own and is_own_input(own, caller.owner):
                return _Source(key=own)
            private = self._settings.image_url_allow_private
            ssrf.check_url(given, allow_private=private)
        except ValidationError as exc:
            raise _about(submission.image_param, exc) from exc
        return _Source(url=given)

    def _kept(
        self, source: _Source, task: Task, submission: Submission, caller: Caller
    ) -> str | None:
        """See to it that the image is in the bucket, if it is to be there; return its key."""
        if source.data is not None:
            image = source.data
            key = input_key(caller.owner, task.task_id, image.sha256, image.extension)
            self._files.put(key, image.data, image.content_type)
            return key
        if source.key and source.upload:
            try:
                uploads.require(self._files.written_at(source.key), now=caller.now)
            except ValidationError as exc:
                raise _about(submission.image_param, exc) from exc
        return source.key

    def _earlier(self, task: Task, caller: Caller) -> tuple[Task | None, RetryRecord | None]:
        """Return the task of this SDK retry's first try, and how to remember this one.

        A count of 0 is always a new request; a key's earlier task is found by the put itself.
        """
        if caller.idempotency_key is not None or caller.retry_count is None:
            return None, None
        record = RetryRecord(
            began=caller.now if caller.received_at is None else caller.received_at,
            until=caller.now + sdk_retries.WINDOW,
            count=caller.retry_count,
        )
        if not record.count:
            return None, record
        recent = sdk_retries.recent(self._store, task.owner, task.fingerprint, now=caller.now)
        found = self._store.get(recent, deleted=True) if recent else None
        record = replace(record, gone=recent or "")
        return (found if found and record.meant(found) else None), record

    def _known(self, task: Task, caller: Caller) -> Task | None:
        """Return the task of a refused submit's key: a replay uses nothing up."""
        if caller.idempotency_key is None:
            return None
        return self._store.get(task.task_id, deleted=True)

    def _mind_older_one(self, task: Task, caller: Caller, refusal: VideoApiError) -> None:
        """Tell an SDK not to repeat a refused first try that would be taken for an older one's."""
        first = caller.idempotency_key is None and caller.retry_count == 0
        if not first or not refusal.retryable:
            return
        with suppress(ServiceError):
            if sdk_retries.recent(self._store, task.owner, task.fingerprint, now=caller.now):
                refusal.retryable = False

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
            touched = self._store.apply(waiting.task_id, change)
            if touched is None:
                return self._store.get(waiting.task_id, deleted=True) or waiting
            self._send(touched, now)
            return touched
        return waiting

    def _send(self, task: Task, now: float) -> None:
        """Send a task's message. Where that fails, let the sweeper's next round do it."""
        try:
            self._queue.send(task.task_id)
        except ServiceError:
            with suppress(ServiceError):  # due in a minute all the same
                self._store.apply(task.task_id, transitions.unsent(task, now=now))


def _new_task(submission: Submission, caller: Caller, source: _Source) -> Task:
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
        fingerprint=_fingerprint(submission, source.identity),
    )


def _fingerprint(submission: Submission, image: str | None) -> str:
    wish = {**asdict(submission.request), "image": image}
    return hashlib.sha256(json.dumps(wish, sort_keys=True).encode()).hexdigest()


def _about(param: str, error: ValidationError) -> ValidationError:
    """Say which field of this dialect the image came in."""
    return ValidationError.field(param, error.message, code=error.code)
