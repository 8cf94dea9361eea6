"""The body of a download, into a file: within its size, and resumed where it broke off."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import BinaryIO, cast

import httpx

_LATER = frozenset({202, 408, 425, 429})  # beside 5xx: ask again, the same URL may work
_LENGTH = re.compile(r"[0-9]{1,20}")  # digits that h11 lets pass
_RANGE = re.compile(r"bytes ([0-9]{1,20})-")
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
    """What has come so far. `validator` is for `If-Range`; "" where the server names none."""

    size: int = 0
    validator: str = ""

    def headers(self) -> dict[str, str]:
        """Return what a request has to say to go on, nothing for one from the start."""
        if not (self.size and self.validator):
            return {}
        return {"Range": f"bytes={self.size}-", "If-Range": self.validator}


def save(response: httpx.Response, into: BinaryIO, most: int, part: Part) -> Downloaded:
    """Write the body as it comes, encoded or not; hold the server to the length it gave."""
    _begin(response, into, part)
    stated = response.headers.get("content-length", "")
    expected = part.size + int(stated) if _LENGTH.fullmatch(stated) else None
    if expected is not None and expected > most:
        raise _too_large(most)
    for chunk in cast("httpx.SyncByteStream", response.stream):
        if part.size + len(chunk) > most:
            raise _too_large(most)
        into.write(chunk)
        part.size += len(chunk)
    if expected not in (None, part.size):
        raise DownloadFailed("broke off early", transient=True)
    content_type = _CONTENT_TYPE.match(response.headers.get("content-type", ""))
    kind = content_type[0].lower() if content_type else ""
    return Downloaded(part.size, kind, whole=expected is not None)


def _begin(response: httpx.Response, into: BinaryIO, part: Part) -> None:
    """Go on where the file ends if the server does, or begin anew; raise for anything else."""
    status = response.status_code
    begins = _RANGE.match(response.headers.get("content-range", ""))
    if part.size and status == HTTPStatus.PARTIAL_CONTENT and begins:
        if int(begins[1]) == part.size:
            return
        raise DownloadFailed("went on at another place", transient=True)
    if status != HTTPStatus.OK:
        transient = status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _LATER
        reason = f"answered with HTTP status {status}"
        raise DownloadFailed(reason, transient=transient, status=status, headers=response.headers)
    into.seek(0)
    into.truncate()
    part.size, part.validator = 0, _validator(response.headers)


def _validator(headers: httpx.Headers) -> str:
    """Return what tells this version of the file from others: a strong ETag, or its date."""
    etag = str(headers.get("etag", ""))
    return etag if etag.startswith('"') else str(headers.get("last-modified", ""))


def _too_large(most: int) -> DownloadFailed:
    return DownloadFailed(f"holds more than {most / 1024**2:.0f} MB")
