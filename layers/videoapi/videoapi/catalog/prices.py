"""What a video costs: before it is ordered, and once its task has ended. In micro-dollars.

None: nobody knows. Google's prices are those of the table of models; a relay's is VIDEO_PRICE_USD
for each video. Tokens that a provider tells of are what it bills by.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from videoapi.catalog.fitting import Demand, Fit, Unsupported, fit
from videoapi.catalog.routes import RELAY, Route
from videoapi.domain.money import micros
from videoapi.domain.tasks import Task

if TYPE_CHECKING:
    from videoapi.catalog.models import Model, Tokens


class Quote(NamedTuple):
    """What a video costs by the first route that can make it, and at most by any of them."""

    estimated: int | None
    reserve: int | None


def quote(
    routes: Sequence[Route], demand: Demand, *, strict: bool, relay_price_micros: int
) -> Quote:
    """Return what a demand costs by routes that `possible` has found; others of them count not.

    The reserve is None as soon as one price is unknown. `relay_price_micros` 0 is unknown.
    """
    found: list[tuple[int | None, int | None]] = []
    for route in routes:
        try:
            found.append(_expected(route, demand, strict=strict, relay=relay_price_micros))
        except Unsupported:
            continue
    most = [bound for _, bound in found if bound is not None]
    known = bool(found) and len(most) == len(found)
    return Quote(found[0][0] if found else None, max(most) if known else None)


def charged(
    task: Task,
    *,
    result: Mapping[str, Any] | None,
    maybe_charged: bool = False,
    usage: Mapping[str, int] | None = None,
    relay_price_micros: int,
) -> int | None:
    """Return what a task that ends has cost: 0 where nothing was charged.

    `result` is None where no video was made, and holds what was made as `actual`, where that is
    known; `usage` are the tokens that the provider told of. An order that was lost earlier may have
    been billed too: then nobody knows.
    """
    if task.unknown_submits:
        return None
    route = _route(task)
    if usage and (billed := _by_tokens(route, usage)) is not None:
        return billed
    if result is None:
        return None if maybe_charged else 0
    if route.provider == RELAY:
        return relay_price_micros or None
    return _of_made(route, task, result.get("actual") or {})


def ordered_seconds(task: Task, *, strict: bool) -> int | None:
    """Return the length that is ordered for a task; None: the model decides, or nobody knows."""
    try:
        return fit(_route(task), Demand.of(task.request, task.image_roles), strict=strict).seconds
    except Unsupported:  # by a table that is newer than the order
        return None


def _route(task: Task) -> Route:
    return Route(task.provider or RELAY, task.upstream_model or task.request.model)


def _expected(
    route: Route, demand: Demand, *, strict: bool, relay: int
) -> tuple[int | None, int | None]:
    """Return what a route's video costs, and what it costs at most."""
    ordered = fit(route, demand, strict=strict)
    if route.provider == RELAY:
        return relay or None, relay or None
    model, tokens = _model(route), _tokens(route)
    price = _price(model, ordered, demand)
    if model is None or tokens is None or price is None:
        return price, price
    longest = max(ordered.seconds or model.default_seconds, model.reserved_seconds)
    most = _price(model, ordered._replace(seconds=longest), demand) or price
    return price, most + tokens.margin_micros


def _of_made(route: Route, task: Task, actual: Mapping[str, Any]) -> int | None:
    """Return the table's price of what was made: by the order, where what is told is no offer."""
    demand, model = Demand.of(task.request, task.image_roles), _model(route)
    if not task.request.model:  # a tombstone: what was asked for is gone
        return None
    try:
        made = fit(route, demand, strict=False)
    except Unsupported:  # by a table that is newer than the order
        return None
    seconds, size = actual.get("seconds"), actual.get("size")
    if model and isinstance(seconds, int | float) and round(seconds) in model.durations:
        made = made._replace(seconds=round(seconds))
    if model and size in model.sizes:
        made = made._replace(size=size)
    return _price(model, made, demand)


def _price(model: "Model | None", made: Fit, demand: Demand) -> int | None:
    """Return the list price of a video; sound that was not spoken of is made.

    A model with one price for a resolution has it for silent videos too.
    """
    sound = demand.generate_audio is not False
    lines = f"{min(map(int, made.size.split('x')))}p"
    prices = sorted(
        (each for each in (model.pricing if model else ()) if each.resolution == lines),
        key=lambda price: price.audio is not sound,
    )
    if model is None or not prices:
        return None
    each = micros(prices[0].usd)
    return each if prices[0].per == "video" else each * (made.seconds or model.default_seconds)


def _by_tokens(route: Route, usage: Mapping[str, int]) -> int | None:
    """Return what tokens cost; None for a model without such prices, or where words alone came."""
    output = usage.get("output_tokens", 0)
    # By kind unknown: all but words is video.
    video = usage.get("video_tokens") or max(output - usage.get("text_tokens", 0), 0)
    prices = _tokens(route) if video else None
    if prices is None:
        return None
    spent = (
        video * prices.video
        + usage.get("input_tokens", 0) * prices.input
        + (max(output - video, 0) + usage.get("thought_tokens", 0)) * prices.output
    )
    return int(spent + 0.5)  # dollars a million tokens are micro-dollars a token


def _tokens(route: Route) -> "Tokens | None":
    model = _model(route)
    return model.tokens if model else None


def _model(route: Route) -> "Model | None":
    from videoapi.catalog.models import find  # noqa: PLC0415 — the table; a plain request needs none

    return find(route.provider, route.model)
