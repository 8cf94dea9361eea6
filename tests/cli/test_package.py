"""The command line as a package: what it asks for, and that it knows nothing of the server."""

import ast
import os
import subprocess
import sys
import tomllib

import pytest

from devstack.settings import ROOT
from tests.cli.conftest import Videoapi
from tests.support.fake_api import FakeApi

PACKAGE = ROOT / "cli/videoapi_cli"
USERS = [path for path in PACKAGE.rglob("*.py") if "operator" not in path.parts]
MINE = tomllib.loads((ROOT / "cli/pyproject.toml").read_text())
WHOLE = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_ranges_are_those_that_are_locked():
    built = MINE["build-system"]["requires"]
    assert sorted(MINE["project"]["dependencies"] + built) == WHOLE["dependency-groups"]["cli"]


def test_version_is_the_repositorys():
    assert MINE["project"]["version"] == WHOLE["project"]["version"]


@pytest.mark.parametrize("path", USERS, ids=lambda path: path.name)
def test_module_knows_nothing_of_the_server(path):
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    assert not {name.partition(".")[0] for name in names} & {"videoapi", "devstack", "boto3"}
    assert not [name for name in names if name.startswith("videoapi_cli.operator.")]


def test_operators_command_outside_of_a_clone_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for command in (["keys", "list"], ["tasks", "show", "vid_x"], ["dead-letters", "redrive"]):
        result = Videoapi(FakeApi())(*command)
        assert result.exit_code == 2
        assert "clone" in result.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shell_completes_commands(shell):
    done = subprocess.run(
        [sys.executable, "-c", "from videoapi_cli.main import app; app(prog_name='videoapi')"],
        env=os.environ
        | {
            "PYTHONPATH": str(ROOT / "cli"),
            "_VIDEOAPI_COMPLETE": f"complete_{shell}",
            "_TYPER_COMPLETE_ARGS": "videoapi gen",
            "_TYPER_COMPLETE_FISH_ACTION": "get-args",
            "COMP_WORDS": "videoapi gen",
            "COMP_CWORD": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert "generate" in done.stdout
    assert "download" not in done.stdout
