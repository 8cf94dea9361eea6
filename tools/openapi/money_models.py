"""What is answered about money, as models."""

from typing import Annotated, Literal

from pydantic import Field

from tools.openapi.answers import Answer, Size


class Cost(Answer):
    """US dollars, with up to six decimals."""

    currency: Literal["USD"]
    estimated: Annotated[float, Field(ge=0)] | None
    """By the list price of what is to be made; null where no price is known."""
    actual: Annotated[float, Field(ge=0)] | None
    """What it came to, 0 where nothing was charged; null while nobody knows."""
    final: bool
    """Whether `actual` is known."""


class Estimate(Answer):
    """US dollars, with up to six decimals."""

    currency: Literal["USD"]
    estimated: Annotated[float, Field(ge=0)] | None
    """By the list price of what would be made; null where no price is known."""


class DryRun(Answer):
    """What a submit with `dry_run=true` would order. Nothing was."""

    dry_run: Literal[True]
    model: str
    provider: Literal["relay", "vertex", "gemini"]
    """The first that can make it."""
    upstream_model: str
    """The model in the provider's own words."""
    seconds: int | None
    """What would be made; null where the model decides."""
    size: Size
    cost: Estimate


ANSWERS = (DryRun,)
