"""Commands for videos that were ordered: list, show, watch, download, cancel, delete."""

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from videoapi_cli import tasks
from videoapi_cli.client import Api, json_in
from videoapi_cli.errors import ApiError, UsageError
from videoapi_cli.making import Maker
from videoapi_cli.ordering import asked, place
from videoapi_cli.orders import Order
from videoapi_cli.output import AsJson, Url, answer, connect, in_words, table
from videoapi_cli.progress import display
from videoapi_cli.running import Run

PAGE = 100  # tasks of one request
PARALLEL = 32


def _ids(names: list[str]) -> list[str]:
    """Return ids as they are; refuse what would lead to another address."""
    for each in names:
        if not re.fullmatch(r"[A-Za-z0-9_-]+", each):
            raise typer.BadParameter(f"{each} is no id of a video")
    return list(dict.fromkeys(names))


Ids = Annotated[
    list[str], typer.Argument(metavar="ID…", help="vid_…", show_default=False, callback=_ids)
]


@in_words
def listed(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, help="At most so many.")] = 20,
    status: Annotated[
        str, typer.Option(help="pending, processing, completed, failed or cancelled.")
    ] = "",
    url: Url = "",
    as_json: AsJson = False,
) -> None:
    """List your videos, the newest first."""
    api = connect(ctx, url)
    found: list[dict[str, Any]] = []
    path: str | None = "/api/v1/tasks"
    query: dict[str, Any] = {"limit": min(limit, PAGE), "status": status or None}
    while path and len(found) < limit:
        response = api.get(path, **query)
        found += json_in(response, list)
        path, query = response.links.get("next", {}).get("url"), {}
    rows = [
        (
            each["task_id"],
            each["status"],
            f"{each['progress']} %",
            each["created_at"],
            each["message"],
        )
        for each in found[:limit]
    ]
    columns = ("id", "status", "", "ordered", "")
    answer(found[:limit], table(columns, rows, "No videos."), as_json=as_json)


@in_words
def show(ctx: typer.Context, ids: Ids, url: Url = "", as_json: AsJson = False) -> None:
    """Show all that the API tells of a video."""
    api = connect(ctx, url)
    found = [tasks.read(api, each) for each in ids]
    text = "\n\n".join("\n".join(_facts(each)) for each in found)
    answer(found if len(found) > 1 else found[0], text, as_json=as_json)


def _facts(task: dict[str, Any]) -> list[str]:
    made = (task.get("result") or {}).get("result") or {}
    facts = {
        "id": task["task_id"],
        "status": task["status"] if task["status"] in tasks.ENDED else tasks.state(task),
        "progress": f"{task.get('progress')} %",
        "prompt": task.get("prompt"),
        "model": ", ".join(filter(None, (task.get("model"), task.get("provider")))),
        "cost": tasks.cost(task),
        "ordered": task.get("created_at"),
        "ended": task.get("completed_at"),
        "asked for": _listed(made.get("requested")),
        "made": _listed(made.get("actual")),
        "error": tasks.failure(task) if task["status"] in ("failed", "cancelled") else None,
        "video": task.get("video_url"),
    }
    return [f"{name:10}{what}" for name, what in facts.items() if what]


def _listed(facts: dict[str, Any] | None) -> str:
    return ", ".join(f"{name} {what}" for name, what in (facts or {}).items() if what is not None)


@in_words
def watch(
    ctx: typer.Context,
    ids: Ids,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Download into this folder, too.")
    ] = None,
    url: Url = "",
    as_json: AsJson = False,
) -> None:
    """Wait until videos have ended. Exits with 1 if one has no video."""
    _wait(connect(ctx, url), ids, output, as_json=as_json)


@in_words
def download(
    ctx: typer.Context,
    ids: Ids,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="A folder, or for one video a file.mp4.")
    ] = Path(),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files.")] = False,
    url: Url = "",
    as_json: AsJson = False,
) -> None:
    """Download videos, each once it is made."""
    _wait(connect(ctx, url), ids, output, overwrite=overwrite, as_json=as_json)


def _wait(
    api: Api, ids: list[str], output: Path | None, *, overwrite: bool = False, as_json: bool
) -> None:
    path = None
    if output is not None:
        output, path, overwrite = place(output, single=len(ids) == 1, overwrite=overwrite)
    with display(len(ids)) as shown:
        api.say = shown.say
        maker = Maker(api=api, display=shown, folder=output, path=path, overwrite=overwrite)
        orders = [Order(fields={}, name=each, task_id=each) for each in ids]
        run = Run(maker)
        outcomes = run.of(orders, parallel=PARALLEL)
    lines = [
        str(each.file or f"{each.order.name}: {each.problem or each.status}") for each in outcomes
    ]
    if run.refusal:
        raise run.refusal
    answer([each.as_json() for each in outcomes], "\n".join(lines), as_json=as_json)
    raise typer.Exit(run.exit_code(outcomes))


@in_words
def cancel(ctx: typer.Context, ids: Ids, url: Url = "", as_json: AsJson = False) -> None:
    """Cancel videos: those that wait cost nothing, those being made may have been charged."""
    _each(connect(ctx, url), "/api/v1/tasks/", ids, as_json=as_json)


@in_words
def delete(
    ctx: typer.Context,
    ids: Ids,
    yes: Annotated[bool, typer.Option("-y", "--yes", help="Ask nothing.")] = False,
    url: Url = "",
    as_json: AsJson = False,
) -> None:
    """Delete videos and their files from the server."""
    api = connect(ctx, url)
    if not (yes or asked(f"Delete {', '.join(ids)} for good?", usual=False)):
        raise UsageError("Nothing was deleted.", "Say --yes.")
    _each(api, "/v1/videos/", ids, as_json=as_json)


def _each(api: Api, route: str, ids: list[str], *, as_json: bool) -> None:
    """Send a DELETE for each; a failure does not stop the others."""
    bodies, lines, worst = [], [], 0
    for each in ids:
        try:
            body = api.delete(f"{route}{each}")
            lines.append(f"{each}: {body.get('message', 'deleted')}")
            bodies.append(body)
        except ApiError as exc:
            worst = max(worst, exc.exit_code)
            lines.append(f"{each}: {exc} {exc.next_step}".rstrip())
            bodies.append({"id": each, "error": exc.as_json()})
    answer(bodies, "\n".join(lines), as_json=as_json)
    raise typer.Exit(worst)
