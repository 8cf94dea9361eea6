"""How long and how large a video may be asked for, and the words that stand for sizes."""

from collections.abc import Mapping

MAX_SECONDS = 10  # that a request may ask for, also of a model that makes longer videos
LINES: Mapping[str, int] = {"720p": 720, "1080p": 1080}  # pixels of the short side


def size_of(resolution: str, aspect_ratio: str) -> str:
    """Return the size in pixels that a resolution such as 720p has in a shape such as 16:9."""
    across, down = (int(part) for part in aspect_ratio.split(":"))
    short = LINES[resolution]
    long = short * max(across, down) // min(across, down)
    return f"{long}x{short}" if across >= down else f"{short}x{long}"
