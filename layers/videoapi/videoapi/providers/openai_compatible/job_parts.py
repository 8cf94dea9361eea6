"""Where in an answer of a relay the job stands, by which ids, and with which status word."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Any, Final

from videoapi.providers.classification import ErrorInfo, names_account_or_limit
from videoapi.providers.json_access import as_dict, as_text, object_in
from videoapi.providers.openai_compatible.errors import error_in_json, has_error
from videoapi.providers.openai_compatible.result_urls import url_in_fail_reason, video_url_in
from videoapi.providers.provider import JobState
from videoapi.redaction import MASK

_MAX_ID: Final = 512  # characters; an id goes into a DynamoDB item and into a path

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
_BARE_ID: Final = re.compile(r"(?=.*[0-9])[\w.:-]{8,}", re.ASCII)  # no word, and no sentence
_HOLDERS: Final = ("data", "output", "result", "video", "task", "job")  # of a job in an envelope
# Of a request, where no id stands beside them; JSend has all but "ok".
_WENT_WELL: Final = frozenset({"success", "ok"})
WENT_WRONG: Final = frozenset({"error", "fail"})
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


@dataclass(frozen=True)
class Part:
    """An object in an answer, and what it tells of a job."""

    json: dict[str, Any]

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """Its own ids that can be a job's alone, the likeliest first."""
        return _ids((self.json,))

    @cached_property
    def word(self) -> str:
        """Its own status word, folded; "" without one."""
        statuses = (self.json.get(key) for key in _WORD_KEYS)
        words = (_folded(status) for status in statuses if isinstance(status, str))
        return next(filter(None, words), "")

    @property
    def speaks(self) -> bool:
        """Whether its status word is a job's, and not a request's."""
        return bool(self.word) and (self.word not in _WENT_WELL | WENT_WRONG or bool(self.ids))

    @property
    def went_well(self) -> bool:
        """Whether its status word is that of a request that went well."""
        return self.word in _WENT_WELL and not self.ids

    @property
    def is_envelope(self) -> bool:
        """Whether its status word is that of a request that went well, and the job is inside."""
        inside = object_in(self.json.get("data")) or any(part.ids for part in self.inner)
        return self.went_well and bool(inside)

    @property
    def shows_a_video(self) -> bool:
        """Whether it has a video's URL of its own."""
        own = {key: value for key, value in self.json.items() if isinstance(value, str)}
        named = {key: value for key, value in own.items() if "video" in key.casefold()}
        return bool(video_url_in(named, "", certain=True) or url_in_fail_reason((own,)))

    @property
    def tells_in_numbers(self) -> bool:
        """Whether a status is no word: a number, or an object without a word of an open job."""
        return any(_is_no_word(self.json.get(key)) for key in _WORD_KEYS)

    @property
    def is_sound(self) -> bool:
        """Whether nothing in it may be an error's: no message, but one of a request that went well.

        Such a request has a code of success, and no status in numbers that its message may explain.
        """
        found = error_in_json(self.json)
        of_a_request = bool(as_text(self.json.get("code"))) and not self.tells_in_numbers
        return not (has_error(self.json) or found.codes or (found.text and not of_a_request))

    @cached_property
    def inner(self) -> tuple["Part", ...]:
        """What it may hold the job as."""
        objects = (object_in(self.json.get(key)) for key in _HOLDERS)
        return tuple(Part(each) for each in objects if each)

    @property
    def held(self) -> tuple["Part", ...]:
        """What it may hold the job as, on two levels, the least deep first."""
        return *self.inner, *(deeper for part in self.inner for deeper in part.inner)


