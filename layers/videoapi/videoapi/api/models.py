"""The models that a caller may name: the service's own choice, and what else it allows."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from videoapi.catalog.routes import RELAY, Route, routes_of
from videoapi.catalog.sizes import MAX_SECONDS
from videoapi.errors import NotFound
from videoapi.settings import Settings

if TYPE_CHECKING:
    from videoapi.catalog.models import Model

UNKNOWN = 0  # `created` is an int for OpenAI's SDKs, and a relay does not tell when


def offered(settings: Settings) -> tuple[str, ...]:
    """Return the names to offer, the default first.

    Where neither VIDEO_ROUTES nor VEO3_ALLOWED_MODELS says more, any other is taken too.
    """
    allowed = settings.veo3_allowed_models
    routed = [name for name in settings.routes if not allowed or name in allowed]
    return tuple(dict.fromkeys((settings.veo3_model, *(routed if settings.routes else allowed))))


def one_or_all(settings: Settings, name: str) -> dict[str, Any]:
    """Return the model that is named, or all where none is. Raises `NotFound`."""
    return found(settings, name) if name else listed(settings)


def listed(settings: Settings) -> dict[str, Any]:
    """Return OpenAI's list of models."""
    return {"object": "list", "data": [_described(settings, name) for name in offered(settings)]}


def found(settings: Settings, name: str) -> dict[str, Any]:
    """Return OpenAI's model object. Raises `NotFound`."""
    if name not in offered(settings):
        message = f"This service offers {', '.join(offered(settings))}."
        raise NotFound(message, code="model_not_found", param="model")
    return _described(settings, name)


def _described(settings: Settings, name: str) -> dict[str, Any]:
    from videoapi.catalog.models import find  # noqa: PLC0415 — the table; a submit needs the names

    routes = routes_of(settings.routes, name)
    found = (find(route.provider, route.model) for route in routes)
    price = settings.video_price_usd
    rows = [_priced(row, price) for row in found if row]
    return {
        "id": name,
        "object": "model",
        "created": max((_epoch(row.created) for row in rows), default=UNKNOWN),
        "owned_by": routes[0].provider,
        "video": _capabilities(rows, routes),
    }


def _priced(row: "Model", usd: float) -> "Model":
    """Return a relay's row with VIDEO_PRICE_USD, which is that of a video of any kind."""
    if row.provider != RELAY or not usd:
        return row
    from videoapi.catalog.models import Price  # noqa: PLC0415 — as above

    each = tuple(
        Price(resolution=name, audio=True, usd=usd, per="video") for name in row.resolutions
    )
    return replace(row, pricing=each)


def _capabilities(rows: "Sequence[Model]", routes: Sequence[Route]) -> dict[str, Any]:
    """Return what may be asked of any of the routes. A list is empty where the table knows none."""
    lengths = _union(row.durations for row in rows)
    pricing = [vars(price) for row in rows for price in row.pricing]
    retiring = [row.retires_on.isoformat() for row in rows if row.retires_on]
    return {
        "durations": [each for each in sorted(lengths) if each <= MAX_SECONDS],
        "sizes": _union(row.sizes for row in rows),
        "aspect_ratios": _union(row.aspect_ratios for row in rows),
        "fps": sorted(_union(row.fps for row in rows)),
        "image_roles": _union(row.image_roles for row in rows),
        "max_reference_images": max((row.max_reference_images for row in rows), default=0),
        "seed": any(row.seed for row in rows),
        "negative_prompt": any(row.negative_prompt for row in rows),
        "generate_audio": any(row.audio == "switch" for row in rows),
        "progress": any(row.progress for row in rows),
        "cancel": any(row.cancel for row in rows),
        "pricing": pricing or None,
        "retires_on": max(retiring) if rows and len(retiring) == len(rows) else None,
        "routes": _union([route.provider] for route in routes),
    }


def _union[Value](groups: Iterable[Iterable[Value]]) -> list[Value]:
    return list(dict.fromkeys(value for group in groups for value in group))


def _epoch(day: date | None) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) if day else UNKNOWN
