"""Use case: accept a wish exactly once. Order matters: image, then task, then message.

A task that is in the table is accepted: its message is sent now, by a replay, or by the sweeper.
One submit costs one DynamoDB write and one SQS send, and one S3 put when it carries an image (one
HEAD when it names an upload).
"""

import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

from videoapi import addresses, images, transitions, uploads
from videoapi.errors import Conflict, ServiceError, ValidationError
from videoapi.keys import ApiKey
from videoapi.limits import Limiter
from videoapi.measurements import Measurements
from videoapi.queue import TaskQueue
from videoapi.requests import Submission
from videoapi.settings import Settings
from videoapi.storage import Files, Links, input_key, is_own_input
from videoapi.store import Memory, TaskStore
from videoapi.tasks import Dialect, Status, Task, derived_task_id, epoch, new_task_id, timestamp
from videoapi.transitions import MESSAGE_GRACE

RETRY_WINDOW = 15 * 60  # seconds in which an SDK's own retry means its first task
PENDING_GRACE = 120  # seconds that a first message may take before the sweeper looks
LONGEST_KEY = 255


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who submits, when, and what their client says of this being a retry."""

    key: ApiKey
    now: float
    dialect: Dialect = Dialect.DOCUMENT
    idempotency_key: str | None = None
    retry_count: int | None = None  # of an official SDK (`X-Stainless-Retry-Count`), else None
    received_at: float | None = None  # by the gateway, before a cold start of ours

    @property
    def owner(self) -> str:
        """The name of the key: whose task it is."""
        return self.key.name


def caller_of(
    headers: Mapping[str, str],
    key: ApiKey,
    now: float,
    dialect: Dialect,
    *,
    received_at: float | None = None,
) -> Caller:
    """Return what the headers of a submit (lower-case names) say of its being a retry.

    Raises `ValidationError` for an `Idempotency-Key` that is none.
    """
    count = headers.get("x-stainless-retry-count", "")
    return Caller(
        key=key,
        now=now,
        dialect=dialect,
        idempotency_key=_read_key(headers.get("idempotency-key")),
        retry_count=int(count) if re.fullmatch(r"[0-9]{1,4}", count) else None,
        received_at=received_at,
    )


@dataclass(frozen=True)
class Submitted:
    """The task of a submit, and whether an earlier request had already made it."""

    task: Task
    replayed: bool = False
    rate_limit: Mapping[str, str] = field(default_factory=dict)

    @property
    def headers(self) -> dict[str, str]:
        """Headers that tell a client of the replay, and of what its key has left."""
        replay = {"Idempotency-Replayed": "true"} if self.replayed else {}
        return {**self.rate_limit, **replay}


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
        """Take the adapters that `services` made."""
        self._settings = settings
        self._store = store
        self._queue = queue
        self._files = files
        self._links = links
        self._limiter = limiter
        self._measurements = measurements

    def submit(self, submission: Submission, caller: Caller) -> Submitted:
        """Accept a wish, or find the task that an earlier try of the same wish made.

        Raises `ValidationError` (no task written: a bad field, or a key that meant another wish),
        `Conflict` (the task was deleted), `RateLimited`, and `ServiceError` (nothing accepted: a
        retry cannot pay twice).
        """
        image, url, key = self._image(submission, caller)
        source = image.sha256 if image else url or key
        task = self._new_task(submission, caller, _fingerprint(submission, source))
        earlier, memory = self._earlier(task, caller)
        if earlier is not None:
            return self._replay(earlier, task)
        rate_limit = self._limiter.admit(caller.key, task.task_id)
        if image:
            key = input_key(caller.owner, task.task_id, image.sha256, image.extension)
            self._files.put(key, image.data, image.content_type)
        task = replace(task, image_key=key, image_url=url)
        existing = self._create(task, caller, memory)
        if existing is not None:
            return self._replay(existing, task)
        self._send(task)
        self._measurements.accepted()
        return Submitted(task, rate_limit=rate_limit)

    def _create(self, task: Task, caller: Caller, memory: Memory | None) -> Task | None:
        """Put the task. When the answer is lost, make sure that it is not there before saying no.

        If even that stays unclear, only a caller whose repetition is recognised may try again.
        """
        try:
            return self._store.create(task, memory)
        except ServiceError as error:
            try:
                absent = self._store.take_back(task)
            except ServiceError:
                error.retryable = caller.idempotency_key is not None
                raise error from None
            if absent:
                raise
        return None

    def _image(
        self, submission: Submission, caller: Caller
    ) -> tuple[images.Image | None, str | None, str | None]:
        """Return the image as one of: checked bytes, a URL to fetch later, a key of our bucket."""
        given = submission.image
        if given is None:
            return None, None, None
        try:
            if isinstance(given, bytes):
                return images.read_bytes(given), None, None
            if uploads.is_reference(given):
                look = self._files.written_at
                return None, None, uploads.key_of(given, caller.owner, look, now=caller.now)
            if not images.is_url(given):
                return images.read_inline(given), None, None
            own = self._links.key_of(given)
            if own and is_own_input(own, caller.owner):
                return None, None, own
            private = self._settings.image_url_allow_private
            addresses.check_url(given, allow_private=private)
        except ValidationError as exc:
            raise _about(submission.image_param, exc) from exc
        return None, given, None

    def _new_task(self, submission: Submission, caller: Caller, fingerprint: str) -> Task:
        key, now = caller.idempotency_key, timestamp(caller.now)
        return Task(
            task_id=derived_task_id(caller.owner, key) if key else new_task_id(),
            owner=caller.owner,
            status=Status.PENDING,
            created_at=now,
            updated_at=now,
            queued_at=now,
            due_at=timestamp(caller.now + PENDING_GRACE),
            lease_until=timestamp(caller.now - 1),  # free at once, by a worker's clock as well
            request=submission.request,
            dialect=caller.dialect,
            fingerprint=fingerprint,
            submitted_by=secrets.token_hex(8),
        )

    def _earlier(self, task: Task, caller: Caller) -> tuple[Task | None, Memory | None]:
        """Return the task of an earlier try of this wish, and how to remember this one.

        A count of 0 is always a new wish.
        """
        if caller.idempotency_key is not None:  # known to the put; but a replay uses no limit up
            limited = caller.key.limits.any
            return self._store.get(task.task_id, deleted=True) if limited else None, None
        if caller.retry_count is None:
            return None, None
        began = caller.now if caller.received_at is None else caller.received_at
        until, retry = caller.now + RETRY_WINDOW, caller.retry_count > 0
        memory = Memory(began=began, until=until, retry=retry)
        if not retry:
            return None, memory
        twin = self._store.recent_twin(task.owner, task.fingerprint, now=caller.now)
        found = self._store.get(twin, deleted=True) if twin else None
        return found, replace(memory, gone=twin or "")

    def _replay(self, existing: Task, task: Task) -> Submitted:
        if existing.status is Status.PENDING and existing.fingerprint == task.fingerprint:
            existing = self._send_again(existing, epoch(task.created_at))
        if existing.fingerprint != task.fingerprint:
            message = "This Idempotency-Key was used for a different request."
            raise ValidationError(message, code="idempotency_key_reused", param="Idempotency-Key")
        if existing.status is Status.DELETED:
            message = "The video of this request was deleted. Use a new key for a new video."
            raise Conflict(message, code="video_deleted", param="Idempotency-Key")
        return Submitted(existing, replayed=True)

    def _send_again(self, waiting: Task, now: float) -> Task:
        """Send a waiting task's message once more, and return the task as it is then.

        Its first submit, whose own message failed, may be taking it back just now. Whoever writes
        first has it: once touched here, the task stays, and the first submit is accepted, too.
        """
        change = transitions.requeue(waiting, now=now, grace=MESSAGE_GRACE)
        touched = self._store.apply(waiting.task_id, change)
        if touched is not None:
            self._queue.send(waiting.task_id)
            return touched
        current = self._store.get(waiting.task_id, deleted=True)
        if current is None:
            raise ServiceError("The first try of this request was taken back just now. Try again.")
        return current

    def _send(self, task: Task) -> None:
        """Send the first message. If that fails, take the task back and only then say so.

        A task that cannot be taken back (a worker or a replay has it, or the table is away too)
        stays accepted: the sweeper sends its message, and a retry by the caller would pay again.
        """
        try:
            self._queue.send(task.task_id)
        except ServiceError:
            if self._taken_back(task):
                raise

    def _taken_back(self, task: Task) -> bool:
        try:
            return self._store.take_back(task)
        except ServiceError:
            return False


def _read_key(value: str | None) -> str | None:
    """Return an `Idempotency-Key` header's key, quoted (RFC 8941) or bare; 1–255 characters."""
    if value is None:
        return None
    key = value.strip()
    if len(key) > 1 and key.startswith('"') and key.endswith('"'):
        key = key[1:-1]
    if not 1 <= len(key) <= LONGEST_KEY or not key.isprintable():
        message = f"Idempotency-Key: say 1 to {LONGEST_KEY} printable characters"
        raise ValidationError(message, param="Idempotency-Key")
    return key


def _fingerprint(submission: Submission, image: str | None) -> str:
    wish = {**asdict(submission.request), "image": image}
    return hashlib.sha256(json.dumps(wish, sort_keys=True).encode()).hexdigest()


def _about(param: str, error: ValidationError) -> ValidationError:
    """Say which field of this dialect the image came in."""
    detail = {"field": param, "message": error.message, "code": error.code}
    return ValidationError(
        f"{param}: {error.message}", code=error.code, param=param, details=[detail]
    )
