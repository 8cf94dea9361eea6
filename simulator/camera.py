"""How the camera moves over a still: which part of a canvas each frame shows."""

import re
from dataclasses import dataclass
from enum import StrEnum


class Motion(StrEnum):
    """The camera motions of the API."""

    PAN = "pan"
    TILT = "tilt"
    ZOOM = "zoom"
    STATIC = "static"


type Box = tuple[float, float, float, float]

TRAVEL = 0.3
"""Share of the picture that the camera crosses at full strength."""

_WORDS = (
    # Veo's own terms come first, because they name the other motions too ("does not pan or zoom").
    re.compile(r"(?P<static>locked[- ]?(off|down))", re.IGNORECASE),
    re.compile(r"(?P<zoom>focal length)|(?P<pan>horizontally)|(?P<tilt>vertically)", re.IGNORECASE),
    re.compile(
        r"\b((?P<pan>pan(s|ned|ning)?)|(?P<tilt>tilt(s|ed|ing)?)|(?P<zoom>zoom(s|ed|ing)?)"
        r"|(?P<static>static|motionless|tripod))\b",
        re.IGNORECASE,
    ),
)

_STRENGTHS = {"subtle": 0.25, "gentle": 0.5, "pronounced": 0.75, "strong": 1.0}
_STRENGTH = re.compile(rf"\bmotion is ({'|'.join(_STRENGTHS)})\b", re.IGNORECASE)


def motion_in(prompt: str) -> Motion:
    """Find the camera words of a prompt; a zoom where there are none."""
    for words in _WORDS:
        if match := words.search(prompt):
            return next(Motion(name) for name, text in match.groupdict().items() if text)
    return Motion.ZOOM


def strength_in(prompt: str) -> float:
    """Find how strong a prompt says that the motion is, from 0 to 1; a half where it does not."""
    match = _STRENGTH.search(prompt)
    return _STRENGTHS[match[1].lower()] if match else 0.5


@dataclass(frozen=True, slots=True)
class Shot:
    """One camera motion over a picture of this size; `strength` (0 to 1) scales the travel."""

    motion: Motion
    strength: float
    width: int
    height: int

    def canvas(self) -> tuple[int, int]:
        """Return the size that the still must have under the camera, in even pixels."""
        longer = 1 + TRAVEL * self.strength
        match self.motion:
            case Motion.PAN:
                return _even(self.width * longer), self.height
            case Motion.TILT:
                return self.width, _even(self.height * longer)
        return self.width, self.height

    def window(self, moment: float) -> Box:
        """Return the part of the canvas to show at a moment from 0 (first frame) to 1 (last)."""
        canvas_width, canvas_height = self.canvas()
        width, height = float(self.width), float(self.height)
        left, top = (canvas_width - width) * moment, (canvas_height - height) * moment
        if self.motion is Motion.ZOOM:
            closer = 1 + TRAVEL * self.strength * moment
            width, height = width / closer, height / closer
            left, top = (self.width - width) / 2, (self.height - height) / 2
        return left, top, left + width, top + height


def _even(pixels: float) -> int:
    return round(pixels / 2) * 2
