"""What an HTTP answer of a relay means: for an order, and for a poll of a job.

The lines that decide about money are here (docs/providers.md): accepted, refused, or nobody knows.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from typing import Any, Final

import httpx

from videoapi.net.retry_after import retry_after
from videoapi.providers.classification import (
    Cause,
    ErrorInfo,
    names_account_or_limit,
    names_passing_trouble,
)
from videoapi.providers.errors import (
    JobFailed,
    JobMissing,
    PollFailed,
    SubmitRefused,
    SubmitUnknown,
)
from videoapi.providers.json_access import UnreadableJson, parsed
from videoapi.providers.openai_compatible.errors import (
    error_in_json,
    error_in_text,
    failure_without_status,
    is_page,
    says_missing,
)
from videoapi.providers.openai_compatible.job_parts import WENT_WRONG, Answer, Part, state_of
from videoapi.providers.openai_compatible.lost_answers import MAX_READ, tells_of_a_lost_answer
from videoapi.providers.openai_compatible.parsing import job_in
from videoapi.providers.provider import Accepted, Job, JobState
from videoapi.redaction import MASK, holds_key, mask_key, mask_key_in_body, redact

_NEVER_REACHED: Final = frozenset({521, 522, 523, 525, 526, 530})  # Cloudflare's, of its origin
# Said by the relay itself, or by an edge that never reached it. Not 408, 504, 520, 524: those tell
# of an answer that was lost.
_NOT_ACCEPTED: Final = frozenset({*range(400, 500), 500, 502, 503} - {408}) | _NEVER_REACHED
_FOR_CERTAIN: Final = frozenset({429}) | _NEVER_REACHED  # whatever the words
GONE: Final = frozenset({404, 410})
_NEED_THE_ID: Final = frozenset({Cause.TRANSIENT, Cause.AUDIO, Cause.ACCOUNT})
_ABOUT_THE_JOB: Final = frozenset({400, 422})  # may carry the job's own failure …
# … and these, where they name it: not those of the account, of no such job, or of a relay in haste.
_MAY_NAME_IT: Final = frozenset(range(400, 500)) - {401, 402, 403, 404, 407, 408, 410, 429}
_LARGE: Final = 2**20  # bytes of an answer that cannot be read: not to be asked for every second …
_LARGE_PAUSE: Final = 60.0  # … but after these


@dataclass(frozen=True)
class RelayResponse:
    """What an answer says, without our own key, which some relays quote."""

    status: int
    headers: httpx.Headers
    json: dict[str, Any]  # {} for a body that is none
    error_info: ErrorInfo
    size: int  # bytes
    is_page: bool  # HTML, or the challenge of an edge: it speaks of neither key nor job
    is_sentence: bool  # plain text
    beginning: bytes = field(repr=False)  # of the body

    @property
    def retry_after(self) -> float | None:
        """Seconds, None if the relay names none."""
        seconds = retry_after(self.headers)
        large = not self.json and self.size > _LARGE
        return _LARGE_PAUSE if seconds is None and large else seconds

    @cached_property
    def told(self) -> Answer:
        """What it tells of a job."""
        return Answer(self.json)

    def may_have_ordered(self, cause: Cause) -> bool:
        """Return whether a refusal names a job, or tells that an answer to the order was lost.

        One that is about the account or the content says more than a job beside it.
        """
        if cause in {Cause.UNKNOWN, Cause.BAD_REQUEST}:
            return self.told.names_a_job
        told = (*self.error_info.codes, self.error_info.text)
        return cause is Cause.TRANSIENT and (
            self.told.names_a_job or tells_of_a_lost_answer(told, self.beginning)
        )


def read_response(response: httpx.Response, body: bytearray, key: str) -> RelayResponse:
    """Read a whole answer to a request that carried `key`."""
    body = mask_key_in_body(key, body)
    try:
        json = parsed(body)
    except UnreadableJson:
        json, error_info = {}, error_in_text(body)
        if holds_key(key, error_info.text):
            error_info = ErrorInfo(text=MASK)
    else:
        mask_key(key, json)
        error_info = error_in_json(json)
    page = "cf-mitigated" in response.headers or is_page(body)
    return RelayResponse(
        status=response.status_code,
        headers=response.headers,
        json=json,
        error_info=error_info,
        size=len(body),
        is_page=page,
        is_sentence=not json and not page and bool(error_info.text),
        beginning=bytes(body[:MAX_READ]),
    )


def read_submit(response: RelayResponse) -> Accepted:
    """Read the answer to an order; raise `SubmitRefused` or `SubmitUnknown`."""
    status = response.status
    answer = response.told
    if job_id := answer.accepted_id if httpx.codes.is_success(status) else None:
        return Accepted(job_id, tuple(dict.fromkeys((*answer.ids, job_id))))
    if httpx.codes.is_redirect(status):
        raise _refused(response, _misdirected(status))
    of_ours = names_account_or_limit(response.error_info)
    final = False
    if status in _NOT_ACCEPTED or (httpx.codes.is_success(status) and of_ours):
        refusal = _refused(response, response.error_info)
        certain = status in _FOR_CERTAIN or of_ours or names_passing_trouble(response.error_info)
        if certain or not response.may_have_ordered(refusal.cause):
            raise refusal
        final = refusal.again is None
    reason = f"it answered {status}{_why_unknown(response)}"
    raise SubmitUnknown(reason, upstream_status=status, job_ids=answer.job_ids, final=final)


def _why_unknown(response: RelayResponse) -> str:
    if response.status in _NOT_ACCEPTED:
        return ", and may have sent the order on"
    if not httpx.codes.is_success(response.status):
        return ""
    reason = redact(response.error_info.text)
    return " without a job's id" + (f": {reason}" if reason else "")


def _refused(response: RelayResponse, error_info: ErrorInfo) -> SubmitRefused:
    return SubmitRefused(
        error_info,
        status=response.status,
        retry_after=response.retry_after,
        job_ids=response.told.job_ids,
    )


def _misdirected(status: int) -> ErrorInfo:
    """Say to the operator what is to be done: every task ends so until then."""
    text = (
        f"it answered {status}: VEO3_BASE_URL has to name the relay's last address, with https://"
    )
    return ErrorInfo(text=text)


def read_poll(
    response: RelayResponse, job_id: str, content_url: str, may_hand_out: Callable[[str], bool]
) -> Job:
    """Read a poll of a job; raise `JobMissing`, or `PollFailed` if it says nothing of the job.

    Only an answer that names this job may lead to another POST, or blame the account: another one's
    failure, or that of a relay which is busy or refuses the key just now, reads much the same.
    """
    answer = Answer(response.json, job_id)
    named = job_id in answer.ids
    job = job_in(answer, content_url, may_hand_out)
    if job and not httpx.codes.is_success(response.status):
        job = job if named and _is_the_jobs(response, answer.job, job) else None
    if job and job.state is not JobState.FAILED:
        return job
    if _is_missing(response):
        raise JobMissing(upstream_status=response.status, retry_after=response.retry_after)
    failure = _failure(response, job, named=named)
    if failure is None:
        raise PollFailed(
            f"The upstream answered {response.status} without a job's status",
            upstream_status=response.status,
            retry_after=response.retry_after,
            ids=answer.ids,
        )
    return job or Job(state=JobState.FAILED, failure=failure, ids=answer.ids)


def _is_the_jobs(response: RelayResponse, part: Part, job: Job) -> bool:
    """Return whether a 4xx that names the job has a word of it that all relays use.

    One without, or with no video where the job is done, may be about the request for it.
    """
    if response.status not in _MAY_NAME_IT or _is_missing(response):
        return False
    if part.word in WENT_WRONG or state_of(part.word) is None:
        return False
    if job.state is not JobState.FAILED and failure_without_status(response.error_info):
        return False
    return bool(job.video_url) or job.state is not JobState.DONE


def _failure(response: RelayResponse, job: Job | None, *, named: bool) -> JobFailed | None:
    """Return why a job has failed; None where the answer rather tells how the poll of it went."""
    if job and job.failure and (named or job.failure.ended_as not in WENT_WRONG):
        failure: JobFailed | None = job.failure
    elif httpx.codes.is_success(response.status) or response.status in _ABOUT_THE_JOB:
        failure = failure_without_status(response.error_info)
    else:
        return None
    if failure is None or failure.cause not in _NEED_THE_ID:
        return failure
    of_the_job = failure.cause is Cause.AUDIO or httpx.codes.is_success(response.status)
    of_the_job = of_the_job or names_passing_trouble(response.error_info)
    return failure if named and of_the_job else None


def _is_missing(response: RelayResponse) -> bool:
    """Return whether the relay itself says that it knows no such job: no page does, and no 5xx."""
    if response.is_page or response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return False
    gone = response.status in GONE and not response.is_sentence
    return gone or says_missing(response.error_info)
