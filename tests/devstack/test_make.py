"""The Makefile's words: what it lists, and what its targets hand on."""

import re
import shutil
import subprocess
import sys

import pytest

from devstack.settings import ROOT

MAKE = shutil.which("make") or "make"
TARGETS = re.compile(r"^([a-z0-9-]+):", re.MULTILINE)
INNER = {"validate"}  # part of `template` and `check`


def run(*arguments, folder=ROOT, **environment):
    return subprocess.run(
        [MAKE, *arguments],
        cwd=folder,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin"} | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def make(*arguments, **environment):
    done = run(*arguments, **environment)
    done.check_returncode()
    return done.stdout


@pytest.fixture(scope="module")
def help_text():
    return make("help")


def test_every_target_is_listed_once_under_a_heading(help_text):
    listed = re.findall(r"^ [ *]* make ([a-z0-9-]+) ", help_text, re.MULTILINE)
    written = set(TARGETS.findall((ROOT / "Makefile").read_text()))
    assert sorted(listed) == sorted(written - INNER)
    assert re.findall(r"^(\w[\w ]* it)\b", help_text, re.MULTILINE) == [
        "Use it", "Operate it", "Work on it", "Deploy it", "Measure it",
    ]  # fmt: skip


def test_four_targets_are_the_ones_to_begin_with(help_text):
    assert re.findall(r"^  \* make (\S+)", help_text, re.MULTILINE) == [
        "run",
        "test",
        "check",
        "deploy",
    ]


def test_every_target_is_phony():
    text = (ROOT / "Makefile").read_text()
    phony = " ".join(re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)).split()
    assert sorted(phony) == sorted(set(TARGETS.findall(text)))


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        ([], "sam deploy"),
        (["ENV=dev"], "sam deploy"),
        (["ENV=prod"], "sam deploy --config-env prod"),
        (["STACK=mine"], "sam deploy --stack-name mine --s3-prefix mine"),
        (
            ["ENV=prod", "STACK=mine"],
            "sam deploy --config-env prod --stack-name mine --s3-prefix mine",
        ),
    ],
)
def test_a_deploy_builds_and_then_deploys_what_was_said(arguments, command):
    done = " ".join(
        make("-n", "deploy", *arguments, ENV="/home/me/.shrc").replace("\\\n", "").split()
    )
    assert done.endswith(command)
    assert "sam build" in done


@pytest.mark.parametrize("name", ["bad name/x", "--list", "a'b"])
def test_bad_name_is_refused_in_words(name):
    """A bad name is refused in words and not as a wrong command line."""
    line = make("-n", "key", f"NAME={name}").splitlines()[-1]
    assert line.endswith('videoapi_cli.operator.operations  key  -- "${NAME-}"')


def test_bills_name_is_handed_on_by_the_environment():
    """Blanks and quotes of a file's name are not the shell's."""
    line = make("-n", "reconcile", "BILL=my bill's.csv").splitlines()[-1]
    assert line.endswith('videoapi_cli.operator.operations  reconcile -- "${BILL-}"')


def test_a_start_is_timed_from_the_command_on():
    """`make` itself may have waited a minute for environments."""
    shown = make("-n", "-p", "run")
    assert re.search(r"RUN_BEGAN := 1\d{9}$", shown, re.MULTILINE)


@pytest.fixture
def without_python(tmp_path):
    """Make a clone that has uv, and no environment yet."""
    for name in ("Makefile", "requirements/dev.txt", "requirements/tools.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    stamp = tmp_path / ".venv/tools/.stamp"
    stamp.parent.mkdir(parents=True)
    stamp.touch()
    return tmp_path


def test_without_python_one_is_told_what_to_do(without_python):
    """As on a network without GitHub, from where uv would take it."""
    uv = without_python / "uv"
    uv.write_text("#!/bin/sh\necho 'error: python-build-standalone: no route' >&2\nexit 2\n")
    uv.chmod(0o755)
    done = run(".venv/dev/.stamp", f"UV={uv}", "PYTHON=3.13", folder=without_python)
    assert done.returncode == 2
    said = done.stderr.splitlines()
    assert "Python 3.13 is neither found here nor could it be downloaded" in said[0]
    assert "no route" in said[1]
    assert said[2].startswith("Install Python 3.13, or name one: ")
    assert said[2].endswith("make .venv/dev/.stamp UV_PYTHON=/path/to/python3.13")
    assert not (without_python / ".venv/dev/.stamp").exists()


def test_an_environment_works_after_its_folder_was_moved(without_python):
    """Else `sam` is looked for in the folder where the clone was."""
    (without_python / "requirements/dev.txt").write_text("# nothing\n")
    (without_python / ".venv/tools/bin").symlink_to(ROOT / ".venv/tools/bin")
    done = run(".venv/dev/.stamp", f"PYTHON={sys.executable}", folder=without_python)
    assert done.returncode == 0, done.stderr
    assert "relocatable = true" in (without_python / ".venv/dev/pyvenv.cfg").read_text()


@pytest.mark.parametrize(("target", "is_made"), [("/usr/bin/env", False), ("/away/python", True)])
def test_an_environment_is_made_anew_whose_python_is_gone(without_python, target, is_made):
    """As after an upgrade of Python: nothing of the environment starts."""
    environment = without_python / ".venv/dev"
    (environment / "bin").mkdir(parents=True)
    (environment / "bin/python3.13").symlink_to(target)
    (environment / ".stamp").touch()
    done = run("-n", ".venv/dev/.stamp", folder=without_python)
    assert ("Setting up the dev environment" in done.stdout) is is_made


def test_without_packages_one_is_told_what_to_do(without_python):
    """As on a network without PyPI: the environment itself could be made."""
    uv = without_python / "uv"
    uv.write_text('#!/bin/sh\n[ "$1" = venv ]\n')
    uv.chmod(0o755)
    done = run(".venv/dev/.stamp", f"UV={uv}", "PYTHON=3.13", folder=without_python)
    assert done.returncode == 2
    assert "UV_DEFAULT_INDEX" in done.stderr.splitlines()[0]
    assert not (without_python / ".venv/dev/.stamp").exists()
