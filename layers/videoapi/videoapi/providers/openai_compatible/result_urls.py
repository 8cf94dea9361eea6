"""Find the URL of a finished video in a relay's answer.

First the places that many relays use, in a fixed order; then the first http(s) value
under a name that is like a URL's, anywhere in the answer, bounded in depth and never under what the
caller sent (a prompt, an image) or what stands beside a video (a thumbnail, a callback).
"""

import re
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import unquote, urljoin, urlsplit

import httpx

from videoapi.providers.json_access import UnreadableJson, as_dict, first_of, parsed

_MAX_URL: Final = 8192  # characters, except of a data: URL
_ENVELOPES: Final = 2  # an envelope's `data` may hold the upstream's own answer as `data`
_MAX_DEPTH: Final = 8  # levels of objects and lists that are searched …
_MAX_VALUES: Final = 5_000  # … and values in them
_MAX_NAME: Final = 64  # characters
_MAX_TEXT: Final = 100_000  # characters of JSON inside a string, as some relays answer

_WORD_START: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")  # camelCase
_LIKE_A_URL: Final = re.compile(
    r"urls?|uris?|links?|href|src|videos?|mp4|downloads?|files?|outputs?|results?|media|content"
    r"|assets?|resources?|generations?|creations?|works?|play|hd|sd|origin|data"
)
_OF_A_VIDEO: Final = re.compile(r"videos?|mp4")
_NOT_THE_VIDEO: Final = re.compile(
    r"prompts?|images?|img|pictures?|pics?|photos?|thumbnails?|thumbs?|covers?|posters?|previews?"
    r"|frames?|inputs?|references?|refs?|source|start|first|last|tail|requests?|params|parameters"
    r"|callback|webhook|notify|hook|status|poll|polling|query|cancel|self|get|docs?|help|support"
    r"|avatar|logo|icon|audios?|music|voice|subtitles?|gif|error|message|proxy|page|share"
)
# The job's own addresses, which want the key and answer JSON; a `response` may hold the video.
_OF_THE_JOB: Final = re.compile(
    r"(?:.*_)?(?:response|job|task|queue|api|web|logs?)_(?:url|uri|link|href)s?"
)
_FILE_WITH_BLANKS: Final = re.compile(  # one file's URL, not a sentence or two URLs
    r"https?://[^\s/?#]+/(?:(?! https?://)[^?#])*\.[a-z0-9]{2,5}(?:[?#]\S*)?", re.IGNORECASE
)
_PICTURE: Final = re.compile(r"\.(?:jpe?g|png|webp|gif|svg|heic|avif|bmp)\Z", re.IGNORECASE)


def video_url_in(
    response: dict[str, Any], content_url: str, may_hand_out: Callable[[str], bool] = bool
) -> str | None:
    """Return the first usable URL, http(s) or data:, or None.

    `content_url` is where the relay hands out this video against the key: a path such as
    `/files/x.mp4` is resolved against it, and it is itself no URL to hand out. `may_hand_out` has
    the last word.
    """
    urls = (_usable(value, content_url) for value in _candidates(response))
    return next((url for url in urls if url and may_hand_out(url)), None)


def tells_a_url(response: dict[str, Any], content_url: str) -> bool:
    """Return whether an answer names any address of a video, be it one that wants the key."""
    urls = (_absolute(value, content_url) for value in _candidates(response))
    return any(
        url and not _is_picture(url) and not _is_of_the_look(url, content_url) for url in urls
    )


def url_in_fail_reason(
    parts: tuple[dict[str, Any], ...], may_hand_out: Callable[[str], bool] = bool
) -> str | None:
    """Return the URL of a done job that stands where a failed one has its reason (new-api)."""
    for part in parts:
        value = part.get("fail_reason")
        url = _usable(value, "") if isinstance(value, str) else None
        if url and may_hand_out(url):
            return url
    return None


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


def _candidates(response: dict[str, Any]) -> Iterator[object]:
    yield from _places(response, _ENVELOPES)
    found = list(_searched(response))
    for of_a_video in (True, False):
        yield from (value for value, video in found if video is of_a_video)


