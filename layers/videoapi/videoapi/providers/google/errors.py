"""What Google's "no" means: by HTTP status at an order, by gRPC code at a job.

The table decides about money (Google's error model, and what clients of it saw): 400, 401, 402,
403, 404, 429 and 503 were certainly not accepted; anything else may have been, and may be billed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from videoapi.providers.classification import Cause, ErrorInfo
from videoapi.providers.errors import JobFailed
from videoapi.providers.json_access import as_dict, as_text

QUOTA_PAUSE: Final = 30.0  # seconds; Google counts by the minute and sends no Retry-After
_MAX_READ: Final = 2000  # characters of a sentence that are looked at
_MAX_DETAILS: Final = 20
_MAX_CODE: Final = 64  # characters

_ACCOUNT_REASONS: Final = frozenset(
    {"BILLING_DISABLED", "SERVICE_DISABLED", "API_KEY_INVALID", "API_KEY_SERVICE_BLOCKED"}
)
_OUT_OF_MONEY: Final = re.compile(
    r"prepay|credits? (?:are |is |have been )?depleted", re.IGNORECASE
)
_BILLING: Final = re.compile(r"\bbilling\b", re.IGNORECASE)
_POLICY: Final = re.compile(
    r"support codes?\b|usage guidelines|content[_ ]blocked|content[_ ]policy|prohibited[_ ]content"
    r"|responsible ai|safety (?:policy|filters?)|(?:prompt|content|request|image) was blocked",
    re.IGNORECASE,
)

# What each support code stands for, and of a pair whether the input or the output was refused
# (docs.cloud.google.com, Responsible AI for Veo: safety filter code categories, read 2026-11-26).
_PAIRS: Final = {
    "child": (58061214, 17301594),
    "celebrity": (29310472, 15236754),
    "video_safety": (64151117, 42237218),
    "hate": (57734940, 22137204),
    "violence": (61493863, 56562880),
}
_SINGLES: Final = {
    "dangerous": (62263041,),
    "other": (74803281, 29578790, 42876398),
    "personal_information": (92201652,),
    "prohibited_content": (89371032, 49114662, 72817394, 60599140),
    "sexual": (90789179, 63429089, 43188360),
    "toxic": (78610348,),
    "vulgar": (32635315,),
}
_SUPPORT_CODES: Final = {
    str(pair[at]): f"{category}_{stage}_blocked"
    for category, pair in _PAIRS.items()
    for at, stage in enumerate(("input", "output"))
} | {str(code): f"{category}_blocked" for category, codes in _SINGLES.items() for code in codes}
_SUPPORT_CODE: Final = re.compile(r"\b[0-9]{8}\b")

# google.rpc.Code as a number or as its name, an HTTP status, and words that Interactions uses.
_CAUSES: Final = {
    "3": Cause.BAD_REQUEST,
    "4": Cause.TRANSIENT,
    "7": Cause.ACCOUNT,
    "8": Cause.TRANSIENT,
    "9": Cause.BAD_REQUEST,
    "13": Cause.TRANSIENT,
    "14": Cause.TRANSIENT,
    "16": Cause.ACCOUNT,
    "400": Cause.BAD_REQUEST,
    "401": Cause.ACCOUNT,
    "403": Cause.ACCOUNT,
    "429": Cause.TRANSIENT,
    "500": Cause.TRANSIENT,
    "503": Cause.TRANSIENT,
    "invalid_argument": Cause.BAD_REQUEST,
    "invalid_request": Cause.BAD_REQUEST,
    "deadline_exceeded": Cause.TRANSIENT,
    "permission_denied": Cause.ACCOUNT,
    "resource_exhausted": Cause.TRANSIENT,
    "failed_precondition": Cause.BAD_REQUEST,
    "internal": Cause.TRANSIENT,
    "internal_error": Cause.TRANSIENT,
    "unavailable": Cause.TRANSIENT,
    "unauthenticated": Cause.ACCOUNT,
    "content_blocked": Cause.POLICY,
}
_REFUSALS: Final[Mapping[int, Cause]] = {
    HTTPStatus.BAD_REQUEST: Cause.BAD_REQUEST,
    HTTPStatus.UNAUTHORIZED: Cause.ACCOUNT,
    HTTPStatus.PAYMENT_REQUIRED: Cause.ACCOUNT,
    HTTPStatus.FORBIDDEN: Cause.ACCOUNT,
    HTTPStatus.NOT_FOUND: Cause.MODEL,
    HTTPStatus.TOO_MANY_REQUESTS: Cause.TRANSIENT,
    HTTPStatus.SERVICE_UNAVAILABLE: Cause.TRANSIENT,
}


@dataclass(frozen=True)
class GoogleError:
    """An error of Google's: its codes, the most telling first, and its sentence."""

    codes: tuple[str, ...] = ()
    message: str = ""

    def __bool__(self) -> bool:
        """Return whether anything is wrong at all."""
        return bool(self.codes or self.message)

    @property
    def is_policy(self) -> bool:
        """Whether the content is refused: by a code, a support code, or in Google's words."""
        return "content_blocked" in self._folded or bool(_POLICY.search(self.message))

    @property
    def is_account(self) -> bool:
        """Whether the key, the project or its money is the reason, whatever the status says."""
        return not _ACCOUNT_REASONS.isdisjoint(self.codes) or bool(
            _OUT_OF_MONEY.search(self.message)
        )

    @property
    def speaks_of_billing(self) -> bool:
        """Whether the project's billing is mentioned, as every sentence about a quota does too."""
        return bool(_BILLING.search(self.message))

    @property
    def _folded(self) -> list[str]:
        return [code.casefold() for code in self.codes]

    def cause(self) -> Cause:
        """Return why a job failed. Codes before words; a code that nobody knows is final."""
        if self.is_policy:
            return Cause.POLICY
        if self.is_account:
            return Cause.ACCOUNT
        return next((_CAUSES[code] for code in self._folded if code in _CAUSES), Cause.UNKNOWN)

    def info(self) -> ErrorInfo:
        """Return the error in the port's words; support codes by what they stand for."""
        blocked = [_SUPPORT_CODES.get(code) for code in _SUPPORT_CODE.findall(self.message)]
        codes = tuple(dict.fromkeys(code for code in blocked if code))
        if not codes and self.is_policy:
            codes = ("content_blocked",)
        return ErrorInfo(codes=codes + self.codes, text=self.message)

    def failure(self) -> JobFailed:
        """Return the failure of a job that ended with this error; it is never ordered again.

        That nothing was billed for it is nowhere said of every error.
        """
        return JobFailed(self.info(), cause=self.cause(), final=True)


