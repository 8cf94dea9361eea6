"""Commands for operators of a stack, by AWS credentials or against `make run`.

They need the clone of the stack: its template's names, its table's shapes, boto3. So they run
`videoapi_cli.operator` there, in the clone's own environment, exactly as `make key` does; the
installed package has neither boto3 nor anything of the server.
"""

import os
import subprocess
from pathlib import Path
from typing import Annotated

import typer

from videoapi_cli.errors import UsageError
from videoapi_cli.output import AsJson, in_words

ENVIRONMENT = Path(".venv/local")
STDERR = 2  # what it sets up is no part of the answer
Stack = Annotated[str, typer.Option(help="A deployed stack's name; else what `make run` runs.")]
Name = Annotated[str, typer.Argument(help="The owner of the key.", show_default=False)]
TaskId = Annotated[str, typer.Argument(metavar="ID", help="vid_…", show_default=False)]

keys = typer.Typer(no_args_is_help=True, help="API keys: create, list, revoke.")
stack_tasks = typer.Typer(
    no_args_is_help=True, help="All owners' tasks: list them, show one's story."
)
dead_letters = typer.Typer(no_args_is_help=True, help="Messages that no worker could handle.")


def clone() -> Path:
    """Return the clone that the working directory is in. Raise `UsageError`."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "template.yaml").is_file() and (folder / "layers/videoapi").is_dir():
            return folder
    raise UsageError(
        "An operator's command runs in a clone of the Video API, by its own code.",
        "Change into the clone whose stack you operate, and repeat it there.",
    )


def operate(stack: str, command: str, *arguments: str, as_json: bool) -> None:
    """Run one of `make`'s operator commands; exit with its code."""
    root = clone()
    if not (root / ENVIRONMENT / ".stamp").exists():
        command_line = ["make", "-C", str(root), f"{ENVIRONMENT}/.stamp"]
        made = subprocess.run(command_line, stdout=STDERR, check=False)  # as the shell finds it
        if made.returncode:
            raise typer.Exit(made.returncode)
    paths = os.pathsep.join(str(root / each) for each in ("layers/videoapi", "cli", ""))
    done = subprocess.run(
        [
            root / ENVIRONMENT / "bin/python",
            *("-m", "videoapi_cli.operator.operations"),
            *(["--stack", stack] if stack else []),
            *(command, *(["--json"] if as_json else []), *arguments),
        ],
        env=os.environ | {"PYTHONPATH": paths, "VIDEOAPI_PROGRAM": "videoapi"},
        check=False,
    )
    raise typer.Exit(done.returncode)


@keys.command("create")
@in_words
def create(
    name: Name,
    per_minute: Annotated[
        str,
        typer.Option(
            metavar="N", show_default=False, help="submits, images and uploads in a minute"
        ),
    ] = "",
    alive: Annotated[
        str,
        typer.Option(metavar="N", show_default=False, help="tasks that have not ended, at a time"),
    ] = "",
    per_day: Annotated[
        str, typer.Option(metavar="N", show_default=False, help="videos and images in a day")
    ] = "",
    usd_per_day: Annotated[
        str, typer.Option(metavar="N", show_default=False, help="dollars in a day")
    ] = "",
    webhook: Annotated[str, typer.Option(metavar="URL", help="Told of each task's end.")] = "",
    stack: Stack = "",
    as_json: AsJson = False,
) -> None:
    """Make a key, shown this once. Limits that are not said are those of the name's latest key."""
    options = {
        "--per-minute": per_minute,
        "--alive": alive,
        "--per-day": per_day,
        "--usd-per-day": usd_per_day,
        "--webhook": webhook,
    }
    limits = [f"{option}={limit}" for option, limit in options.items() if limit]
    operate(stack, "key", *limits, "--", name, as_json=as_json)


@keys.command("list")
@in_words
def list_keys(stack: Stack = "", as_json: AsJson = False) -> None:
    """List the keys with their ids and limits."""
    operate(stack, "key", "--list", as_json=as_json)


@keys.command("revoke")
@in_words
def revoke(
    name: Name,
    key: Annotated[str, typer.Option("--key", metavar="ID", help="This one alone.")] = "",
    stack: Stack = "",
    as_json: AsJson = False,
) -> None:
    """Revoke all keys of a name, or one."""
    operate(stack, "key", "--revoke", *(["--key", key] if key else []), "--", name, as_json=as_json)


@keys.command("rotate-webhook-secret")
@in_words
def rotate(name: Name, stack: Stack = "", as_json: AsJson = False) -> None:
    """Show a new secret for a name's webhooks; the old one signs for 24 hours more."""
    operate(stack, "key", "--rotate-webhook-secret", "--", name, as_json=as_json)


@stack_tasks.command("list")
@in_words
def list_tasks(
    everything: Annotated[bool, typer.Option("--all", help="What has ended, too.")] = False,
    stack: Stack = "",
    as_json: AsJson = False,
) -> None:
    """List what waits and what runs."""
    operate(stack, "tasks", *(["--all"] if everything else []), as_json=as_json)


@stack_tasks.command("show")
@in_words
def show_task(task_id: TaskId, stack: Stack = "", as_json: AsJson = False) -> None:
    """Tell one task's story."""
    operate(stack, "task", "--", task_id, as_json=as_json)


@dead_letters.command("redrive")
@in_words
def redrive(stack: Stack = "", as_json: AsJson = False) -> None:
    """Queue dead letters again."""
    operate(stack, "redrive", as_json=as_json)


def usage(stack: str, first: str, last: str, *, as_json: bool) -> None:
    """Show what all keys made and spent."""
    days = [f"--from={first}"] if first else []
    operate(stack, "usage", *days, *([f"--to={last}"] if last else []), as_json=as_json)


@in_words
def reconcile(
    bill: Annotated[Path, typer.Argument(help="CSV with job_id, time and amount.")],
    stack: Stack = "",
    as_json: AsJson = False,
) -> None:
    """Hold a provider's bill against the tasks."""
    operate(stack, "reconcile", "--", str(bill), as_json=as_json)
