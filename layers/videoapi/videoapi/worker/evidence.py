"""What may be concluded from polls of a paid job. Pure; time comes in as a value.

A verdict that ends a task, or pays for another job, needs evidence and not a count:
a failure is one when a second poll says the same; a job is lost when every poll says so for a
minute. Accounts that are refused, pages of HTML and errors of a gateway say nothing about a job.
"""

from dataclasses import dataclass

from videoapi.errors import GenerationError
from videoapi.providers.classification import Cause
from videoapi.providers.errors import JobFailed, JobMissing, PollFailed, silent_filter_failure
from videoapi.providers.provider import Job, JobState

CONFIRM_SECONDS = 5.0  # seconds between the two polls that make a failure
LOST_SECONDS, LOST_POLLS = 60.0, 3  # seconds, and polls, that know of no job; both are needed
FILTERED_SECONDS = 300.0  # seconds that a done job shows no video before its filter is blamed
MAX_HOLD_SECONDS = 30.0  # that a slot is held at a provider's request, or for a video that is late


@dataclass
class Confirmation:
    """A failure that was seen, and since when; a second sight of the same confirms it."""

    cause: Cause | None = None
    since: float | None = None

    def of(self, failure: JobFailed, now: float) -> bool:
        """Take in a sight of a failure; return whether it is certain."""
        if self.since is None or self.cause is not failure.cause:
            self.cause, self.since = failure.cause, now
        return now - self.since >= CONFIRM_SECONDS

    def due_in(self, now: float) -> float:
        """Return the seconds until a second sight would count; 0 when it would, or has none."""
        return max(self.since + CONFIRM_SECONDS - now, 0.0) if self.since is not None else 0.0


class Evidence:
    """What the polls of one job have said so far. A new worker begins with none."""

    def __init__(
        self,
        upstream_id: str,
        *,
        done: bool = False,
        video_url: str | None = None,
        empty_since: float | None = None,
    ) -> None:
        """`done`: an earlier poll said that it is; `video_url` is what that poll told.

        `empty_since` is when the job, which said that it is done, first showed no video.
        """
        self._id = upstream_id
        self.was_done = done
        self.says_done = False  # the last poll said so
        self.empty_since = empty_since
        self.done: Job | None = Job(state=JobState.DONE, video_url=video_url) if done else None
        self.unauthorised = False  # the last poll was refused for our account
        self._job_failure = Confirmation()
        self._content_failure = Confirmation()
        self._missing: list[float] = []

    def take(self, response: Job | JobMissing | PollFailed, now: float) -> float:
        """Take one poll in; return how many seconds the next one has to wait at least.

        Raise the failure that is now certain: `JobFailed` where another job may be ordered, else a
        `GenerationError` that is final.
        """
        self.unauthorised = isinstance(response, PollFailed) and response.unauthorised
        self.says_done = isinstance(response, Job) and response.state is JobState.DONE
        if not self.says_done and not isinstance(response, PollFailed):
            self.empty_since = None
        if isinstance(response, JobMissing):
            return self._take_missing(response, now)
        self._missing = []
        if isinstance(response, PollFailed):
            return min(response.retry_after or 0.0, MAX_HOLD_SECONDS)
        if response.failure is not None:
            return self._take_failed(response, response.failure, now)
        self._job_failure = Confirmation()
        self.done = response if self.says_done else None
        self.was_done = self.was_done or self.done is not None
        return 0.0

    def take_content(self, failure: JobFailed | None, now: float, *, empty: bool) -> None:
        """Take in what stands in a done job's video's place; raise it once it is certain.

        `failure` is one that `/content` names. Where it is only `empty`, a silent safety filter is
        blamed after five minutes, during which the job itself says that it is done.
        """
        if failure is None:
            self._content_failure = Confirmation()
        elif self._content_failure.of(failure, now):
            raise _final(failure)
        if not empty:
            self.empty_since = None
        elif self.says_done:
            self.empty_since = now if self.empty_since is None else self.empty_since
            if now - self.empty_since >= FILTERED_SECONDS:
                raise silent_filter_failure()

    def unconfirmed(self, now: float) -> float:
        """Return the seconds until a failure that was just seen can be confirmed; 0 without one."""
        return max(self._job_failure.due_in(now), self._content_failure.due_in(now))

    def _take_failed(self, job: Job, failure: JobFailed, now: float) -> float:
        """Only an answer about this very job may lead to another, and none once it was done."""
        if failure.again and not job.names(self._id):
            return 0.0
        if failure.cause is Cause.TRANSIENT and self.was_done:
            return 0.0
        if self._job_failure.of(failure, now):
            raise _final(failure) if self.was_done else failure
        return self.unconfirmed(now)

    def _take_missing(self, response: JobMissing, now: float) -> float:
        self._missing.append(now)
        if len(self._missing) >= LOST_POLLS and now - self._missing[0] >= LOST_SECONDS:
            raise JobLost from response
        return max(CONFIRM_SECONDS, min(response.retry_after or 0.0, MAX_HOLD_SECONDS))


class JobLost(GenerationError):
    """The relay has not known the job for a minute."""

    def __init__(self) -> None:
        """A new order may be paid, too: that is for the caller to decide."""
        super().__init__(
            "The provider lost the job.",
            code="upstream_job_lost",
            retryable=True,
            maybe_charged=True,
        )


def _final(failure: JobFailed) -> GenerationError:
    """Return a failure after which nothing is ordered: the job was done, so it was paid."""
    return GenerationError(
        failure.message, code=failure.code, kind=failure.kind, maybe_charged=True
    )
