"""Use case: turn one claimed task into a video, paying once.

    claim → intend → POST → accept → watch (poll ⟲, deliver) → complete

A crash at any point leaves a row from which the next worker knows what to do:
before `intend` nothing was paid, so it posts; after `accept` the paid job has an id, so it polls
that job; in between nobody can know, so the task ends as `upstream_submit_unknown` (or posts again
where VEO3_AMBIGUOUS_SUBMIT=retry). A poll, a download or a copy that fails never leads to a POST.

`tests/fault_injection/scenarios.py` names, for a worker's death at each step, the place that makes
it safe.
"""

import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from aws_lambda_powertools import Logger

from videoapi.aws.task_queue import TaskQueue
from videoapi.aws.task_store import TaskStore
from videoapi.domain import transitions
from videoapi.domain.tasks import Task
from videoapi.domain.timestamps import seconds_since, timestamp
from videoapi.errors import GenerationError, ServiceError
from videoapi.metrics import Measurements
from videoapi.providers.errors import Failure, ImageUnavailable, SubmitUnknown
from videoapi.providers.provider import VideoProvider
from videoapi.redaction import redact_prompts
from videoapi.settings import Settings
from videoapi.worker.delivery import Delivery
from videoapi.worker.dispatch import Dispatch
from videoapi.worker.endings import hopeless
from videoapi.worker.lease import MESSAGE_MARGIN, HandOver, Lease, LeaseLost, Message, Sleep
from videoapi.worker.preparation import Inputs, Prepared
from videoapi.worker.retries import Mishap, delay_before_next, set_free
from videoapi.worker.watch import Watch, outlast

# Seconds left, or hand over: 30 to prepare, 10 + 60 + 120 + 30 to connect, send and answer.
ROOM_TO_POST = 260
AWAY_PAUSE = 60.0  # seconds that a task waits for a service of AWS to come back


