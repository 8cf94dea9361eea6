"""Who submits, and what their headers say of this being a repetition."""

import re
from collections.abc import Mapping

from videoapi.accounts.api_keys import ApiKey
from videoapi.domain.tasks import Dialect
from videoapi.errors import ValidationError
from videoapi.usecases.caller import Caller

MAX_KEY = 255


def caller_of(
    headers: Mapping[str, str],
    key: ApiKey,
    now: float,
    dialect: Dialect,
    received_at: float | None = None,
) -> Caller:
    """Return what the headers of a submit (lower-case names) say of its being a retry.

    Raises `ValidationError` for an `Idempotency-Key` that is none.
    """
    count = headers.get("x-stainless-retry-count", "")
    return Caller(
        key=key,
        now=now,
        dialect=dialect,
        idempotency_key=_read_key(headers.get("idempotency-key")),
        retry_count=int(count) if re.fullmatch(r"[0-9]{1,4}", count) else None,
        received_at=received_at,
    )


def _read_key(value: str | None) -> str | None:
    """Return an `Idempotency-Key` header's key, quoted (RFC 8941) or bare; 1–255 characters."""
    if value is None:
        return None
    key = value.strip()
    if len(key) > 1 and key.startswith('"') and key.endswith('"'):
        key = key[1:-1]
    if not 1 <= len(key) <= MAX_KEY or not key.isprintable():
        message = f"Idempotency-Key: say 1 to {MAX_KEY} printable characters"
        raise ValidationError(message, param="Idempotency-Key")
    return key
