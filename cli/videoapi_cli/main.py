"""`videoapi`: the commands for those who make videos, and for operators of a stack."""

import io
import os
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from videoapi_cli import account, operators, videos
from videoapi_cli.errors import UsageError
from videoapi_cli.generate import generate
from videoapi_cli.output import failed

EPILOG = (
    "VIDEOAPI_URL and VIDEOAPI_KEY say which API and with which key. Exit codes: 0 all done, "
    "1 something failed, 2 wrong usage, 3 key, account or budget refused, 4 no API, 130 Ctrl-C."
)
MAKE, LOOK, OPERATE = "Videos", "The server and your account", "Operate a stack, in its clone"
app = typer.Typer(
    name="videoapi",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(rich_help_panel=MAKE)(generate)
app.command("list", rich_help_panel=MAKE)(videos.listed)
app.command(rich_help_panel=MAKE)(videos.show)
app.command(rich_help_panel=MAKE)(videos.watch)
app.command(rich_help_panel=MAKE)(videos.download)
app.command(rich_help_panel=MAKE)(videos.cancel)
app.command(rich_help_panel=MAKE)(videos.delete)
app.command(rich_help_panel=LOOK)(account.models)
app.command(rich_help_panel=LOOK)(account.usage)
app.add_typer(operators.keys, name="keys", rich_help_panel=OPERATE)
app.add_typer(operators.stack_tasks, name="tasks", rich_help_panel=OPERATE)
app.add_typer(operators.dead_letters, name="dead-letters", rich_help_panel=OPERATE)
app.command(rich_help_panel=OPERATE)(operators.reconcile)


def _version(wanted: bool) -> None:  # noqa: FBT001 — Typer calls it so
    if wanted:
        print(version("videoapi-cli"))
        raise typer.Exit


@app.callback()
def videoapi(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Make videos of still images with a Video API, one or a folder of them."""


def run() -> None:
    """Run a command; wrong usage is told as `--json` says, a defect in a sentence, too."""
    for stream in (sys.stdout, sys.stderr):  # of a system whose letters are not ours
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        sys.exit(app(standalone_mode="--json" not in sys.argv))
    except typer.TyperException as exc:
        wrong = UsageError(exc.format_message(), "--help says what there is.")
        sys.exit(failed(wrong, as_json=True).exit_code)
    except Exception as exc:
        if "VIDEOAPI_TRACEBACK" in os.environ:
            raise
        print(f"videoapi has a defect: {type(exc).__name__}: {exc}", file=sys.stderr)
        print("VIDEOAPI_TRACEBACK=1 shows where.", file=sys.stderr)
        sys.exit(70)
