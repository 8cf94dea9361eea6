"""Read what relays answer, which is OpenAI's shape in many dialects (contract §6).

Everything here is pure and total: any JSON at all comes out as a value, as None, or as
`Unreadable`. What is not understood says nothing; it is never taken for good or for bad news.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any, Final

from videoapi.complaints import Cause, Complaint, cause_of
from videoapi.failures import JobFailed
from videoapi.loose_json import Unreadable, as_dict, as_text, first_of, parsed
from videoapi.result_urls import video_url_in

RETRY_AFTER_MAX: Final = 900.0  # seconds: the longest delay of an SQS message
ID_MAX: Final = 512  # characters; an id goes into a DynamoDB item and into a path

_ID_KEYS: Final = ("id", "task_id", "taskId", "video_id")
_REQUEST_ID: Final = "request_id"
_NO_ID: Final = "0"  # what a number that was never set looks like
_TEXT_MAX: Final = 2000
_AMOUNT_MAX: Final = 10_000  # seconds, frames per second


class JobState(StrEnum):
    """What a relay's many status words come down to."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


_WORDS: Final = {
    JobState.QUEUED: (
        "queued pending submitted not_start notstarted preparing created starting unknown"
    ),
    JobState.RUNNING: "processing in_progress running generating",
    JobState.DONE: "completed complete success succeeded finished",
    JobState.FAILED: "failed failure fail error cancelled canceled expired",
}
# A relay that cannot answer just now says so with these, too: without a job's id beside them they
# must not be read as the end of a job, which would be paid for again.
_ANY_ERROR: Final = frozenset({"error", "fail"})
_STATES: Final = {word: state for state, words in _WORDS.items() for word in words.split()}


@dataclass(frozen=True, kw_only=True)
class Job:
    """One look at a job. None wherever the relay does not say, or says something senseless.

    `progress` is 0–100 and may go back; `video_url` is only told of a done job and is http(s) or
    `data:` (many MB); `failure` is set if and only if `state` is FAILED. `ids` are all that the
    answer names; `expires_at` (epoch seconds) is the earliest end of the video that is known.
    """

    state: JobState
    progress: int | None = None
    video_url: str | None = field(default=None, repr=False)
    failure: JobFailed | None = None
    seconds: float | None = None
    fps: float | None = None
    size: str | None = None
    ids: tuple[str, ...] = field(default=(), compare=False)
    expires_at: float | None = None

    def names(self, upstream_id: str) -> bool:
        """Tell whether the answer says itself that it is about this job.

        Only such a one may lead to another POST (contract §4).
        """
        return upstream_id in self.ids


def accepted_id(answer: dict[str, Any]) -> str | None:
    """Find the job's id in the answer to an order, in the envelope `data` or `output` too."""
    return next(iter(ids_in(answer)), None)


def ids_in(answer: dict[str, Any]) -> tuple[str, ...]:
    """Return all ids that an answer names, the likeliest of the job first.

    `request_id` comes last: with most relays it is that of the HTTP request.
    """
    data = answer.get("data")
    parts = (answer, as_dict(data) or first_of(data), as_dict(answer.get("output")))
    told = [_id(part.get(key)) for part in parts for key in _ID_KEYS]
    told += [_id(part.get(_REQUEST_ID)) for part in parts]
    return tuple(dict.fromkeys(filter(None, told)))


def _id(value: object) -> str:
    value = as_text(value).strip()
    fits = 0 < len(value) <= ID_MAX and value.isprintable() and value != _NO_ID
    return value if fits else ""


def job_in(answer: dict[str, Any], content_url: str) -> Job | None:
    """Read one look at a job; None when the answer holds no status.

    `content_url` is where the relay hands out this job's video against the key: relative URLs are
    resolved against it, and it is itself no URL to hand out.
    """
    job = _job_part(answer)
    word = _status_word(job)
    if not word:
        return None
    state = _STATES.get(word, JobState.RUNNING)
    failure = _failure(answer, word) if state is JobState.FAILED else None
    if failure and failure.again and word in _ANY_ERROR and not accepted_id(answer):
        return None
    return Job(
        state=state,
        progress=progress_of(job.get("progress")),
        video_url=video_url_in(answer, content_url) if state is JobState.DONE else None,
        failure=failure,
        seconds=_number(job.get("seconds")) or _number(job.get("duration")),
        fps=_number(job.get("fps")),
        size=_size(job.get("size")) or _size(job.get("resolution")),
        ids=ids_in(answer),
    )


def _job_part(answer: dict[str, Any]) -> dict[str, Any]:
    """Choose between the answer and its envelope's `data`, where both may have a status.

    `{"code": "success", "data": {"status": …}}` is an envelope; an answer with an id and a known
    status of its own is the job, whatever raw upstream answer its `data` quotes.
    """
    data = as_dict(answer.get("data")) or first_of(answer.get("data"))
    own = accepted_id({**answer, "data": None}) and _status_word(answer) in _STATES
    return answer if own or not _status_word(data) else data


def _status_word(job: dict[str, Any]) -> str:
    status = job.get("status")
    return re.sub(r"[\s-]+", "_", status.strip().casefold()) if isinstance(status, str) else ""


def _failure(answer: dict[str, Any], word: str) -> JobFailed:
    complaint = complaint_in(answer)
    if not complaint.text:
        text = f"the upstream ended the job as {word}"
        complaint = Complaint(codes=complaint.codes, text=text)
    return JobFailed(complaint)


