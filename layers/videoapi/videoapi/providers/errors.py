"""Every way in which the upstream can let a task down, in this service's words.

GenerationError
├── Failure            a "no": `cause`, `again`, `detail`
│   ├── SubmitRefused  the relay did not take the order; nothing is charged
│   └── JobFailed      the relay took it and the job ended without a video
└── SubmitUnknown      nobody can say whether the order was taken
ServiceError           says nothing about how the job ends
├── PollFailed         this poll of the job did not work; poll again
├── JobMissing         the relay does not know the job
└── ContentMissing     the relay has no video to hand out for the job
"""

from enum import StrEnum
from http import HTTPStatus
from typing import Final, Literal

from videoapi.errors import GenerationError, ServiceError
from videoapi.providers.classification import (
    ACCOUNT_STATUSES,
    Cause,
    ErrorInfo,
    classify,
    names_model,
    shown_code,
)
from videoapi.redaction import redact

type RetryKind = Literal["transient", "audio"]


class NoContentReason(StrEnum):
    """Why `/content` of a job that says done holds no video.

    EMPTY, GONE and BLAMED, for long enough and without any other reason, are a swallowed safety
    filter. UNAUTHORISED is about our account. All others are tried until the job's deadline.
    """

    EMPTY = "empty"  # 200 without a video
    GONE = "gone"  # 404, 410
    BLAMED = "blamed"  # 502 whose body speaks of the job
    UNAUTHORISED = "unauthorised"  # 401, 402, 403
    NOT_READY = "not_ready"  # 202, 400 "not completed", 425
    BUSY = "busy"  # 429
    UNAVAILABLE = "unavailable"  # 5xx, a challenge of an edge
    UNUSABLE_LINK = "unusable_link"  # a URL that may not be handed out
    OTHER = "other"


_SUGGEST_FILTER: Final = frozenset(
    {NoContentReason.EMPTY, NoContentReason.GONE, NoContentReason.BLAMED}
)


class Failure(GenerationError):
    """A refusal in the words of the REST dialect.

    `detail` is the relay's own sentence, cleaned, for the log: what is wrong with the operator's
    account is no business of a caller's.
    """

    def __init__(
        self,
        error_info: ErrorInfo,
        *,
        status: int = 200,
        cause: Cause | None = None,
        final: bool = False,
    ) -> None:
        """`status` is that of the HTTP response that held the error.

        `cause` is told where the provider's own codes are plain; else the relays' table finds it.
        After a `final` one no further attempt follows, whatever the cause.
        """
        self.final = final
        self.ended_as = error_info.ended_as
        self.cause = cause or classify(error_info, status)
        ending = (
            f"the upstream ended the job as {error_info.ended_as}" if error_info.ended_as else ""
        )
        detail = redact(error_info.text or ending)
        transient = self.cause is Cause.TRANSIENT
        message, code = _words(self.cause, shown_code(error_info), detail)
        super().__init__(
            message,
            code=code,
            kind="ServiceError" if transient else "VideoGenerationError",
            retryable=transient,
        )
        self.detail = detail

    @property
    def again(self) -> RetryKind | None:
        """Which count of further attempts this draws on; None is final.

        `audio` has its own, smaller one: the filter is random and uncharged.
        """
        match self.cause:
            case _ if self.final:
                return None
            case Cause.TRANSIENT:
                return "transient"
            case Cause.AUDIO:
                return "audio"
        return None


def _words(cause: Cause, upstream_code: str, detail: str) -> tuple[str, str]:
    ending = f": {detail}" if detail else ""
    match cause:
        case Cause.POLICY:
            # The dialect's first clients look for `content_policy` in the message.
            words = f"Content policy violation (content_policy: {upstream_code})"
            return words, "content_policy_violation"
        case Cause.BAD_REQUEST:
            return f"The upstream refused the request{ending}", "upstream_rejected"
        case Cause.UNKNOWN:
            return f"Video generation failed{ending}", "generation_failed"
    return _PLAIN_WORDS[cause]


_PLAIN_WORDS: Final = {
    Cause.AUDIO: ("Audio filtered", "audio_filtered"),
    Cause.TRANSIENT: ("Service temporarily unavailable", "service_unavailable"),
    Cause.ACCOUNT: ("The upstream refused this service's account", "upstream_account_error"),
    # The operator's to mend, like the account: one alarm for both.
    Cause.MISDIRECTED: (
        "The upstream is not where this service looks for it",
        "upstream_account_error",
    ),
    Cause.MODEL: ("The upstream does not offer this model", "upstream_account_error"),
}


