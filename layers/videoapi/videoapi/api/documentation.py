"""Health, and the documentation that the service carries with itself."""

import json
import re
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from videoapi import __version__

if TYPE_CHECKING:
    from videoapi.settings import Settings

FOLDER = Path(__file__).parent / "assets"
#: What is served as it is, by its path: the file's name and media type.
ASSETS = {
    "/openapi.json": ("openapi.json", "application/json"),
    "/docs.js": ("docs.js", "text/javascript; charset=utf-8"),
    "/examples/mountains.jpg": ("mountains.jpg", "image/jpeg"),
}
#: Addresses that mean something to this machine alone.
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
#: What a Host header may be to stand in a command: a name, an IPv4 or IPv6 address, and a port.
HOST = r"(?:[a-z0-9][a-z0-9.-]{0,252}|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?"
#: What the commands send where keys are asked for: the one in the reader's shell.
KEY_HEADER = ' \\\n  -H "Authorization: Bearer $VIDEOAPI_KEY"'
PLAYGROUND_LINK = '<li><a href="/">Playground</a></li>\n'
# The page loads one script, our own; its one style is known by its hash (`make openapi`).
STYLE = "sha256-xsSONEBvA9A07aC8lR/XCnIYqw8RAiahhKNQGQQbKGg="
# The same for everybody until the next deploy, compressed to who takes it.
KEPT = {"Cache-Control": "public, max-age=300", "Vary": "Accept-Encoding"}
SECURITY = {
    "Content-Security-Policy": f"default-src 'none'; script-src 'self'; style-src '{STYLE}'; "
    "img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",
}
HEADERS = SECURITY | KEPT


def health() -> dict[str, Any]:
    """Return the answer of a living function."""
    return {"status": "ok", "version": __version__}


def page(base: str, *, keys: bool, playground: bool = True) -> str:
    """Return the documentation page; its commands speak to `base`, and send a key where asked.

    It leads to the playground where there is one.
    """
    filled = {
        "{{base}}": base,
        "{{key}}": KEY_HEADER if keys else "",
        "{{api_key}}": "vak_…" if keys else "not-needed",
    }
    text = (FOLDER / "docs.html").read_text("utf-8")
    if not playground:
        text = text.replace(PLAYGROUND_LINK, "")
    for mark, value in filled.items():
        text = text.replace(mark, escape(value))
    return text


def served(base: str, settings: "Settings") -> str:
    """Return the documentation page of a service with these settings."""
    return page(base, keys=not settings.allow_anonymous, playground=settings.playground)


def served_from(base: str, host: str) -> str:
    """Return the address that a reader can use: `base`, as they call it where it is loopback.

    `host` is their Host header. Deployed, `base` is API Gateway's domain or PUBLIC_URL, and wins.
    """
    parts = urlsplit(base)
    if parts.hostname in LOOPBACK and re.fullmatch(HOST, host, re.IGNORECASE):
        return f"{parts.scheme}://{host}{parts.path}"
    return base


def asset(path: str) -> tuple[str, str | bytes]:
    """Return media type and content of one of `ASSETS`; only what is no text as bytes."""
    name, media_type = ASSETS[path]
    content = (FOLDER / name).read_bytes()
    return media_type, content if media_type.startswith("image/") else content.decode()


@cache
def methods() -> dict[str, str]:
    """Return what each documented path answers, as an `Allow` header has it."""
    paths = json.loads((FOLDER / "openapi.json").read_bytes())["paths"]
    return {path: ", ".join(paths[path]).upper().replace("GET", "GET, HEAD") for path in paths}
