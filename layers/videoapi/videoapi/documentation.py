"""Health, and the documentation that the service carries with itself."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from videoapi import __version__

# The page loads nothing and runs nothing; its one style is known by its hash (`make openapi`).
STYLE = "sha256-lojdzogpSBGGmoNeFDN5mkfHEDfPIL5h7VepyoZZeNE="
SECURITY = {
    "Content-Security-Policy": f"default-src 'none'; style-src '{STYLE}'; img-src data:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",
}


def health() -> dict[str, Any]:
    """Return the answer of a living function."""
    return {"status": "ok", "version": __version__}


def page() -> str:
    """Return the documentation page."""
    return _asset("docs.html")


def openapi() -> str:
    """Return the OpenAPI document, as it was built from the models."""
    return _asset("openapi.json")


@cache
def methods() -> dict[str, str]:
    """Return what each documented path answers, as an `Allow` header has it."""
    paths = json.loads(openapi())["paths"]
    return {path: ", ".join(paths[path]).upper() for path in paths}


def _asset(name: str) -> str:
    return (Path(__file__).parent / "assets" / name).read_text("utf-8")
