"""Which links of a relay may be handed to callers, and until when they work."""

import re
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Final, Self
from urllib.parse import parse_qsl, urlsplit

from videoapi.net.ssrf import MAX_LINK_LENGTH, origin, parse_url, require_public_host
from videoapi.redaction import MASK, holds_key

_EARLIEST, _LATEST = 10**9, 2**32  # epoch seconds that a moment of these decades can be
_MILLISECONDS: Final = 10**11  # more than that are no seconds
_MAX_INSTANT: Final = 40  # characters
_MAX_QUERY: Final = 200  # parameters
_SIGNED_AT: Final = re.compile(r"x-[a-z]{2,10}-date")
_FORMAT: Final = "%Y%m%dT%H%M%SZ"


class LinkPolicy:
    """What a caller may be sent to: http(s), without a user, public, or an origin that is trusted.

    The text alone is judged, no name is looked up: a download does that.
    """

    def __init__(
        self, trusted_origins: Collection[str], *, allow_private: bool = False, key: str = ""
    ) -> None:
        """Raise `ValueError` for an origin that is no URL. A link that quotes `key` is refused."""
        self._trusted = frozenset(map(origin, trusted_origins))
        self._allow_private = allow_private
        self._key = key

    def with_key(self, key: str) -> Self:
        """Return the same policy for answers to a request that carried this key."""
        return type(self)(self._trusted, allow_private=self._allow_private, key=key)

    def allows(self, url: str) -> bool:
        """Return whether an absolute URL may be handed out; a data: URL holds no address."""
        if url[:5].casefold() == "data:":
            return True
        try:
            place = parse_url(url, max_length=MAX_LINK_LENGTH)
            if not self._allow_private and place.origin not in self._trusted:
                require_public_host(place)
        except ValueError:
            return False
        return MASK not in url and not holds_key(self._key, url)


def moment(value: object) -> float | None:
    """Read an instant as epoch seconds: seconds, milliseconds, ISO 8601; None for all else."""
    if isinstance(value, str):
        value = _instant(value[:_MAX_INSTANT].strip())
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    value = value / 1000 if _MILLISECONDS < value < _MILLISECONDS * 1000 else value
    return float(value) if _EARLIEST < value < _LATEST else None  # NaN is not


def _instant(text: str) -> float | None:
    if text.isascii() and text.isdecimal():
        return float(text)
    try:
        parsed = datetime.fromisoformat(text.upper())
        return parsed.replace(tzinfo=parsed.tzinfo or UTC).timestamp()
    except (ValueError, OverflowError):
        return None


def expiry_of(url: str) -> float | None:
    """Return when a signed URL ends, in epoch seconds; None where its query does not say.

    `X-Amz-Date` + `X-Amz-Expires` (so Google, Volcengine, Alibaba), `Expires` (CloudFront and the
    older signatures), `se` (Azure).
    """
    try:
        query = urlsplit(url[:MAX_LINK_LENGTH]).query
        query_fields = dict(parse_qsl(query.lower(), max_num_fields=_MAX_QUERY))
    except ValueError:
        return None
    for name, signed_at in query_fields.items():
        if _SIGNED_AT.fullmatch(name):
            return _sum(signed_at, query_fields.get(name.removesuffix("date") + "expires", ""))
    return moment(query_fields.get("expires")) or moment(query_fields.get("se"))


def _sum(signed_at: str, seconds: str) -> float | None:
    try:
        began = datetime.strptime(signed_at.upper(), _FORMAT).replace(tzinfo=UTC).timestamp()
        return moment(began + int(seconds[:9]))
    except ValueError:
        return None
