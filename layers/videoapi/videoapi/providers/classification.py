"""The cause of a provider's refusal, as docs/providers.md names it, and what a caller reads of it.

A relay hands on the errors of whatever stands behind it, so one and the same refusal arrives as a
code, as a sentence, or as a code inside a sentence, under almost any HTTP status. `classify`
decides in this order, the most reliable first:

1. a known code in a code field; one that speaks of blocking an account or an address waits for 5;
2. the statuses that mean one thing only: 401, 402, 403 (our account) and 429 (later);
3. what a sentence says only of content: a code written out (`PUBLIC_ERROR_UNSAFE_GENERATION: …`),
   "Support codes: …", 敏感;
4. any other 5xx, but for a job that has ended: its number says less than a sentence of content;
5. the words of the sentence, which may be a coincidence ("violates a unique constraint");
6. 400, 413, 422: the request was wrong. Anything else is unknown, and final.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Final

from videoapi.redaction import redact

_MAX_READ: Final = 2000  # characters that are looked at, so that no pattern runs for long
_MAX_CODE: Final = 64  # characters; the longest of the table, with its prefix, has half of that

ACCOUNT_STATUSES: Final = frozenset({401, 402, 403})
_BAD_REQUEST_STATUSES: Final = frozenset({400, 413, 422})


class Cause(StrEnum):
    """Why there is no video, as far as one can act on it."""

    POLICY = "policy"
    AUDIO = "audio"
    ACCOUNT = "account"
    TRANSIENT = "transient"
    BAD_REQUEST = "bad_request"
    MISDIRECTED = "misdirected"  # the settings' address only leads on to another
    MODEL = "model"  # the provider has no such model, or has it no more
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class ErrorInfo:
    """What a relay said is wrong: codes, the most telling first, and its sentences as one text.

    `ended_as` is the status word of a job that failed, such as `prompt_blocked`.
    """

    codes: tuple[str, ...] = ()
    text: str = field(default="", repr=False)  # may quote the prompt, which no log may hold
    ended_as: str = ""


type _Table = tuple[tuple[Cause, re.Pattern[str]], ...]

# `insufficient_quota`, sent with 429, is what OpenAI calls an empty account.
_ACCOUNT = "insufficient_(?:user_quota|quota|balance|credits?)|invalid_api_key"
# Whom, and not what: `ip_blocked`, `access_prohibited`.
_WHOM = "(?:account|user|ip|address|key|token|access|region|country|client|network|channel)"
_WHOM_BLOCKED: Final = re.compile(f"(?:.*_)?{_WHOM}_(?:is_)?(?:blocked|prohibited).*")
_CODES: Final[_Table] = (
    (
        Cause.POLICY,
        re.compile(
            "content_policy.*|prominent_people.*|unsafe_.*|sentinel_block|minor.*|sexual.*|violence.*"
            "|danger.*|nsfw.*|copyright.*|ip_input_image|.*moderation.*|.*(?<![a-z])(?<!case_)sensitive.*"
            f"|(?!{_WHOM_BLOCKED.pattern}).*(?:blocked|prohibited).*"
        ),
    ),
    (Cause.AUDIO, re.compile("audio_filtered|audio_generation_filtered")),
    (Cause.ACCOUNT, re.compile(_ACCOUNT)),
    (
        Cause.TRANSIENT,
        re.compile(
            "high_traffic|.*timed_out|.*throttled|throttling.*|internal.*|server_error"
            "|.*unavailable|.*overloaded|resource_exhausted|rate_limit.*|too_many_requests"
        ),
    ),
)
# RateLimitExceeded, IPBlocked
_WORD_START: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_MODEL: Final = re.compile(
    "(?:invalid|unknown|unsupported|no_such)_model(?:_name|_id)?"
    "|model_(?:is_)?(?:not_(?:found|exist|exists|supported|available)|unavailable|retired|disabled)"
)
_LIMIT: Final = re.compile(
    "rate_limit.*|.*throttled|throttling.*|resource_exhausted|too_many_requests|429"
)
# The maker's own words for an order that it has not taken, or a job that it gave up.
_PASSING: Final = re.compile("high_traffic|.*timed_out|.*overloaded")
_WRITTEN_OUT: Final[_Table] = (
    # "We encountered an issue with the audio for your prompt": Google's, who blames its filters.
    (Cause.AUDIO, re.compile("audio_(?:generation_)?filtered|issue_with_the_audio")),
    (
        Cause.POLICY,
        re.compile(
            "content_policy|prominent_people|unsafe_(?:generation|image)|ip_input_image|support_codes"
            "|public_error_(?:minor|sexual|violence|danger|nsfw|copyright)"
            "|内容不合规|敏感|违规"
        ),
    ),
)
_POLICY_WORDS: Final = (
    Cause.POLICY,
    re.compile(
        "violat(?!.*constraint)|(?<![a-z])(?:minor|sexual|violence|danger|nsfw|copyright)"
        "|(?<![a-z])(?:moderat|safety|prohibited)|(?<![a-z])(?<!case_)sensitive|risk_control"
        "|(?:prompt|content|image|input|video|output|request)_(?:was_|is_|has_been_)?blocked"
        "|content_filter|(?<![a-z])inappropriate_content"
        "|审核|违反(?!.*约束)|风控|版权"
    ),
)
_TRANSIENT_WORDS: Final = (
    Cause.TRANSIENT,
    re.compile(
        "high_traffic|timed_out|throttled|internal_(?:server_)?error|server_error"
        "|(?<![a-z])unavailable|overload|resource_(?:has_been_)?exhausted|rate_limit|负载已饱和"
    ),
)
_WORDS: Final[_Table] = (
    _POLICY_WORDS,
    _TRANSIENT_WORDS,
    (Cause.ACCOUNT, re.compile(f"{_ACCOUNT}|额度不足|余额不足")),
)


def classify(error_info: ErrorInfo, status: int) -> Cause:
    """Sort a refusal. A 2xx says nothing: then a numeric code stands in for it.

    (Relays answer 200 for a job that ended with `{"error": {"code": 503}}`.)
    """
    codes = [_code_folded(code) for code in error_info.codes]
    wordy = (code for code in error_info.codes if not _WHOM_BLOCKED.fullmatch(_code_folded(code)))
    text = _folded(" ".join((*wordy, error_info.text))[:_MAX_READ])
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return Cause.MISDIRECTED
    of_a_job = status < HTTPStatus.BAD_REQUEST
    if of_a_job:
        status = next((int(code) for code in codes if re.fullmatch("[45][0-9][0-9]", code)), 0)
    return (
        _by_code(codes)
        or _by_ending(error_info.ended_as)
        or _by_plain_status(status)
        or _by_text(text, _WRITTEN_OUT)
        or _by_server_error(status, text, of_a_job=of_a_job)
        or _by_text(text, _WORDS)
        or (Cause.BAD_REQUEST if status in _BAD_REQUEST_STATUSES else Cause.UNKNOWN)
    )


def _by_code(codes: list[str]) -> Cause | None:
    for cause, pattern in _CODES:
        if any(pattern.fullmatch(code) for code in codes):
            return cause
    return None


def _by_ending(word: str) -> Cause | None:
    """Read a status word as a code. That it says "timed out" is too little to pay once more."""
    cause = _by_code([_code_folded(word)])
    return cause if cause in {Cause.POLICY, Cause.AUDIO} else None


def names_model(error_info: ErrorInfo) -> bool:
    """Return whether a code says that the provider does not serve the model."""
    return any(_MODEL.fullmatch(_code_folded(code)) for code in error_info.codes)


def names_account_or_limit(error_info: ErrorInfo) -> bool:
    """Return whether a code names our account or a limit: nothing was accepted."""
    codes = [_code_folded(code) for code in error_info.codes]
    numbers = {str(status) for status in ACCOUNT_STATUSES}
    return _by_code(codes) is Cause.ACCOUNT or any(
        code in numbers or _LIMIT.fullmatch(code) for code in codes
    )


def names_passing_trouble(error_info: ErrorInfo) -> bool:
    """Return whether a code is a maker's own for what may go well the next time."""
    return any(_PASSING.fullmatch(_code_folded(code)) for code in error_info.codes)


