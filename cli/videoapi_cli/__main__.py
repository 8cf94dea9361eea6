"""Where a process begins: a Ctrl-C while the program is still loaded is no traceback."""

import sys


def run() -> None:
    """Load the program, which takes a third of a second, and run its command."""
    try:
        from videoapi_cli.main import run as run_command  # noqa: PLC0415 — that is what it is for
    except KeyboardInterrupt:
        sys.exit(130)
    run_command()


if __name__ == "__main__":
    run()
