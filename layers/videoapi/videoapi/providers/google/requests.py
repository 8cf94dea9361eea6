"""Ask one of Google's APIs, with an access token or an API key, and take its answer in.

A request that may cost money is sent once, whatever comes of it. Anything else is sent once more
after a 401, with a credential that was read anew; of a video that breaks off, the rest is asked
for. No redirect is followed.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from typing import IO, Any, Final
from urllib.parse import urlsplit

import httpx
from aws_lambda_powertools import Logger

from videoapi.errors import ServiceError
from videoapi.net.http_client import FAILURES, Timeouts, answered, chunks
from videoapi.providers.bodies import first_bytes, save
from videoapi.providers.classification import Cause, ErrorInfo
from videoapi.providers.credentials import UNSENT, Credential, lost_as_poll_failed
from videoapi.providers.errors import PollFailed, SubmitRefused, SubmitUnknown
from videoapi.providers.google.responses import GoogleResponse, not_accepted, read_response, unsent
from videoapi.providers.google.streamed_json import StreamedJson
from videoapi.providers.provider import Content

MAX_ANSWER: Final = 280 * 2**20  # bytes: 210 MB of video, with its base64 in a 512 MB /tmp
MAX_CONTENT: Final = 400 * 2**20  # bytes of video, as from a relay
MAX_SMALL: Final = 4 * 2**20  # bytes of an answer to an order, or of a file's description


class GoogleRequests:
    """Requests with one credential to one API.

    `credential` and `renewed` may raise `ServiceError`. `header` is what carries it: as a bearer
    token, or as it is.
    """

    def __init__(
        self,
        transport: httpx.BaseTransport,
        *,
        credential: Callable[[], str],
        renewed: Callable[[], str],
        header: str = "authorization",
        headers: Mapping[str, str] | None = None,
        timeouts: Timeouts | None = None,
        log: Logger | None = None,
    ) -> None:
        """`headers` go with every request. The transport should be an `OrderTransport`."""
        self._transport = transport
        self._header = header
        self._headers = dict(headers or {})
        self._credential = Credential(credential, renewed)
        self.timeouts = timeouts or Timeouts()
        self._log = log

    def prepare(self) -> None:
        """Read the credential ahead of an order. Raise `ServiceError` if it cannot be read.

        That Google gives none is for the order to say: another provider may take it.
        """
        with suppress(PollFailed):
            self._credential.cached()

    def renew(self) -> None:
        """Get another credential for the next request, if there is one."""
        with suppress(ServiceError):
            self._credential.renewed()

    def order(
        self, url: str, body: Mapping[str, Any], *, refused_key: Callable[[GoogleResponse], bool]
    ) -> GoogleResponse:
        """Send an order, once; return the answer with a 2xx.

        Raise `SubmitRefused` (not accepted) or `SubmitUnknown`. Only where `refused_key` says so,
        and another credential is at hand by now, the same order goes out again.
        """
        try:
            key = self._credential.get()
            response = self._sent_order(url, body, key)
            if refused_key(response) and (another := self._credential.other_than(key)):
                response = self._sent_order(url, body, another)
        except ServiceError as exc:  # there is no credential: nothing was sent
            raise unsent(exc) from exc
        except UNSENT as exc:
            raise SubmitRefused(
                ErrorInfo(text=type(exc).__name__), status=503, cause=Cause.TRANSIENT
            ) from exc
        except FAILURES as exc:
            raise SubmitUnknown(f"the answer was lost ({type(exc).__name__})") from exc
        if not response.is_success:
            raise not_accepted(response)
        return response

    def ask(
        self,
        method: str,
        url: str,
        body: Mapping[str, Any] | None = None,
        *,
        spool: IO[bytes] | None = None,
        enough: re.Pattern[bytes] | None = None,
        seconds: float | None = None,
    ) -> GoogleResponse:
        """Ask for something that costs nothing. Raise `PollFailed` if no whole answer came.

        A `spool` keeps the answer's long strings, and `enough` ends the reading before the first of
        them; `seconds` bounds the body.
        """

        def asked(key: str) -> AbstractContextManager[httpx.Response]:
            return self._answered(method, url, body, key=key, timeout=self.timeouts.poll)

        total = seconds or self.timeouts.answer_total
        with lost_as_poll_failed(), self._credential.opened(asked) as (response, key):
            stream = chunks(response, seconds=total, limit=MAX_ANSWER)
            return read_response(response, stream, key, StreamedJson(spool, enough))

    @contextmanager
    def opened(self, url: str) -> Iterator[tuple[httpx.Response, str]]:
        """Yield the answer to a GET, and the credential that it was sent. Raise `PollFailed`."""

        def asked(key: str) -> AbstractContextManager[httpx.Response]:
            return self._answered("GET", url, None, key=key, timeout=self.timeouts.content)

        with lost_as_poll_failed(), self._credential.opened(asked) as opened:
            yield opened

    def save(
        self, url: str, response: httpx.Response, key: str, into: IO[bytes], seconds: float
    ) -> Content:
        """Write a video that was `opened`; where it breaks off, ask for the rest."""
        timeout = self.timeouts.content
        again = partial(self._answered, "GET", url, None, key=key, timeout=timeout)
        stream = chunks(response, seconds=seconds, limit=MAX_CONTENT, again=again)
        return save(first_bytes(stream), stream, response.headers, into)

    def _sent_order(self, url: str, body: Mapping[str, Any], key: str) -> GoogleResponse:
        times = self.timeouts
        with self._answered("POST", url, body, key=key, timeout=times.submit) as raw:
            stream = chunks(raw, seconds=times.submit_total, limit=MAX_SMALL)
            response = read_response(raw, stream, key, StreamedJson())
        if self._log:  # by these Google's support, and its bill, know the order
            job = response.json.get("name") or response.json.get("id")
            self._log.info("an order was answered", status=response.status, job=job)
        return response

    def _answered(
        self,
        method: str,
        url: str,
        body: Mapping[str, Any] | None,
        *,
        key: str,
        timeout: httpx.Timeout,
        headers: Mapping[str, str] | None = None,
    ) -> AbstractContextManager[httpx.Response]:
        value = f"Bearer {key}" if self._header == "authorization" else key
        sent = self._headers | {self._header: value} | dict(headers or {})
        return answered(self._transport, method, url, timeout=timeout, headers=sent, json=body)


def origin_checked(name: str, url: str) -> str:
    """Return the base URL of an API, without a slash at its end.

    Raise `ValueError` naming the setting for anything but http(s)://host[:port][/path].
    """
    base = url.strip().rstrip("/")
    try:
        parts = urlsplit(base)
        plain = parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in base
        plain = plain and parts.port != 0 and not (parts.query or parts.fragment)
    except ValueError:
        plain = False
    if not plain:
        raise ValueError(f"{name}: say http(s)://host[:port]")
    return base
