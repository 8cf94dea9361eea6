"""The body of a download, into a file: within its size, and resumed where it broke off."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import BinaryIO, cast

import httpx

WORTH_GOING_ON = 64 * 1024  # bytes that a part of a download must bring

_LATER = frozenset({202, 408, 425, 429})  # beside 5xx: ask again, the same URL may work
_LENGTH = re.compile(r"[0-9]{1,20}")  # digits that h11 lets pass
_RANGE = re.compile(r"bytes ([0-9]{1,20})-(?:[0-9]{1,20}/([0-9]{1,20}))?")
_CONTENT_TYPE = re.compile(r"[\w.+-]{1,63}/[\w.+-]{1,63}", re.ASCII)


class DownloadFailed(Exception):
    """Nothing usable came; the text goes on after "the URL" and holds nothing of it.

    `transient`: the same URL may work later (network, 5xx, cut short); else it is gone or refused.
    `status` and `headers` are those of the answer which settled it, if one did (403, 404 and 410:
    expired).
    """

    def __init__(
        self,
        reason: str,
        *,
        transient: bool = False,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`reason` is such as "answered with HTTP status 404"."""
        super().__init__(reason)
        self.transient = transient
        self.status = status
        self.headers = headers or {}

    @property
    def challenged(self) -> bool:
        """Whether an edge wants to see a browser: that tells of this client, not of the URL."""
        return "cf-mitigated" in self.headers


@dataclass(frozen=True)
class Downloaded:
    """What is in the file now; `content_type` as the server named it, "" if it did not.

    `whole`: the server had said how long it is.
    """

    size_bytes: int
    content_type: str
    whole: bool = False


@dataclass
class Part:
    """What has come so far. `validator` is for `If-Range`; "" where the server names none.

    `length` is the whole's, None where it is not stated.
    """

    size: int = 0
    validator: str = ""
    length: int | None = None

    def begin(self, headers: httpx.Headers) -> None:
        """Begin with an answer that is the whole."""
        etag = str(headers.get("etag", ""))
        strong = etag.startswith('"')  # RFC 9110 §13.1.5: a weak one may not be sent back
        validator = etag if strong else str(headers.get("last-modified", ""))
        self.validator = validator if validator.isascii() else ""  # no request could say it
        self.size, self.length = 0, None

    def headers(self) -> dict[str, str]:
        """Return what a request has to say to go on, nothing for one from the start."""
        if not (self.size and self.validator):
            return {}
        return {"Range": f"bytes={self.size}-", "If-Range": self.validator}

    def is_worth_going_on(self, before: int) -> bool:
        """Return whether the rest can be asked for, and something came since `before` bytes."""
        return bool(self.validator) and self.size - before >= WORTH_GOING_ON

    def begin_of(self, response: httpx.Response) -> int | None:
        """Return at which byte of the same file an answer begins; None for any other answer."""
        named = response.headers.get("etag" if self.validator[:1] == '"' else "last-modified")
        if response.status_code == HTTPStatus.OK:
            return 0 if named == self.validator else None
        begins = _RANGE.match(response.headers.get("content-range", ""))
        is_part = response.status_code == HTTPStatus.PARTIAL_CONTENT
        same = named in (None, self.validator)
        return int(begins[1]) if begins and is_part and same else None


def whole_length(response: httpx.Response) -> str:
    """Return how many bytes the whole has, as an answer states it; "" where it does not."""
    if response.status_code != HTTPStatus.PARTIAL_CONTENT:
        return str(response.headers.get("content-length", ""))
    stated = _RANGE.match(response.headers.get("content-range", ""))
    return (stated and stated[2]) or ""


def save(response: httpx.Response, into: BinaryIO, most: int, part: Part) -> Downloaded:
    """Write the body as it comes, encoded or not; hold the server to the length it gave."""
    _begin(response, into, part)
    stated = whole_length(response)
    if part.length is None and _LENGTH.fullmatch(stated):
        part.length = int(stated)
    if part.length is not None and part.length > most:
        raise _too_large(most)
    for chunk in cast("httpx.SyncByteStream", response.stream):
        if part.size + len(chunk) > most:
            raise _too_large(most)
        into.write(chunk)
        part.size += len(chunk)
    if part.length not in (None, part.size):
        raise DownloadFailed("broke off early", transient=True)
    content_type = _CONTENT_TYPE.match(response.headers.get("content-type", ""))
    kind = content_type[0].lower() if content_type else ""
    return Downloaded(part.size, kind, whole=part.length is not None)


def refused(response: httpx.Response) -> DownloadFailed:
    """Return the failure of an answer by its status."""
    status = response.status_code
    transient = status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _LATER
    reason = f"answered with HTTP status {status}"
    return DownloadFailed(reason, transient=transient, status=status, headers=response.headers)


def _begin(response: httpx.Response, into: BinaryIO, part: Part) -> None:
    """Go on where the file ends if the server does, or begin anew; raise for anything else."""
    status = response.status_code
    if part.size and status == HTTPStatus.PARTIAL_CONTENT:
        if part.begin_of(response) == part.size:
            return
        raise DownloadFailed("went on at another place, or with another file", transient=True)
    if status != HTTPStatus.OK:
        raise refused(response)
    into.seek(0)
    into.truncate()
    part.begin(response.headers)


def _too_large(most: int) -> DownloadFailed:
    return DownloadFailed(f"holds more than {most / 1024**2:.0f} MB")
