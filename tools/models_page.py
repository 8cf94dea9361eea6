"""`python -m tools.models_page`: write the tables of docs/models.md from models.toml."""

from collections.abc import Iterable, Sequence
from typing import Final

from devstack.settings import ROOT
from tools import marked_tables
from videoapi.catalog.models import Model, table

PAGE = ROOT / "docs" / "models.md"
WHICH: Final = ("provider", "model")
ABILITIES: Final = (*WHICH, "seconds", "sizes", "images", "negative prompt", "seed", "sound")
MONEY: Final = (*WHICH, "price", "stops", "source")
SOUND: Final = {"switch": "on or off", "always": "always on", "unknown": "not to choose"}
IMAGES: Final = {"first_frame": "first frame", "last_frame": "last frame"}


def tables() -> dict[str, list[str]]:
    """Return the lines of both tables by their names in docs/models.md."""
    return {
        "models": _table(ABILITIES, map(_abilities, table())),
        "prices": _table(MONEY, map(_money, table())),
    }


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]


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
    for name, lines in tables().items():
        marked_tables.put(PAGE, name, "docs", lines)