def read_error(value: object) -> GoogleError:
    """Read an error object: its code, status, reasons and message; a bare sentence as well."""
    if isinstance(value, str):
        return GoogleError(message=value[:_MAX_READ])
    error = as_dict(value)
    details = error.get("details")
    reasons = [as_dict(each).get("reason") for each in _some(details)]
    candidates = [*reasons, error.get("status"), error.get("code")]
    codes = (as_text(code)[:_MAX_CODE].strip() for code in candidates)
    message = error.get("message")
    return GoogleError(
        codes=tuple(dict.fromkeys(code for code in codes if code)),
        message=message[:_MAX_READ].strip() if isinstance(message, str) else "",
    )


def _some(value: object) -> list[Any]:
    return value[:_MAX_DETAILS] if isinstance(value, list) else []


def filtered(response: Mapping[str, Any]) -> JobFailed | None:
    """Return the failure of a job whose videos were all filtered, which Google tells as a success.

    Nothing is billed for it.
    """
    reasons = [text for text in _some(response.get("raiMediaFilteredReasons")) if type(text) is str]
    if not (reasons or response.get("raiMediaFilteredCount")):
        return None
    error = GoogleError(message=" ".join(reasons)[:_MAX_READ] or "content blocked")
    return JobFailed(error.info(), cause=Cause.POLICY)


def refusal_cause(status: int, error: GoogleError) -> Cause | None:
    """Return why an order was certainly not accepted; None where it may have been."""
    cause = _REFUSALS.get(status)
    if cause is None or cause is Cause.ACCOUNT:
        return cause
    if error.is_account:
        return Cause.ACCOUNT
    if status == HTTPStatus.BAD_REQUEST:
        if error.is_policy:
            return Cause.POLICY
        if error.speaks_of_billing:
            return Cause.ACCOUNT
    return cause
