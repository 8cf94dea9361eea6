"""The delivery of one event: read the task, take the event for a try, send it, write the result.

The table decides. A message that comes twice, or at the wrong time, does no harm, and for a lost
one the sweeper sends another. `changes` says what a crash between two steps does.
"""

import secrets
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal

from aws_lambda_powertools import Logger

from videoapi.aws.task_queue import MAX_DELAY, TaskQueue
from videoapi.aws.task_store import TaskStore
from videoapi.domain.tasks import Task, WebhookState
from videoapi.domain.timestamps import timestamp
from videoapi.domain.transitions import Change
from videoapi.errors import ServiceError
from videoapi.metrics import Metrics
from videoapi.net.callbacks import Answer, Callbacks
from videoapi.webhooks import changes, events, signing
from videoapi.webhooks.schedule import MAX_TRIES, delay_after
from videoapi.webhooks.slow_receivers import REST_SECONDS, SlowReceivers

AWAY_SECONDS = 60  # that an event waits for a service of AWS to come back
BROKEN_SECONDS = 3600  # … and for an operator to mend what does not come back by itself
MAX_CLAIMS = MAX_TRIES  # that die, one after the other, without a word of what came of them

type Outcome = WebhookState | Literal["put off"]


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """Sends ended tasks to their webhooks; `clock` gives epoch seconds, `jitter` 0 to 1.

    `signing_secrets` are those of an owner, `video` makes the object of an ended task.
    """

    store: TaskStore
    queue: TaskQueue
    slow_receivers: SlowReceivers
    callbacks: Callbacks
    signing_secrets: Callable[[str], Iterable[str]]
    video: events.Video
    include_prompt: bool
    clock: Callable[[], float]
    jitter: Callable[[], float]
    log: Logger
    metrics: Metrics

    def deliver_all(self, task_ids: Sequence[str]) -> list[bool]:
        """Deliver several at once, so that a slow receiver delays none; return which went well.

        The others are crashes of ours: their messages come back.
        """
        with ThreadPoolExecutor(max(len(task_ids), 1)) as threads:
            futures = [threads.submit(self.deliver, task_id) for task_id in task_ids]
        for each, task_id in zip(futures, task_ids, strict=True):
            if error := each.exception():
                self.log.error("an event could not be delivered", task_id=task_id, exc_info=error)
            self.metrics.webhook("put off" if error else each.result())
        return [each.exception() is None for each in futures]

    def deliver(self, task_id: str) -> Outcome | None:
        """Make one try, if one is due; return the state after it, None where there was none."""
        task, now = self.store.get(task_id, deleted=True), self.clock()
        if task is None or not changes.is_due(task, now=now):
            return None
        if rests_until := self.slow_receivers.rests_until(task.webhook_url or ""):
            return self._wait(task, now, rests_until)
        if task.webhook_claims >= MAX_CLAIMS:
            return self._given_up(task, now)
        taken = self._claimed(task, now)
        if taken is None:
            return None
        self._step("claimed", task_id)
        try:
            response = self._sent(taken, taken.webhook_body or "")
        except ServiceError as away:
            return self._put_off(taken, away)
        self._step("sent", task_id)
        return self._noted(taken, response)

    def _claimed(self, task: Task, now: float) -> Task | None:
        lease = secrets.token_hex(8)
        try:
            body = task.webhook_body or events.body_of(
                task, self.video, include_prompt=self.include_prompt
            )
        except Exception:
            self._apply(task, changes.begin_try(task, lease, None, now=now))  # one that died
            raise
        return self._apply(task, changes.begin_try(task, lease, body, now=now))

    def _given_up(self, task: Task, now: float) -> WebhookState | None:
        """Give up an event of which every try died."""
        entry = f"{timestamp(now)} given up: {task.webhook_claims} tries died"
        given_up = changes.settle(task, "failed", entry, None, now=now)
        if self.store.apply(task.task_id, given_up) is None:
            return None
        self.log.error("an event is given up: every try died", task_id=task.task_id)
        return "failed"

    def _sent(self, task: Task, body: str) -> Answer:
        owners, at, content = self.signing_secrets(task.owner), int(self.clock()), body.encode()
        headers = signing.headers(events.id_of(task), at, content, owners)
        response = self.callbacks.post(task.webhook_url or "", content, headers)
        self.slow_receivers.note(task.webhook_url or "", response.milliseconds)
        return response

    def _wait(self, task: Task, now: float, until: float) -> WebhookState | None:
        """Put off an event whose host hangs, each by a time of its own."""
        again_at = until + REST_SECONDS * self.jitter()
        if self._apply(task, changes.wait(task, now=now, again_at=again_at)) is None:
            return None
        self._remind(task, again_at - now)
        self.log.info("the host hangs: the event waits", task_id=task.task_id)
        return "pending"

    def _noted(self, task: Task, response: Answer) -> WebhookState | None:
        now, tries = self.clock(), len(task.webhook_log) + 1
        reason = response.problem or f"answered {response.status}"
        entry = f"{timestamp(now)} {reason} ({response.milliseconds} ms)"
        delay = delay_after(tries, self.jitter())
        state = _state(response, delay)
        if state == "pending":
            delay = delay or 0
            change = changes.try_later(task, entry, response.status, now=now, again_at=now + delay)
        else:
            change = changes.settle(task, state, entry, response.status, now=now)
        noted = self._apply(task, change)
        self._step("noted", task.task_id)
        if noted is not None and state == "pending":
            self._remind(task, delay or 0)
        log = self.log.info if response.delivered else self.log.warning
        log("event", task_id=task.task_id, state=state, tries=tries, reason=reason)
        return state if noted is not None else None

    def _put_off(self, task: Task, away: ServiceError) -> Outcome:
        now, why = self.clock(), away.message
        self.log.warning("an event waits for us", task_id=task.task_id, reason=why)
        wait = AWAY_SECONDS if away.retryable else BROKEN_SECONDS
        self._apply(task, changes.put_off(task, now=now, again_at=now + wait, problem=why))
        self._remind(task, wait)
        return "put off"

    def _remind(self, task: Task, delay: float) -> None:
        """Send a message for the next try; beyond what SQS can hold back, the sweeper sends it."""
        if delay <= MAX_DELAY:
            with suppress(ServiceError):
                self.queue.send(task.task_id, delay=delay, group=task.owner)

    def _apply(self, task: Task, change: Change) -> Task | None:
        """Make a write; return the task after it, None where another one was first."""
        written = self.store.apply(task.task_id, change)
        if written is None:
            written = self.store.get(task.task_id, deleted=True)
            return written if change.made(written) else None
        return written

    def _step(self, name: str, task_id: str) -> None:
        """Log a step, at DEBUG; the fault suite kills the process here."""
        self.log.debug("step", step=name, task_id=task_id)


def _state(response: Answer, delay: float | None) -> WebhookState:
    if response.delivered:
        return "delivered"
    if response.status == HTTPStatus.GONE:
        return "disabled"
    return "failed" if delay is None else "pending"
