"""What the parts of one simulator share."""

import asyncio
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from starlette.requests import Request

from simulator.archive import Archive
from simulator.failures import Refusal
from simulator.ledger import Ledger
from simulator.render import Renders
from simulator.settings import Settings


@dataclass(slots=True)
class State:
    """One simulator: its settings, its counts, its videos and its end."""

    settings: Settings
    folder: Path
    """Where images are kept for the files port."""
    renders: Renders
    archive: Archive | None = None
    """Where jobs are written down; None: nowhere."""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    ledger: Ledger = field(default_factory=Ledger)

    def check_key(self, request: Request) -> None:
        """Raise Refusal (401) unless the caller has the key, or any where none is set."""
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        expected = self.settings.key or key
        if scheme.lower() != "bearer" or not key or not _same(key, expected):
            raise Refusal(401, "invalid_api_key", "a valid bearer key is required")

    def files_origin(self, request: Request) -> str:
        """Return the origin of the result files, under the name that the caller used for us."""
        host = request.url.hostname or "localhost"
        return f"http://{f'[{host}]' if ':' in host else host}:{self.settings.files_port}"


def _same(key: str, expected: str) -> bool:
    return secrets.compare_digest(key.encode(), expected.encode())
