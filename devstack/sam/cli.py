"""SAM CLI as a process: its own environment, and an end with this one's."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import httpx

from devstack.build import TOOLS
from devstack.logs import readable
from devstack.settings import ROOT, Settings

_STOP_SECONDS = 20  # it takes about one a container
_MAX_LINE = 2**20
#: What says nothing of the requests: SAM's own steps, and Lambda's frame around each invocation.
_NOISE = re.compile(
    r"[.\s]*$|Mounting |Invoking |START |END |REPORT |SAM_CONTAINER_ID|Requested to skip "
    r"|Building image|Lambda function '|\w+ is a local Layer|Local image was not found"
    r"|No current session found|You can now browse|.*WARNING: This is a development server"
    r"| \* Running on |.*Press CTRL|No Content-Type given"
)
_ACCESS = re.compile(
    r'[-\d]+ [:\d]+ .*"(?:\x1b\[\d+m)*(\w+ \S+) HTTP/[.\d]+(?:\x1b\[0m)?" (\d+) -$'
)


class StartApi:
    """`sam local start-api` on a derived template's folder; `environ` is SAM's environment."""

    def __init__(self, folder: Path, environ: dict[str, str], settings: Settings) -> None:
        self._environ = environ
        self._url = settings.api_url
        self._arguments = ["local", "start-api"]
        self._arguments += ["--host", settings.api_hosts[0], "--port", str(settings.api_port)]
        self._arguments += ["--config-file", str(ROOT / "samconfig.toml")]
        self._arguments += ["--template-file", str(folder / "template.json")]
        self._arguments += ["--env-vars", str(folder / "env.json")]
        self._stopping = False

    async def run(self, ready: Callable[[], None]) -> None:
        """Serve until cancelled; call `ready` once a request came back from the stack's table.

        Raise `RuntimeError` when it does not get that far, or ends by itself.
        """
        # A process group of its own: Ctrl-C in the terminal is the stack's to pass on.
        process = await asyncio.create_subprocess_exec(
            TOOLS / "sam/bin/python",
            "-P",  # our modules are not SAM's
            ROOT / "devstack" / "sam" / "wrapped.py",
            *self._arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=_MAX_LINE,
            cwd=ROOT,
            env=self._environ,
            process_group=0,
        )
        printing = asyncio.create_task(self._print_output(process))
        probing = asyncio.create_task(self._probe(ready))
        ending = asyncio.create_task(process.wait())
        try:
            await asyncio.wait({probing, ending}, return_when=asyncio.FIRST_COMPLETED)
            if probing.done():
                probing.result()
            raise RuntimeError(f"`sam local start-api` ended with exit code {await ending}")
        finally:
            probing.cancel()
            await self._stop(process)
            await printing

    async def _probe(self, ready: Callable[[], None]) -> None:
        """Ask for what only a container that reaches the table can answer."""
        async with httpx.AsyncClient(base_url=self._url, timeout=None) as client:  # noqa: S113 — the first image takes what it takes
            while True:
                try:
                    response = await client.get("/api/v1/tasks?limit=1")
                    break
                except httpx.TransportError:
                    await asyncio.sleep(0.1)
        if response.is_server_error:
            raise RuntimeError(
                f"a container answered {response.status_code} {response.text.strip()}\n"
                "If it cannot reach this machine, a firewall stands between it and Docker's bridge."
            )
        ready()

    async def _print_output(self, process: asyncio.subprocess.Process) -> None:
        """Print what SAM and the functions say, until SAM is told to stop."""
        output = process.stdout or asyncio.StreamReader()
        while line := await output.readline():
            text = line.decode(errors="replace").rstrip()
            if self._stopping or _NOISE.match(text):
                continue
            if shown := readable(_ACCESS.sub(r"\1 → \2", text)):
                print("api         | " + shown.replace("\n", f"\n{'':<11} | "), flush=True)

    async def _stop(self, process: asyncio.subprocess.Process) -> None:
        self._stopping = True
        if process.returncode is None:
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _STOP_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()
