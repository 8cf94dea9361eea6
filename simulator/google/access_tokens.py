"""Access tokens that say for themselves how long they hold, so that a restart forgets none."""

import base64
import hashlib
import hmac
import json
import time
from dataclasses import asdict, dataclass
from typing import Final

from starlette.requests import Request

from simulator.failures import Refusal

CLOUD_PLATFORM: Final = "https://www.googleapis.com/auth/cloud-platform"
IAM: Final = "https://www.googleapis.com/auth/iam"
_PREFIX: Final = "ya29.simulator."
_SIGNING_KEY: Final = b"the simulator's own; its tokens open nothing else"
_EXPECTED: Final = (
    "Expected OAuth 2 access token, login cookie or other valid authentication credential. See "
    "https://developers.google.com/identity/sign-in/web/devconsole-project."
)


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says; `expires` in seconds of the epoch."""

    subject: str
    scopes: tuple[str, ...]
    expires: float


def issue(subject: str, scopes: tuple[str, ...], seconds: float) -> str:
    """Return a token that holds from now for some seconds."""
    claims = asdict(Claims(subject, scopes, time.time() + seconds))
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode()
    return f"{_PREFIX}{payload}.{_signature(payload)}"


def require(request: Request, *scopes: str) -> Claims:
    """Return the claims of the request's bearer; raise Refusal (401, 403) as Google does."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        message = f"Request is missing required authentication credential. {_EXPECTED}"
        raise Refusal(401, "CREDENTIALS_MISSING", message)
    claims = _read(token)
    message = f"Request had invalid authentication credentials. {_EXPECTED}"
    if claims is None:
        raise Refusal(401, "ACCESS_TOKEN_TYPE_UNSUPPORTED", message)
    if claims.expires <= time.time():
        raise Refusal(401, "ACCESS_TOKEN_EXPIRED", message)
    if not {CLOUD_PLATFORM, *scopes} & set(claims.scopes):
        message = "Request had insufficient authentication scopes."
        raise Refusal(403, "ACCESS_TOKEN_SCOPE_INSUFFICIENT", message)
    return claims


def _read(token: str) -> Claims | None:
    payload, _, signature = token.removeprefix(_PREFIX).partition(".")
    if not hmac.compare_digest(signature.encode(), _signature(payload).encode()):
        return None
    claims = json.loads(base64.urlsafe_b64decode(payload))
    return Claims(claims["subject"], tuple(claims["scopes"]), claims["expires"])


def _signature(payload: str) -> str:
    return hmac.new(_SIGNING_KEY, payload.encode(), hashlib.sha256).hexdigest()
