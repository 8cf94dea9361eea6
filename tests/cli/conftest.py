"""A command of `videoapi` against an API in memory, in a folder of its own."""

import json

import pytest
from typer.testing import CliRunner

from tests.support.fake_api import JPEG, URL, FakeApi, FakeClock
from videoapi_cli.main import app
from videoapi_cli.output import Overrides


class Videoapi:
    """Runs commands; every one starts anew, as a process does."""

    def __init__(self, api):
        self.api = api
        self.clock = FakeClock()

    def __call__(self, *arguments, url=URL, key="vak_secret"):
        self.clock = FakeClock()
        return CliRunner().invoke(
            app,
            [str(each) for each in arguments],
            obj=Overrides(self.api.transport, self.clock),
            env={"VIDEOAPI_URL": url, "VIDEOAPI_KEY": key},
        )

    def json(self, *arguments, code=0):
        """Return the one document that a command prints with `--json`."""
        result = self(*arguments, "--json")
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)


@pytest.fixture
def api():
    return FakeApi()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return the working directory, with two images."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(JPEG + name.encode())
    return tmp_path


@pytest.fixture
def videoapi(api, folder):  # noqa: ARG001 — it is the working directory
    """Return what runs commands, in the folder."""
    return Videoapi(api)
