"""Signatures of events, as Standard Webhooks has them (standardwebhooks.com, version 1.0.0).

`webhook-signature` holds one `v1,…` for each secret, so that a secret can be changed without a
moment in which neither the old nor the new one fits.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable

from videoapi.accounts.webhook_secrets import PREFIX
from videoapi.errors import ServiceError


def headers(event_id: str, at: int, body: bytes, secrets: Iterable[str]) -> dict[str, str]:
    """Return the headers of one try of an event, at this instant (epoch seconds).

    Raises `ServiceError` for a secret that is none: an operator wrote it, and can repair it.
    """
    content = f"{event_id}.{at}.".encode() + body
    signatures = (f"v1,{_signature(secret, content)}" for secret in secrets)
    return {
        "Content-Type": "application/json",
        "webhook-id": event_id,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(signatures),
    }


def _signature(secret: str, content: bytes) -> str:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError:
        key = b""
    if not key:
        message = "WEBHOOK_SECRET holds no secret: say whsec_ and 32 random bytes in base64."
        error = ServiceError(message)
        error.retryable = False
        raise error
    return base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