def progress_of(value: object) -> int | None:
    """Read 45, 45.7, "45", "45 %"; anything else is None. Bounded to 0–100."""
    if isinstance(value, str):
        match = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{0,20})?)\s*%?", value.strip())
        value = float(match[1]) if match else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return int(min(max(value, 0), 100))


def _number(value: object) -> float | None:
    """Read a positive amount such as 8, "8" or "8s"."""
    if isinstance(value, str):
        match = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,20})?)\s*s?", value.strip())
        value = float(match[1]) if match else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 < value < _AMOUNT_MAX else None  # NaN is not


def _size(value: object) -> str | None:
    match = re.fullmatch(r"([0-9]{2,5})\s*[xX\u00d7*]\s*([0-9]{2,5})", as_text(value).strip())
    return f"{match[1]}x{match[2]}" if match else None


def complaint_in(answer: dict[str, Any]) -> Complaint:
    """Collect what an answer says is wrong: flat, nested, in the envelope, or as a bare string."""
    codes: list[str] = []
    texts: list[str] = []
    for error in _errors(answer):
        if isinstance(error, str):
            texts.append(error)
        else:
            codes += [as_text(error.get(key)).strip() for key in _CODE_KEYS]
            texts += [error[key] for key in _TEXT_KEYS if isinstance(error.get(key), str)]
    return _complaint(codes, texts)


def _complaint(codes: list[str], texts: list[str]) -> Complaint:
    texts = [text.strip()[:_TEXT_MAX] for text in texts]
    codes = codes + [code for text in texts for code in _QUOTED_CODE.findall(text)]
    told = (code for code in codes if code.casefold() not in _NOTHING)
    said = (text for text in texts if text.casefold() not in _NOTHING)
    return Complaint(tuple(dict.fromkeys(told)), "; ".join(dict.fromkeys(said)))


_CODE_KEYS: Final = ("code", "error_code", "type", "status")
_TEXT_KEYS: Final = ("message", "msg", "fail_reason", "failure_reason", "reason", "detail")
_NOTHING: Final = frozenset({"", "success", "ok", "0", "200", "201", "202"})
# A code in a sentence: `HIGH_TRAFFIC` anywhere, `INTERNAL: …` or `429: …` at its start, or alone.
_QUOTED_CODE: Final = re.compile(
    r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b|\A(?:[A-Z]{3,}|[45][0-9]{2})(?=\s*(?::|\Z))"
    r"|\A[A-Za-z][A-Za-z0-9]*(?:[_-][A-Za-z0-9]+)+\Z",
    re.ASCII,  # a code may stand right behind a Chinese word
)
# `type` and `status` of a whole answer are the job's, not the error's.
_NOT_OF_THE_ERROR: Final = frozenset({"type", "status"})


def _errors(answer: dict[str, Any]) -> Iterator[dict[str, Any] | str]:
    for part in (as_dict(answer.get("data")), answer):
        for key in ("error", "detail"):
            error = part.get(key)
            nested = as_dict(error).get("error")  # what stands behind the relay, quoted
            yield from (e for e in (_said(nested), _said(error)) if e)
        yield {key: value for key, value in part.items() if key not in _NOT_OF_THE_ERROR}


def _said(error: object) -> dict[str, Any] | str:
    return error if isinstance(error, str) else first_of(error) or as_dict(error)


def complaint_of(body: bytes | bytearray) -> Complaint:
    """Like `complaint_in`, of a body that may be anything. A page of HTML says nothing."""
    try:
        return complaint_in(parsed(body))
    except Unreadable:
        text = body[:_TEXT_MAX].decode("utf-8", "replace").strip("\ufeff \t\r\n")
        return _complaint([], [] if text.startswith("<") else [text])


def says_missing(complaint: Complaint) -> bool:
    """Tell whether the relay says that it knows no such job (by code, with 400 or even 200)."""
    said = " ".join((*complaint.codes, complaint.text[:_TEXT_MAX])).casefold()
    return "task_not_exist" in re.sub(r"[\s-]+", "_", said)


def speaks_of_a_job(complaint: Complaint) -> bool:
    """Tell whether a gateway's error is about a job or its video, not about the gateway."""
    return bool(_OF_A_JOB.search(" ".join((*complaint.codes, complaint.text[:_TEXT_MAX]))))


# Not "upstream", "server" or "gateway": those speak of the way to it.
_OF_A_JOB: Final = re.compile(
    r"video|generat|\btask|\bjob|content|safety|filter|视频|任务", re.IGNORECASE
)


def failure_without_status(complaint: Complaint) -> JobFailed | None:
    """Read a complaint that can only be about the job: a policy or audio code, status or not."""
    told = cause_of(Complaint(codes=complaint.codes), 0) in {Cause.POLICY, Cause.AUDIO}
    return JobFailed(complaint) if told else None


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Read `Retry-After` (RFC 9110 §10.2.3) as 0–900 seconds; None when it says nothing.

    A date counts from the answer's own `Date`, so that no clock of ours matters.
    """
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,20}(?:\.[0-9]{0,20})?", value):
        return min(float(value), RETRY_AFTER_MAX)
    then, now = _unix(value), _unix(headers.get("date", ""))
    return None if then is None or now is None else min(max(then - now, 0.0), RETRY_AFTER_MAX)


def _unix(date: str) -> float | None:
    try:
        parsed_date = parsedate_to_datetime(date)
    except ValueError:
        return None
    return parsed_date.replace(tzinfo=parsed_date.tzinfo or UTC).timestamp()
