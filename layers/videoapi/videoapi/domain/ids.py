"""Task ids: random, or derived from an idempotency key."""

import base64
import hashlib
import re
import secrets

ID_PREFIX = "vid_"
_TASK_ID = re.compile(r"vid_[a-z0-9]{24,64}")


def new_task_id() -> str:
    """Return a fresh id: 128 random bits in 26 lowercase letters and digits."""
    return ID_PREFIX + new_name()


def new_name() -> str:
    """Return what nobody can guess: 128 random bits in 26 lowercase letters and digits."""
    return _spell(secrets.token_bytes(16))


def derived_task_id(owner: str, key: str) -> str:
    """Return the one id that this owner's `Idempotency-Key` always means."""
    digest = hashlib.sha256(f"{owner}\0{key}".encode()).digest()
    return ID_PREFIX + _spell(digest[:16])


def is_task_id(text: str) -> bool:
    """Return whether a text can be a task's id; no other one reaches the table."""
    return _TASK_ID.fullmatch(text) is not None


def _spell(data: bytes) -> str:
    return base64.b32encode(data).decode().rstrip("=").lower()
