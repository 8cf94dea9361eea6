"""How connections to the operator's endpoints are made, and for how long they are waited for."""

import ssl
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, cast

import httpx

from videoapi import __version__
from videoapi.net.inflation import Broken, inflated
from videoapi.net.receiving import Part, whole_length

type AskAgain = Callable[..., AbstractContextManager[httpx.Response]]  # with more `headers`

GOING_ON_SECONDS: Final = 20  # left to ask for a rest: to connect and to write, as in `content`


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """Seconds. A read timeout is between two packets, so each answer has a total beside it.

    submit: a relay may hold the answer until its own upstream took the job, and a lost answer may
    be a lost video; 60 s for each write of an image over a slow line. poll: an answer that takes
    longer says nothing, the next poll does. connect: longer than three SYN repeats (1 + 2 + 4 s).
    The totals count from the answer's head on: a job's id is short, an answer to a poll may hold
    the video as a data: URL, and a video of 100 MB takes 4 minutes at 3.5 Mbit/s.
    """

    submit: httpx.Timeout = field(
        default_factory=lambda: httpx.Timeout(connect=10, write=60, read=120, pool=10)
    )
    poll: httpx.Timeout = field(
        default_factory=lambda: httpx.Timeout(connect=10, write=10, read=30, pool=10)
    )
    content: httpx.Timeout = field(
        default_factory=lambda: httpx.Timeout(connect=10, write=10, read=60, pool=10)
    )
    submit_total: float = 30
    answer_total: float = 120
    content_total: float = 240


class OrderTransport(httpx.BaseTransport):
    """A POST gets a connection of its own; polls share kept ones.

    A kept connection may be dead without knowing (the relay closed it just now, or the function
    was frozen meanwhile). A GET is then repeated for nothing; a POST would be lost in a way that
    nobody can tell from a paid one.
    """

    def __init__(self, *, verify: ssl.SSLContext | bool) -> None:
        """`verify` should be a shared context: reading the CA bundle costs 0.2 G instructions."""
        self._kept = httpx.HTTPTransport(verify=verify)
        self._single = httpx.HTTPTransport(
            verify=verify, limits=httpx.Limits(max_keepalive_connections=0)
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send `request` on a connection of the right kind."""
        return (self._single if request.method == "POST" else self._kept).handle_request(request)

    def close(self) -> None:
        """Close the kept connections."""
        self._kept.close()
        self._single.close()


class ResponseTooLarge(httpx.ReadError):
    """The body is over its limit of bytes or seconds."""


class ResponseTruncated(httpx.ReadError):
    """The body ended before its announced or its compressed end."""


FAILURES: Final = (httpx.HTTPError, httpx.InvalidURL, UnicodeError, RecursionError)
"""All that asking an endpoint and reading its answer may raise, whatever the endpoint says."""


@contextmanager
def answered(
    transport: httpx.BaseTransport,
    method: str,
    url: str,
    *,
    timeout: httpx.Timeout,
    key: str | None = None,
    headers: Mapping[str, str] | None = None,
    files: Any = None,  # noqa: ANN401 — as httpx takes them
    json: object = None,
) -> Iterator[httpx.Response]:
    """Send one request; yield its answer, whose body `chunks` reads.

    `key` is a bearer key; a provider that wants another header names it in `headers`.

    No `httpx.Client`: it keeps every cookie, and makes a redirect's next request even where none is
    followed, which fails on a hostile `Location`. Raise one of `FAILURES`.
    """
    request = httpx.Request(
        method,
        url,
        headers=_HEADERS
        | ({} if key is None else {"authorization": f"Bearer {key}"})
        | dict(headers or {}),
        files=files,
        json=json,
        extensions={"timeout": timeout.as_dict()},
    )
    response = transport.handle_request(request)
    try:
        yield response
    finally:
        response.close()


# identity: the length of an answer can be checked, and nothing needs to be unpacked.
_HEADERS: Final = {
    "accept": "*/*",
    "accept-encoding": "identity",
    "user-agent": f"video-api/{__version__}",  # some edges refuse clients without one
}


def chunks(
    response: httpx.Response, *, seconds: float, limit: int, again: AskAgain | None = None
) -> Iterator[bytes]:
    """Yield the body unpacked; raise `ResponseTooLarge` past `limit` bytes or `seconds`.

    Without a total, an endpoint that sends one byte every half minute is never given up. A body
    that breaks off goes on where it was, if `again` sends its request once more.
    """
    deadline = time.monotonic() + seconds
    size = 0
    packed = response.headers.get("content-encoding", "")
    try:
        with closing(_sent(response, deadline, again)) as sent:
            for chunk in inflated(sent, packed):
                size += len(chunk)
                if size > limit:
                    raise ResponseTooLarge(f"the answer went beyond {limit} bytes")
                yield chunk
    except Broken as exc:
        raise ResponseTruncated("the compressed answer is damaged or cut") from exc


def _sent(response: httpx.Response, deadline: float, again: AskAgain | None) -> Generator[bytes]:
    """Yield the body as sent; raise `ResponseTruncated` if its length is not the announced one.

    As in `Fetcher.video`, the rest is asked for while each part brings something. What a source
    sends once more is skipped; another file, or none, is left to a call that asks for no part.
    """
    length, part, skip = whole_length(response), Part(), 0
    if response.status_code == HTTPStatus.OK:
        part.begin(response.headers)
    with ExitStack() as opened:
        while True:
            before = part.size
            try:
                for chunk in cast("httpx.SyncByteStream", response.stream):
                    _require_time(deadline)
                    fresh = chunk[skip:]
                    skip -= len(chunk) - len(fresh)
                    part.size += len(fresh)
                    yield fresh
                return _require_length(length, part.size)
            except httpx.TransportError:
                late = time.monotonic() > deadline - GOING_ON_SECONDS
                if again is None or late or not part.is_worth_going_on(before):
                    raise
                opened.close()
                response = opened.enter_context(again(headers=part.headers()))
                begin = part.begin_of(response)
                if begin is None or begin > part.size:
                    raise
            _require_time(deadline)
            length, skip = length or whole_length(response), part.size - begin


def _require_time(deadline: float) -> None:
    if time.monotonic() > deadline:
        raise ResponseTooLarge("the answer took too long")


def _require_length(length: str, size: int) -> None:
    if (
        length.isascii()
        and length.isdecimal()
        and length.lstrip("0") != (str(size) if size else "")
    ):
        raise ResponseTruncated(f"{size} of {length[:20]} bytes came")


def post_json(
    transport: httpx.BaseTransport,
    url: str,
    body: dict[str, Any],
    *,
    key: str,
    seconds: float,
    limit: int,
) -> httpx.Response:
    """Return the whole answer to a POST with a bearer key; redirects are not followed.

    Raise one of `FAILURES`, at the latest when the body is still coming after `seconds`, or is
    over `limit` bytes.
    """
    began = time.monotonic()
    with answered(
        transport, "POST", url, key=key, timeout=httpx.Timeout(seconds), json=body
    ) as response:
        left = seconds - (time.monotonic() - began)
        content = b"".join(chunks(response, seconds=left, limit=limit))
    return httpx.Response(response.status_code, content=content)
