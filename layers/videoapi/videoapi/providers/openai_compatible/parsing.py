"""Read what relays answer, which is OpenAI's shape in many dialects.

Everything here is pure and total: any JSON at all comes out as a value, as None, or as
`UnreadableJson`. What is not understood says nothing; it is never taken for good or for bad news.
"""

import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from videoapi.providers.classification import names_account_or_limit
from videoapi.providers.errors import JobFailed
from videoapi.providers.json_access import as_dict, as_text, first_of
from videoapi.providers.openai_compatible.errors import (
    error_in_json,
    failure_without_status,
    has_error,
)
from videoapi.providers.openai_compatible.link_policy import expiry_of, moment
from videoapi.providers.openai_compatible.result_urls import url_in_fail_reason, video_url_in
from videoapi.providers.provider import Job, JobState
from videoapi.redaction import MASK

MAX_ID: Final = 512  # characters; an id goes into a DynamoDB item and into a path

_ID_KEYS: Final = (
    "id",
    "task_id",
    "taskId",
    "video_id",
    "videoId",
    "job_id",
    "jobId",
    "jobid",
    "run_id",
    "runId",
    "generation_id",
    "generationId",
)
_REQUEST_ID: Final = "request_id"
_NO_ID: Final = "0"  # what a number that was never set looks like
_WORD_KEYS: Final = ("status", "state", "task_status", "taskStatus")
_MAX_WORD: Final = 64  # characters
_DONE_AT_KEYS: Final = (
    "completed_at",
    "completedAt",
    "finished_at",
    "finish_time",
    "finishTime",
    "end_time",
    "completion_time",
)
_EXPIRY_KEYS: Final = ("expires_at", "expiresAt", "expire_time", "expired_at")
_MAX_AMOUNT: Final = 10_000  # seconds, frames per second
_COMPLETE: Final = 100  # percent


_WORDS: Final = {
    JobState.QUEUED: (
        "queued pending submitted not_start notstarted preparing created starting unknown"
        " in_queue queueing queuing waiting staged throttled"
    ),
    JobState.RUNNING: "processing in_progress running generating retrying",
    JobState.DONE: "completed complete success succeeded succeed finished done ready",
    JobState.FAILED: (
        "failed failure fail error cancelled canceled expired timeout timed_out rejected blocked"
        " aborted nsfw"
    ),
}
_STATES: Final = {word: state for state, words in _WORDS.items() for word in words.split()}
_ENDINGS: Final = {
    "_successful": JobState.DONE,
    "_blocked": JobState.FAILED,
    "_failed": JobState.FAILED,
}


def accepted_id(response: dict[str, Any]) -> str | None:
    """Find the job's id in the answer to an order, in the envelope `data` or `output` too.

    An answer that complains names by `request_id` its own request, and no job.
    """
    ids = _ids(response, _ID_KEYS)
    if not ids and not has_error(response) and not names_account_or_limit(error_in_json(response)):
        ids = _ids(response, (_REQUEST_ID,))
    return next(iter(ids), None)


def names_a_job(response: dict[str, Any]) -> bool:
    """Return whether an answer, whatever its status, tells of a job that waits, runs or is done."""
    made = _STATES.get(status_word(response), JobState.FAILED) is not JobState.FAILED
    return made and bool(_ids(response, _ID_KEYS))


def ids_in(response: dict[str, Any]) -> tuple[str, ...]:
    """Return all ids that an answer names, the likeliest of the job first.

    `request_id` comes last: with most relays it is that of the HTTP request.
    """
    return tuple(dict.fromkeys(_ids(response, _ID_KEYS) + _ids(response, (_REQUEST_ID,))))


def _ids(response: dict[str, Any], keys: tuple[str, ...]) -> list[str]:
    ids = [_id(part.get(key)) for part in _parts(response) for key in keys]
    return [upstream_id for upstream_id in ids if upstream_id]


