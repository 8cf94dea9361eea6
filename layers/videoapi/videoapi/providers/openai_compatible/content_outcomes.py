"""Where `/content` of a done job leads to, or why there is no video: a filter is blamed last."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

import httpx

from videoapi.providers.classification import Cause, classify
from videoapi.providers.errors import ContentMissing, NoContentReason, PollFailed
from videoapi.providers.openai_compatible.errors import (
    failure_without_status,
    has_error,
    says_expired,
    says_not_ready,
    says_nothing_is_there,
    speaks_of_a_job,
)
from videoapi.providers.openai_compatible.outcomes import GONE, RelayResponse
from videoapi.providers.openai_compatible.parsing import job_in
from videoapi.providers.openai_compatible.result_urls import redirect_url, video_url_in
from videoapi.providers.provider import Job, JobState

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_WHY: Final = {
    **dict.fromkeys((404, 410), NoContentReason.GONE),
    **dict.fromkeys((401, 402, 403), NoContentReason.UNAUTHORISED),
    **dict.fromkeys((202, 400, 409, 425), NoContentReason.NOT_READY),
    429: NoContentReason.BUSY,
}
_STATED: Final = {
    Cause.TRANSIENT: NoContentReason.BUSY,
    Cause.ACCOUNT: NoContentReason.UNAUTHORISED,
}


def read_redirect(
    response: RelayResponse, content_url: str, may_hand_out: Callable[[str], bool]
) -> str:
    """Return where `/content` leads to; raise `ContentMissing` that tells why it does not."""
    url = redirect_url(response.headers.get("location", ""), content_url)
    if response.status in _REDIRECTS and url is not None and may_hand_out(url):
        return url
    raise ContentMissing(
        f"The upstream answered {response.status} instead of the video",
        upstream_status=response.status,
        retry_after=response.retry_after,
        why=_why(response),
        failure=failure_without_status(response.error_info),
    )


def _why(response: RelayResponse) -> NoContentReason:
    """Sort an answer without a video; only one that gives no reason blames a safety filter."""
    status = response.status
    if "cf-mitigated" in response.headers:
        return NoContentReason.UNAVAILABLE
    if status in GONE or httpx.codes.is_success(status):
        return _stated(response) or _WHY.get(status, NoContentReason.EMPTY)
    if status == HTTPStatus.BAD_GATEWAY and speaks_of_a_job(response.error_info):
        return NoContentReason.BLAMED
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return NoContentReason.UNAVAILABLE
    return _WHY.get(
        status,
        NoContentReason.UNUSABLE_LINK if httpx.codes.is_redirect(status) else NoContentReason.OTHER,
    )


def _stated(response: RelayResponse) -> NoContentReason | None:
    """Read another reason than a filter: not made yet, gone by now, busy, our account, or other."""
    job = job_in(response.told, "")
    open_still = job is not None and job.state in {JobState.QUEUED, JobState.RUNNING}
    if open_still or says_not_ready(response.error_info):
        return NoContentReason.NOT_READY
    if says_expired(response.error_info):
        return NoContentReason.OTHER
    cause = classify(response.error_info, HTTPStatus.OK)
    explained = cause not in {Cause.POLICY, Cause.AUDIO} and _is_explained(response, job)
    return _STATED.get(cause, NoContentReason.OTHER if explained else None)


def _is_explained(response: RelayResponse, job: Job | None) -> bool:
    """Return whether words tell why, and not only that there is no video.

    A 404 says that much itself, so its words explain nothing where they are about the job. Where
    the job says that it is done its `message` says no more.
    """
    if says_nothing_is_there(response.error_info):
        return False
    if response.status in GONE and speaks_of_a_job(response.error_info):
        return False
    return job is None or job.state is JobState.FAILED or has_error(response.json)


def read_content_url(
    response: RelayResponse, content_url: str, may_hand_out: Callable[[str], bool]
) -> str:
    """Return the URL that a JSON answer of `/content` tells; raise if it tells none."""
    if not response.json:
        raise PollFailed("The upstream's JSON was cut", upstream_status=HTTPStatus.OK)
    certain = _stated(response) is not None  # beside a reason only what is named as one counts
    url = video_url_in(response.json, content_url, may_hand_out, certain=certain)
    if url is not None:
        return url
    refused = video_url_in(response.json, content_url, certain=certain) is not None
    raise ContentMissing(
        "The upstream's answer has no video",
        upstream_status=HTTPStatus.OK,
        retry_after=response.retry_after,
        why=NoContentReason.UNUSABLE_LINK if refused else _why(response),
        failure=failure_without_status(response.error_info),
    )
