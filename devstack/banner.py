"""What `make run` says once it is ready."""

import shlex
from pathlib import Path

from devstack import template, video_providers
from devstack.console import Console
from devstack.function_settings import open_to_all
from devstack.host_check import OWN_HOSTS
from devstack.settings import ROOT, Settings
from devstack.webhook_secret import FILE

_EXAMPLE = ROOT / "examples" / "mountains.jpg"


def banner(settings: Settings, seconds: float, console: Console, folder: Path | None) -> list[str]:
    """Return the lines: what to open, what to copy next, who makes the videos, what is kept.

    `folder` is where this run keeps, None for nowhere.
    """
    shown = console.highlighted
    make = _make(settings)
    return [
        f"Ready after {seconds:.0f} s. Open {shown(settings.api_url)} in a browser.",
        "",
        *_key(settings, console),
        "Your first video from a shell; its URL will stand here, some seconds later:",
        f"  {shown(_call(settings))}",
        "",
        f"Agents speak MCP at {settings.api_url}/mcp (docs/mcp.md).",
        _relay(settings),
        *_webhooks(settings, console, folder),
        *_kept(folder),
        *_elsewhere(settings),
        f"AWS: {settings.aws_url}. In another terminal: {make} tasks, {make} key, make help.",
        "",
    ]


def _make(settings: Settings) -> str:
    """Return `make` as it reaches this stack: its commands find one by the port of AWS."""
    is_usual = settings.aws_port == Settings.aws_port
    return "make" if is_usual else f"AWS_PORT={settings.aws_port} make"


def _call(settings: Settings) -> str:
    image = shlex.quote(f"input_reference=@{_EXAMPLE}")
    key = "" if open_to_all(settings) else "-H 'Authorization: Bearer vak_…' "
    return f"curl {settings.api_url}/v1/videos {key}-F 'prompt=A slow pan' -F {image}"


def _key(settings: Settings, console: Console) -> list[str]:
    if open_to_all(settings):
        return []
    return [
        "Callers need an API key (ALLOW_ANONYMOUS=false). Make one in another terminal:",
        f"  {console.highlighted(f'{_make(settings)} key NAME=me')}",
        "",
    ]


def _relay(settings: Settings) -> str:
    if video_providers.in_use(settings.values) != ["relay"]:
        return _providers(settings)
    if settings.simulated:
        return "Videos come from the simulator (no VEO3_API_KEY) and cost nothing."
    default = template.load(ROOT / "template.yaml")["Parameters"]["Veo3BaseUrl"]["Default"]
    origin = settings.values.get("VEO3_BASE_URL") or default
    return f"Videos come from {origin}, and each video is paid for."


def _webhooks(settings: Settings, console: Console, folder: Path | None) -> list[str]:
    """Say where a webhook can be seen, and where its secret is."""
    if not settings.needs_simulator:
        return []
    page = f"http://localhost:{settings.upstream_port}/received"
    lines = [f"A webhook to look at: open {console.highlighted(page)}, and add to the call above"]
    lines.append(f"  -F webhook_url={page}")
    if folder and not settings.values.get("WEBHOOK_SECRET"):
        path = folder / FILE
        shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
        lines.append(f"It is signed by the secret in {shown}.")
    return lines


def _providers(settings: Settings) -> str:
    """Say who makes videos, and whose are paid for."""
    played = video_providers.simulated(settings.values)
    paid = video_providers.paid(settings.values)
    sentences = []
    if played:
        sentences.append(f"The simulator plays {', '.join(played)}: these videos cost nothing.")
    if paid:
        sentences.append(f"Each video of {', '.join(paid)} is paid for.")
    return " ".join(sentences)


def _elsewhere(settings: Settings) -> list[str]:
    """Say who can reach it, where that is more than this machine."""
    if all(host in OWN_HOSTS for host in settings.api_hosts):
        return []
    reach = f"Others reach it at port {settings.api_port} of this machine's address or name"
    if open_to_all(settings):
        return [f"{reach}, and need no key: ALLOW_ANONYMOUS=false asks for one."]
    return [f"{reach}."]


def _kept(folder: Path | None) -> list[str]:
    if folder is None:
        return ["Nothing is kept for the next start (KEEP_IN is empty). Ctrl-C stops everything."]
    shown = folder.relative_to(ROOT) if folder.is_relative_to(ROOT) else folder
    return [
        f"Tasks, keys and files are kept in {shown} as they are written, for the next start.",
        "Ctrl-C stops everything.",
    ]
