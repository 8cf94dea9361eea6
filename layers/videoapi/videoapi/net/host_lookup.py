"""The addresses of a host that a caller named: looked up once, in time, all of them public."""

import socket
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from videoapi.net.pinned_transport import Deadline
from videoapi.net.receiving import DownloadFailed
from videoapi.net.ssrf import ParsedUrl, is_public_address

MAX_ADDRESSES = 8  # of one name that are tried

Resolve = Callable[..., Sequence[tuple[Any, ...]]]  # in the manner of socket.getaddrinfo


def addresses_of(
    parsed: ParsedUrl, deadline: Deadline, resolve: Resolve, *, may_be_private: bool
) -> list[str]:
    """Return the addresses to connect to, each once.

    Raise `DownloadFailed` where there are none, or one is not public, and `TimeoutError`.
    """
    found = _resolved(parsed, deadline, resolve)
    if not found or not (may_be_private or all(map(is_public_address, found))):
        raise _no_host(transient=False)
    return found[:MAX_ADDRESSES]


def _resolved(parsed: ParsedUrl, deadline: Deadline, resolve: Resolve) -> list[str]:
    """Look a name up in a thread: `getaddrinfo` knows no deadline."""
    if parsed.is_literal:
        return [parsed.host]
    answers: SimpleQueue[list[str] | None] = SimpleQueue()
    Thread(target=lambda: answers.put(_looked_up(parsed, resolve)), daemon=True).start()
    try:
        found = answers.get(timeout=deadline.left())
    except Empty:
        raise TimeoutError from None
    if found is None:
        raise _no_host(transient=True)
    return found


def _looked_up(parsed: ParsedUrl, resolve: Resolve) -> list[str] | None:
    """Return none of a name that is not there; None where the resolver says to ask again."""
    try:
        found = resolve(parsed.host, parsed.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as exc:
        again = isinstance(exc, socket.gaierror) and exc.errno == socket.EAI_AGAIN
        return None if again else []
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _no_host(*, transient: bool) -> DownloadFailed:
    # One sentence for all: a caller is not told which names exist inside.
    return DownloadFailed("names no host on the public internet", transient=transient)