class Answer:
    """An answer of a relay: which part of it is the job, and by which ids.

    `job_id` is that of the job which it was asked for.
    """

    def __init__(self, response: dict[str, Any], job_id: str = "") -> None:
        data, output = object_in(response.get("data")), as_dict(response.get("output"))
        self.json = response
        self._usual = (response, data, output)
        whole, *inner = map(Part, self._usual)
        self.everywhere = (whole, *whole.held)  # the answer, and all that it may hold the job as
        self._outer = _outer(whole, inner)
        named = _named(whole, job_id)
        self.job = named or _job(self._outer, set(_ids(self._usual)))
        self._own_ids = named.ids if named else _ids(self._usual)
        self.places = (*self._usual, self.job.json)
        # Whether the job stands deeper in an envelope than relays have it, as a rule.
        self.is_deep = not any(self.job.json is part for part in self._usual)

    @property
    def job_ids(self) -> tuple[str, ...]:
        """The ids that can be a job's alone, the likeliest first."""
        return _ids(self.places)

    @property
    def ids(self) -> tuple[str, ...]:
        """All ids by which it may name the job, the likeliest first.

        `request_id` comes last: with most relays it is that of the HTTP request.
        """
        return tuple(dict.fromkeys(self.job_ids + _ids(self.places, (_REQUEST_ID,))))

    @property
    def accepted_id(self) -> str | None:
        """The job's id in the answer to an order, in an envelope too.

        An answer with an error names by `request_id` its own request, and no job deep in itself.
        """
        if self._own_ids:
            return self._own_ids[0]
        if has_error(self.json) or names_account_or_limit(error_in_json(self.json)):
            return None
        failed = state_of(self.job.word) is JobState.FAILED
        ids = () if failed else _ids(part.json for part in self.everywhere) or self._bare_ids
        return next(iter(ids or _ids(self._usual, (_REQUEST_ID,))), None)

    @property
    def _bare_ids(self) -> tuple[str, ...]:
        """The id that is all of its `data`, where nothing is wrong: so new-api answers."""
        bare = _id(self.json.get("data"))
        sound = self.everywhere[0].is_sound
        return (bare,) if sound and _BARE_ID.fullmatch(bare) else ()

    @property
    def names_a_job(self) -> bool:
        """Whether it tells, whatever its HTTP status, of a job that waits, runs or is done."""
        states = {state_of(self._outer.word), state_of(self.job.word)}
        return bool(states - {None, JobState.FAILED} and self.job_ids)

    @property
    def error_info(self) -> ErrorInfo:
        """What it says is wrong; a job deep in it is read as its `data`."""
        data = {**as_dict(self.json.get("data")), **self.job.json}
        return error_in_json({**self.json, "data": data} if self.is_deep else self.json)


def _named(whole: Part, job_id: str) -> Part | None:
    """Return what has the id asked for, where the answer's own id and success are a request's.

    Where none was asked for, they are if a part inside has both an id and a status word, and the
    answer's own id may be a request's.
    """
    own = whole.word not in _WENT_WELL or job_id in whole.ids or whole.shows_a_video
    named = (part for part in whole.held if part.speaks and part.ids)
    may_be_a_requests = not job_id and _may_be_a_requests(whole)
    asked = (part for part in named if job_id in part.ids or may_be_a_requests)
    return None if own else next(asked, None)


def _may_be_a_requests(whole: Part) -> bool:
    """Return whether nothing says that an id is a job's: neither its name nor a part with it."""
    called_a_jobs = _ids((whole.json,), _ID_KEYS[1:])
    inside = _ids(part.json for part in whole.held)
    return bool(whole.ids) and not called_a_jobs and whole.ids[0] not in inside


def _outer(whole: Part, inner: list[Part]) -> Part:
    """Choose between the answer and what it may be an envelope of, where both have a status.

    `{"code": "success", "data": {"status": …}}` is an envelope; an answer with an id and a known
    status of its own is the job, whatever raw upstream answer its `data` quotes.
    """
    known = whole.ids and state_of(whole.word)
    return whole if known else next((part for part in inner if part.word), whole)


def _job(outer: Part, ids: set[str]) -> Part:
    """Return what speaks for the job: that part, or what it holds, unless it has another id."""
    if outer.word and (not outer.went_well or outer.shows_a_video):
        return outer
    held = (part for part in outer.held if not ids or ids.issuperset(part.ids))
    return next((part for part in held if part.speaks), outer)


def _ids(parts: Iterable[dict[str, Any]], keys: tuple[str, ...] = _ID_KEYS) -> tuple[str, ...]:
    ids = (_id(part.get(key)) for part in parts for key in keys)
    return tuple(dict.fromkeys(filter(None, ids)))


def _id(value: object) -> str:
    value = as_text(value)
    value = value.strip() if len(value) <= 2 * _MAX_ID else ""
    fits = 0 < len(value) <= _MAX_ID and value.isprintable() and value != _NO_ID
    return value if fits and MASK not in value else ""


def state_of(word: str) -> JobState | None:
    """Return what a status word means; None for one that no list knows."""
    by_ending = (state for ending, state in _ENDINGS.items() if word.endswith(ending))
    return _STATES.get(word) or next(by_ending, None)


def _is_no_word(status: object) -> bool:
    status = list(status.values()) if isinstance(status, dict) else status
    if isinstance(status, list):
        words = (_folded(each) for each in status if isinstance(each, str))
        return bool(status) and all(state_of(word) in {None, JobState.DONE} for word in words)
    if isinstance(status, bool) or not isinstance(status, int | float):
        return False
    return 0 <= status <= HTTPStatus.OK


def _folded(text: str) -> str:
    """Return a word as the tables hold it: case folded, blanks as `_`."""
    return re.sub(r"[\s-]+", "_", text[:MAX_WORD].strip().casefold())
