"""`Retry-After` of an HTTP answer, as seconds (RFC 9110 §10.2.3)."""

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

MAX_RETRY_AFTER: Final = 900.0  # seconds: the longest delay of an SQS message


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Read `Retry-After` (RFC 9110 §10.2.3) as 0–900 seconds; None when it says nothing.

    A date counts from the answer's own `Date`, so that no clock of ours matters.
    """
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,20}(?:\.[0-9]{0,20})?", value):
        return min(float(value), MAX_RETRY_AFTER)
    then, now = _unix(value), _unix(headers.get("date", ""))
    return None if then is None or now is None else min(max(then - now, 0.0), MAX_RETRY_AFTER)


def _unix(date: str) -> float | None:
    try:
        parsed_date = parsedate_to_datetime(date)
    except ValueError:
        return None
    return parsed_date.replace(tzinfo=parsed_date.tzinfo or UTC).timestamp()
