"""`python -m tools.configuration`: write docs/configuration.md and .env.example.

The `#:` comments of the fields of both `Settings` are their only description.
"""

import re
import textwrap
from collections.abc import Iterable
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Final

from devstack.settings import ROOT
from devstack.settings import Settings as Local
from tools import marked_tables
from videoapi.settings import Settings as Deployed

PAGE, EXAMPLE = ROOT / "docs" / "configuration.md", ROOT / ".env.example"
SOURCES: Final = (
    (Deployed, ROOT / "layers" / "videoapi" / "videoapi" / "settings.py"),
    (Local, ROOT / "devstack" / "settings.py"),
)
WIDTH: Final = 120  # characters of a line of .env.example
#: What `make run` takes where a deployed stack has another default.
HERE: Final = {
    "ALLOW_ANONYMOUS": "true",
    "PUBLIC_URL": "http://localhost:8000",
    "WEBHOOK_ALLOW_PRIVATE": "true",
    "WEBHOOK_SECRET": "",  # the secret itself
}


@dataclass(frozen=True)
class Setting:
    """One variable; `name` in capitals, `default` as it is written in the environment."""

    name: str
    default: str
    text: str
    section: str


#: Read by the template or the local stack, and fields of neither `Settings`.
MORE: Final = (
    Setting(
        "ALLOWED_HOSTS",
        "",
        "Further names by which others ask for this machine, with commas; `.example.com` has all "
        "below it.",
        "The local stack alone",
    ),
    Setting(
        "GOOGLE_CREDENTIALS_FILE",
        "",
        "File with a service account's JSON key, for `make run`, in place of such an identity.",
        "Google",
    ),
    Setting("LOG_LEVEL", "INFO", "`DEBUG` shows the worker's steps too.", "The local stack alone"),
)


def settings() -> list[Setting]:
    """Return every setting in the order of the sources, grouped by section."""
    found = [each for kind, path in SOURCES for each in _of(kind, path)]
    sections = list(dict.fromkeys(each.section for each in found))
    return sorted([*found, *MORE], key=lambda each: sections.index(each.section))


def _of(kind: type[Deployed | Local], path: Path) -> Iterable[Setting]:
    defaults = {each.name: each.default for each in fields(kind) if each.default is not MISSING}
    section, comment = "", []
    for line in path.read_text("utf-8").splitlines():
        if found := re.fullmatch(r"    # --- (.+)", line):
            section = found[1]
        elif line.startswith("    #: "):
            comment.append(line.removeprefix("    #: "))
        else:
            name = line.strip().partition(":")[0]
            if comment and section and name in defaults:
                yield from _named(name.upper(), _written(defaults[name]), comment, section)
            comment = []


def _named(name: str, default: str, comment: list[str], section: str) -> Iterable[Setting]:
    text = " ".join(comment)
    if name.endswith("_API_KEY_SECRET"):
        key = name.removesuffix("_SECRET")
        owner = text.removeprefix("Name of the secret that holds ").rstrip(".")
        here = f"{owner[0].upper()}{owner[1:]}, for `make run`."
        yield Setting(key, "", here, section)
    yield Setting(name, default, text, section)


def _written(default: object) -> str:
    match default:
        case bool():
            return str(default).lower()
        case Path():
            return str(default.relative_to(ROOT))
        case tuple():
            return ",".join(default)
    return str(default)


def tables() -> list[str]:
    """Return the sections of docs/configuration.md, a table in each."""
    lines: list[str] = []
    section = ""
    for each in settings():
        if each.section != section:
            section = each.section
            lines += ["", f"## {section}", "", "| setting | default | |", "|---|---|---|"]
        default = f"`{each.default}`" if each.default else ""
        lines.append(f"| `{each.name}` | {default} | {each.text} |")
    return lines


def example() -> str:
    """Return .env.example: all settings but the names of secrets, which are the template's."""
    lines, section = (
        [
            "# Settings of `make run`: copy to .env and change what you need.",
            "# The environment wins over .env. With a key of the relay each video is paid for.",
            "# `make docs` writes this file.",
        ],
        "",
    )
    for each in settings():
        if each.name.endswith("_SECRET") and each.name not in HERE:
            continue
        if each.section != section:
            section = each.section
            lines += ["", f"# --- {section}"]
        lines += textwrap.wrap(each.text, WIDTH, initial_indent="# ", subsequent_indent="# ")
        mark = "" if each.name == "VEO3_API_KEY" else "#"
        lines.append(f"{mark}{each.name}={HERE.get(each.name, each.default)}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    marked_tables.put(PAGE, "settings", "docs", tables())
    EXAMPLE.write_text(example(), "utf-8")
