"""The locks against the ranges of pyproject.toml, offline; `make locks` renews what drifted."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from devstack.settings import ROOT

GROUPS = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
LOCKS = {
    **{name: f"requirements/{name}.txt" for name in GROUPS},
    "layer": "layers/dependencies/requirements.txt",
    "google-auth": "layers/google/requirements.txt",
    "thumbnails": "layers/thumbnails/requirements.txt",
}


def ranges(group):
    for item in GROUPS[group]:
        if isinstance(item, dict):
            yield from ranges(item["include-group"])
        else:
            yield Requirement(item)


def entries(group):
    """Each pin of a lock: its first line and the hashes that belong to it."""
    text = (ROOT / LOCKS[group]).read_text()
    return re.findall(
        r"^([a-z0-9][^ ]*)==([^ ]+)((?: .*)?\\\n(?:    --hash=.*\n?)*)", text, re.MULTILINE
    )


def pins(group):
    return {canonicalize_name(name): version for name, version, _ in entries(group)}


@pytest.mark.parametrize("group", GROUPS)
def test_lock_has_all_of_its_group_in_the_asked_range(group):
    locked = pins(group)
    for wanted in ranges(group):
        assert wanted.specifier.contains(locked[canonicalize_name(wanted.name)]), str(wanted)


@pytest.mark.parametrize("group", GROUPS)
def test_every_package_of_a_lock_is_pinned_by_hash(group):
    assert entries(group)
    for name, _, rest in entries(group):
        assert "--hash=sha256:" in rest, name
    lines = (ROOT / LOCKS[group]).read_text().splitlines()
    packages = [line for line in lines if line and not line.startswith((" ", "#"))]
    assert len(packages) == len(entries(group))


@pytest.mark.parametrize("group", GROUPS)
def test_no_lock_says_where_packages_come_from(group):
    assert not re.search(
        r"://|--(extra-)?index-url|--find-links", (ROOT / LOCKS[group]).read_text()
    )


@pytest.mark.parametrize("group", ["layer", "runtime", "local"])
def test_what_runs_is_what_is_tested(group):
    tested = pins("dev")
    assert pins(group).items() <= tested.items()
