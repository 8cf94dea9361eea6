"""Downloads from addresses that others chose: images of callers, results of the relay.

The dangers are those of OWASP's SSRF sheet, and each has its answer here or in `pinned_transport`:
a name that stands for an inner address    looked up once, every answer must be public
a name that answers differently later      the connection goes to the checked address itself
a redirect inwards                         each hop is checked like the first
a drip, a flood, a compression bomb        one deadline and one size for all, nothing is unpacked
keys, cookies, proxies of this process     no httpx.Client: nothing is sent but what `_HEADERS` has
a signed URL in a log or message           a transport logs nothing, our texts name rules only
"""

import io
import socket
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import BinaryIO
from urllib.parse import urljoin

import httpx

from videoapi import __version__
from videoapi.errors import ValidationError
from videoapi.net.host_lookup import Resolve, addresses_of
from videoapi.net.inflation import Broken, unpack_file
from videoapi.net.pinned_transport import DEADLINE, PINS, Deadline, PinnedTransport
from videoapi.net.receiving import Downloaded, DownloadFailed, Part, refused, save
from videoapi.net.ssrf import MAX_LINK_LENGTH, ParsedUrl, origin, parse_url, require_public_host

MAX_REDIRECTS = 5

_HEADERS = {
    "User-Agent": f"video-api/{__version__}",  # some hosts refuse clients without one
    "Accept": "image/jpeg, image/png, image/webp, video/mp4, */*;q=0.1",  # or a CDN sends AVIF
    "Accept-Encoding": "identity",
    "Connection": "close",
}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, kw_only=True)
class DownloadLimits:
    """Of one download, its redirects and look-ups included."""

    size: int  # bytes
    seconds: float
    idle: float  # seconds without a byte


IMAGE_LIMITS = DownloadLimits(size=20 * 1024 * 1024, seconds=15, idle=10)  # the size is of `images`
# Half of what Lambda gives in /tmp; 8 s of 4K at 100 Mbit/s are 100 MB.
VIDEO_LIMITS = DownloadLimits(size=256 * 1024 * 1024, seconds=240, idle=30)


