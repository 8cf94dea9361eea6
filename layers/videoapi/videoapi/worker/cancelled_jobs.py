"""Paid jobs whose tasks were given up: stopped where their provider can, and waited for.

A cancel ends its task at once, and its caller waits for no provider. The worker that holds the task
learns of it with its next write to the table; a message wakes another one in case it has died.
"""

from collections.abc import Callable
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from videoapi.aws.task_store import TaskStore
from videoapi.domain import endings, transitions
from videoapi.domain.tasks import Status, Task
from videoapi.domain.timestamps import epoch
from videoapi.providers.errors import JobMissing, PollFailed
from videoapi.providers.provider import CancellableProvider, JobState, VideoProvider
from videoapi.worker.lease import ROOM_TO_FINISH, Message
from videoapi.worker.polling import next_poll
from videoapi.worker.routing import Routing

OVER = (JobState.DONE, JobState.FAILED)


@dataclass(frozen=True)
class CancelledJobs:
    """Sees to the jobs of tasks that nobody waits for any more. `clock` gives epoch seconds."""

    store: TaskStore
    routing: Routing
    clock: Callable[[], float]
    log: Logger

    def see_off(self, task: Task, message: Message, wait: Callable[[float], None]) -> None:
        """Stop the job of a task that was given up, once, and wait while it may run.

        VIDEO_MAX_CONCURRENT bounds the jobs at the providers: a slot whose job runs on is no free
        one. `wait` sleeps with the message hidden.
        """
        if not task.ended:
            return
        job_id, provider = _job_of(task), self.routing.provider_of(task)
        if job_id and (
            self._stopped(task, job_id, provider)
            or self._seen_to_end(task, job_id, provider, message, wait)
        ):
            self.store.apply(task.task_id, endings.job_ended(task, now=self.clock()))

    def unstopped(self, task: Task) -> bool:
        """Whether the job of a task runs on that was given up, and nobody has asked to stop it."""
        return (
            _may_be_stopped(task)
            and _job_of(task) is not None
            and isinstance(self.routing.provider_of(task), CancellableProvider)
        )

    def _stopped(self, task: Task, job_id: str, provider: VideoProvider) -> bool:
        """Ask a provider that can to stop a job; return whether the job has ended by its answer."""
        if not (_may_be_stopped(task) and isinstance(provider, CancellableProvider)):
            return False
        try:
            over = provider.cancel(job_id).state in OVER
        except Exception as exc:  # noqa: BLE001 — it ends by itself, and nobody waits for it
            self.log.warning("the provider was asked in vain to stop a job", reason=str(exc))
            over = False
        else:
            self.log.info("the provider was asked to stop a job", upstream_id=job_id, ended=over)
        self.store.apply(task.task_id, transitions.cancel_asked(now=self.clock()))
        return over

    def _seen_to_end(
        self,
        task: Task,
        job_id: str,
        provider: VideoProvider,
        message: Message,
        wait: Callable[[float], None],
    ) -> bool:
        """Wait while a job may run; return whether it was seen to end."""
        began = epoch(task.accepted_at or task.intent_at or task.updated_at)
        while task.keeps_place(self.clock()) and message.remaining() > ROOM_TO_FINISH:
            progress = None
            try:
                job = provider.poll(job_id)
            except (JobMissing, PollFailed):
                pass
            else:
                if job.state in OVER:
                    return True
                progress = job.progress
            wait(next_poll(self.clock() - began, progress))
        return False


def _may_be_stopped(task: Task) -> bool:
    over = task.done_at or task.job_ended_at or task.cancel_asked_at
    return task.status in (Status.CANCELLED, Status.DELETED) and not over


def _job_of(task: Task) -> str | None:
    return task.upstream_id or next(reversed(task.late_upstream_ids), None)
