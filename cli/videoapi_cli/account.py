"""Commands about the server and the account: models, usage, health."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

import typer

from videoapi_cli import operators, tasks
from videoapi_cli.client import object_in
from videoapi_cli.errors import ApiError, CliError
from videoapi_cli.output import AsJson, Url, answer, connect, in_words, table

COUNTED = ("completed", "failed", "cancelled", "seconds")
IN_DOLLARS = ("usd_spent", "usd_reserved")
NUMBERS = (*COUNTED, *IN_DOLLARS)
DAYS, MAX_DAYS = 30, 92  # the most is the API's


@in_words
def models(ctx: typer.Context, url: Url = "", as_json: AsJson = False) -> None:
    """List the models, what each can make, and what it costs."""
    body = object_in(connect(ctx, url).get("/v1/models"))
    rows = [(each["id"], *_abilities(each.get("video") or {})) for each in body["data"]]
    columns = ("model", "seconds", "sizes", "images", "price")
    answer(body, table(columns, rows, "No models."), as_json=as_json)


def _abilities(video: dict[str, Any]) -> tuple[str, ...]:
    prices = [
        f"{tasks.money(each['usd'])} a {each['per']}"
        for each in video.get("pricing") or ()
        if each.get("usd") is not None
    ]
    cheapest = min(prices, default="")
    price = f"from {cheapest}" if len(set(prices)) > 1 else cheapest
    return (
        " ".join(map(str, video.get("durations", ()))),
        " ".join(video.get("sizes", ())),
        " ".join(video.get("image_roles", ())),
        price,
    )


@in_words
def usage(
    ctx: typer.Context,
    first: Annotated[str, typer.Option("--from", help="YYYY-MM-DD, a day of UTC.")] = "",
    last: Annotated[str, typer.Option("--to", help="YYYY-MM-DD; today unless said.")] = "",
    days: Annotated[
        int | None,
        typer.Option(min=1, max=MAX_DAYS, help=f"So many days, {DAYS} unless --from is said."),
    ] = None,
    all_keys: Annotated[
        bool, typer.Option("--all-keys", help="Of all keys: for the operator, in the clone.")
    ] = False,
    stack: Annotated[str, typer.Option(help="The same of a deployed stack.")] = "",
    url: Url = "",
    as_json: AsJson = False,
) -> None:
    """Show what your key made and spent, a row a day on which there was anything."""
    until = last or datetime.now(UTC).date().isoformat()
    since = first or _day(until, (days or DAYS) - 1)
    if all_keys or stack:
        operators.usage(stack, since if days else first, last, as_json=as_json)
    try:
        response = connect(ctx, url).get("/api/v1/usage", **{"from": since, "to": until})
    except ApiError as exc:
        if exc.status != 404:  # noqa: PLR2004 — an API of before it had the route
            raise
        raise CliError("This server does not count what a key uses.") from exc
    body = object_in(response)
    columns = ("day", *COUNTED, "spent", "reserved")
    used = [day for day in body["days"] if any(day.get(name) for name in NUMBERS)]
    if used:
        sums = {name: round(sum(day.get(name) or 0 for day in used), 6) for name in NUMBERS}
        used.append({"date": "all"} | sums)
    rows = [
        (
            *(day.get(name) for name in ("date", *COUNTED)),
            *(tasks.money(day.get(name) or 0) for name in IN_DOLLARS),
        )
        for day in used
    ]
    answer(body, table(columns, rows, f"Nothing from {since} to {until}."), as_json=as_json)


def _day(text: str, before: int) -> str:
    """Return the day so many days before another."""
    try:
        return (date.fromisoformat(text) - timedelta(days=before)).isoformat()
    except (ValueError, OverflowError) as exc:
        raise typer.BadParameter(f"{text} is no day: say YYYY-MM-DD") from exc
