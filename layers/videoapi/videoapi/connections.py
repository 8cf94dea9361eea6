"""How connections to the operator's endpoints are made, and for how long they are waited for."""

import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx


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


class TooMuch(httpx.ReadError):
    """The body is longer, or took longer, than anybody would wait for."""


def chunks(response: httpx.Response, *, seconds: float, limit: int) -> Iterator[bytes]:
    """Yield the decoded body as it comes; raise `TooMuch` past `limit` bytes or `seconds`.

    httpx alone would wait for ever on an endpoint that sends one byte every half minute.
    """
    deadline = time.monotonic() + seconds
    size = 0
    for chunk in response.iter_bytes():
        size += len(chunk)
        if size > limit or time.monotonic() > deadline:
            raise TooMuch(f"the answer went beyond {limit} bytes or {seconds} seconds")
        yield chunk


def post_json(
    client: httpx.Client, url: str, body: dict[str, Any], *, key: str, seconds: float, limit: int
) -> httpx.Response:
    """Return the whole answer to a POST with a bearer key; redirects are not followed.

    Raises `httpx.HTTPError`, at the latest when the body is still coming after `seconds`, or is
    over `limit` bytes.
    """
    began = time.monotonic()
    with client.stream(
        "POST",
        url,
        headers={"Authorization": f"Bearer {key}"},
        json=body,
        timeout=seconds,
        follow_redirects=False,
    ) as response:
        left = seconds - (time.monotonic() - began)
        content = b"".join(chunks(response, seconds=left, limit=limit))
    return httpx.Response(response.status_code, content=content, request=response.request)
