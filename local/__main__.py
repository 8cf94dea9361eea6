"""`make run`: settings, sockets, build, stack."""

import asyncio
import shlex
import sys
import time

from local import ports
from local.build import build
from local.command import command
from local.settings import ROOT, Settings
from local.surroundings import replace_environment, scratch

_EXAMPLE = ROOT / "examples" / "mountains.jpg"


def _run(settings: Settings) -> None:
    began = time.monotonic()
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


sys.exit(command(_run))
