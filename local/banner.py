"""What `make run` says once it is ready."""

import shlex

from local import template
from local.settings import ROOT, Settings

_EXAMPLE = ROOT / "examples" / "mountains.jpg"


def banner(settings: Settings, seconds: float) -> list[str]:
    """Return the lines: where it is, who makes the videos and for what, and a first call."""
    url, image = settings.api_url, shlex.quote(f"input_reference=@{_EXAMPLE}")
    return [
        f"Ready after {seconds:.1f} s: {url}  (documentation: {url}/docs, AWS: {settings.aws_url})",
        _relay(settings),
        *_kept(settings),
        "Ctrl-C stops everything. Try it:",
        f"  curl {url}/v1/videos -F 'prompt=A slow pan' -F {image}",
    ]


def _relay(settings: Settings) -> str:
    if settings.stand_in:
        return "Videos come from the stand-in (no VEO3_API_KEY) and cost nothing."
    default = template.load(ROOT / "template.yaml")["Parameters"]["Veo3BaseUrl"]["Default"]
    origin = settings.said.get("VEO3_BASE_URL") or default
    return f"Videos come from {origin}, and each video is paid for."


def _kept(settings: Settings) -> list[str]:
    folder = settings.kept
    if folder is None:
        return []
    shown = folder.relative_to(ROOT) if folder.is_relative_to(ROOT) else folder
    return [f"Keeps tasks, keys and files in {shown}."]
