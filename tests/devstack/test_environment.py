import os
import tempfile
import time
from pathlib import Path

import pytest

from devstack.environment import replace_environment, scratch
from devstack.settings import Settings

NOBODY = "4194305"  # above the largest process id that Linux gives


@pytest.fixture(autouse=True)
def own_environment(monkeypatch):
    monkeypatch.setattr(os, "environ", dict(os.environ))
    monkeypatch.setattr(tempfile, "tempdir", None)


def test_functions_inherit_nothing_of_the_users():
    users = {"VEO3_API_KEY": "k", "AWS_PROFILE": "work", "VEO3_MODEL": "m", "OPENAI_API_KEY": "o"}
    os.environ.update(users)
    replace_environment(Settings(values={}, aws_port=4999))
    assert not users.keys() & os.environ.keys()
    assert os.environ["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4999"
    assert os.environ["AUTH"] == "true"
    assert "PATH" in os.environ


def test_temporary_files_are_gone_after_the_run(tmp_path):
    with scratch(tmp_path):
        made = Path(tempfile.mkdtemp())
        assert made.is_relative_to(tmp_path)
    assert not list((tmp_path / "run").iterdir())


def test_removal_that_takes_long_keeps_no_stop_waiting(tmp_path, monkeypatch):
    monkeypatch.setattr("devstack.environment._REMOVAL_SECONDS", 0)
    with scratch(tmp_path):
        made = Path(tempfile.mkdtemp())
    until = time.monotonic() + 10
    while made.exists():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_scratch_of_a_killed_run_is_removed(tmp_path):
    """What a killed run left is removed and what another uses is not."""
    for left in (NOBODY, str(os.getppid()), "no number"):
        (tmp_path / "run" / left).mkdir(parents=True)
    with scratch(tmp_path):
        pass
    assert [left.name for left in (tmp_path / "run").iterdir()] == [str(os.getppid())]
