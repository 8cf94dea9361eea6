"""An httpx transport that connects to addresses checked beforehand, and never past a deadline.

httpx alone looks a name up by itself, after any check of ours (DNS rebinding), and its timeouts
restart with every byte (a slow drip holds it without end). Both are put right one layer below, in
the network backend of httpcore: it dials only what `PINS` holds, and every wait ends with
`DEADLINE`. The URL keeps its name, so the Host header, SNI and the check of the certificate need no
care.

Each request has a connection of its own. One kept open would be reused for any name at that origin,
and after a change of address; downloads are too few to gain from it.
"""

import ssl
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpcore
import httpx

PINS, DEADLINE = "pinned_addresses", "deadline"  # keys of a request's extensions
CONNECT_SECONDS = 5.0  # for one address, so that the next gets its turn


class Deadline:
    """The end of a download and the longest silence within it, both in seconds."""

    def __init__(self, seconds: float, *, idle: float) -> None:
        self._end = time.monotonic() + seconds
        self._idle = idle

    def left(self) -> float:
        """Return how long the next wait may be; raise `TimeoutError` when time is up."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return min(left, self._idle)


class PinnedTransport(httpx.BaseTransport):
    """Sends a request to the first of its pinned addresses that accepts a connection."""

    def __init__(
        self, tls: ssl.SSLContext, *, network: httpcore.NetworkBackend | None = None
    ) -> None:
        """`tls` is shared by all connections: reading the CA bundle costs 0.2 G instructions."""
        self._tls = tls
        self._network = network or httpcore.SyncBackend()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the answer with its body unread and encoded as it came; errors are httpx's own."""
        extensions = request.extensions
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        connection = httpcore.HTTPConnection(
            url.origin,
            ssl_context=self._tls,
            network_backend=_Pinned(self._network, extensions[PINS], extensions[DEADLINE]),
        )
        with _as_httpx_errors():
            response = connection.handle_request(
                httpcore.Request(
                    request.method, url, headers=request.headers.raw, content=request.read()
                )
            )
        return httpx.Response(
            response.status, headers=response.headers, stream=_Body(response, connection)
        )


class _Body(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response, connection: httpcore.HTTPConnection) -> None:
        self._answer = response
        self._connection = connection

    def __iter__(self) -> Iterator[bytes]:
        with _as_httpx_errors():
            yield from self._answer.iter_stream()

    def close(self) -> None:
        self._connection.close()


class _Pinned(httpcore.NetworkBackend):
    def __init__(
        self, network: httpcore.NetworkBackend, addresses: Sequence[str], deadline: Deadline
    ) -> None:
        self._network = network
        self._addresses = addresses
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,  # noqa: ARG002 — a name, and names are not looked up here
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError("no address")
        for address in self._addresses:
            timeout = min(self._deadline.left(), CONNECT_SECONDS)
            try:
                stream = self._network.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
                return _Timed(stream, self._deadline)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as exc:
                failure = exc
        raise failure


class _Timed(httpcore.NetworkStream):
    """A stream of which no single step outlasts the deadline."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        return self._stream.read(max_bytes, self._deadline.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        self._stream.write(buffer, self._deadline.left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        left = self._deadline.left()
        return _Timed(self._stream.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 — httpcore's signature
        return self._stream.get_extra_info(info)


@contextmanager
def _as_httpx_errors() -> Iterator[None]:
    try:
        yield
    except (TimeoutError, httpcore.TimeoutException) as exc:
        raise httpx.ReadTimeout(str(exc)) from exc
    except (httpcore.NetworkError, httpcore.ProtocolError) as exc:
        raise httpx.NetworkError(str(exc)) from exc
