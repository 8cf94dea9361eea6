"""The pictures of the simulator: the one that was sent in, or one drawn from the prompt."""

import io
from hashlib import sha256

from PIL import Image, ImageDraw, ImageFont, ImageOps, UnidentifiedImageError

from simulator.failures import Refusal

FORMATS = ("JPEG", "PNG", "WEBP")
_LINE_LENGTH = 28
_MAX_TEXT = 8 * _LINE_LENGTH


def check(data: bytes) -> None:
    """Refuse (400) what is no JPEG, PNG or WebP, by its header."""
    try:
        Image.open(io.BytesIO(data), formats=FORMATS)
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError) as exc:
        message = "the file is not a JPEG, PNG or WebP image"
        raise Refusal(400, "invalid_image", message, "input_reference") from exc


def decode(data: bytes) -> Image.Image:
    """Decode an image, upright and without transparency; raises OSError for a damaged one."""
    return ImageOps.exif_transpose(Image.open(io.BytesIO(data), formats=FORMATS)).convert("RGB")


def draw(words: str, width: int, height: int) -> Image.Image:
    """Draw the words on a gradient whose colours depend on them."""
    tone = sha256(words.encode()).digest()
    dark, light = (tone[0] // 3, tone[1] // 3, tone[2] // 3), (tone[3], tone[4], 255)
    gradient = Image.linear_gradient("L")
    bands = [gradient.point(_ramp(low, high)) for low, high in zip(dark, light, strict=True)]
    still = Image.merge("RGB", bands).resize((width, height), Image.Resampling.BILINEAR)
    pen = ImageDraw.Draw(still)
    font = ImageFont.load_default(size=max(height / 12, 4))
    pen.multiline_text(
        (width / 2, height / 2),
        _wrapped(words),
        fill="white",
        font=font,
        anchor="mm",
        align="center",
        stroke_width=max(height // 180, 1),
        stroke_fill="black",
    )
    return still


def _ramp(low: int, high: int) -> list[int]:
    return [low + (high - low) * level // 255 for level in range(256)]


def _wrapped(words: str) -> str:
    lines = [""]
    for word in words[:_MAX_TEXT].split():
        if lines[-1] and len(lines[-1]) + len(word) >= _LINE_LENGTH:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines)
