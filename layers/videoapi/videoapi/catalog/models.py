"""The table of models (`models.toml`): what each can do, as values."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, Literal

from videoapi.catalog.sizes import size_of

type Per = Literal["second", "video"]


@dataclass(frozen=True, kw_only=True)
class Price:
    """A list price: `usd` for each second, or each video, of a resolution with or without sound."""

    resolution: str
    audio: bool
    usd: float
    per: Per


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """Prices in USD for a million tokens, and how many come at most beside those of the video.

    `output` are those of texts and thoughts.
    """

    video: float
    input: float
    output: float
    max_input: int
    max_output: int

    @property
    def margin_micros(self) -> int:
        """What they cost at most, in micro-dollars."""
        return round(self.input * self.max_input + self.output * self.max_output)


@dataclass(frozen=True, kw_only=True)
class Model:
    """What a provider's model can do. `models.toml` explains each field; lengths are in seconds."""

    provider: str
    name: str
    created: date | None = None
    retires_on: date | None = None
    durations: tuple[int, ...]
    full_hd_durations: tuple[int, ...] = ()  # the only lengths at 1080p; empty: all
    reference_durations: tuple[int, ...] = ()  # the only lengths with reference images
    last_frame_durations: tuple[int, ...] = ()  # the only lengths with a last frame
    default_seconds: int = 8
    reserved_seconds: int = 0  # the least that a reserve counts, however short the video
    resolutions: tuple[str, ...]
    aspect_ratios: tuple[str, ...]
    any_size: bool = False
    fps: tuple[int, ...]
    image_roles: tuple[str, ...]
    max_reference_images: int = 0
    negative_prompt: bool = False
    seed: bool = False
    audio: Literal["switch", "always", "unknown"] = "unknown"
    progress: bool = False
    cancel: bool = False
    pricing: tuple[Price, ...] = ()
    tokens: Tokens | None = None
    sources: tuple[str, ...] = ()

    @property
    def sizes(self) -> tuple[str, ...]:
        """The sizes on offer, as `WxH` in pixels."""
        return tuple(
            size_of(resolution, ratio)
            for resolution in self.resolutions
            for ratio in self.aspect_ratios
        )


@cache
def table() -> tuple[Model, ...]:
    """Return all rows of the table. Raise `TypeError` for a field that `Model` does not have."""
    text = (Path(__file__).parent / "models.toml").read_text(encoding="utf-8")
    return tuple(_model(row) for row in tomllib.loads(text)["model"])


def find(provider: str, name: str) -> Model | None:
    """Return the row of a provider's model; None for one that the table does not know."""
    return next(
        (row for row in table() if row.provider == provider and fnmatchcase(name, row.name)), None
    )


def _model(row: Mapping[str, Any]) -> Model:
    values: dict[str, Any] = {name: _value(value) for name, value in row.items()}
    values["pricing"] = tuple(Price(**price) for price in row.get("pricing", ()))
    return Model(**values)


def _value(value: object) -> object:
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, dict):
        return tuple(range(value["min"], value["max"] + 1)) if "min" in value else Tokens(**value)
    return value
