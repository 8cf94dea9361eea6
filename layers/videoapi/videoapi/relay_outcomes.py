"""What an HTTP answer of a relay means: for an order, for a look at a job, for its video.

The lines that decide about money are here (contract §4, §6): accepted, refused, or nobody knows.
"""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import httpx

from videoapi.complaints import Complaint, cleaned
from videoapi.connections import chunks
from videoapi.failures import (
    ContentMissing,
    JobMissing,
    NoVideo,
    PollFailed,
    SubmitRefused,
    SubmitUnknown,
)
from videoapi.loose_json import Unreadable, parsed
from videoapi.relay_answers import (
    Job,
    JobState,
    accepted_id,
    complaint_of,
    failure_without_status,
    ids_in,
    job_in,
    retry_after,
    says_missing,
    speaks_of_a_job,
)
from videoapi.relay_bodies import received
from videoapi.result_urls import redirect_url, video_url_in

_NOT_ACCEPTED_5XX: Final = frozenset({500, 502, 503})
_REQUEST_TIMEOUT: Final = 408
_GONE: Final = frozenset({404, 410})
_WHY: Final = {
    **dict.fromkeys((404, 410), NoVideo.GONE),
    **dict.fromkeys((401, 402, 403), NoVideo.UNAUTHORISED),
    **dict.fromkeys((202, 400, 409, 425), NoVideo.NOT_READY),
    429: NoVideo.BUSY,
}
_REFUSAL_MAX: Final = 64 * 2**10  # bytes of a refusal that are read …
_REFUSAL_SECONDS: Final = 10.0  # … and for how long
_ABOUT_THE_JOB: Final = frozenset({400, 422})  # may carry the job's own failure


@dataclass(frozen=True)
class Accepted:
    """The relay took the order and, as a rule, the money.

    `ids` are all that the answer names, `upstream_id` among them.
    """

    upstream_id: str
    ids: tuple[str, ...] = field(default=(), compare=False)


def taken(response: httpx.Response, body: bytearray) -> Accepted:
    """Read the answer to an order; raise `SubmitRefused` or `SubmitUnknown`."""
    status = response.status_code
    if response.is_success:
        return _accepted(status, body)
    if status in _NOT_ACCEPTED_5XX or (response.is_client_error and status != _REQUEST_TIMEOUT):
        raise SubmitRefused(
            complaint_of(body),
            status=status,
            retry_after=retry_after(response.headers),
            ids=ids_in(_object(body)),
        )
    raise SubmitUnknown(f"it answered {status}", upstream_status=status, ids=ids_in(_object(body)))


def _accepted(status: int, body: bytearray) -> Accepted:
    """Contract §4: a 2xx without an id is ambiguous, even one that complains."""
    answer = _object(body)
    ids = ids_in(answer)
    if upstream_id := accepted_id(answer):
        return Accepted(upstream_id, ids)
    said = cleaned(complaint_of(body).text)
    raise SubmitUnknown(
        f"it answered {status} without a job's id" + (f": {said}" if said else ""),
        upstream_status=status,
        ids=ids,
    )


def looked_at(response: httpx.Response, body: bytearray, content_url: str) -> Job:
    """Read a look at a job; raise `JobMissing`, or `PollFailed` if it says nothing of the job."""
    status = response.status_code
    answer = _object(body)
    job = job_in(answer, content_url) if response.is_success else None
    if job and job.state is not JobState.FAILED:
        return job
    complaint = complaint_of(body)
    wait = retry_after(response.headers)
    if status in _GONE or says_missing(complaint):
        raise JobMissing(upstream_status=status, retry_after=wait)
    if job:
        return job
    failure = failure_without_status(complaint)
    if failure and (response.is_success or status in _ABOUT_THE_JOB):
        return Job(state=JobState.FAILED, failure=failure, ids=ids_in(answer))
    raise PollFailed(
        f"The upstream answered {status} without a job's status",
        upstream_status=status,
        retry_after=wait,
        ids=ids_in(answer),
    )


def _object(body: bytearray) -> dict[str, Any]:
    try:
        return parsed(body)
    except Unreadable:
        return {}


def redirected(response: httpx.Response, content_url: str) -> str:
    """Return where `/content` leads to; raise `ContentMissing` that tells why it does not."""
    status = response.status_code
    url = redirect_url(response.headers.get("location", ""), content_url)
    if response.is_redirect and url is not None:
        return url
    complaint = complaint_of(_head_of(response))
    raise ContentMissing(
        f"The upstream answered {status} instead of the video",
        upstream_status=status,
        retry_after=retry_after(response.headers),
        why=_why(response, complaint),
        failure=failure_without_status(complaint),
    )


def _head_of(response: httpx.Response) -> bytearray:
    """Read what a refusal says; no more than anybody would read."""
    return received(chunks(response, seconds=_REFUSAL_SECONDS, limit=_REFUSAL_MAX))


def _why(response: httpx.Response, complaint: Complaint) -> NoVideo:
    status = response.status_code
    if _is_challenge(response):
        return NoVideo.UNAVAILABLE
    if status == HTTPStatus.BAD_GATEWAY and speaks_of_a_job(complaint):
        return NoVideo.BLAMED
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return NoVideo.UNAVAILABLE
    return _WHY.get(status, NoVideo.UNUSABLE_LINK if response.is_redirect else NoVideo.OTHER)


def _is_challenge(response: httpx.Response) -> bool:
    """Tell the page of an edge that wants a browser: it is about neither key nor job."""
    return "cf-mitigated" in response.headers


def told_url(body: bytearray, content_url: str) -> str:
    """Return the URL that a JSON answer of `/content` tells; raise if it tells none."""
    answer = _object(body)
    if not answer:
        raise PollFailed("The upstream's JSON was cut", upstream_status=HTTPStatus.OK)
    url = video_url_in(answer, content_url)
    if url is None:
        raise ContentMissing(
            "The upstream's answer has no video",
            upstream_status=HTTPStatus.OK,
            why=NoVideo.EMPTY,
            failure=failure_without_status(complaint_of(body)),
        )
    return url