def _parts(response: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """Return the places where an answer may speak of the job."""
    data = response.get("data")
    return response, as_dict(data) or first_of(data), as_dict(response.get("output"))


def _id(value: object) -> str:
    value = as_text(value)
    value = value.strip() if len(value) <= 2 * MAX_ID else ""
    fits = 0 < len(value) <= MAX_ID and value.isprintable() and value != _NO_ID
    fits = fits and MASK not in value
    return value if fits else ""


def job_in(
    response: dict[str, Any], content_url: str, may_hand_out: Callable[[str], bool] = bool
) -> Job | None:
    """Read one look at a job; None when the answer holds no status.

    `content_url` is where the relay hands out this job's video against the key: relative URLs are
    resolved against it, and it is itself no URL to hand out. `may_hand_out` has the last word on a
    URL.
    """
    job = _job_part(response)
    word = _status_word(job)
    url = video_url_in(response, content_url, may_hand_out)
    progress = progress_of(job.get("progress"))
    state = _STATES.get(word) or _by_ending(word) or _by_company(response, job, word, url)
    if state is None:
        return None
    done = state is JobState.DONE
    if done and url is None:
        url = url_in_fail_reason(_parts(response), may_hand_out)
    return Job(
        state=state,
        progress=progress,
        video_url=url if done else None,
        link_refused=done and url is None and video_url_in(response, content_url) is not None,
        failure=_failure(response, word) if state is JobState.FAILED else None,
        seconds=_number(job.get("seconds")) or _number(job.get("duration")),
        fps=_number(job.get("fps")),
        size=_size(job.get("size")) or _size(job.get("resolution")),
        ids=ids_in(response),
        expires_at=_expiry(response, url) if done else None,
    )


def _by_ending(word: str) -> JobState | None:
    return next((state for ending, state in _ENDINGS.items() if word.endswith(ending)), None)


def _by_company(
    response: dict[str, Any], job: dict[str, Any], word: str, url: str | None
) -> JobState | None:
    """Read a status word that nobody knows by what stands beside it; None where all is missing.

    Without any word it takes a URL and an end of the work to call a job done.
    """
    ended = progress_of(job.get("progress")) == _COMPLETE and any(
        moment(job.get(key)) for key in _DONE_AT_KEYS
    )
    if (url and ended) or (word and (url or ended)):
        return JobState.DONE
    if not word:
        return None
    if has_error(job) or failure_without_status(error_in_json(response)):
        return JobState.FAILED
    return JobState.RUNNING


def _expiry(response: dict[str, Any], url: str | None) -> float | None:
    """Return the earliest end of the video that the relay, or its URL's signature, tells."""
    moments = [moment(part.get(key)) for part in _parts(response) for key in _EXPIRY_KEYS]
    known = [instant for instant in (*moments, url and expiry_of(url)) if instant]
    return min(known, default=None)


def _job_part(response: dict[str, Any]) -> dict[str, Any]:
    """Choose between the answer and what it may be an envelope of, where both have a status.

    `{"code": "success", "data": {"status": …}}` is an envelope; an answer with an id and a known
    status of its own is the job, whatever raw upstream answer its `data` quotes.
    """
    whole, *inner = _parts(response)
    if _ids({key: whole.get(key) for key in _ID_KEYS}, _ID_KEYS) and is_known(_status_word(whole)):
        return whole
    return next((part for part in inner if _status_word(part)), whole)


def status_word(response: dict[str, Any]) -> str:
    """Return the word for how the job is, folded; "" without one."""
    return _status_word(_job_part(response))


def is_known(word: str) -> bool:
    """Return whether a status word is one of those that many relays use."""
    return word in _STATES or _by_ending(word) is not None


def _status_word(job: dict[str, Any]) -> str:
    candidates = (job.get(key) for key in _WORD_KEYS)
    words = (folded_word(each[:_MAX_WORD]) for each in candidates if isinstance(each, str))
    return next(filter(None, words), "")


def folded_word(text: str) -> str:
    """Return a word as the tables hold it: case folded, blanks as `_`."""
    return re.sub(r"[\s-]+", "_", text.strip().casefold())


def _failure(response: dict[str, Any], word: str) -> JobFailed:
    return JobFailed(replace(error_in_json(response), ended_as=word))


def progress_of(value: object) -> int | None:
    """Read 45, 45.7, "45", "45 %"; anything else is None. Bounded to 0–100."""
    if isinstance(value, str):
        match = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{0,20})?)\s*%?", value[:_MAX_WORD].strip())
        value = float(match[1]) if match else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return int(min(max(value, 0), 100))


def _number(value: object) -> float | None:
    """Read a positive amount such as 8, "8" or "8s"."""
    if isinstance(value, str):
        match = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,20})?)\s*s?", value[:_MAX_WORD].strip())
        value = float(match[1]) if match else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 < value < _MAX_AMOUNT else None  # NaN is not


def _size(value: object) -> str | None:
    match = re.fullmatch(
        r"([0-9]{2,5})\s*[xX\u00d7*]\s*([0-9]{2,5})", as_text(value)[:_MAX_WORD].strip()
    )
    return f"{match[1]}x{match[2]}" if match else None
