"""Whose pages may speak MCP here: a check against DNS rebinding, which the protocol demands.

Only browsers send `Origin`. A page of a foreign name that leads to this service has that name as
its origin, and as `Host` too, which therefore proves nothing.
"""

from collections.abc import Iterable
from urllib.parse import urlsplit

from videoapi.api.documentation import LOOPBACK
from videoapi.errors import Forbidden


def require_known(origin: str | None, own: str, allowed: Iterable[str]) -> None:
    """Raise `Forbidden` for an origin that is neither our own nor in CORS_ALLOW_ORIGINS."""
    if origin is None or {origin.lower(), "*"} & {each.lower() for each in allowed}:
        return
    if _place(origin) is None or _place(origin) != _place(own):
        message = "Pages of this origin are not invited here: it is not in CORS_ALLOW_ORIGINS."
        raise Forbidden(message, code="origin_not_allowed", param="Origin")


def _place(address: str) -> tuple[str, str, int | None] | None:
    """Return scheme, host and port, where this machine's names for itself are one; None if none."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if not host:
        return None
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, "localhost" if host in LOOPBACK else host, port or usual
