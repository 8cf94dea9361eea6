"""Where in an answer of a relay the job stands, by which ids, and with which status word."""

import re
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any, Final

from videoapi.providers.classification import names_account_or_limit
from videoapi.providers.json_access import as_dict, as_text, first_of
from videoapi.providers.openai_compatible.errors import error_in_json, has_error
from videoapi.providers.openai_compatible.result_urls import url_in_fail_reason, video_url_in
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
# What holds a job in an envelope, and on how many levels it is looked for there.
_HOLDERS: Final = ("data", "output", "result", "video", "task", "job")
_LEVELS: Final = 2
_WENT_WELL: Final = frozenset({"success", "ok"})  # of a request, where no id stands beside it
_OF_A_REQUEST: Final = _WENT_WELL | {"error", "fail"}  # as JSend has them
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
    """Find the job's id in the answer to an order, in an envelope too.

    An answer with an error names by `request_id` its own request, and no job deep in itself.
    """
    ids = _ids(_parts(response), _ID_KEYS)
    if not ids and not has_error(response) and not names_account_or_limit(error_in_json(response)):
        failed = state_of(status_word(response)) is JobState.FAILED
        ids = [] if failed else _ids(_held(response), _ID_KEYS)
        ids = ids or _ids(_parts(response), (_REQUEST_ID,))
    return next(iter(ids), None)


def names_a_job(response: dict[str, Any]) -> bool:
    """Return whether an answer, whatever its status, tells of a job that waits, runs or is done."""
    words = {word_of(_outer_part(response)), status_word(response)}
    made = any(_STATES.get(word, JobState.FAILED) is not JobState.FAILED for word in words)
    return made and bool(_ids(places(response), _ID_KEYS))


def ids_in(response: dict[str, Any]) -> tuple[str, ...]:
    """Return all ids by which an answer may name the job, the likeliest first.

    `request_id` comes last: with most relays it is that of the HTTP request.
    """
    told = places(response)
    return tuple(dict.fromkeys(_ids(told, _ID_KEYS) + _ids(told, (_REQUEST_ID,))))


def job_ids_in(response: dict[str, Any]) -> tuple[str, ...]:
    """Return the ids that can be a job's alone, the likeliest first."""
    return tuple(dict.fromkeys(_ids(places(response), _ID_KEYS)))


def _ids(parts: Iterable[dict[str, Any]], keys: tuple[str, ...]) -> list[str]:
    ids = [_id(part.get(key)) for part in parts for key in keys]
    return [upstream_id for upstream_id in ids if upstream_id]


def places(response: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """Return where an answer speaks of the job."""
    return *_parts(response), job_part(response)


def _parts(response: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    data = response.get("data")
    return response, as_dict(data) or first_of(data), as_dict(response.get("output"))


def _held(part: dict[str, Any], levels: int = _LEVELS) -> Iterator[dict[str, Any]]:
    """Yield what an envelope may hold the job as, the least deep first."""
    values = (part.get(key) for key in _HOLDERS)
    inner = [each for each in (as_dict(value) or first_of(value) for value in values) if each]
    yield from inner
    if levels > 1:
        for each in inner:
            yield from _held(each, levels - 1)


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
    """Return what of an answer has the job's status: the answer, or what it is an envelope of.

    Deeper than in `data` and `output` it is looked for only where nothing else speaks for it, and
    no part with another id counts.
    """
    part = _outer_part(response)
    if word_of(part) and not (_went_well(part) and not _shows_a_video(part)):
        return part
    ids = set(_ids(_parts(response), _ID_KEYS))
    held = (each for each in _held(part) if _speaks(each))
    return next((each for each in held if not ids or ids.issuperset(_own_ids(each))), part)


def _outer_part(response: dict[str, Any]) -> dict[str, Any]:
    """Choose between the answer and what it may be an envelope of, where both have a status.

    `{"code": "success", "data": {"status": …}}` is an envelope; an answer with an id and a known
    status of its own is the job, whatever raw upstream answer its `data` quotes.
    """
    whole, *inner = _parts(response)
    if _own_ids(whole) and state_of(word_of(whole)):
        return whole
    return next((part for part in inner if word_of(part)), whole)


def told_of(response: dict[str, Any], job_id: str) -> dict[str, Any]:
    """Return an answer without its own ids and status where those are a request's that went well.

    So they are beside another id where a part with a status of its own names the job.
    """
    own = _own_ids(response)
    if not own or job_id in own or word_of(response) not in _WENT_WELL or _shows_a_video(response):
        return response
    if not any(_speaks(part) and job_id in _own_ids(part) for part in _held(response)):
        return response
    return {key: response[key] for key in response if key not in (*_ID_KEYS, *_WORD_KEYS)}


def is_deep(response: dict[str, Any]) -> bool:
    """Return whether the job stands deeper in an envelope than relays have it, as a rule."""
    job = job_part(response)
    return not any(job is part for part in _parts(response))


def with_job_in_data(response: dict[str, Any]) -> dict[str, Any]:
    """Return an answer with a job that stands deep in its envelope as its `data`."""
    if not is_deep(response):
        return response
    return {**response, "data": {**as_dict(response.get("data")), **job_part(response)}}


def is_envelope(part: dict[str, Any]) -> bool:
    """Return whether the status word of a part tells of a request, and the job is inside."""
    data = part.get("data")
    inside = as_dict(data) or first_of(data) or any(map(_own_ids, _held(part, 1)))
    return _went_well(part) and bool(inside)


def _went_well(part: dict[str, Any]) -> bool:
    return word_of(part) in _WENT_WELL and not _own_ids(part)


def _shows_a_video(part: dict[str, Any]) -> bool:
    """Return whether a part has a video's URL of its own."""
    own = {key: value for key, value in part.items() if isinstance(value, str)}
    named = {key: value for key, value in own.items() if "video" in key.casefold()}
    return bool(video_url_in(named, "", certain=True) or url_in_fail_reason((own,)))


def _speaks(part: dict[str, Any]) -> bool:
    """Return whether a part has a status word that is the job's, and not a request's."""
    word = word_of(part)
    return bool(word) and (word not in _OF_A_REQUEST or bool(_own_ids(part)))


def _own_ids(part: dict[str, Any]) -> list[str]:
    return _ids((part,), _ID_KEYS)


def everywhere(response: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """Return an answer and all that it may hold the job as."""
    return response, *_held(response)


def tells_in_numbers(part: dict[str, Any]) -> bool:
    """Return whether a status is no word: a number, or an object without a word of an open job."""
    return any(_is_no_word(part.get(key)) for key in _WORD_KEYS)


def _is_no_word(value: object) -> bool:
    value = list(value.values()) if isinstance(value, dict) else value
    if isinstance(value, list):
        words = (_folded(each[:MAX_WORD]) for each in value if isinstance(each, str))
        return bool(value) and all(state_of(word) in {None, JobState.DONE} for word in words)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 <= value <= HTTPStatus.OK


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
