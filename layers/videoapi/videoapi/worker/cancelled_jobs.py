"""Paid jobs whose tasks were given up: stopped where their provider can, and waited for.

A cancel ends its task at once, and its caller waits for no provider. The worker that holds the task
learns of it with its next write to the table; a message wakes another one in case it has died.
"""

from collections.abc import Callable
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from videoapi.aws.task_store import TaskStore
from videoapi.catalog.prices import charged
from videoapi.domain import endings, transitions
from videoapi.domain.tasks import Status, Task
from videoapi.domain.timestamps import epoch
from videoapi.metrics import Metrics
from videoapi.providers.errors import JobMissing, PollFailed
from videoapi.providers.provider import CancellableProvider, Job, JobState, VideoProvider
from videoapi.worker.costs import report_cost
from videoapi.worker.lease import ROOM_TO_FINISH, Message
from videoapi.worker.polling import next_poll
from videoapi.worker.routing import Routing

GIVEN_UP = (Status.CANCELLED, Status.DELETED)
OVER = (JobState.DONE, JobState.FAILED)


@dataclass(frozen=True)
class CancelledJobs:
    """Sees to the jobs of tasks that nobody waits for any more. `clock` gives epoch seconds."""

    store: TaskStore
    routing: Routing
    clock: Callable[[], float]
    log: Logger
    metrics: Metrics
    relay_price_micros: int  # 0: unknown

    def see_off(
        self,
        task: Task,
        message: Message,
        wait: Callable[[float], None],
        held: Task | None = None,
    ) -> None:
        """Stop the job of a task that was given up, once, wait while it may run, and settle it.

        VIDEO_MAX_CONCURRENT bounds the jobs at the providers: a slot whose job runs on is no free
        one. `wait` sleeps with the message hidden. `held` is the task as this worker held it: a
        tombstone does not say what was asked for.
        """
        job_id = _job_of(task)
        if task.ended and job_id is None and held and _was_refused(task, held):
            change = endings.job_ended(task, now=self.clock(), charged=0)
            self.store.apply(task.task_id, change)
        if not task.ended or job_id is None:
            return
        provider = self.routing.provider_of(task)
        job = self._stopped(task, job_id, provider) or self._seen_to_end(
            task, job_id, provider, message, wait
        )
        if job is not None:
            asked = held if held and task.status is Status.DELETED else task
            charged = self._charged(asked, job)
            change = endings.job_ended(task, now=self.clock(), charged=charged)
            settled = self.store.apply(task.task_id, change)
            if settled and change.entries:
                report_cost(settled, self.metrics, self.log)

    def _charged(self, task: Task, job: Job) -> int | None:
        """Return what an ended job has cost, in micro-dollars; None where nobody knows."""
        made = {"actual": {"seconds": job.seconds, "size": job.size}}
        return charged(
            task,
            result=None if job.failure else made,
            maybe_charged=job.failure is not None and job.failure.maybe_charged,
            usage=job.usage,
            relay_price_micros=self.relay_price_micros,
        )

    def unstopped(self, task: Task) -> bool:
        """Return whether the job of a cancelled task runs, and nobody has asked to stop it."""
        return (
            _may_be_stopped(task)
            and _job_of(task) is not None
            and isinstance(self.routing.provider_of(task), CancellableProvider)
        )

    def _stopped(self, task: Task, job_id: str, provider: VideoProvider) -> Job | None:
        """Ask a provider that can to stop a job; return the job if it has ended by its answer."""
        if not (_may_be_stopped(task) and isinstance(provider, CancellableProvider)):
            return None
        over = None
        try:
            job = provider.cancel(job_id)
        except Exception as exc:  # noqa: BLE001 — it ends by itself, and nobody waits for it
            self.log.warning("the provider was asked in vain to stop a job", reason=str(exc))
        else:
            over = job if job.state in OVER else None
            ended = over is not None
            self.log.info("the provider was asked to stop a job", upstream_id=job_id, ended=ended)
        self.store.apply(task.task_id, transitions.cancel_asked(now=self.clock()))
        return over

    def _seen_to_end(
        self,
        task: Task,
        job_id: str,
        provider: VideoProvider,
        message: Message,
        wait: Callable[[float], None],
    ) -> Job | None:
        """Wait while a job may run; return it if it was seen to end.

        One that had said done before its task was given up is asked once, for what it has cost.
        """
        began = epoch(task.accepted_at or task.intent_at or task.updated_at)
        unsettled = task.done_at is not None and task.status in GIVEN_UP and not task.job_ended_at
        while message.remaining() > ROOM_TO_FINISH and (
            unsettled or task.keeps_place(self.clock())
        ):
            progress = None
            try:
                job = provider.poll(job_id)
            except (JobMissing, PollFailed):
                pass
            else:
                if job.state in OVER:
                    return job
                progress = job.progress
            if unsettled:
                break
            wait(next_poll(self.clock() - began, progress))
        return None


def _may_be_stopped(task: Task) -> bool:
    over = task.done_at or task.job_ended_at or task.cancel_asked_at
    return task.status in GIVEN_UP and not over


def _was_refused(task: Task, held: Task) -> bool:
    """Return whether a worker got a refusal of the order that a row still tells as begun."""
    return (held.intent_at, held.attempts) == (None, task.attempts) and task.intent_at is not None


def _job_of(task: Task) -> str | None:
    return task.upstream_id or next(reversed(task.late_upstream_ids), None)
