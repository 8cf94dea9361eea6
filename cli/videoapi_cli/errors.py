"""What can go wrong for a user, in words, and the exit code of each.

CliError            one sentence, and where there is one the next step (exit 1)
├── UsageError      a wrong option, batch file or image; nothing was ordered (exit 2)
├── Unreachable     the API does not answer (exit 4)
├── Unwritable      no file can be written any more; what is left can be ordered later (exit 1)
└── ApiError        the API refused; of the account or its budget: exit 3
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar

import httpx

ACCOUNT_STATUSES = (401, 402, 403)
ACCOUNT_CODES = ("daily_limit_reached", "budget_exceeded", "price_unknown")
MAX_MESSAGE = 500  # characters of an answer that is not the API's
# What to do next, by code. Where a code is missing, the API's own words say enough.
NEXT = {
    "invalid_api_key": "Put a key into VIDEOAPI_KEY; its operator makes one: make key NAME=…",
    "budget_exceeded": "Run the same command again then, or ask the operator for a larger budget.",
    "price_unknown": "Name a model that has a price: `videoapi models`",
    "daily_limit_reached": "Run the same command again tomorrow, or ask the operator for more.",
    "model_not_found": "`videoapi models` lists what this server offers.",
    "unsupported_value": "`videoapi models` says what each model can do.",
    "not_found": "`videoapi list` shows your videos.",
    "task_not_found": "`videoapi list` shows your videos.",
    "video_not_found": "`videoapi list` shows your videos.",
    "video_deleted": "Change the row, or order it once more: --retry-failed",
    "idempotency_key_reused": "`videoapi list` shows what was ordered.",
}


class CliError(Exception):
    """A failure that the user is told of in words."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step

    def as_json(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return {"message": self.message, "next_step": self.next_step or None}


class UsageError(CliError):
    """The command cannot be meant so."""

    exit_code = 2


class Unreachable(CliError):
    """Nothing answers at the API's address, or not any more."""

    exit_code = 4


class Unwritable(CliError):
    """The disk is full, or the folder is gone: every other video would be lost on the way."""


@dataclass(eq=False)
class ApiError(CliError):
    """What the API said, in either dialect's shape or in API Gateway's."""

    status: int
    message: str
    code: str = ""
    fields: list[tuple[str, str]] = field(default_factory=list)  # and what is wrong with each
    details: dict[str, Any] = field(default_factory=dict)
    location: str = ""
    request_id: str = ""
    repeatable: bool = False
    retry_after: float | None = None  # seconds

    @property
    def exit_code(self) -> int:  # type: ignore[override]  # of the instance
        """Return 3 where the account is refused, whatever is asked for."""
        return 3 if self.of_the_account else 1

    @property
    def of_the_account(self) -> bool:
        """Whether every other order would be refused as well."""
        return self.status in ACCOUNT_STATUSES or self.code in ACCOUNT_CODES

    @property
    def next_step(self) -> str:  # type: ignore[override]  # by code
        """Return what helps, empty where nothing is known to."""
        asked = f"Tell the operator the request id {self.request_id}." if self.request_id else ""
        return NEXT.get(
            self.code, asked if self.status >= httpx.codes.INTERNAL_SERVER_ERROR else ""
        )

    def __str__(self) -> str:
        fields = [(f"{name}: {what}" if what else name) for name, what in self.fields]
        return "; ".join([self.message, *(each for each in fields if each not in self.message)])

    def as_json(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return {
            "status": self.status,
            "code": self.code or None,
            "fields": [{"field": name, "message": what} for name, what in self.fields],
            "details": self.details or None,
            "request_id": self.request_id or None,
            "message": str(self),
            "next_step": self.next_step or None,
        }


def api_error(response: httpx.Response) -> ApiError:
    """Return the error of a response: the API's, a gateway's or a proxy's."""
    body = _body(response)
    error = body.get("error", body)
    error = error if isinstance(error, dict) else {"message": str(error)}
    details = error.get("details")
    listed = [each for each in details if isinstance(each, dict)] if type(details) is list else []
    fields = [
        (str(each["field"]), str(each.get("message", ""))) for each in listed if "field" in each
    ]
    if not fields and error.get("param"):
        fields = [(str(error["param"]), "")]
    return ApiError(
        status=response.status_code,
        message=str(error.get("message") or f"HTTP {response.status_code}"),
        code=str(error.get("code") or ""),
        fields=fields,
        details=details if isinstance(details, dict) else {},
        location=response.headers.get("location", ""),
        request_id=response.headers.get("x-request-id", ""),
        repeatable=_repeatable(response),
        retry_after=_seconds(response.headers.get("retry-after")),
    )


def _body(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        body = None
    if isinstance(body, dict):
        return body
    text = " ".join(response.text.split())[:MAX_MESSAGE]
    return {"message": f"HTTP {response.status_code}: {text}" if text else ""}


def _repeatable(response: httpx.Response) -> bool:
    """Whether the same request may go through later; the API itself says where it will not."""
    if response.headers.get("x-should-retry") == "false":
        return False
    return response.status_code in (408, 429, 500, 502, 503, 504)


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isdecimal() else None