def _by_plain_status(status: int) -> Cause | None:
    if status in ACCOUNT_STATUSES:
        return Cause.ACCOUNT
    return Cause.TRANSIENT if status == HTTPStatus.TOO_MANY_REQUESTS else None


def _by_server_error(status: int, text: str, *, of_a_job: bool) -> Cause | None:
    """Read a 5xx as passing. A job that has ended over its content is not paid for once more."""
    if status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return None
    said = _by_text(text, (_TRANSIENT_WORDS, _POLICY_WORDS)) if of_a_job else None
    return said or Cause.TRANSIENT


def _by_text(text: str, table: _Table) -> Cause | None:
    return next((cause for cause, pattern in table if pattern.search(text)), None)


def _folded(text: str) -> str:
    return re.sub(r"[\s-]+", "_", text.strip().casefold())


def _code_folded(code: str) -> str:
    return _folded(_WORD_START.sub("_", code[:_MAX_CODE])).removeprefix("public_error_")


def shown_code(error_info: ErrorInfo) -> str:
    """Name the code that tells the cause, for a reader; `unspecified` where the text did."""
    known = (code for code in error_info.codes if _by_code([_code_folded(code)]))
    wordy = (code for code in error_info.codes if _by_text(_folded(code), _WRITTEN_OUT + _WORDS))
    code = next(known, None) or next(wordy, "unspecified")
    return redact(re.sub(r"[^A-Za-z0-9_.:-]+", "_", code[:_MAX_CODE]))
