"""The secret that signs webhooks of `make run`: WEBHOOK_SECRET, or one that is made and kept."""

import base64
import secrets
from collections.abc import Mapping
from pathlib import Path

from videoapi.errors import ServiceError
from videoapi.webhooks import signing

FILE = "webhook-secret"


def problems(values: Mapping[str, str]) -> list[str]:
    """Return why WEBHOOK_SECRET signs nothing, without a word of it."""
    secret = values.get("WEBHOOK_SECRET")
    try:
        signing.headers("", 0, b"", [secret] if secret else [])
    except ServiceError as exc:
        return [str(exc)]
    return []


def webhook_secret(values: Mapping[str, str], folder: Path | None) -> str:
    """Return the secret; one that is made is kept in a run's folder, for the next start too."""
    if secret := values.get("WEBHOOK_SECRET"):
        return secret
    path = folder / FILE if folder else None
    if path and path.exists():
        return path.read_text().strip()
    made = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    if path:
        path.touch(0o600)
        path.write_text(f"{made}\n")
    return made
