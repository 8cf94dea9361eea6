"""The playground at `/`: a page on which people make videos, and the files that it consists of."""

import hashlib
import re
from collections.abc import Mapping
from functools import cache
from html import escape
from pathlib import Path
from typing import NamedTuple

from aws_lambda_powertools.event_handler import Response

from videoapi.api.replies import redirect
from videoapi.catalog.routes import RELAY
from videoapi.errors import NotFound
from videoapi.settings import Settings

FOLDER = Path(__file__).parent / "assets" / "playground"
PAGE = "index.html"
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
# Asked for again at each visit, so that the parts of a page are of one deploy.
CACHED = "no-cache"
ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]+)?")
#: Where a relay may put its videos: a CDN that nobody knows before. For videos alone.
ANYWHERE = "https:"


class File(NamedTuple):
    """One file of the page."""

    media_type: str
    content: str

    @property
    def etag(self) -> str:
        """The strong entity tag of its content."""
        return f'"{hashlib.sha256(self.content.encode()).hexdigest()[:32]}"'


@cache
def files() -> dict[str, File]:
    """Return every file by its name: nothing else can be asked for."""
    return {
        path.name: File(MEDIA_TYPES[path.suffix], path.read_text("utf-8"))
        for path in FOLDER.iterdir()
    }


def served(name: str, settings: Settings, bucket: str, headers: Mapping[str, str]) -> Response[str]:
    """Return a file of the page; without a name the page, or the way to the documentation.

    Raise `NotFound`. `bucket` is the origin of the bucket's links.
    """
    if not name:
        return _page(settings, bucket, headers) if settings.playground else redirect("/docs")
    if not settings.playground or name == PAGE or name not in files():
        message = "The playground has no such file."
        raise NotFound(message, code="route_not_found")
    return _answer(files()[name], headers)


def origins(settings: Settings, bucket: str) -> list[str]:
    """Return the origins, besides the page's own, to which links of the API lead."""
    found = [bucket, settings.public_url.rstrip("/")]
    if _hands_out(settings):
        found += [settings.veo3_base_url, *settings.veo3_result_origins]
    return [each for each in dict.fromkeys(found) if ORIGIN.fullmatch(each)]


def policy(known: list[str], *, anywhere: bool) -> str:
    """Return the Content-Security-Policy: own scripts and styles, and files of `known` origins."""
    own = " ".join(["'self'", *known])
    videos = f"{own} {ANYWHERE}" if anywhere else own
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; "
        f"img-src {own} blob:; media-src {videos} blob:; connect-src {own}; "
        "form-action 'none'; frame-ancestors 'none'; base-uri 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _page(settings: Settings, bucket: str, headers: Mapping[str, str]) -> Response[str]:
    known = origins(settings, bucket)
    whole = files()[PAGE]
    filled = whole.content.replace("{{files}}", escape(" ".join(known)))
    answer = _answer(File(whole.media_type, filled), headers)
    answer.headers["Content-Security-Policy"] = policy(known, anywhere=_relay_decides(settings))
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


def _hands_out(settings: Settings) -> bool:
    """Return whether callers are given the relay's own links, which lie where it likes."""
    return RELAY in settings.video_providers and settings.veo3_skip_upload


def _relay_decides(settings: Settings) -> bool:
    """Whether these may be of any origin: a relay over http is a simulator, or a private one."""
    return _hands_out(settings) and settings.veo3_base_url.startswith("https:")


def _answer(file: File, asked: Mapping[str, str]) -> Response[str]:
    """Return a file, or that the reader has it; `asked` are the request's headers in small."""
    headers = {"Cache-Control": CACHED, "ETag": file.etag}
    known = asked.get("if-none-match", "").split(",")
    if {each.strip().removeprefix("W/") for each in known} & {file.etag, "*"}:
        return Response(304, file.media_type, "", headers)
    return Response(200, file.media_type, file.content, headers)
