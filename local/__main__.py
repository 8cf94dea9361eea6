"""`make run`: settings, sockets, build, stack. A refusal is said in words, without a traceback."""

import asyncio
import os
import shlex
import signal
import sys
import time
from types import FrameType
from typing import NoReturn

from local import ports
from local.build import build
from local.settings import ROOT, Settings
from local.surroundings import replace_environment, scratch

_EXAMPLE = ROOT / "examples" / "mountains.jpg"


def main() -> int:
    """Run until SIGINT or SIGTERM; return the exit code."""
    began = time.monotonic()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        settings = Settings.read(os.environ, ROOT / os.environ.get("ENV_FILE", ".env"))
        _run(settings, began)
    except (ValueError, RuntimeError, OSError, ports.PortError) as exc:
        print(f"The stack does not start: {exc}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _run(settings: Settings, began: float) -> None:
    sockets = ports.listen(settings.aws_hosts, settings.aws_port, "AWS_PORT")
    sockets += ports.listen([settings.api_host], settings.api_port, "API_PORT")
    if settings.stand_in:
        ports.check_free(settings.upstream_port, "UPSTREAM_PORT")
        ports.check_free(settings.upstream_files_port, "UPSTREAM_FILES_PORT")
    build()
    with scratch(ROOT / ".local"):
        replace_environment(settings)
        from local.stack import Stack  # noqa: PLC0415 — MiniStack reads the environment at import

        print("Deploying …", flush=True)
        asyncio.run(Stack(settings).run(sockets, lambda: _say_ready(settings, began)))


def _say_ready(settings: Settings, began: float) -> None:
    url, seconds = settings.api_url, time.monotonic() - began
    relay = "the stand-in (no VEO3_API_KEY)" if settings.stand_in else "the relay of VEO3_BASE_URL"
    image = shlex.quote(f"input_reference=@{_EXAMPLE}")
    print(
        f"Ready after {seconds:.1f} s: {url}  (documentation: {url}/docs, AWS: {settings.aws_url})",
        f"Videos come from {relay}. Ctrl-C stops everything. Try it:",
        f"  curl {url}/v1/videos -F 'prompt=A slow pan' -F {image}",
        sep="\n",
        flush=True,
    )


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


sys.exit(main())