class Fetcher:
    """See the module. One transport and one TLS context serve all downloads of a process."""

    def __init__(
        self,
        *,
        allow_private: bool,
        trusted_origins: Collection[str] = (),
        resolve: Resolve = socket.getaddrinfo,
        transport: httpx.BaseTransport | None = None,
        image_limits: DownloadLimits = IMAGE_LIMITS,
        video_limits: DownloadLimits = VIDEO_LIMITS,
    ) -> None:
        """`trusted_origins` may be private, for videos alone: they are the operator's own choice.

        `allow_private` opens everything, for local work. A `transport` of one's own gets requests
        with the addresses in `extensions`. Raises `ValueError` for an origin that is no URL.
        """
        self._allow_private = allow_private
        self._trusted = frozenset(map(origin, trusted_origins))
        self._resolve = resolve
        self._transport = transport or PinnedTransport(httpx.create_ssl_context(trust_env=False))
        self._image_limits = image_limits
        self._video_limits = video_limits

    def image(
        self,
        url: str,
        *,
        seconds: float = IMAGE_LIMITS.seconds,
        trusted: Collection[str] = frozenset(),
    ) -> bytes:
        """Return what is behind a caller's URL, not yet looked at, within 20 MB and 15 s or less.

        It may be private at a `trusted` origin alone: that of an endpoint which made the image.
        Raises `ValidationError` `invalid_image`; its cause is the `DownloadFailed`.
        """
        into = io.BytesIO()
        limits = replace(self._image_limits, seconds=min(seconds, self._image_limits.seconds))
        try:
            deadline = Deadline(limits.seconds, idle=limits.idle)
            self._download(url, into, limits, deadline, Part(), trusted=trusted)
        except DownloadFailed as exc:
            text = f"The image cannot be fetched: the URL {exc}."
            raise ValidationError(text, code="invalid_image") from exc
        return into.getvalue()

    def video(self, url: str, into: BinaryIO, *, seconds: float | None = None) -> Downloaded:
        """Write a result to a file, within 256 MB, `seconds` (240) and 30 s of silence.

        A download that breaks off goes on where it was (RFC 9110 §14), as long as the server can
        and each part brings something. Raises `DownloadFailed`; the file then holds a part. What
        `into` raises is passed on.
        """
        limits = replace(self._video_limits, seconds=seconds or self._video_limits.seconds)
        deadline = Deadline(limits.seconds, idle=limits.idle)
        part = Part()
        while True:
            before = part.size
            try:
                got = self._download(url, into, limits, deadline, part, trusted=self._trusted)
                return replace(got, size_bytes=_unpacked(into, limits.size) or got.size_bytes)
            except DownloadFailed as exc:
                broke_off = exc.transient and exc.status is None
                if not broke_off or not part.is_worth_going_on(before):
                    raise

    def refusal(self, url: str) -> DownloadFailed | None:
        """Return how a result's URL is refused, by its status alone; None if it is not, or away."""
        deadline = Deadline(self._image_limits.seconds, idle=self._image_limits.idle)
        try:
            with self._final(url, deadline, _HEADERS, trusted=self._trusted) as response:
                return None if response.is_success else refused(response)
        except DownloadFailed:
            return None

    def _download(
        self,
        url: str,
        into: BinaryIO,
        limits: DownloadLimits,
        deadline: Deadline,
        part: Part,
        *,
        trusted: Collection[str],
    ) -> Downloaded:
        with self._final(url, deadline, _HEADERS | part.headers(), trusted=trusted) as response:
            return save(response, into, limits.size, part)

    @contextmanager
    def _final(
        self, url: str, deadline: Deadline, headers: dict[str, str], *, trusted: Collection[str]
    ) -> Iterator[httpx.Response]:
        """Follow redirects, each checked like the first, to the answer that is none."""
        for hop in range(MAX_REDIRECTS + 1):
            parsed, may_be_private = self._checked(url, trusted, redirected=hop > 0)
            with _as_download_failed():
                addresses = addresses_of(
                    parsed, deadline, self._resolve, may_be_private=may_be_private
                )
                with self._answer(url, addresses, deadline, headers) as response:
                    location = response.headers.get("location")
                    if response.status_code not in _REDIRECTS or location is None:
                        yield response
                        return
            url = _joined(url, location)
        raise DownloadFailed(f"redirects more than {MAX_REDIRECTS} times")

    def _checked(
        self, url: str, trusted: Collection[str], *, redirected: bool
    ) -> tuple[ParsedUrl, bool]:
        """Return where a URL points, and whether that may be a private place."""
        try:
            parsed = parse_url(url, max_length=MAX_LINK_LENGTH)
            may_be_private = self._allow_private or parsed.origin in trusted
            if not may_be_private:
                require_public_host(parsed)
        except ValueError as exc:
            reason = f"redirects to one that {exc}" if redirected else str(exc)
            raise DownloadFailed(reason) from None
        return parsed, may_be_private

    @contextmanager
    def _answer(
        self, url: str, addresses: list[str], deadline: Deadline, headers: dict[str, str]
    ) -> Iterator[httpx.Response]:
        extensions = {PINS: addresses, DEADLINE: deadline}
        request = httpx.Request("GET", url, headers=headers, extensions=extensions)
        response = self._transport.handle_request(request)
        try:
            yield response
        finally:
            response.close()


def _unpacked(file: BinaryIO, most: int) -> int | None:
    """Unpack a video that is kept as .gz, or was packed although `identity` was asked for."""
    try:
        return unpack_file(file, most)
    except Broken as exc:
        raise DownloadFailed(f"holds a packed file that is {exc}") from exc


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        raise DownloadFailed("redirects to a malformed one") from None


@contextmanager
def _as_download_failed() -> Iterator[None]:
    try:
        yield
    except (TimeoutError, httpx.TimeoutException) as exc:
        raise DownloadFailed("did not deliver in time", transient=True) from exc
    except httpx.TransportError as exc:
        raise DownloadFailed("could not be reached, or broke off", transient=True) from exc