def _searched(response: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """Yield strings under names like a URL's, the least deep first, and if a name says video."""
    level: deque[tuple[object, int, bool, bool]] = deque([(response, 0, False, False)])
    for _ in range(_MAX_VALUES):
        if not level:
            return
        value, depth, like_url, of_video = level.popleft()
        if isinstance(value, str):
            if like_url and value.lstrip()[:1] in {"{", "["}:
                level.append((_object_in(value), depth + 1, like_url, of_video))
            elif like_url and not _is_picture(value):
                yield value, of_video
        elif isinstance(value, list) and depth < _MAX_DEPTH:
            level.extend((each, depth + 1, like_url, of_video) for each in value[:_MAX_VALUES])
        elif isinstance(value, dict) and depth < _MAX_DEPTH:
            level.extend(_named(value, depth + 1, of_video=of_video))


def _named(
    part: dict[str, Any], depth: int, *, of_video: bool
) -> Iterator[tuple[object, int, bool, bool]]:
    for key, value in part.items():
        name = _WORD_START.sub("_", key[:_MAX_NAME]).casefold().replace("-", "_")
        words = name.split("_")
        if not (_OF_THE_JOB.fullmatch(name) or any(map(_NOT_THE_VIDEO.fullmatch, words))):
            like_url = any(map(_LIKE_A_URL.fullmatch, words))
            yield value, depth, like_url, of_video or any(map(_OF_A_VIDEO.fullmatch, words))


def _object_in(text: str) -> dict[str, Any]:
    text = text[:_MAX_TEXT].lstrip()
    text = f'{{"urls": {text}}}' if text[:1] == "[" else text
    try:
        return parsed(text.encode("utf-8", "replace"))
    except UnreadableJson:
        return {}


def _is_picture(value: str) -> bool:
    head = value[:_MAX_URL].strip()
    if head[:11].casefold() == "data:image/":
        return True
    return bool(_PICTURE.search(re.split("[?#]", head, maxsplit=1)[0]))


def _places(response: dict[str, Any], envelopes: int) -> Iterator[object]:
    yield response.get("video_url")
    yield response.get("url")
    yield response.get("content_url")
    yield as_dict(response.get("metadata")).get("url")
    yield response.get("result_url")
    yield first_of(response.get("output")).get("url")
    yield response.get("output")
    yield as_dict(response.get("detail")).get("video_url")
    data = response.get("data")
    yield data
    if envelopes:
        yield from _places(first_of(data) or as_dict(data), envelopes - 1)


def _usable(value: object, content_url: str) -> str | None:
    url = _absolute(value, content_url)
    wrong = url is None or _behind_key(url, content_url) or _is_picture(url)
    return None if wrong else url


def _behind_key(url: str, content_url: str) -> bool:
    """Return whether a URL has a path of the job: content or status, on any name of the relay."""
    content = unquote(urlsplit(content_url).path)
    return unquote(urlsplit(url).path) in {content, content.removesuffix("/content")}


def _is_of_the_look(url: str, content_url: str) -> bool:
    status = unquote(urlsplit(content_url).path).removesuffix("/content")
    return unquote(urlsplit(url).path) == status


def _absolute(value: object, content_url: str) -> str | None:
    value = value[0] if isinstance(value, list) and value else value
    if not isinstance(value, str):
        return None
    url = value.strip()
    if url[:5].casefold() == "data:":
        return url if url.isprintable() else None
    if len(url) > _MAX_URL or not url.isprintable() or "\\" in url:
        return None
    try:
        url = urljoin(content_url, url) if url.startswith("/") else url
        if " " in url and not _FILE_WITH_BLANKS.fullmatch(url):
            return None
        plain = url.isascii() and " " not in url
        url = url if plain else str(httpx.URL(url))  # a `Location` holds ASCII alone, no blanks
        parts = urlsplit(url)
        fetchable = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except (ValueError, httpx.InvalidURL):  # an impossible IPv6 address or name
        return None
    return url if fetchable else None
