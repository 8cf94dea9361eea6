"""What a viewer would see, read back from the MP4 files."""

import io
from itertools import pairwise

import av
import pytest
from PIL import Image, ImageDraw

WIDTH, HEIGHT = 320, 180


@pytest.fixture(scope="session")
def still() -> bytes:
    """Black, with a white square right of and below the middle."""
    image = Image.new("RGB", (WIDTH, HEIGHT))
    ImageDraw.Draw(image).rectangle((220, 120, 239, 139), fill="white")
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def video(caller, still):
    """Return a function that has a video made and decodes it."""

    def make(prompt="a square", **fields):
        form = {"size": f"{WIDTH}x{HEIGHT}", "seconds": "1", "input_reference": still} | fields
        job = caller.accepted(f"{prompt} [[time:0]]", **form)
        return caller.anonymous.get(caller.rendered(job)).content

    return make


def frames_of(data):
    with av.open(io.BytesIO(data)) as container:
        return [frame.to_image().convert("L") for frame in container.decode(video=0)]


def square_in(frame):
    """Return the middle of the white square, and its width."""
    left, top, right, bottom = frame.point(lambda level: 255 * (level > 128)).getbbox()
    return (left + right) / 2, (top + bottom) / 2, right - left


def travel(data):
    """Return how far the square went from the first frame to the last, and how much it grew."""
    frames = frames_of(data)
    (x0, y0, w0), (x1, y1, w1) = square_in(frames[0]), square_in(frames[-1])
    return x1 - x0, y1 - y0, w1 / w0


def test_size_frames_and_duration_are_exact(video):
    data = video(seconds="3", fps="30", size="356x202")
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (356, 202)
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert stream.average_rate == 30
        assert float(stream.duration * stream.time_base) == pytest.approx(3)
        assert sum(1 for _ in container.decode(video=0)) == 90


def test_a_player_can_start_before_the_end_of_the_file(video):
    data = video()
    assert data[4:8] == b"ftyp"
    assert data.index(b"moov") < data.index(b"mdat")


def test_a_pan_moves_horizontally(video):
    x, y, growth = travel(video(camera_motion="pan"))
    assert x == pytest.approx(-0.15 * WIDTH, abs=3)
    assert abs(y) <= 2
    assert growth == pytest.approx(1, abs=0.15)


def test_a_tilt_moves_vertically(video):
    x, y, growth = travel(video(camera_motion="tilt"))
    assert abs(x) <= 2
    assert y == pytest.approx(-0.15 * HEIGHT, abs=3)
    assert growth == pytest.approx(1, abs=0.15)


def test_a_zoom_magnifies_about_the_middle(video):
    x, y, growth = travel(video(camera_motion="zoom", motion_strength="1"))
    assert growth == pytest.approx(1.3, abs=0.15)
    assert x > 10
    assert y > 5


def test_a_static_shot_stays(video):
    assert travel(video(camera_motion="static")) == (0, 0, 1)


def test_a_motion_is_even(video):
    frames = frames_of(video(camera_motion="pan", motion_strength="1"))
    steps = [after - before for before, after in pairwise(square_in(f)[0] for f in frames)]
    assert len(steps) == 23
    assert all(-7 < step < -1 for step in steps)


def test_strength_scales_the_travel(video):
    weak, strong = (travel(video(camera_motion="pan", motion_strength=s))[0] for s in ("0", "1"))
    assert weak == 0
    assert strong == pytest.approx(-0.3 * WIDTH, abs=3)


def test_the_words_of_the_prompt_move_the_camera(video):
    x, y, _ = travel(video("The camera tilts slowly"))
    assert abs(x) <= 2
    assert y < -10


def test_the_colours_survive(video):
    buffer = io.BytesIO()
    Image.new("RGB", (WIDTH, HEIGHT), (200, 40, 60)).save(buffer, "PNG")
    with av.open(io.BytesIO(video(input_reference=buffer.getvalue()))) as container:
        frame = next(container.decode(video=0)).reformat(format="rgb24", src_colorspace="ITU709")
    pixel = bytes(frame.planes[0])[:3]
    assert pixel == pytest.approx((200, 40, 60), abs=6)


def test_without_an_image_the_words_are_drawn(caller):
    form = {
        "model": "veo",
        "prompt": "a calm sea under a wide sky at dawn [[time:0]]",
        "size": "320x180",
        "seconds": "1",
    }
    job = caller.http.post("/v1/videos", files={k: (None, v) for k, v in form.items()}).json()
    frame = frames_of(caller.anonymous.get(caller.rendered(job["id"])).content)[0]
    dark, light = frame.getextrema()
    assert dark < 60
    assert light > 220


def test_a_tiny_video_is_one_second_of_64x36(caller):
    data = caller.anonymous.get(caller.ended("[[render:tiny]]")["video_url"]).content
    with av.open(io.BytesIO(data)) as container:
        sizes = [(frame.width, frame.height) for frame in container.decode(video=0)]
    assert sizes == [(64, 36)] * 24


def test_a_damaged_image_ends_the_job(caller, still):
    job = caller.accepted("[[time:0]]", input_reference=still[: len(still) // 2])
    for _ in range(500):
        if (poll := caller.poll(job).json())["status"] == "failed":
            break
    assert poll["error"]["code"] == "INVALID_IMAGE"


def test_the_same_video_is_rendered_once(caller, still):
    form = {"size": "1280x720", "seconds": "4", "input_reference": still}
    caller.rendered(caller.accepted("[[time:0]] first", **form))
    assert caller.poll(caller.accepted("[[time:0]] second", **form)).json()["status"] == "completed"
