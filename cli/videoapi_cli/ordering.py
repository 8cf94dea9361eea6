"""What `generate` does around making: the price first, a summary last."""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from videoapi_cli import downloads, orders, tasks
from videoapi_cli.client import Api
from videoapi_cli.errors import ApiError, CliError, UsageError
from videoapi_cli.journal import Journal
from videoapi_cli.making import Maker, Outcome
from videoapi_cli.orders import Order
from videoapi_cli.output import answer, warn
from videoapi_cli.progress import display
from videoapi_cli.running import Run

MAX_PRICE_USD = 1.0  # that is spent without a question
AGAIN = "The same command goes on with the rest; what was ordered is not paid again."


@dataclass(frozen=True, kw_only=True)
class Choices:
    """How orders are made; `max_price` is None unless it was said."""

    output: Path
    several: bool
    max_price: float | None
    dry_run: bool
    yes: bool
    parallel: int
    overwrite: bool
    retry_failed: bool


def make(api: Api, wanted: Sequence[Order], choices: Choices, *, as_json: bool) -> None:
    """Show the price, make the videos, say what became of them, and exit with its code."""
    folder, path, overwrite = place(
        choices.output, single=not choices.several, overwrite=choices.overwrite
    )
    shown = display(len(wanted))
    maker = Maker(
        api=api,
        display=shown,
        folder=folder,
        path=path,
        journal=Journal(folder, api.url) if choices.several else None,
        overwrite=overwrite,
        retry_failed=choices.retry_failed,
    )
    new = [each for each in wanted if maker.is_new(each)]
    total, words = estimate(api, new, single=not choices.several)
    if choices.dry_run:
        answer({"videos": len(new), "usd": total}, words, as_json=as_json)
        return
    if new:
        warn(words)
        agree(total, choices)
    api.say = shown.say
    with shown:
        run = Run(maker)
        outcomes = run.of(wanted, choices.parallel)
    summary, (usd, final) = Counter(each.status for each in outcomes), costs(outcomes)
    body = {
        "videos": [each.as_json() for each in outcomes],
        "summary": {
            **{status: summary[status] for status in (*tasks.ENDED, "left")},
            "usd": usd,
            "usd_final": final,
            "refused": run.refusal.as_json() if run.refusal else None,
        },
    }
    answer(body, told(run, outcomes), as_json=as_json)
    if run.refusal:
        warn(f"{run.refusal} {run.refusal.next_step}".rstrip())
    raise typer.Exit(run.exit_code(outcomes))


def place(output: Path, *, single: bool, overwrite: bool) -> tuple[Path, Path | None, bool]:
    """Return the folder, the file where one was named, and whether files may be replaced.

    Raises `UsageError`, before anything is paid for.
    """
    if not (single and output.suffix.lower() == downloads.ENDING and not output.is_dir()):
        downloads.require_folder(output)
        return output, None, overwrite
    downloads.require_folder(output.parent)
    if output.exists() and not overwrite:
        if not asked(f"{output} is there already. Overwrite it?"):
            raise UsageError(f"{output} is there already.", "Say --overwrite, or another -o.")
        overwrite = True
    return output.parent, output, overwrite


def asked(question: str) -> bool:
    """Ask; return False where nobody is there to answer."""
    return sys.stdin.isatty() and typer.confirm(question, default=True, err=True)


def agree(total: float | None, choices: Choices) -> None:
    """Ask where the orders cost much. Raise `CliError`."""
    limit = MAX_PRICE_USD if choices.max_price is None else choices.max_price
    much = total > limit if total is not None else choices.max_price is not None
    if not much or choices.yes:
        return
    if not sys.stdin.isatty():
        why = f"More than {tasks.money(limit)}" if total is not None else "No price is known"
        raise UsageError(f"{why}: nothing was ordered.", "Say --yes, or a higher --max-price.")
    if not asked("Order?"):
        raise CliError("Nothing was ordered.")


def estimate(api: Api, new: Sequence[Order], *, single: bool) -> tuple[float | None, str]:
    """Return what the orders cost in dollars, None where nobody knows, and that in words.

    Asks once for all that cost the same. A row that the API refuses fails when its turn comes.
    """
    if not new:
        return 0.0, "Nothing is left to order."
    groups: dict[str, list[Order]] = {}
    for order in new:
        groups.setdefault(order.price_group, []).append(order)
    prices: list[float | None] = []
    makers = set()
    for group in groups.values() if _knows_prices(api) else ():
        try:
            told = orders.price(group[0], api)
        except ApiError as exc:
            if single or exc.of_the_account:
                raise
            continue
        usd = tasks.dollars(told, "estimated")
        prices.append(None if usd is None else usd * len(group))
        makers.add(_maker(told))
    known = [usd for usd in prices if usd is not None]
    total = round(sum(known), 6) if known and len(known) == len(prices) else None
    number = f"{len(new)} video{'s' if len(new) != 1 else ''}"
    about = f" ({makers.pop()})" if len(makers) == 1 else ""
    price = "price unknown" if total is None else f"about {tasks.money(total)}"
    return total, f"{number}{about}: {price}"


def _knows_prices(api: Api) -> bool:
    """Whether the API takes `dry_run`: another one would take the question for an order."""
    try:
        return '"dry_run"' in api.get("/openapi.json").text
    except ApiError:
        return False


def _maker(told: dict[str, Any]) -> str:
    facts = [told.get("model"), told.get("size")]
    if seconds := told.get("seconds"):
        facts.insert(1, f"{seconds} s")
    return ", ".join(str(each) for each in facts if each)


def costs(outcomes: Sequence[Outcome]) -> tuple[float | None, bool]:
    """Return what all of it cost, None where nobody knows, and whether that is final.

    What is not known yet counts as it was estimated.
    """
    told = [{"cost": each.cost} for each in outcomes if each.cost]
    known = [tasks.dollars(each) for each in told]
    likely = [
        usd if usd is not None else tasks.dollars(each, "estimated")
        for usd, each in zip(known, told, strict=True)
    ]
    priced = [usd for usd in likely if usd is not None]
    return (round(sum(priced), 6) if priced else None), None not in known


def told(run: Run, outcomes: Sequence[Outcome]) -> str:
    """Return the summary for people."""
    if len(outcomes) == 1 and outcomes[0].file:
        return str(outcomes[0].file)
    count = Counter(each.status for each in outcomes)
    words = {"completed": "done", "failed": "failed", "cancelled": "cancelled", "left": "left"}
    lines = [", ".join(f"{count[each]} {word}" for each, word in words.items() if count[each])]
    usd, final = costs(outcomes)
    if usd is not None:
        lines[0] += f"; cost: {'' if final else 'about '}{tasks.money(usd)}"
    troubles = [each for each in outcomes if each.problem and len(outcomes) > 1]
    lines += [f"  {each.order.where or each.order.name}: {each.problem}" for each in troubles]
    if run.maker.journal and (count["failed"] or count["cancelled"]):
        lines.append("--retry-failed orders what failed once more.")
    if count["left"] and run.maker.journal:
        lines.append(AGAIN)
    elif count["left"] and outcomes[0].task_id:
        lines.append(f"To go on: videoapi watch {outcomes[0].task_id} -o {run.maker.folder}")
    return "\n".join(lines)
