"""One paid job, watched to its end: poll, deliver, or wait, in one loop with one deadline.

    poll ─▶ running               wait as long as its progress makes sensible
          ▶ failed, or not known  poll again; `evidence` says when that is certain
          ▶ nothing about the job poll again
          ▶ done                  deliver; what cannot be had yet is asked for after a pause

VIDEO_TASK_TIMEOUT counts from the acceptance of the job that is looked at. Nothing here orders a
job; what is raised says whether another one may be.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools import Logger

from videoapi.aws.task_queue import MAX_DELAY
from videoapi.domain import transitions
from videoapi.domain.tasks import Task
from videoapi.domain.timestamps import epoch, seconds_since, timestamp
from videoapi.errors import GenerationError
from videoapi.providers.errors import JobMissing, PollFailed
from videoapi.providers.provider import Job, VideoProvider
from videoapi.settings import Settings
from videoapi.worker.delivery import Delivery, Undelivered, account_refused, linked_result
from videoapi.worker.evidence import MAX_HOLD_SECONDS, Evidence
from videoapi.worker.lease import ROOM_TO_FINISH, ROOM_TO_WORK, Lease, Release, checkpoint
from videoapi.worker.polling import next_poll

MAX_PAUSE_SECONDS = 60.0  # between two tries to get a finished video
CONTENT_REFUSED = frozenset({"content_policy_violation", "audio_filtered"})


@dataclass
class Watch:
    """Follows the paid job of one task; see the module. `clock` gives epoch seconds."""

    lease: Lease
    settings: Settings
    provider: VideoProvider
    delivery: Delivery
    clock: Callable[[], float]
    log: Logger
    meanwhile: Callable[[], None]  # what there is to do before a wait

    def __post_init__(self) -> None:
        """Begin with what earlier workers saw. Raise `ValueError` for a task without a job."""
        task = self.lease.task
        self._upstream_id, self._accepted_at = _accepted(task)
        self._deadline = self._accepted_at + self.settings.video_task_timeout
        self._evidence = Evidence(
            self._upstream_id,
            done=task.done_at is not None,
            video_url=task.result_url,
            empty_since=epoch(task.empty_since) if task.empty_since else None,
        )
        self._url = task.result_url  # where a finished video is that could not be had so far
        self._progress: int | None = None
        self._progress_since = 0.0  # seconds after the acceptance
        self._away_since: float | None = None  # since when there is no connection

    def follow(self) -> dict[str, Any]:
        """Return the task's `result`.

        Raise `Failure` where the job ended without a video, another `GenerationError` where there
        will never be one, and `Release` when the slot is of more use to other tasks.
        """
        first = self._accepted_at + next_poll(0, None)
        self.meanwhile()
        self.lease.wait(max(first - self.clock(), 0))  # a job that is resumed: no wait
        while True:
            self.lease.check()
            self.lease.require(ROOM_TO_FINISH)
            trouble: Undelivered | None = None
            try:
                wait = self._look(self.clock())
                if self._evidence.done is not None:
                    try:
                        return self._deliver(self._evidence.done)
                    except Undelivered as exc:
                        trouble, wait = exc, self._pause(exc)
            except GenerationError as ending:
                return self._linked_result(ending, job_ended=True)
            if self.clock() >= self._deadline:
                return self._last_chance(trouble)
            checkpoint(self.log, "polled")
            self._hold(trouble, wait)

    def _look(self, asked_at: float) -> float:
        """Ask the provider once; return the seconds until the next time. Raise a verdict."""
        response: Job | JobMissing | PollFailed
        elapsed = asked_at - self._accepted_at
        try:
            response = self.provider.poll(self._upstream_id)
        except (JobMissing, PollFailed) as exc:
            self.log.warning("a poll failed", reason=str(exc))
            response = exc
        away = isinstance(response, PollFailed) and response.unreachable
        self._away_since = (self._away_since or asked_at) if away else None
        least = self._evidence.take(response, asked_at)
        if isinstance(response, Job):
            if response.progress != self._progress:
                self._progress, self._progress_since = response.progress, elapsed
            self.lease.advance(self._progress)
            self.lease.usage = response.usage or self.lease.usage
        interval = next_poll(
            elapsed,
            self._progress,
            since=self._progress_since,
            usual=self.lease.task.expected_seconds,
        )
        return max(asked_at + max(interval, least) - self.clock(), 0)

    def _deliver(self, job: Job) -> dict[str, Any]:
        """Deliver, once. That the job is done is written down before anything can go wrong."""
        task = self.lease.task
        if task.done_at is None:
            self.lease.apply(transitions.note_done(task, now=self.clock()))
        checkpoint(self.log, "delivering")
        left = self._deadline - self.clock()
        return self.delivery.deliver(job, self.lease, self.provider, seconds=left)

    def _pause(self, trouble: Undelivered) -> float:
        """Return the seconds until the next try for a finished video: 1, 2, 4 … 60.

        Raise what is certain by now: a filter that swallowed the video, or that says so itself.
        """
        now = self.clock()
        self.log.warning("a finished video cannot be had yet", reason=trouble.reason)
        self._url = trouble.url or self._url
        # What has a link was not swallowed; of the provider's own one `delivery` has judged.
        linked = self._url is not None and not self.provider.owns(self._url)
        self._evidence.take_content(trouble.failure, now, empty=trouble.empty and not linked)
        waited = seconds_since(self.lease.task.done_at, now)
        return max(min(waited + 1.0, MAX_PAUSE_SECONDS), trouble.retry_after or 0.0)

    def _hold(self, trouble: Undelivered | None, wait: float) -> None:
        """Wait for the next poll, or free the slot where a finished video keeps it for long."""
        task, now, empty_since = self.lease.task, self.clock(), self._evidence.empty_since
        wait = min(wait, self._deadline - now)
        if sure_in := self._evidence.unconfirmed(now):
            wait = min(wait, sure_in)
        elif trouble and seconds_since(task.done_at, now) + wait > MAX_HOLD_SECONDS:
            raise Release(
                min(wait, MAX_DELAY),
                result_url=self._url,
                empty_since=None if empty_since is None else timestamp(empty_since),
            )
        elif self._is_away_for_long(now + wait):
            raise Release(min(MAX_PAUSE_SECONDS, self._deadline - now))
        self.meanwhile()
        self.lease.wait(max(now + wait - self.clock(), 0))

    def _is_away_for_long(self, now: float) -> bool:
        """Return whether the slot is of more use to a task that another provider can make.

        Without VIDEO_ROUTES there is none: the others would only use up their attempts.
        """
        away = 0.0 if self._away_since is None else now - self._away_since
        return bool(self.settings.video_routes) and away > MAX_HOLD_SECONDS

    def _last_chance(self, trouble: Undelivered | None) -> dict[str, Any]:
        """End at the deadline: with the video if there is one after all, else with the reason."""
        if trouble is not None:
            return self._linked_result(trouble.ending())
        self.lease.require(ROOM_TO_WORK)
        try:
            return self.delivery.from_content(self.lease, self.provider)
        except Undelivered as exc:
            self._url = exc.url or self._url
            timeout = self.settings.video_task_timeout
            return self._linked_result(_timed_out(timeout, self._evidence))

    def _linked_result(self, ending: GenerationError, *, job_ended: bool = False) -> dict[str, Any]:
        """Hand a known public URL out rather than lose a paid video; else raise the ending.

        A provider that refuses what the video shows, or its sound, takes it back.
        """
        url, refused = self._url, ending.code in CONTENT_REFUSED
        if url is None or refused:
            raise ending
        if not self.delivery.is_of_use(url, self.provider, job_ended=job_ended):
            raise ending
        return linked_result(url, self._evidence.done)


def _accepted(task: Task) -> tuple[str, float]:
    if task.upstream_id is None or task.accepted_at is None:
        raise ValueError("a task is polled only once its job is known")
    return task.upstream_id, epoch(task.accepted_at)


def _timed_out(seconds: int, evidence: Evidence) -> GenerationError:
    if evidence.unauthorised:
        return account_refused("The provider refused the key while the job ran.")
    return GenerationError(
        f"No video after {seconds} s.",
        code="task_timeout",
        kind="ServiceError",
        retryable=True,
        maybe_charged=True,
    )
