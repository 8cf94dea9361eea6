"""Find the URL of a finished video in a relay's answer.

First the places that many relays use, in a fixed order; then the first http(s) value
under a name that is like a URL's, anywhere in the answer, bounded in depth and never under what the
caller sent (a prompt, an image) or what stands beside a video (a thumbnail, a callback). At last
one under any other name, where it ends as a video's file or what it stands in is called a video.
"""

import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import islice
from operator import itemgetter
from typing import Any, Final
from urllib.parse import unquote, urljoin, urlsplit

import httpx

from videoapi.providers.json_access import UnreadableJson, as_dict, first_of, object_in, parsed
from videoapi.providers.provider import is_video_file

_MAX_URL: Final = 8192  # characters, except of a data: URL
_ENVELOPES: Final = 2  # an envelope's `data` may hold the upstream's own answer as `data`
_MAX_DEPTH: Final = 8  # levels of objects and lists that are searched …
_MAX_VALUES: Final = 5_000  # … and values in them
_MAX_NAME: Final = 64  # characters
_MAX_TEXT: Final = 100_000  # characters of JSON inside a string, as some relays answer

_SCHEME: Final = re.compile(r"\s*(?:https?://|data:video/)", re.IGNORECASE)
_WORD_START: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")  # camelCase
_LIKE_A_URL: Final = re.compile(
    r"urls?|uris?|links?|href|src|videos?|mp4|downloads?|files?|outputs?|results?|media|content"
    r"|assets?|resources?|generations?|creations?|works?|play|hd|sd|origin|data"
)
_OF_A_VIDEO: Final = re.compile(r"videos?|mp4")
_OF_URLS: Final = re.compile(r"(?:url|uri|link|href|src|download|file)s?")
_NOT_THE_VIDEO: Final = re.compile(
    r"prompts?|images?|img|pictures?|pics?|photos?|thumbnails?|thumbs?|covers?|posters?|previews?"
    r"|frames?|inputs?|references?|refs?|source|start|first|last|tail|requests?|params|parameters"
    r"|callback|webhook|notify|hook|status|poll|polling|query|cancel|self|get|docs?|help|support"
    r"|avatar|logo|icon|audios?|music|voice|subtitles?|gif|error|message|proxy|page|share"
)
# Under these only a name like a URL's tells of a video.
_NOT_BY_ITS_LOOK: Final = re.compile(
    "(?:.*_)?(?:samples?|demos?|examples?|tutorials?|templates?|effects?|users?|owners?|authors?"
    "|console|dashboard|terms|licen[sc]es?|pricing|fail|failure|reason)(?:_.*)?"
    "|(?:.*_)?(?:models?|text|descriptions?|titles?|captions?|tags?|profile|home|site|web|html"
    "|player|embed|edit|delete|watch|view|api|logs?|ids?|schema|next|prev|previous)"
)
# The job's own addresses, which want the key and answer JSON; a `response` may hold the video.
_OF_THE_JOB: Final = re.compile(
    r"(?:.*_)?(?:response|job|task|queue|api|web|logs?)_(?:url|uri|link|href)s?"
)
_FILE_WITH_BLANKS: Final = re.compile(  # one file's URL, not a sentence or two URLs
    r"https?://[^\s/?#]+/(?:(?! https?://)[^?#])*\.[a-z0-9]{2,5}(?:[?#]\S*)?", re.IGNORECASE
)
_OTHER_FILE: Final = re.compile(
    r"\.(?:m3u8|mpd|html?|php|json|xml|txt|vtt|srt|md|pdf|mp3|wav|m4a|zip|js|css)\Z", re.IGNORECASE
)
_PICTURE: Final = re.compile(r"\.(?:jpe?g|png|webp|gif|svg|heic|avif|bmp)\Z", re.IGNORECASE)


class _Sign(IntEnum):
    """By what a string is taken for the URL of the video, the best first."""

    VIDEO_URL = 0  # a name like a URL's, of a video
    URL = 1
    VIDEO_FILE = 2  # any name, in what is called a video, and it ends as one
    IN_VIDEO_URLS = 3  # any name, in what is called a video's URLs
    FILE = 4  # it ends as a video
    IN_VIDEO = 5  # any name, in what is called a video


_CERTAIN: Final = _Sign.IN_VIDEO_URLS


