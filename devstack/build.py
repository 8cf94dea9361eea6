"""`sam build` for the local stack, only when something that it reads has changed."""

import fcntl
import hashlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devstack.sam.environment import environment as sam_sees
from devstack.settings import ROOT

TOOLS = ROOT / ".venv"
#: Not .aws-sam/build: that one is for `sam deploy`.
BUILT = ROOT / ".local" / "build"
_DIGEST = ROOT / ".local" / "build.digest"
_LOG = ROOT / ".local" / "build.log"
_SHOWN_LINES = 12
_SOURCES = ("template.yaml", "samconfig.toml", "functions", "layers", "requirements/sam.txt")


def build() -> None:
    """Build, if anything changed since the last time.

    Raise `RuntimeError` with SAM's last words when it fails. Stacks that start together build once.
    """
    with _alone():
        digest = sources_digest()
        if BUILT.is_dir() and _DIGEST.exists() and _DIGEST.read_text() == digest:
            return
        print("Building with SAM (the first time about a minute) …", flush=True)
        _DIGEST.unlink(missing_ok=True)
        _sam_build()
        _DIGEST.write_text(digest)


def sources_digest(root: Path = ROOT) -> str:
    """One value of all that the build reads."""
    digest = hashlib.sha256()
    for path in _files(root):
        digest.update(f"{path.relative_to(root)}\0{path.stat().st_mode & 0o111}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _files(root: Path) -> Iterator[Path]:
    for source in _SOURCES:
        path = root / source
        found = [path] if path.is_file() else sorted(path.rglob("*"))
        yield from (p for p in found if p.is_file() and "__pycache__" not in p.parts)


def _sam_build() -> None:
    environment = sam_sees()
    paths = [str(TOOLS / tool / "bin") for tool in ("tools", "sam")]
    environment["PATH"] = os.pathsep.join([*paths, environment["PATH"]])
    done = subprocess.run(
        [TOOLS / "sam/bin/sam", "build", "--build-dir", BUILT, "--no-cached"],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        umask=0o022,  # containers and Lambda read the packages as another user
    )
    if done.returncode:
        _LOG.write_text(done.stdout + done.stderr)
        raise RuntimeError(failure(done.stdout + done.stderr))


def failure(output: str) -> str:
    """Return the message of a failed build: its last lines; the whole is in the log."""
    lines = [line for line in output.splitlines() if line.strip()]
    shown = "\n  ".join(lines[-_SHOWN_LINES:])
    return f"`sam build` failed, and said last (all of it: {_LOG.relative_to(ROOT)}):\n  {shown}"


@contextmanager
def _alone() -> Iterator[None]:
    lock = ROOT / ".local" / "build.lock"
    lock.parent.mkdir(exist_ok=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
