"""Find the URL of a finished video in a relay's answer (contract §6 lists the places)."""

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import unquote, urljoin, urlsplit

import httpx

from videoapi.loose_json import as_dict, first_of

_URL_MAX: Final = 8192  # characters, except of a data: URL
_ENVELOPES: Final = 2  # an envelope's `data` may hold the upstream's own answer as `data`


def video_url_in(answer: dict[str, Any], content_url: str) -> str | None:
    """Return the first usable URL, http(s) or data:, or None.

    `content_url` is where the relay hands out this video against the key: a path such as
    `/files/x.mp4` is resolved against it, and it is itself no URL to hand out.
    """
    urls = (_usable(value, content_url) for value in _places(answer, _ENVELOPES))
    return next((url for url in urls if url), None)


def redirect_url(location: str, content_url: str) -> str | None:
    """Return the absolute URL of a `Location` that `content_url` answered with, or None.

    Here a query on the content's own path is a signature: the relay leads from key to URL.
    """
    try:
        url = _absolute(urljoin(content_url, location.strip()), content_url) if location else None
    except ValueError:  # an impossible IPv6 address
        return None
    if url is None or (_behind_key(url, content_url) and not urlsplit(url).query):
        return None
    return url


def _places(answer: dict[str, Any], envelopes: int) -> Iterator[object]:
    yield answer.get("video_url")
    yield answer.get("url")
    yield answer.get("content_url")
    yield as_dict(answer.get("metadata")).get("url")
    yield answer.get("result_url")
    yield first_of(answer.get("output")).get("url")
    yield answer.get("output")
    yield as_dict(answer.get("detail")).get("video_url")
    data = answer.get("data")
    yield data
    if envelopes:
        yield from _places(first_of(data) or as_dict(data), envelopes - 1)


def _usable(value: object, content_url: str) -> str | None:
    url = _absolute(value, content_url)
    return url if url and not _behind_key(url, content_url) else None


def _behind_key(url: str, content_url: str) -> bool:
    """Tell the relay's own content path, under whatever name of the relay it is told."""
    return unquote(urlsplit(url).path) == unquote(urlsplit(content_url).path)


def _absolute(value: object, content_url: str) -> str | None:
    value = value[0] if isinstance(value, list) and value else value
    if not isinstance(value, str):
        return None
    url = value.strip()
    if url[:5].casefold() == "data:":
        return url if url.isprintable() else None
    if len(url) > _URL_MAX or not url.isprintable() or " " in url or "\\" in url:
        return None
    try:
        url = urljoin(content_url, url) if url.startswith("/") else url
        url = url if url.isascii() else str(httpx.URL(url))  # a `Location` holds ASCII alone
        parts = urlsplit(url)
        fetchable = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except (ValueError, httpx.InvalidURL):  # an impossible IPv6 address or name
        return None
    return url if fetchable else None
