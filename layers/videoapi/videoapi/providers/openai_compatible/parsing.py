"""Read what relays answer, which is OpenAI's shape in many dialects.

Everything here is pure and total: any JSON at all comes out as a value, as None, or as
`UnreadableJson`. What is not understood says nothing; it is never taken for good or for bad news.
"""

import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from videoapi.providers.classification import ErrorInfo
from videoapi.providers.errors import JobFailed
from videoapi.providers.json_access import as_text
from videoapi.providers.openai_compatible.errors import (
    error_in_json,
    failure_without_status,
    has_error,
    says_missing,
)
from videoapi.providers.openai_compatible.job_parts import MAX_WORD, Answer, state_of
from videoapi.providers.openai_compatible.link_policy import expiry_of, moment
from videoapi.providers.openai_compatible.result_urls import (
    tells_a_url,
    tells_a_video,
    url_in_fail_reason,
    video_url_in,
)
from videoapi.providers.provider import Job, JobState

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


def job_in(
    answer: Answer, content_url: str, may_hand_out: Callable[[str], bool] = bool
) -> Job | None:
    """Read one poll of a job; None when the answer holds no status.

    `content_url` is where the relay hands out this job's video against the key: relative URLs are
    resolved against it, and it is itself no URL to hand out. `may_hand_out` has the last word on a
    URL.
    """
    response, job = answer.json, answer.job.json
    url = video_url_in(response, content_url, may_hand_out, certain=True)
    of_a_request = answer.job.is_envelope and not _shows_an_end(answer, content_url)
    word = "" if of_a_request else answer.job.word
    state = state_of(word) or _by_company(answer, word, url, content_url)
    if state is None or _is_denied(answer):
        return None
    done, failed = state is JobState.DONE, state is JobState.FAILED
    if done and url is None:
        url = url_in_fail_reason(answer.places, may_hand_out)
    likely = video_url_in(response, content_url, may_hand_out) if done and url is None else None
    return Job(
        state=state,
        progress=progress_of(job.get("progress")),
        video_url=url if done else None,
        likely_url=likely,
        link_refused=done and not (url or likely) and bool(video_url_in(response, content_url)),
        failure=JobFailed(replace(answer.error_info, ended_as=word)) if failed else None,
        seconds=_number(job.get("seconds")) or _number(job.get("duration")),
        fps=_number(job.get("fps")),
        size=_size(job.get("size")) or _size(job.get("resolution")),
        ids=answer.ids,
        expires_at=_expiry(answer, url or likely) if done else None,
    )


def _shows_an_end(answer: Answer, content_url: str) -> bool:
    shown = tells_a_url(answer.json, content_url) or url_in_fail_reason(answer.places)
    return bool(shown) or any(map(_has_ended, answer.places))


def _is_denied(answer: Answer) -> bool:
    """Return whether an answer's own error says more than a job deep in it: it alone counts."""
    error_info = error_in_json(answer.json) if answer.is_deep else ErrorInfo()
    return says_missing(error_info) or failure_without_status(error_info) is not None


def _by_company(answer: Answer, word: str, url: str | None, content_url: str) -> JobState | None:
    """Read a status word that nobody knows by what stands beside it; None where all is missing.

    Without a word of the job's it takes a URL, and an end of the work, a request's success or a
    status in numbers, to call a job done.
    """
    ended = _has_ended(answer.job.json)
    if (url and (word or ended or _is_all_over(answer, content_url))) or (word and ended):
        return JobState.DONE
    if not word:
        return None
    if has_error(answer.job.json) or failure_without_status(answer.error_info):
        return JobState.FAILED
    return JobState.RUNNING


def _has_ended(part: dict[str, Any]) -> bool:
    complete = progress_of(part.get("progress")) == _COMPLETE
    return complete and any(moment(part.get(key)) for key in _DONE_AT_KEYS)


def _is_all_over(answer: Answer, content_url: str) -> bool:
    """Return whether an answer tells no more than a request's success, or a status in numbers.

    A job's own error counts against both. So does, against a number, what may be an error's code or
    message, and a URL that is no video's: such a job may be open, with its picture's URL.
    """
    told = [part.json for part in answer.everywhere]
    if any(progress_of(part.get("progress")) not in {None, _COMPLETE} for part in told):
        return False
    if any(part.went_well for part in answer.everywhere):
        return not any(map(has_error, told))
    in_numbers = any(part.tells_in_numbers for part in answer.everywhere)
    in_numbers = in_numbers and tells_a_video(answer.json, content_url)
    return in_numbers and all(part.is_sound for part in answer.everywhere)


def _expiry(answer: Answer, url: str | None) -> float | None:
    """Return the earliest end of the video that the relay, or its URL's signature, tells."""
    moments = [moment(part.get(key)) for part in answer.places for key in _EXPIRY_KEYS]
    known = [instant for instant in (*moments, url and expiry_of(url)) if instant]
    return min(known, default=None)


def progress_of(value: object) -> int | None:
    """Read 45, 45.7, "45", "45 %"; anything else is None. Bounded to 0–100."""
    if isinstance(value, str):
        match = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{0,20})?)\s*%?", value[:MAX_WORD].strip())
        value = float(match[1]) if match else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return int(min(max(value, 0), 100))


def _number(value: object) -> float | None:
    """Read a positive amount such as 8, "8" or "8s"."""
    if isinstance(value, str):
        match = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,20})?)\s*s?", value[:MAX_WORD].strip())
        value = float(match[1]) if match else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 < value < _MAX_AMOUNT else None  # NaN is not


def _size(value: object) -> str | None:
    match = re.fullmatch(
        r"([0-9]{2,5})\s*[xX\u00d7*]\s*([0-9]{2,5})", as_text(value)[:MAX_WORD].strip()
    )
    return f"{match[1]}x{match[2]}" if match else None
