"""The failures that a prompt may ask for, by name: their codes, their texts and HTTP statuses.

A failure is named by its code, sent as it is written (`HIGH_TRAFFIC`, `high traffic` and
`PUBLIC_ERROR_HIGH_TRAFFIC` are the same), by the name of a text that comes without a code, by a
code of google.rpc, or by an HTTP status, which is then the code as an integer. The wire writes its
body.
"""

from dataclasses import dataclass
from http import HTTPStatus

from simulator.google import failure_texts

SAFETY = "The request was rejected by the safety system."
_BUSY = "The model is overloaded, please try again later."
_ENVOY = "upstream connect error or disconnect/reset before headers. reset reason: "
_CODES = {
    "CONTENT_POLICY_VIOLATION": (400, SAFETY),
    "PROMINENT_PEOPLE_FILTER_FAILED": (400, SAFETY),
    "UNSAFE_GENERATION": (400, SAFETY),
    "MINOR_UPLOAD": (400, SAFETY),
    "SEXUAL": (400, SAFETY),
    "VIOLENCE": (400, SAFETY),
    "DANGER_FILTER_FAILED": (400, SAFETY),
    "NSFW": (400, SAFETY),
    "COPYRIGHT": (400, SAFETY),
    "IP_INPUT_IMAGE": (400, SAFETY),
    "AUDIO_FILTERED": (400, "The generated audio was filtered."),
    "AUDIO_GENERATION_FILTERED": (400, "The generated audio was filtered."),
    "HIGH_TRAFFIC": (503, _BUSY),
    "VIDEO_GENERATION_TIMED_OUT": (504, _BUSY),
    "USER_REQUESTS_THROTTLED": (429, _BUSY),
    "INTERNAL": (500, "Something went wrong."),
    "INTERNAL_ERROR": (500, "Something went wrong."),
    "SERVICE_UNAVAILABLE": (503, _BUSY),
    "RATE_LIMIT": (429, _BUSY),
    "RATE_LIMIT_EXCEEDED": (429, _BUSY),
    "INSUFFICIENT_USER_QUOTA": (403, "The balance of the account is used up."),
    "INVALID_API_KEY": (401, "The API key is not valid."),
    **failure_texts.CODES,
    "INVALID_REQUEST": (400, "A field is not valid."),
    "TASK_NOT_EXIST": (400, "The task does not exist."),
    "NEVER_HEARD_OF": (500, "An error that no list knows."),
}
_TEXTS = {
    "saturated": (429, "当前分组上游负载已饱和，请稍后再试"),  # noqa: RUF001  as relays write it
    "unfit": (400, "内容不合规"),
    "support_codes": (400, "The video could not be made. Support codes: 58061214, 17301594"),
    "lost_answer": (502, f"{_ENVOY}connection termination"),
    "violates": (400, "The prompt violates our usage policies."),
    **failure_texts.TEXTS,
}
_FIRST_ERROR_STATUS, _LAST_ERROR_STATUS = 400, 599


@dataclass(frozen=True, slots=True)
class Failure:
    """One error of a provider; `code` is None where the text says it all."""

    status: int
    code: str | int | None
    message: str


class Refusal(Exception):
    """The simulator's own refusal of a request; each wire answers it in its own shape."""

    def __init__(self, status: int, code: str, message: str, param: str | None = None) -> None:
        """`param` names the field at fault."""
        super().__init__(message)
        self.failure = Failure(status, code, message)
        self.param = param


def failure(name: str) -> Failure | None:
    """Find a failure by its name; None for one that is not in the lists."""
    if name.isdecimal() and int(name) in failure_texts.RPC_CODES:
        status, text = failure_texts.RPC_CODES[int(name)]
        return Failure(status, int(name), text)
    if name in _TEXTS:
        status, text = _TEXTS[name]
        return Failure(status, None, text)
    if is_error_status(name):
        return Failure(int(name), int(name), _phrase(int(name)))
    folded = name.upper().replace(" ", "_").removeprefix("PUBLIC_ERROR_")
    if folded in _CODES:
        status, message = _CODES[folded]
        return Failure(status, name, message)
    return None


def of_status(status: int) -> Failure:
    """Return the plain error of an HTTP status, its phrase as the code."""
    phrase = _phrase(status)
    return Failure(status, phrase.lower().replace(" ", "_"), phrase)


def is_error_status(name: str) -> bool:
    """Return whether this is the number of a 4xx or 5xx status."""
    return name.isdecimal() and _FIRST_ERROR_STATUS <= int(name) <= _LAST_ERROR_STATUS


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else f"Unknown error {status}"