def video_url_in(
    response: dict[str, Any],
    content_url: str,
    may_hand_out: Callable[[str], bool] = bool,
    *,
    certain: bool = False,
) -> str | None:
    """Return the first usable URL, http(s) or data:, or None.

    `content_url` is where the relay hands out this video against the key: a path such as
    `/files/x.mp4` is resolved against it, and it is itself no URL to hand out. `may_hand_out` has
    the last word. A `certain` one tells by its name that there is a video.
    """
    last = _CERTAIN if certain else max(_Sign)
    urls = (_usable(value, content_url) for value in _candidates(response, last))
    return next((url for url in urls if url and may_hand_out(url)), None)


def tells_a_url(response: dict[str, Any], content_url: str) -> bool:
    """Return whether an answer names any address of a video, be it one that wants the key."""
    urls = (_absolute(value, content_url) for value in _candidates(response, _CERTAIN))
    return any(
        url and not _is_picture(url) and not _is_of_the_look(url, content_url) for url in urls
    )


def tells_a_video(response: dict[str, Any], content_url: str) -> bool:
    """Return whether a URL is the video's by its own name or its file's, which any `url` is not."""
    found = ((_usable(value, content_url), sign) for value, sign in _searched(response))
    return any(url and (sign is _Sign.VIDEO_URL or is_video_file(url)) for url, sign in found)


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


def _candidates(response: dict[str, Any], last: _Sign) -> Iterator[object]:
    yield from _places(response, _ENVELOPES)
    found = sorted(_searched(response), key=itemgetter(1))
    yield from (value for value, sign in found if sign <= last)


@dataclass(frozen=True)
class _Place:
    """Where a value stands, by the names on the way to it."""

    depth: int = 0
    like_url: bool = False  # the last name
    of_video: bool = False  # any
    of_video_urls: bool = False  # any
    by_its_look: bool = True  # whether a URL under another name may be the video's

    def inner(self, key: str) -> "_Place | None":
        """Return the place of what stands there under a name; None where no video ever does."""
        name = _WORD_START.sub("_", key[:_MAX_NAME]).casefold().replace("-", "_")
        words = name.split("_")
        if _OF_THE_JOB.fullmatch(name) or any(map(_NOT_THE_VIDEO.fullmatch, words)):
            return None
        of_video = any(map(_OF_A_VIDEO.fullmatch, words))
        of_urls = any(map(_OF_URLS.fullmatch, words))
        return _Place(
            self.depth + 1,
            like_url=any(map(_LIKE_A_URL.fullmatch, words)),
            of_video=self.of_video or of_video,
            of_video_urls=self.of_video_urls or (of_video and of_urls),
            by_its_look=self.by_its_look and not _NOT_BY_ITS_LOOK.fullmatch(name),
        )

    def sign(self, value: str) -> _Sign | None:
        """Return by what a string is taken for the URL of the video; None if it is not."""
        if self.like_url:
            return _Sign.VIDEO_URL if self.of_video else _Sign.URL
        if not self.by_its_look or not _SCHEME.match(value):
            return None
        path = re.split("[?#]", value[:_MAX_URL].strip(), maxsplit=1)[0]
        if is_video_file(path):
            return _Sign.VIDEO_FILE if self.of_video else _Sign.FILE
        if _OTHER_FILE.search(path) or not self.of_video:
            return None
        return _Sign.IN_VIDEO_URLS if self.of_video_urls else _Sign.IN_VIDEO


def _searched(response: dict[str, Any]) -> Iterator[tuple[str, _Sign]]:
    """Yield strings that may be the URL of the video and by what, the least deep first."""
    level: deque[tuple[object, _Place]] = deque([(response, _Place())])
    for left in range(_MAX_VALUES, 0, -1):
        if not level:
            return
        value, place = level.popleft()
        room = max(left - 1 - len(level), 0)  # what comes behind it is never looked at
        if isinstance(value, str):
            if place.like_url and value.lstrip()[:1] in {"{", "["}:
                level.append((_object_in(value), replace(place, depth=place.depth + 1)))
            elif (sign := place.sign(value)) is not None and not _is_picture(value):
                yield value, sign
        elif isinstance(value, list) and place.depth < _MAX_DEPTH:
            deeper = replace(place, depth=place.depth + 1)
            level.extend((each, deeper) for each in value[:room])
        elif isinstance(value, dict) and place.depth < _MAX_DEPTH:
            inner = ((each, place.inner(key)) for key, each in islice(value.items(), _MAX_VALUES))
            named = ((each, deeper) for each, deeper in inner if deeper)
            level.extend(islice(named, room))


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
        yield from _places(object_in(data), envelopes - 1)


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
