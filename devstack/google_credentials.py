"""The credentials of Google in `make run`: a service account's file becomes a secret."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from devstack import video_providers
from devstack.settings import ROOT

FILE: Final = "GOOGLE_CREDENTIALS_FILE"
_IDENTITY: Final = "GOOGLE_WORKLOAD_IDENTITY_PROVIDER"


def credentials(values: Mapping[str, str]) -> dict[str, str]:
    """Return the text of GOOGLE_CREDENTIALS_FILE, under the name of what it is the secret of."""
    return {"GOOGLE_CREDENTIALS": _text(values[FILE])} if values.get(FILE) else {}


def problems(values: Mapping[str, str]) -> list[str]:
    """Return what real providers in use lack, in words; the simulator needs nothing."""
    found = _file_problems(values[FILE]) if values.get(FILE) else []
    paid = video_providers.paid(values)
    if "vertex" in paid:
        if bool(values.get(FILE)) == bool(values.get(_IDENTITY)):
            found.append(f"VIDEO_PROVIDERS: vertex needs one of {_IDENTITY} and {FILE}")
        if not values.get("GOOGLE_PROJECT"):
            found.append("VIDEO_PROVIDERS: vertex needs GOOGLE_PROJECT")
    if "gemini" in paid and not values.get("GEMINI_API_KEY"):
        found.append("VIDEO_PROVIDERS: gemini needs GEMINI_API_KEY")
    return found


def _text(path: str) -> str:
    return (ROOT / Path(path).expanduser()).read_text("utf-8")


def _file_problems(path: str) -> list[str]:
    """The file's text is no part of any message."""
    try:
        credentials_file = json.loads(_text(path))
    except OSError as exc:
        return [f"{FILE}: cannot be read ({exc.strerror})"]
    except ValueError:
        return [f"{FILE}: is no JSON"]
    if not isinstance(credentials_file, dict) or credentials_file.get("type") != "service_account":
        return [f"{FILE}: is no key of a service account"]
    return []
