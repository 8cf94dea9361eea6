"""The documentation page in a browser, and its commands as a reader runs them."""

import json
import os
import re
from html import unescape

import pytest

from devstack.settings import ROOT
from tests.e2e.test_first_video import CHROMIUM, frames_of, run, wait_for
from tests.e2e.test_sdks import CLIENTS
from tests.support import web

AXE = CLIENTS / "node" / "node_modules" / "axe-core" / "axe.min.js"
DRIVER = CLIENTS / "browser.py"
SEEN = [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")]


@pytest.fixture(scope="module")
def looks(stack, tmp_path_factory):
    """What the browser finds, by width and colour scheme."""
    if CHROMIUM is None or not AXE.exists():
        pytest.skip("Chromium, or Node with its packages, is not installed")
    python = ROOT / ".venv" / "browser" / "bin" / "python"
    home = tmp_path_factory.mktemp("home")
    command = [python, DRIVER, CHROMIUM, f"{stack.api_url}/docs", home, AXE]
    done = run(command, ROOT)
    assert done.returncode == 0, done.stderr
    return {(look["width"], look["scheme"]): look for look in json.loads(done.stdout)}


@pytest.mark.parametrize("seen", SEEN)
def test_every_section_fits_its_column(looks, seen):
    """Every section is inside the column and nothing scrolls sideways."""
    for look in (looks[seen], looks[seen]["unfolded"]):
        assert len(look["sections"]) >= 9
        assert [section for section in look["sections"] if not section["inside"]] == []
        assert look["outside"] == []
        assert look["scrollWidth"] <= look["innerWidth"] == seen[0]


@pytest.mark.parametrize("seen", SEEN)
def test_what_is_wider_than_its_box_shows_that_it_scrolls(looks, seen):
    assert looks[seen]["cut"] == looks[seen]["unfolded"]["cut"] == []


@pytest.mark.parametrize("seen", SEEN)
def test_the_page_has_the_readers_colours(looks, seen):
    dark = looks[seen]["paper"] < looks[seen]["ink"]
    assert dark is (seen[1] == "dark")
    assert abs(looks[seen]["paper"] - looks[seen]["ink"]) > 150  # of 255


@pytest.mark.parametrize("seen", SEEN)
def test_every_block_of_code_is_copied_at_a_click(looks, seen):
    assert looks[seen]["unfolded"]["buttons"] == looks[seen]["unfolded"]["blocks"] > 30
    assert looks[seen]["copied"].strip() == looks[seen]["first"].strip()
    assert looks[seen]["copied"].startswith("curl ")


@pytest.mark.parametrize("seen", SEEN)
def test_page_has_no_errors_and_every_link_leads_somewhere(looks, seen):
    """The browser has nothing to complain of and every link leads somewhere."""
    assert looks[seen]["complaints"] == []
    assert looks[seen]["links"] == []


@pytest.mark.parametrize("seen", SEEN)
def test_axe_has_nothing_against_the_page(looks, seen):
    assert looks[seen]["violations"] == []


def blocks(api_url, **headers):
    page = web.get(f"{api_url}/docs", headers=headers).text
    return [unescape(code) for code in re.findall(r"<code>([^<]*)</code></pre>", page)]


def shell(commands, folder, **environment):
    command = ["/bin/bash", "-euo", "pipefail", "-c", commands]
    done = run(command, folder, env=environment | {"PATH": os.environ["PATH"]})
    assert done.returncode == 0, done.stderr
    return done.stdout


def first_video(api_url, folder, api, **environment):
    """Run the three steps of the page, but for the id, which its reader puts in."""
    submit, poll, download = blocks(api_url)[:3]
    task = json.loads(shell(submit, folder, **environment))
    wait_for(api, task["id"])
    poll = re.sub(r"^id=\w+", f"id={task['id']}", poll)
    assert json.loads(shell(poll, folder, **environment))["status"] == "completed"
    shell(f"id={task['id']}\n{download}", folder, **environment)
    _, frames = frames_of((folder / "video.mp4").read_bytes())
    return frames


def test_the_first_commands_of_the_page_make_a_video_as_printed(stack, api, tmp_path):
    assert len(first_video(stack.api_url, tmp_path, api)) > 24


def test_the_commands_speak_to_the_address_that_the_reader_asked(stack, tmp_path):
    port = stack.api_url.rpartition(":")[2]
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", f"docs.localhost:{port}"):
        first = blocks(f"http://127.0.0.1:{port}", host=host)[0]
        assert f"curl http://{host}/v1/videos" in first
    shell(blocks(f"http://127.0.0.1:{port}")[0].splitlines()[0], tmp_path)
    assert (tmp_path / "mountains.jpg").read_bytes().startswith(b"\xff\xd8")
