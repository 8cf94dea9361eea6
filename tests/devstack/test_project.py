"""What the files around the code say of the project: its version, its changes, its checks."""

import json
import re
import tomllib
from datetime import date

import pytest
import yaml

import videoapi
from devstack.settings import ROOT
from tests.support.own_files import git, is_clone
from tools.openapi import document

CHANGELOG = (ROOT / "CHANGELOG.md").read_text()
#: What Keep a Changelog 1.1.0 names.
KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}

GITHUB = ROOT / ".github"
WORKFLOWS = sorted(GITHUB.glob("workflows/*"))
FORMS = sorted(GITHUB.glob("ISSUE_TEMPLATE/*"))


def steps(workflow):
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def titled(path):
    return path.name


def test_the_version_is_the_same_wherever_it_is_written():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert videoapi.__version__ == project
    # Of the whole document: /health's example tells it too.
    committed = (ROOT / "layers/videoapi/videoapi/api/assets/openapi.json").read_text()
    for text in (committed, document.text()):
        assert set(re.findall(r'"version": "([^"]*)"', text)) == {project}
        assert json.loads(text)["info"]["version"] == project


def releases():
    """Return {version: date} of the changelog, newest first."""
    return dict(re.findall(r"^## \[([0-9.]+)\] - (\S+)$", CHANGELOG, re.MULTILINE))


def test_changelog_begins_unreleased_and_dates_releases():
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


@pytest.mark.parametrize("path", WORKFLOWS, ids=titled)
def test_a_workflow_may_read_and_knows_no_secret(path):
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {"contents": "read"}
    assert all("permissions" not in job for job in workflow["jobs"].values())
    assert workflow[True].keys() <= {"push", "pull_request"}  # YAML 1.1 reads `on` as true
    assert not re.search(r"secrets|github\.token|pull_request_target", path.read_text())
    for step in steps(workflow):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("path", WORKFLOWS, ids=titled)
def test_workflow_pins_actions_by_commit(path):
    """A workflow's actions are pinned by commit beside their version."""
    used = re.findall(r"\buses:(.*)", path.read_text())
    assert len(used) == sum("uses" in step for step in steps(yaml.safe_load(path.read_text())))
    for action in used:
        assert re.fullmatch(r" [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action


@pytest.mark.parametrize("path", WORKFLOWS, ids=titled)
def test_workflow_ends_in_bounded_time(path):
    """A workflow ends in bounded time and gives way to a newer push."""
    workflow = yaml.safe_load(path.read_text())
    assert workflow["concurrency"]["cancel-in-progress"] is True
    assert "${{ github.ref }}" in workflow["concurrency"]["group"]
    assert all(0 < job["timeout-minutes"] <= 60 for job in workflow["jobs"].values())


def test_workflow_runs_what_ci_runs():
    """GitHub runs what CI runs on pushes and pull requests with the functions' Python."""
    workflow = yaml.safe_load((GITHUB / "workflows/check.yml").read_text())
    assert set(workflow[True]) == {"push", "pull_request"}
    assert [step["run"] for step in steps(workflow) if "run" in step] == ["bash .ci/run"]
    (python,) = [step for step in steps(workflow) if "setup-python@" in step.get("uses", "")]
    assert f"python{python['with']['python-version']}" == runtime()


def runtime():
    (found,) = set(
        re.findall(r"^ +Runtime: (\S+)$", (ROOT / "template.yaml").read_text(), re.MULTILINE)
    )
    return found


def test_dependabot_looks_at_every_folder_that_pins():
    updates = yaml.safe_load((GITHUB / "dependabot.yml").read_text())["updates"]
    watched = {
        (update["package-ecosystem"], folder)
        for update in updates
        for folder in update.get("directories", [update.get("directory")])
    }
    pip = {f"/{lock.parent.relative_to(ROOT)}" for lock in ROOT.glob("layers/*/requirements.txt")}
    assert watched == {("pip", folder) for folder in {"/requirements", *pip}} | {
        ("npm", "/tests/e2e/clients/node"),
        ("github-actions", "/"),
    }
    for update in updates:
        assert update["schedule"] == {"interval": "weekly"}
        assert update["groups"]
        for left_out in update.get("exclude-paths", []):
            assert list((ROOT / "requirements").glob(left_out)), left_out


def test_issue_forms_ask_for_what_a_bug_needs():
    """Forms of issues ask for what is needed to look into a bug."""
    forms = {path.name: yaml.safe_load(path.read_text()) for path in FORMS}
    assert set(forms) == {"bug.yml", "feature.yml"}
    for form in forms.values():
        assert {"name", "description", "body"} <= form.keys()
    asked = {field["id"] for field in forms["bug.yml"]["body"] if "id" in field}
    assert {"version", "where", "story", "log"} <= asked


@pytest.mark.skipif(not is_clone(ROOT), reason="an unpacked archive")
@pytest.mark.parametrize("name", ["Makefile", ".ci/run", "layers/Makefile", "template.yaml"])
def test_a_clone_has_lf_alone_whatever_git_was_told(name):
    """Git for Windows, whose folders WSL sees, writes CRLF, which shells take for a letter."""
    said = git(ROOT, "-c", "core.autocrlf=true", "check-attr", "text", "eol", "--", name)
    assert said.split() == [f"{name}:", "text:", "auto", f"{name}:", "eol:", "lf"]
