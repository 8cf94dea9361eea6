"""Which requests a port of this machine takes: by `Host`, and a write by its `Origin` too.

Without this check a web page could read what listens here by DNS rebinding, or post to it: a form
needs no CORS, and each video that it orders may be paid for.
"""

import re
import socket
from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

type Scope = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
type Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
type App = Callable[[Scope, Receive, Send], Awaitable[None]]

#: This machine's names for itself, and Docker's name for it.
OWN_HOSTS = frozenset({"localhost", "127.0.0.1", "::1", "host.docker.internal"})
_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
_READS = {"GET", "HEAD", "OPTIONS"}


def machines_names() -> frozenset[str]:
    """Return this machine's name in its network, and that name as mDNS has it.

    An attacker cannot point these at another address, as DNS rebinding does.
    """
    name = socket.gethostname().lower()
    return frozenset({name, f"{name.partition('.')[0]}.local"}) - {"", ".local"}


@dataclass(frozen=True)
class HostCheck:
    """One port: its `hosts` (`.domain` and `*` too), and `origins` of pages that may write."""

    hosts: Collection[str] = ()
    origins: Collection[str] = ()
    known: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        """Add this machine's own names."""
        hosts = frozenset(host.lower() for host in self.hosts)
        object.__setattr__(self, "known", OWN_HOSTS | machines_names() | hosts)

    def knows(self, host: str, address: str) -> bool:
        """Return whether a `Host` header names this machine, or the address connected to."""
        if not (written := _HOST.fullmatch(host)):
            return False
        name = written["name"].strip("[]").lower()
        if name == address or name in self.known or "*" in self.known:
            return True
        return any(name.endswith(end) or name == end[1:] for end in self._domains)

    def may_write(self, origin: str) -> bool:
        """Return whether pages of this origin may write, by CORS_ALLOW_ORIGINS or PUBLIC_URL."""
        return bool({origin.lower(), "*"} & {each.lower() for each in self.origins})

    @property
    def _domains(self) -> list[str]:
        return [".localhost", *(host for host in self.known if host.startswith("."))]


def same_origin(origin: str, headers: Mapping[bytes, bytes]) -> bool:
    """Return whether a page wrote to its own origin; TLS may have ended before us."""
    try:
        netloc = urlsplit(origin).netloc
    except ValueError:
        return False
    return bool(netloc) and netloc.lower() == headers.get(b"host", b"").decode("latin-1").lower()


def writes(method: str, headers: Mapping[bytes, bytes]) -> bool:
    """Return whether a browser's page asks for a change; only browsers send `Origin`."""
    return method not in _READS and b"origin" in headers


def host_of(headers: Mapping[bytes, bytes]) -> str:
    """Return the `Host` header as text."""
    return headers.get(b"host", b"").decode("latin-1")
