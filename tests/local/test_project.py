"""What the files around the code say of the project: its version, its changes, its checks."""

import json
import re
import tomllib
from datetime import date

import videoapi
from local.openapi import document
from local.settings import ROOT

CHANGELOG = (ROOT / "CHANGELOG.md").read_text()
#: What Keep a Changelog 1.1.0 names.
KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_the_version_is_the_same_wherever_it_is_written():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert videoapi.__version__ == project
    # Of the whole document: /health's example tells it too.
    committed = (ROOT / "layers/videoapi/videoapi/assets/openapi.json").read_text()
    for text in (committed, document.text()):
        assert set(re.findall(r'"version": "([^"]*)"', text)) == {project}
        assert json.loads(text)["info"]["version"] == project


def releases():
    """Return {version: date} of the changelog, newest first."""
    return dict(re.findall(r"^## \[([0-9.]+)\] - (\S+)$", CHANGELOG, re.MULTILINE))


def test_the_changelog_begins_with_what_is_unreleased_and_dates_every_release():
    headings = re.findall(r"^## (.*)$", CHANGELOG, re.MULTILINE)
    assert headings == ["[Unreleased]", *(f"[{v}] - {day}" for v, day in releases().items())]
    days = [date.fromisoformat(day) for day in releases().values()]
    assert days == sorted(days, reverse=True)


def test_the_newest_release_of_the_changelog_is_the_version():
    assert next(iter(releases())) == videoapi.__version__


def test_the_changelog_uses_each_kind_of_change_once_a_release():
    for release in re.split(r"^## ", CHANGELOG, flags=re.MULTILINE)[1:]:
        kinds = re.findall(r"^### (.*)$", release, re.MULTILINE)
        assert set(kinds) <= KINDS
        assert len(kinds) == len(set(kinds))
