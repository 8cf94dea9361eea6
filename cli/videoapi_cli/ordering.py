"""What `generate` does around making: the price first, a summary last."""

import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
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
from videoapi_cli.output import answer, ask, warn
from videoapi_cli.progress import display
from videoapi_cli.running import Run

YES_OR_NO = {"y": True, "yes": True, "n": False, "no": False}
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


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What orders cost in dollars: all of them, None where nobody knows, and at least.

    `refused` are those that the API would refuse, and why; it was not asked about each.
    """

    usd: float | None
    at_least: float
    words: str
    refused: dict[str, str]


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
    price = estimate(api, new, single=not choices.several)
    if choices.dry_run:
        problems = [
            f"{each.called}: {why}"
            for each in wanted
            if (why := each.problem or price.refused.get(each.called))
        ]
        preview = {"videos": len(new), "usd": price.usd, "problems": problems}
        answer(preview, "\n".join((price.words, *problems)), as_json=as_json)
        raise typer.Exit(int(bool(problems)))
    if new:
        warn(price.words)
        agree(price, choices)
    api.say = shown.say
    with maker.journal.alone() if maker.journal else nullcontext(), shown:
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
    answer(body, summarized(run, outcomes), as_json=as_json)
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
        if not asked(f"{output} is there already. Overwrite it?", usual=False):
            raise UsageError(f"{output} is there already.", "Say --overwrite, or another -o.")
        overwrite = True
    return output.parent, output, overwrite


def asked(question: str, *, usual: bool) -> bool:
    """Ask; return False where nobody is there to answer. `usual` is what Enter alone means."""
    if not sys.stdin.isatty():
        return False
    answers = YES_OR_NO | {"": usual}
    while (said := ask(f"{question} [{'Y/n' if usual else 'y/N'}]")) not in answers:
        pass
    return answers[said]


def agree(price: Estimate, choices: Choices) -> None:
    """Ask where the orders cost much. Raise `CliError`."""
    limit = MAX_PRICE_USD if choices.max_price is None else choices.max_price
    much = price.at_least > limit
    if choices.yes or not (much or (price.usd is None and choices.max_price is not None)):
        return
    if not sys.stdin.isatty():
        why, another = "No price is known", "leave out --max-price"
        if much:
            why, another = f"More than {tasks.money(limit)}", "a higher --max-price"
        raise UsageError(f"{why}: nothing was ordered.", f"Say --yes, or {another}.")
    if not asked("Order?", usual=True):
        raise CliError("Nothing was ordered.")


def estimate(api: Api, new: Sequence[Order], *, single: bool) -> Estimate:
    """Return what the orders cost.

    Asks once for all that cost the same. A row that the API refuses fails when its turn comes.
    """
    if not new:
        return Estimate(usd=0.0, at_least=0.0, words="Nothing is left to order.", refused={})
    groups: dict[str, list[Order]] = {}
    for order in new:
        groups.setdefault(order.price_group, []).append(order)
    prices: list[float | None] = []
    makers, refused = set[str](), dict[str, str]()
    for group in groups.values() if _knows_prices(api) else ():
        found = _price(group, api, refused, single=single)
        if found is None:
            continue
        usd = tasks.dollars(found, "estimated")
        prices.append(None if usd is None else usd * len(group))
        makers.add(_maker(found))
    known = [usd for usd in prices if usd is not None]
    least = round(sum(known), 6)
    total = least if known and len(known) == len(prices) else None
    number = f"{len(new)} video{'s' if len(new) != 1 else ''}"
    about = f" ({makers.pop()})" if len(makers) == 1 else ""
    price = f"about {tasks.money(least)}"
    if total is None:
        price = f"at least {tasks.money(least)}" if known else "price unknown"
    words = f"{number}{about}: {price}"
    return Estimate(usd=total, at_least=least, words=words, refused=refused)


def _price(
    group: Sequence[Order], api: Api, refused: dict[str, str], *, single: bool
) -> dict[str, Any] | None:
    """Return what each of a group costs, None where the API makes none of it.

    The refusal of one for another reason must not hide what the others cost. Raise what is no
    refusal but a failure to say: the group would be ordered without its price.
    """
    for asked in (group[0], group[0].bare):
        try:
            return orders.price(asked, api)
        except ApiError as exc:
            if single or exc.of_the_account or exc.repeatable:
                raise
            refused.setdefault(group[0].called, str(exc))
    return None


def _knows_prices(api: Api) -> bool:
    """Whether the API takes `dry_run`: another one would take the question for an order."""
    try:
        return '"dry_run"' in api.get("/openapi.json").text
    except ApiError:
        return False


def _maker(preview: dict[str, Any]) -> str:
    facts = [preview.get("model"), preview.get("size")]
    if seconds := preview.get("seconds"):
        facts.insert(1, f"{seconds} s")
    return ", ".join(str(each) for each in facts if each)


def costs(outcomes: Sequence[Outcome]) -> tuple[float | None, bool]:
    """Return what all of it cost, None where nobody knows, and whether that is final.

    What is not known yet counts as it was estimated.
    """
    charged = [{"cost": each.cost} for each in outcomes if each.cost]
    known = [tasks.dollars(each) for each in charged]
    likely = [
        usd if usd is not None else tasks.dollars(each, "estimated")
        for usd, each in zip(known, charged, strict=True)
    ]
    priced = [usd for usd in likely if usd is not None]
    return (round(sum(priced), 6) if priced else None), None not in known


def summarized(run: Run, outcomes: Sequence[Outcome]) -> str:
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
    lines += [f"  {each.order.called}: {each.problem}" for each in troubles]
    ended = [each for each in outcomes if each.task_id and each.status in ("failed", "cancelled")]
    if run.maker.journal and (again := len(ended)):
        lines.append(
            f"--retry-failed orders the {again} without a video once more, and pays for them."
        )
    if count["left"] and run.maker.journal:
        lines.append(AGAIN)
    elif count["left"] and outcomes[0].task_id:
        lines.append(f"To go on: videoapi watch {outcomes[0].task_id} -o {run.maker.folder}")
    elif count["left"] and run.interrupted:
        lines.append("It may not be ordered: look at `videoapi list` before you order it again.")
    return "\n".join(lines)
