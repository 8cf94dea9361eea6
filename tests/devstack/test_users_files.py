"""What a user of the clone puts into it is none of the project's business."""

import shutil
import subprocess
import sys

import pytest

from tests.support import docs
from tests.support.own_files import ROOT, git, is_clone, own_files, tracked
from tests.support.samconfig import with_parameters

LEFT = {  # by whom follows the pages, and by tools
    "venv/lib/site.py": "x = 1\n" * 400,
    ".venv2/lib/site.py": "x = 1\n",
    "node_modules/gyp/test_gyp.py": "x = 1\n" * 400,
    "mine/test_client.py": "def test_mine():\n    assert not 'mine'\n",
    "examples/mine/main.py": "x = 1\n" * 400,
    "events/mine.json": "no JSON",
    "notes.md": "[gone](gone.md) `make nothing` `VEO3_NOTHING`",
    "docs/notes.md": "STACK=mine",
    ".env": "VEO3_API_KEY=sk-" + "aB3" * 8 + "\nALLOW_ANONYMOUS=false\n",
    "key.json": "-----BEGIN " + "PRIVATE KEY-----",
    "bill.csv": "job_id\n",
    "stills/a.jpg": "",
}
LOOKING = (
    "tests/unit/test_architecture.py",
    "tests/devstack/test_docs.py",
    "tests/devstack/test_project.py",
    "tests/devstack/test_secrets.py",
    "tests/infrastructure/test_events.py",
    "tests/infrastructure/test_lint.py",
)


@pytest.mark.slow
@pytest.mark.skipif(not is_clone(ROOT), reason="this is no clone, but a copy of one")
def test_the_project_is_whole_beside_its_users_files(tmp_path):
    """Parameters in samconfig.toml too, as docs/google.md and docs/deployment.md say them."""
    for path in tracked(ROOT):
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "--all")
    for name, text in LEFT.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    google = (docs.DOCS / "google.md").read_text().split("VideoProviders=relay,vertex ")[1]
    told = google.partition("\n")[0].replace("NUMBER", "123456789012")
    told += " AlarmEmail='' GeminiApiKeySecret=video-api/gemini-api-key"
    (tmp_path / "samconfig.toml").write_text(with_parameters(told))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not slow"]
    done = subprocess.run(
        [*command, *LOOKING], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_own_files_are_those_that_git_tracks(tmp_path):
    """Of an unpacked archive they are all, since nobody can tell."""
    for name in ("README.md", "notes.md"):
        (tmp_path / name).touch()
    assert own_files("*.md", root=tmp_path) == [tmp_path / "README.md", tmp_path / "notes.md"]
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "README.md")
    assert own_files("*.md", root=tmp_path) == [tmp_path / "README.md"]
