"""What is answered about money, as models."""

from typing import Annotated, Literal

from pydantic import Field

from tools.openapi.answers import Answer, Instant, Size


class BudgetDetails(Answer):
    """When a budget begins anew."""

    resets_at: Instant
    """The next UTC midnight."""


class Estimate(Answer):
    """US dollars, with up to six decimals."""

    currency: Literal["USD"]
    estimated: Annotated[float, Field(ge=0)] | None
    """By the list price of what would be made; null where no price is known."""


class Cost(Estimate):
    """US dollars, with up to six decimals."""

    estimated: Annotated[float, Field(ge=0)] | None
    """By the list price of what is to be made; null where no price is known."""
    actual: Annotated[float, Field(ge=0)] | None
    """What it came to, 0 where nothing was charged; null while nobody knows."""
    final: bool
    """Whether `actual` is known."""


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


Dollars = Annotated[float, Field(description="US dollars, with up to six decimals.")]


class UsageDay(Answer):
    """A UTC day: what became of the tasks that were accepted on it."""

    date: Annotated[str, Field(json_schema_extra={"format": "date"})]
    completed: Annotated[int, Field(ge=0)]
    failed: Annotated[int, Field(ge=0)]
    cancelled: Annotated[int, Field(ge=0)]
    seconds: Annotated[int, Field(ge=0)]
    """Of the videos that were made."""
    usd_spent: Dollars
    """The sum of `cost.actual`."""
    usd_reserved: Dollars
    """What the tasks may still come to whose cost is not known yet, at most."""


class Usage(Answer):
    """What your key made and spent."""

    currency: Literal["USD"]
    days: Annotated[list[UsageDay], Field(min_length=1, max_length=92)]
    """Each day of the time asked for, the earliest first; those without tasks have zeros."""


ANSWERS = (DryRun, Usage)
