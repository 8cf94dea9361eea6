"""`make animation`: the picture of the README, of a video that a local stack makes.

Left: the still image and the API's responses over time. Right: the video.
"""

import io
import time
from dataclasses import dataclass

import av
import httpx
from PIL import Image, ImageDraw, ImageFont

from devstack.settings import ROOT
from tests.support.running_stack import running_stack

STILL = ROOT / "examples" / "mountains.jpg"
TARGET = ROOT / "docs" / "images" / "first-video.gif"
SECONDS = 4  # of video
SIZE = (880, 330)  # pixels
FRAME = (416, 234)
LEFT, RIGHT, TOP, BELOW = 16, 448, 40, 286
FRAMES_A_SECOND = 10
COLORS = 96
DARK, PALE, GREY, GREEN = "#10161d", "#e8eef4", "#8a97a5", "#3fb68b"
ENDED = ("completed", "failed")
WAIT_SECONDS = 60


@dataclass(frozen=True)
class Look:
    """One poll: when (seconds after the submit), and what the API said."""

    at: float
    status: str
    progress: int


def main() -> None:
    """Make a video on a stack of its own, and write the animation."""
    with running_stack(UPSTREAM_SECONDS="5") as stack:
        looks, video = _made(stack.api_url)
    frames = [*map(_canvas, looks), *_playing(looks[-1], video)]
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    shared = frames[-1].quantize(COLORS, dither=Image.Dither.NONE)
    first, *others = [frame.quantize(palette=shared, dither=Image.Dither.NONE) for frame in frames]
    first.save(
        TARGET,
        save_all=True,
        append_images=others,
        duration=1000 // FRAMES_A_SECOND,
        loop=0,
        optimize=True,
    )
    print(f"{TARGET.relative_to(ROOT)}: {len(frames)} frames, {TARGET.stat().st_size // 1024} KB")


def _made(api_url: str) -> tuple[list[Look], bytes]:
    """Return every poll's answer, and the finished MP4."""
    with httpx.Client(base_url=api_url, follow_redirects=True, timeout=30) as api:
        fields = {"prompt": "Slow pan over the valley", "seconds": str(SECONDS), "size": "1280x720"}
        files = {"input_reference": STILL.read_bytes()}
        began = time.monotonic()
        video = api.post("/v1/videos", data=fields, files=files).raise_for_status().json()
        looks = [Look(0.0, video["status"], video["progress"])]
        while video["status"] not in ENDED:
            time.sleep(1 / FRAMES_A_SECOND)
            video = api.get(f"/v1/videos/{video['id']}").raise_for_status().json()
            looks.append(Look(time.monotonic() - began, video["status"], video["progress"]))
            if looks[-1].at > WAIT_SECONDS:
                raise TimeoutError(f"no video after {WAIT_SECONDS} s")
        return looks, api.get(f"/v1/videos/{video['id']}/content").raise_for_status().content


def _playing(end: Look, video: bytes) -> list[Image.Image]:
    frames = []
    with av.open(io.BytesIO(video), "r") as movie:
        step = max(round(float(movie.streams.video[0].average_rate or 24) / FRAMES_A_SECOND), 1)
        for number, picture in enumerate(movie.decode(video=0)):
            if number % step == 0:
                canvas = _canvas(end)
                still = picture.to_image()  # type: ignore[no-untyped-call]  # PyAV's, untyped
                canvas.paste(still.resize(FRAME), (RIGHT, TOP))
                frames.append(canvas)
    return frames


def _canvas(look: Look) -> Image.Image:
    """Draw all but the video: headings, the still, the request, and how far it is."""
    canvas = Image.new("RGB", SIZE, DARK)
    draw = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(size=15)
    draw.text((LEFT, 12), "a still image", fill=GREY, font=font)
    draw.text((RIGHT, 12), "its video", fill=GREY, font=font)
    with Image.open(STILL) as still:
        canvas.paste(still.resize(FRAME), (LEFT, TOP))
    draw.rectangle((RIGHT, TOP, RIGHT + FRAME[0], TOP + FRAME[1]), outline="#2a3644")
    draw.text((LEFT, BELOW), "POST /v1/videos", fill=PALE, font=font)
    done = look.status == "completed"
    words = f"{look.status}, {look.progress} %, {look.at:.1f} s"
    draw.text((RIGHT, BELOW), words, fill=GREEN if done else PALE, font=font)
    bar = (RIGHT, BELOW + 24, RIGHT + FRAME[0], BELOW + 30)
    draw.rectangle(bar, fill="#2a3644")
    draw.rectangle((*bar[:2], RIGHT + FRAME[0] * look.progress // 100, bar[3]), fill=GREEN)
    return canvas


if __name__ == "__main__":
    main()
