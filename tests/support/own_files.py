"""The project's own files: whatever else lies in the folder of a clone is its user's."""

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def git(folder, *arguments):
    # A hook of another repository says in GIT_DIR which one is meant.
    environment = {name: os.environ[name] for name in os.environ if not name.startswith("GIT_")}
    # A clone that is mounted may be another user's, whom git does not trust.
    command = [shutil.which("git"), "-c", "safe.directory=*", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, check=True, capture_output=True, text=True
    ).stdout


def is_clone(root):
    """Return whether git can say what belongs to the folder: it is no unpacked archive."""
    return (root / ".git").exists() and shutil.which("git") is not None


def tracked(root):
    """Return the files of a repository."""
    paths = [root / name for name in git(root, "ls-files", "-z").split("\0") if name]
    return [path for path in paths if path.is_file()]  # a deleted one is still listed


def own_files(*patterns, root=ROOT):
    """Return the files of the project that match, sorted: of a clone those that git tracks."""
    found = {path for pattern in patterns for path in root.glob(pattern)}
    return sorted(found & set(tracked(root)) if is_clone(root) else found)
