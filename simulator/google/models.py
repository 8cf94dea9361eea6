"""What Google's models take, and what they cost (list prices and limits as of 2026-10)."""

import math
from dataclasses import dataclass
from typing import Final

SIZES: Final = {"360p": (640, 360), "720p": (1280, 720), "1080p": (1920, 1080), "4k": (3840, 2160)}
ASPECT_RATIOS: Final = ("16:9", "9:16")


@dataclass(frozen=True, slots=True)
class Veo:
    """A model of Agent Platform; prices in dollars a second, with audio and without."""

    prices: dict[str, tuple[float, float]]
    """By resolution: what is not in it is refused."""
    references: bool = True


VEO: Final = {
    "veo-3.1-generate-001": Veo({"720p": (0.40, 0.20), "1080p": (0.40, 0.20), "4k": (0.60, 0.40)}),
    "veo-3.1-fast-generate-001": Veo({"720p": (0.10, 0.08), "1080p": (0.12, 0.10)}),
    "veo-3.1-lite-generate-001": Veo(
        {"720p": (0.05, 0.05), "1080p": (0.08, 0.08)}, references=False
    ),
}
VEO_SECONDS: Final = (4, 6, 8)


@dataclass(frozen=True, slots=True)
class Omni:
    """A model of the Interactions API; prices in dollars a million tokens."""

    max_seconds: int
    video_price: float
    text_price: float = 1.5
    thought_price: float = 9.0

    def micros(self, tokens: "Tokens") -> int:
        """Return what tokens cost in micro-dollars, which is dollars a million, half of one up."""
        spent = (
            tokens.input * self.text_price
            + tokens.video * self.video_price
            + tokens.thought * self.thought_price
        )
        return math.floor(spent + 0.5)


@dataclass(frozen=True, slots=True)
class Tokens:
    """What an interaction that becomes a video is billed by."""

    input: int
    video: int
    thought: int


OMNI: Final = {
    "gemini-omni-1.1-flash": Omni(max_seconds=10, video_price=17.5),
    "gemini-omni-1.2-flash": Omni(max_seconds=15, video_price=12.0),
}
OMNI_MIN_SECONDS: Final = 3
OMNI_SECONDS: Final = 10
"""What is made, and billed, when no duration is said."""
OMNI_MAX_SECONDS_BETWEEN_FRAMES: Final = 10
"""The longest video between a first and a last frame."""
VIDEO_TOKENS: Final = {"360p": 1_931, "720p": 5_792, "1080p": 8_688, "4k": 23_168}
"""A second's, measured by users; nobody has told of 4k: four times 720p's."""
THOUGHT_TOKENS: Final = 87
"""Those of a video: an odd number, so that a bill is none of round sums."""
IMAGE_TOKENS: Final = 258
CHARACTERS_A_TOKEN: Final = 4
