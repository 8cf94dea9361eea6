"""`python -m tools.models_page`: write docs/models.md from the table of models."""

from collections.abc import Sequence
from typing import Final

from devstack.settings import ROOT
from videoapi.catalog.models import Model, table

PAGE = ROOT / "docs" / "models.md"
BEFORE: Final = """\
# Models

What each provider's model takes and costs. Validation, `GET /v1/models` and this page read one
table, [`models.toml`](../layers/videoapi/videoapi/catalog/models.toml); `make docs` writes this.

What no route of a model can do is refused at submit, as `unsupported_value` with the values that
it can do ([the API](api.md#what-a-model-takes)). A `*` stands for anything, and the first row that
fits a name counts. A relay's model that has no row takes a first frame and any size.

| provider | model | seconds | sizes | images | negative prompt | seed | sound |
| --- | --- | --- | --- | --- | --- | --- | --- |
"""
PRICES: Final = """
## Prices and dates

List prices in US dollars. A model may stop on the day that is given, or later.

| provider | model | price | stops | source |
| --- | --- | --- | --- | --- |
"""
SOUND: Final = {"switch": "on or off", "always": "always on", "unknown": "not to choose"}
IMAGES: Final = {"first_frame": "first frame", "last_frame": "last frame"}


def page() -> str:
    """Return docs/models.md."""
    rows = "".join(_row(_abilities(model)) for model in table())
    return BEFORE + rows + PRICES + "".join(_row(_money(model)) for model in table())


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _abilities(model: Model) -> list[str]:
    sizes = "any" if model.any_size else ", ".join(model.sizes)
    roles = [IMAGES[role] for role in model.image_roles if role in IMAGES]
    if model.max_reference_images:
        roles.append(f"or up to {model.max_reference_images} references")
    return [
        *_named(model),
        "; ".join(_lengths(model)),
        sizes,
        ", ".join(roles),
        _yes(model.negative_prompt),
        _yes(model.seed),
        SOUND[model.audio],
    ]


def _lengths(model: Model) -> list[str]:
    special = {
        "at 1080p": model.full_hd_durations,
        "with references": model.reference_durations,
        "with a last frame": model.last_frame_durations,
    }
    return [_span(model.durations)] + [
        f"{when} {_span(lengths)}" for when, lengths in special.items() if lengths
    ]


def _span(lengths: Sequence[int]) -> str:
    if len(lengths) > 2 and list(lengths) == list(range(lengths[0], lengths[-1] + 1)):  # noqa: PLR2004 — a span
        return f"{lengths[0]} to {lengths[-1]}"
    return ", ".join(map(str, lengths))


def _money(model: Model) -> list[str]:
    prices = [
        f"{price.resolution}{'' if price.audio else ' silent'}: {price.usd:g} a {price.per}"
        for price in model.pricing
    ]
    stops = model.retires_on.isoformat() if model.retires_on else ""
    return [*_named(model), ", ".join(prices) or "its own", stops, "; ".join(model.sources)]


def _named(model: Model) -> list[str]:
    return [model.provider, f"`{model.name}`"]


def _yes(able: bool) -> str:  # noqa: FBT001 — a cell of the table
    return "yes" if able else ""


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
