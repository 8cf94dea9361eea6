"""A POST to an address that a caller chose, for webhooks.

The dangers are those of `downloads`, with the same answers: the name is looked up once for each
POST, every address must be public, the connection goes to a checked one, nothing is sent but what
the caller gives, and one deadline holds for all of it, a drip included. Redirects are not followed.
"""

import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, NamedTuple, cast

import httpx

from videoapi import __version__
from videoapi.net.host_lookup import Resolve, addresses_of
from videoapi.net.pinned_transport import DEADLINE, PINS, Deadline
from videoapi.net.receiving import DownloadFailed
from videoapi.net.ssrf import require_webhook

SECONDS: Final = 10.0  # of one POST, from the look-up of the name to the end of the answer
MAX_ANSWER: Final = 4096  # bytes of the response that are read, and dropped
_HEADERS: Final = {
    "User-Agent": f"video-api/{__version__}",
    "Accept": "*/*",
    "Accept-Encoding": "identity",
    "Connection": "close",
}
_SUCCESS: Final = range(200, 300)
_REDIRECTS: Final = range(300, 400)
# Of the network: what came of it is not known, or nothing did.
_FAILURES: Final = (httpx.TransportError, httpx.InvalidURL, UnicodeError)


class Answer(NamedTuple):
    """What came of a POST: an HTTP status, or none; `problem` says why it is no success."""

    status: int | None
    problem: str | None
    milliseconds: int

    @property
    def delivered(self) -> bool:
        """Whether the receiver has taken it."""
        return self.problem is None


@dataclass(frozen=True)
class Callbacks:
    """Makes POSTs; see the module. One TLS context, in the `transport`, serves all of them."""

    allow_private: bool  # http and private addresses too, for local work
    transport: httpx.BaseTransport
    resolve: Resolve = socket.getaddrinfo
    seconds: float = SECONDS

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send a body; return what came of it. Nothing is raised for what the receiver does."""
        began = time.monotonic()
        status, problem = self._answered(url, body, headers)
        return Answer(status, problem, round((time.monotonic() - began) * 1000))

    def _answered(
        self, url: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int | None, str | None]:
        deadline = Deadline(self.seconds, idle=self.seconds)
        try:
            status = self._status(url, body, headers, deadline)
        except (ValueError, DownloadFailed) as refused:  # ValueError: of the URL's text
            return None, f"the address {refused}"
        except (TimeoutError, httpx.TimeoutException):
            return None, f"no answer within {self.seconds:g} seconds"
        except _FAILURES as exc:
            return None, _reason(exc)
        if status in _SUCCESS:
            return status, None
        redirected = ", a redirect, which is not followed" if status in _REDIRECTS else ""
        return status, f"answered {status}{redirected}"

    def _status(self, url: str, body: bytes, headers: Mapping[str, str], deadline: Deadline) -> int:
        parsed = require_webhook(url, allow_private=self.allow_private)
        pins = addresses_of(parsed, deadline, self.resolve, may_be_private=self.allow_private)
        request = httpx.Request(
            "POST",
            url,
            content=body,
            headers=_HEADERS | dict(headers),
            extensions={PINS: pins, DEADLINE: deadline},
        )
        response = self.transport.handle_request(request)
        try:
            # The status is the answer. The rest is read to let an honest server finish it.
            with suppress(TimeoutError, *_FAILURES):
                _read(cast("httpx.SyncByteStream", response.stream))
        finally:
            response.close()
        return response.status_code


def _read(stream: httpx.SyncByteStream) -> None:
    size = 0
    for chunk in stream:
        size += len(chunk)
        if size >= MAX_ANSWER:
            return


def _reason(exc: Exception) -> str:
    """Return why no answer came, in words of ours: an exception's may hold the address."""
    text = str(exc)
    if "CERTIFICATE" in text.upper():
        return "its certificate is not valid"
    return "it could not be reached, or broke off"
