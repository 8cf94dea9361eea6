"""What a request asks for, whatever its wire."""

from dataclasses import dataclass

from simulator.camera import Motion

RELAY, VERTEX, GEMINI = "relay", "vertex", "gemini"
VEO_SECONDS = 8
VEO_FPS = 24


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be made."""

    model: str
    prompt: str
    width: int
    height: int
    seconds: int
    fps: int
    motion: Motion
    strength: float
    image: bytes | None
    fields: dict[str, str]
    """The fields as they came, files as their name, type and size."""
    provider: str = RELAY
    """Who is asked."""
    label: str = ""
    """What the caller wants the bill to say: the label `task`."""
    usd: float = 0.0
    """What it costs if it becomes a video."""
