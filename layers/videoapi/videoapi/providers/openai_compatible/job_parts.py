"""Where in an answer of a relay the job stands, by which ids, and with which status word."""

import re
from typing import Any, Final

from videoapi.providers.classification import names_account_or_limit
from videoapi.providers.json_access import as_dict, as_text, first_of
from videoapi.providers.openai_compatible.errors import error_in_json, has_error
from videoapi.providers.provider import JobState
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
MAX_WORD: Final = 64  # characters

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
    ids = [_id(part.get(key)) for part in parts(response) for key in keys]
    return [upstream_id for upstream_id in ids if upstream_id]


def parts(response: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """Return the places where an answer may speak of the job."""
    data = response.get("data")
    return response, as_dict(data) or first_of(data), as_dict(response.get("output"))


def _id(value: object) -> str:
    value = as_text(value)
    value = value.strip() if len(value) <= 2 * MAX_ID else ""
    fits = 0 < len(value) <= MAX_ID and value.isprintable() and value != _NO_ID
    fits = fits and MASK not in value
    return value if fits else ""


def state_of(word: str) -> JobState | None:
    """Return what a status word means; None for one that no list knows."""
    by_ending = (state for ending, state in _ENDINGS.items() if word.endswith(ending))
    return _STATES.get(word) or next(by_ending, None)


def job_part(response: dict[str, Any]) -> dict[str, Any]:
    """Choose between the answer and what it may be an envelope of, where both have a status.

    `{"code": "success", "data": {"status": …}}` is an envelope; an answer with an id and a known
    status of its own is the job, whatever raw upstream answer its `data` quotes.
    """
    whole, *inner = parts(response)
    if _ids({key: whole.get(key) for key in _ID_KEYS}, _ID_KEYS) and state_of(word_of(whole)):
        return whole
    return next((part for part in inner if word_of(part)), whole)


def status_word(response: dict[str, Any]) -> str:
    """Return the word for how the job is, folded; "" without one."""
    return word_of(job_part(response))


def word_of(job: dict[str, Any]) -> str:
    """Return a part's own status word, folded; "" without one."""
    candidates = (job.get(key) for key in _WORD_KEYS)
    words = (_folded(each[:MAX_WORD]) for each in candidates if isinstance(each, str))
    return next(filter(None, words), "")


def _folded(text: str) -> str:
    """Return a word as the tables hold it: case folded, blanks as `_`."""
    return re.sub(r"[\s-]+", "_", text.strip().casefold())
