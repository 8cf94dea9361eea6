"""The models that a caller may name: the service's own choice, and what else it allows."""

from typing import Any

from videoapi.errors import NotFound
from videoapi.settings import Settings

UNKNOWN = 0  # `created` is an int for OpenAI's SDKs, and a relay does not tell when


def offered(settings: Settings) -> tuple[str, ...]:
    """Return the names to offer, the default first. Without a list any other is taken too."""
    return tuple(dict.fromkeys((settings.veo3_model, *settings.veo3_allowed_models)))


def listed(settings: Settings) -> dict[str, Any]:
    """Return OpenAI's list of models."""
    return {"object": "list", "data": [_described(name) for name in offered(settings)]}


def found(settings: Settings, name: str) -> dict[str, Any]:
    """Return OpenAI's model object. Raises `NotFound`."""
    if name not in offered(settings):
        message = f"This service offers {', '.join(offered(settings))}."
        raise NotFound(message, code="model_not_found", param="model")
    return _described(name)


def _described(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": UNKNOWN, "owned_by": "relay"}