class SubmitRefused(Failure):
    """The order was not accepted. `retry_after` is in seconds, None if the relay named none.

    `job_ids` are those that the answer may name a job by: none was accepted, but a relay's support
    asks for them, and a bill may have them. `route_refused` says that no order would be taken there
    just now: the credentials or the model are refused, or the account is empty.
    """

    def __init__(
        self,
        error_info: ErrorInfo,
        *,
        status: int,
        retry_after: float | None = None,
        job_ids: tuple[str, ...] = (),
        cause: Cause | None = None,
    ) -> None:
        """`status` is that of the answer, 503 where no connection came about."""
        super().__init__(error_info, status=status, cause=cause)
        self.upstream_status = status
        model = status == HTTPStatus.NOT_FOUND or names_model(error_info)
        about_us = {Cause.ACCOUNT, Cause.MISDIRECTED, Cause.MODEL}
        content = self.cause in {Cause.POLICY, Cause.AUDIO}
        self.route_refused = self.cause in about_us or (model and not content)
        self.another_route = False  # set where a further attempt may go elsewhere
        self.retry_after = retry_after
        self.job_ids = job_ids

    @property
    def elsewhere(self) -> bool:
        """Whether the provider is the reason: another one may take the same order."""
        return self.route_refused or self.cause is Cause.TRANSIENT


class JobFailed(Failure):
    """An accepted job that ended without a video."""


class SubmitUnknown(GenerationError):
    """The order may have been accepted, and paid: so another POST could pay twice."""

    def __init__(
        self,
        reason: str,
        *,
        upstream_status: int | None = None,
        job_ids: tuple[str, ...] = (),
        final: bool = False,
    ) -> None:
        """`reason` is a short sentence of ours, or a relay's that was cleaned.

        `upstream_status` is None when no answer came; `job_ids` are as of a refusal. A
        `final` one is never sent again: it was refused, by an answer that names a job.
        """
        super().__init__(
            f"The upstream may or may not have accepted the request: {reason}",
            code="upstream_submit_unknown",
            kind="ServiceError",
            retryable=True,
            maybe_charged=True,
        )
        self.upstream_status = upstream_status
        self.job_ids = job_ids
        self.final = final


class PollFailed(ServiceError):
    """A poll that says nothing about the job; `unauthorised` when our account is the reason."""

    def __init__(
        self,
        reason: str,
        *,
        upstream_status: int | None = None,
        retry_after: float | None = None,
        ids: tuple[str, ...] = (),
        unreachable: bool = False,
    ) -> None:
        """`upstream_status` is None when no answer came; `retry_after` is in seconds.

        `ids` are all that the answer names: of another job, or of no job at all. `unreachable`:
        there was no connection.
        """
        super().__init__(reason, code="upstream_poll_failed")
        self.upstream_status = upstream_status
        self.retry_after = retry_after
        self.ids = ids
        self.unreachable = unreachable
        self.unauthorised = upstream_status in ACCOUNT_STATUSES


class JobMissing(ServiceError):
    """The relay knows no such job. A replica may lag: three polls in 60 s make it a loss."""

    def __init__(
        self, *, upstream_status: int | None = None, retry_after: float | None = None
    ) -> None:
        """404, 410 and `task_not_exist` mean the same."""
        super().__init__("The upstream does not know the job", code="upstream_job_missing")
        self.upstream_status = upstream_status
        self.retry_after = retry_after


class ContentMissing(ServiceError):
    """A finished job's video is not there (yet).

    `why` says how, `failure` is a policy failure that the answer itself names. If `swallowed`
    holds for long enough, see `silent_filter_failure`.
    """

    def __init__(
        self,
        reason: str,
        *,
        upstream_status: int,
        retry_after: float | None = None,
        why: NoContentReason = NoContentReason.OTHER,
        failure: JobFailed | None = None,
    ) -> None:
        """`upstream_status` is that of `/content`, 200 when the answer held no video."""
        super().__init__(reason, code="upstream_content_missing")
        self.upstream_status = upstream_status
        self.retry_after = retry_after
        self.why = why
        self.failure = failure
        self.unauthorised = why is NoContentReason.UNAUTHORISED

    @property
    def swallowed(self) -> bool:
        """Whether it counts towards the verdict that a safety filter swallowed the video."""
        return self.why in _SUGGEST_FILTER


def silent_filter_failure() -> JobFailed:
    """Return the failure of a job that says done and never shows a video.

    Unlike a job that says failed it was probably paid for.
    """
    failure = JobFailed(ErrorInfo(codes=("CONTENT_POLICY_NO_VIDEO",)))
    failure.maybe_charged = True
    return failure


class ImageUnavailable(GenerationError):
    """The image's host does not deliver it just now; nothing was sent to the relay."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="image_unavailable", kind="ServiceError", retryable=True)
