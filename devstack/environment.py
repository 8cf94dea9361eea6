"""The environment variables of MiniStack and the functions, and a folder for their files."""

import logging
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devstack.settings import Settings

_REMOVAL_SECONDS = 5  # that a stop waits for its files to be gone
#: All that is left of the user's environment. MiniStack hands its own on to the functions, which
#: must see no profile, no key and no setting but those of the template, as in Lambda.
_KEPT = ("HOME", "LANG", "LC_ALL", "PATH", "SSL_CERT_DIR", "SSL_CERT_FILE", "TERM", "TZ")


def replace_environment(settings: Settings) -> None:
    """Put MiniStack's environment in place of the user's, before MiniStack is imported."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    os.environ.clear()
    os.environ.update(kept)
    os.environ.update(
        {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": settings.aws_url,
            # MiniStack's own: IAM enforced, no broker and no SFTP beside it.
            "AUTH": "true",
            "GATEWAY_PORT": str(settings.aws_port),
            "IOT_MTLS_ENABLED": "0",
            "LOG_LEVEL": "WARNING",
            "SFTP_ENABLED": "0",
        }
    )
    logging.getLogger("kms").setLevel(logging.ERROR)  # it misses a package that nothing here needs


@contextmanager
def scratch(state: Path) -> Iterator[None]:
    """A folder for all temporary files of the block; what killed stacks left is removed with it."""
    runs = state / "run"
    runs.mkdir(parents=True, exist_ok=True)
    for left in runs.iterdir():
        if not _lives(left.name):
            shutil.rmtree(left, ignore_errors=True)
    own = runs / str(os.getpid())
    own.mkdir()
    tempfile.tempdir = os.environ["TMPDIR"] = str(own)
    try:
        yield
    finally:
        _remove(own)


def _remove(folder: Path) -> None:
    """Remove a folder; what takes long goes on after the end of this process."""

    def remove() -> None:  # in a session of its own: Ctrl-C at the terminal is not for it
        subprocess.run(["/bin/rm", "-rf", folder], start_new_session=True, check=False)

    removal = threading.Thread(target=remove, daemon=True)
    removal.start()
    removal.join(_REMOVAL_SECONDS)


def _lives(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        return True
    return True
