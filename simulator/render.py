"""Stills to H.264 MP4 files, once for each set of parameters, on threads of their own.

1920x1080 costs about 20 ms of one core a frame: the still is turned into YUV planes once, and each
frame is a resampled window of these planes (Pillow), encoded by x264 at its fastest.
"""

import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import av
from av.video.reformatter import Colorspace
from PIL import Image, ImageOps

from simulator.camera import Shot

AT_ONCE = 2
"""Renders at a time: one thread each, on a machine that has other things to do."""
_ENCODER = {"preset": "ultrafast", "crf": "28", "threads": "1"}
_BT709 = 1  # ITU-T H.273: without it, browsers guess the colours from the height


@dataclass(frozen=True, slots=True)
class Spec:
    """Everything that makes two videos the same; `source` names the still."""

    shot: Shot
    fps: int
    frames: int
    source: str

    @property
    def name(self) -> str:
        """Return what no other spec is called."""
        return sha256(repr(self).encode()).hexdigest()


class Cancelled(Exception):
    """The process stops before the video is made."""


@dataclass(slots=True)
class Render:
    """One video: under way, ended (`ended_at`, seconds of the epoch) or impossible (`broken`)."""

    path: Path
    ended_at: float | None = None
    broken: bool = False


class Renders:
    """All videos of this process, in a folder, each under a name that its spec gives it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[Spec, Render] = {}
        self._stopped = threading.Event()
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="render")

    def start(self, spec: Spec, still: Callable[[], Image.Image]) -> Render:
        """Return the render of the spec, begun now unless it was made before."""
        if spec not in self._made:
            render = self._made[spec] = Render(self._folder / f"{spec.name}.mp4")
            self._threads.submit(self._run, render, spec, still)
        return self._made[spec]

    def resume(self, spec: Spec, still: Callable[[], Image.Image]) -> Render:
        """Return the render of the spec: an earlier process's where that had finished it."""
        path = self._folder / f"{spec.name}.mp4"
        if spec not in self._made and path.exists():
            return Render(path, ended_at=path.stat().st_mtime)
        return self.start(spec, still)

    def stop(self) -> None:
        """Give up what is under way, within a frame."""
        self._stopped.set()
        self._threads.shutdown(cancel_futures=True)

    def _run(self, render: Render, spec: Spec, still: Callable[[], Image.Image]) -> None:
        try:
            part = render.path.with_suffix(".part")  # what is whole has the other name
            encode(spec, still(), part, self._stopped)
            part.replace(render.path)
        except Cancelled:
            return
        except Exception:  # noqa: BLE001  whatever it is, the job must end; a thread has no caller
            traceback.print_exc(file=sys.stderr)
            render.broken = True
        render.ended_at = time.time()


def encode(spec: Spec, still: Image.Image, path: Path, stopped: threading.Event) -> None:
    """Write the video; raises Cancelled between two frames once `stopped` is set."""
    with av.open(path, "w", format="mp4", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=spec.fps, options=_ENCODER)
        stream.width, stream.height, stream.pix_fmt = spec.shot.width, spec.shot.height, "yuv420p"
        context = stream.codec_context
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        for number, frame in enumerate(_frames(spec, still)):
            if stopped.is_set():
                raise Cancelled
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _frames(spec: Spec, still: Image.Image) -> Iterator[av.VideoFrame]:
    canvas = ImageOps.fit(still, spec.shot.canvas(), Image.Resampling.BICUBIC)
    planes = _planes(canvas)
    frame = av.VideoFrame(spec.shot.width, spec.shot.height, "yuv420p")
    shown = None
    for number in range(spec.frames):
        window = spec.shot.window(number / max(spec.frames - 1, 1))
        if window != shown:
            shown = window
            frame = av.VideoFrame(spec.shot.width, spec.shot.height, "yuv420p")
            for source, target in zip(planes, frame.planes, strict=True):
                # Chroma planes have half the size, and so has their window.
                scale = source.width / canvas.width
                left, top, right, bottom = (edge * scale for edge in window)
                pixels = source.resize(
                    (target.width, target.height),
                    Image.Resampling.BILINEAR,
                    box=(left, top, right, bottom),
                )
                target.update(pixels.crop((0, 0, target.line_size, target.height)).tobytes())
        yield frame


def _planes(canvas: Image.Image) -> list[Image.Image]:
    """Split a picture into its Y, U and V planes, the last two at half the size."""
    frame = av.VideoFrame.from_bytes(canvas.convert("RGBA").tobytes(), *canvas.size)
    frame = frame.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709)
    planes = []
    for plane in frame.planes:
        padded = Image.frombytes("L", (plane.line_size, plane.height), bytes(plane))
        planes.append(padded.crop((0, 0, plane.width, plane.height)))
    return planes
