"""The key of the Gemini API."""

import secrets

from starlette.requests import Request

from simulator.failures import Refusal


def require(request: Request, expected: str) -> None:
    """Raise Refusal (403, 400) unless the caller has the key, or any where none is expected."""
    key = request.headers.get("x-goog-api-key") or request.query_params.get("key", "")
    if not key:
        message = (
            "Method doesn't allow unregistered callers (callers without established identity). "
            "Please use API Key or other form of API consumer identity to call this API."
        )
        raise Refusal(403, "permission_denied", message)
    if expected and not secrets.compare_digest(key.encode(), expected.encode()):
        message = "API key not valid. Please pass a valid API key."
        raise Refusal(400, "API_KEY_INVALID", message)