class Generation:
    """The worker's life with one task; see `run`."""

    def __init__(
        self,
        settings: Settings,
        store: TaskStore,
        queue: TaskQueue,
        relay: VideoProvider,
        inputs: Inputs,
        delivery: Delivery,
        *,
        clock: Callable[[], float],
        sleep: Sleep,
        jitter: Callable[[], float],
        beating: Callable[[Lease], AbstractContextManager[None]],
        log: Logger,
        measurements: Measurements,
    ) -> None:
        """`clock` gives epoch seconds, `jitter` a factor ≥ 1 on every back-off."""
        self._settings = settings
        self._store = store
        self._queue = queue
        self._relay = relay
        self._inputs = inputs
        self._delivery = delivery
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter
        self._beating = beating
        self._log = log
        self._measurements = measurements
        self._retention = settings.task_retention_hours * 3600
        self._dispatch = Dispatch(store, queue, clock=clock, log=log)

    def run(self, message: Message) -> None:
        """Work on what is due: the message's task, and what waits in the table beside it.

        Returns when the message has served its purpose. What escapes (DynamoDB away) lets the
        message come back after its visibility. A worker that dies is missed when its lease has run
        out: its message comes back then, and any other worker takes the task up as overdue.
        """
        for task_id in self._dispatch.tasks(message):
            self._take_up(task_id, message)

    def _take_up(self, task_id: str, message: Message) -> None:
        """Claim a task and carry it as far as it goes now; leave alone what another worker has."""
        self._log.append_keys(task_id=task_id)
        # The clock first: however long the call takes, the message stays hidden beyond the lease.
        seconds, now = self._settings.lease_seconds, self._clock()
        self._queue.hide(message.receipt_handle, seconds=seconds + MESSAGE_MARGIN)
        owner = f"{message.request_id}/{secrets.token_hex(4)}"  # Lambda repeats a request's id
        claim = transitions.claim(owner, now=now, lease_seconds=seconds)
        task = self._store.apply(task_id, claim) or self._store.get(task_id)
        if task is None or task.lease_owner != owner:
            self._log.info("nothing to do: ended, or another worker has it")
            return
        if task.claimed_at == timestamp(now):
            self._measurements.claimed(seconds_since(task.created_at, now))
        self._step("claimed")
        lease = Lease(
            task,
            message,
            self._store,
            self._queue,
            seconds=seconds,
            clock=self._clock,
            sleep=self._sleep,
        )
        try:
            with self._beating(lease):
                self._work(lease)
        except LeaseLost:
            self._log.info("the task was cancelled or taken over")
            self._outlast(lease)

    def _work(self, lease: Lease) -> None:
        try:
            self._carry(lease)
        except ServiceError as away:
            self._set_aside(lease, away)

    def _carry(self, lease: Lease) -> None:
        task, timeout = lease.task, self._settings.video_task_timeout
        try:
            if ending := hopeless(task, self._clock(), timeout):
                raise ending
            self._post(lease)
            result = self._watch(lease).follow()
        except HandOver as later:
            self._hand_over(lease, later)
        except (Failure, SubmitUnknown, ImageUnavailable) as failure:
            self._try_again_or_fail(lease, failure)
        except GenerationError as failure:
            self._fail(lease, failure)
        else:
            self._complete(lease, result)

    def _set_aside(self, lease: Lease, away: ServiceError) -> None:
        """Give the task back while a service of AWS is away: nothing is counted for an outage.

        Raises what it got where that cannot be written either; the lease runs out then.
        """
        self._log.warning("a service is away: the task waits", reason=away.message)
        if lease.task.lease_owner:  # else it is free, its message is not sent, and it is due later
            try:
                self._hand_over(lease, HandOver(AWAY_PAUSE))
            except ServiceError:
                raise away from None

    def _outlast(self, lease: Lease) -> None:
        """Keep the slot while the paid job of a task that was given up runs on at the relay."""
        task = self._store.get(lease.task.task_id, deleted=True)
        if task and task.ended and outlast(lease, task, self._relay, clock=self._clock):
            self._store.apply(task.task_id, transitions.job_ended(now=self._clock()))

    def _watch(self, lease: Lease) -> Watch:
        return Watch(
            lease, self._settings, self._relay, self._delivery, clock=self._clock, log=self._log
        )

    def _post(self, lease: Lease) -> None:
        """Make sure that there is a paid job, posting only if nobody has."""
        task = lease.task
        if task.upstream_id is not None:
            return
        if task.intent_at is not None:
            raise SubmitUnknown("a worker died before it had the answer")
        lease.require(ROOM_TO_POST)
        self._prepare_key()
        prepared = self._inputs.prepare(task)
        try:
            self._intend(lease, prepared)
        except LeaseLost:
            self._inputs.withdraw(prepared, lease.read())
            raise
        self._step("intended")
        accepted = self._relay.submit(prepared.order)
        self._step("answered")
        self._save(lease, accepted.job_id)

    def _prepare_key(self) -> None:
        """Wait with the order while the secret cannot be read; a missing one fails with it."""
        try:
            self._relay.prepare()
        except ServiceError as exc:
            if exc.retryable:
                raise

    def _intend(self, lease: Lease, prepared: Prepared) -> None:
        lease.check()
        change = transitions.intend(
            lease.task,
            now=self._clock(),
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
        self._log.info("the relay accepted", upstream_id=upstream_id)
        saved = lease.write(transitions.accept(task, upstream_id, now=self._clock()))
        self._measurements.paid()
        if saved is None:  # or it was written, the answer lost, and the repetition refused
            saved = lease.read()
        if saved is None or saved.upstream_id != upstream_id:
            lease.write(transitions.accepted_late(upstream_id))
            raise LeaseLost
        if saved.lease_owner != task.lease_owner:
            raise LeaseLost
        lease.task, lease.posting = saved, False
        self._step("accepted")

    def _hand_over(self, lease: Lease, later: HandOver) -> None:
        now = self._clock()
        again_at = now + later.delay
        lease.apply(transitions.release(lease.task, now=now, again_at=again_at, **later.notes))
        self._queue.send(lease.task.task_id, delay=later.delay)
        self._step("handed over")

    def _try_again_or_fail(self, lease: Lease, mishap: Mishap) -> None:
        """Start another attempt later, with the slot free meanwhile, or end the task."""
        task = lease.task
        delay = delay_before_next(task, mishap, self._settings, jitter=self._jitter)
        if delay is None:
            self._fail(lease, mishap)
            return
        now = self._clock()
        lease.apply(set_free(task, mishap, now=now, again_at=now + delay))
        self._queue.send(task.task_id, delay=delay)
        self._measurements.refused()
        detail = _for_the_log(mishap, task)
        self._log.warning(
            "another attempt follows", code=mishap.code, detail=detail, delay=round(delay, 1)
        )

    def _fail(self, lease: Lease, failure: GenerationError) -> None:
        failure.maybe_charged = failure.maybe_charged or lease.task.unknown_submits > 0
        change = transitions.fail(lease.task, failure, now=self._clock(), retention=self._retention)
        task = lease.apply(change)
        if failure.code == "upstream_account_error":
            detail = _for_the_log(failure, task)
            self._log.error("the relay refused our account", detail=detail)
        self._measurements.ended(failure.code)
        self._log.info("failed", code=failure.code, attempts=task.attempts)

    def _complete(self, lease: Lease, result: dict[str, Any]) -> None:
        self._step("finishing")
        now = self._clock()
        result["duration"] = round(seconds_since(lease.task.claimed_at, now), 3)
        change = transitions.complete(lease.task, result, now=now, retention=self._retention)
        try:
            lease.apply(change)
        except LeaseLost:
            self._delivery.withdraw(result, lease)
            raise
        self._measurements.completed(result["duration"])
        self._step("completed")

    def _step(self, name: str) -> None:
        """Log the step, at DEBUG. The fault suite kills the process here, by name."""
        self._log.debug("step", step=name)


def _for_the_log(failure: GenerationError, task: Task) -> str:
    return redact_prompts(failure.detail, task.prompt_sent, task.request.prompt)
