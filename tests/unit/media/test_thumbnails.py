import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageCms, ImageOps, ImageStat

from videoapi.media import images
from videoapi.media.thumbnails import LONG_SIDE, thumbnail, upright

PACKAGE = str(Path(images.__file__).parents[2])


def picture(size, kind="PNG", mode="RGB", **extra):
    out = io.BytesIO()
    Image.new(mode, size, "red").save(out, kind, **extra)
    return out.getvalue()


def test_a_thumbnail_is_a_small_jpeg_of_the_same_shape():
    with Image.open(io.BytesIO(thumbnail(picture((1920, 1080))))) as small:
        assert (small.format, small.size) == ("JPEG", (LONG_SIDE, 288))


def test_a_thumbnail_of_a_transparent_picture_is_still_a_jpeg():
    assert thumbnail(picture((64, 64), mode="RGBA"))[:2] == b"\xff\xd8"


def test_a_thumbnail_stands_upright_as_the_camera_said():
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(io.BytesIO(thumbnail(picture((200, 100), "JPEG", exif=exif)))) as small:
        assert small.size == (100, 200)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_no_format_is_loaded_in_the_first_call(kind, tmp_path):
    path = tmp_path / "picture"
    path.write_bytes(picture((64, 64), kind))
    program = """
import pathlib, sys
from videoapi.media.thumbnails import thumbnail
before = set(sys.modules)
assert thumbnail(pathlib.Path(sys.argv[1]).read_bytes())
print(*(name for name in set(sys.modules) - before if name.endswith("ImagePlugin")))
"""
    command = [sys.executable, "-c", program, str(path)]
    done = subprocess.run(
        command, env={"PYTHONPATH": PACKAGE}, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


def test_what_cannot_be_decoded_has_no_thumbnail():
    assert thumbnail(b"\x89PNG\r\n\x1a\n" + b"x" * 40) is None


# --- upright


ORIENTATIONS = range(1, 9)


def photo(size=(64, 48), kind="JPEG", orientation=6, mode="RGB", **extra):
    """A picture with its four quarters in four colours, and the orientation in its EXIF data."""
    drawn = Image.new("RGB", size, "white")
    for box, colour in ((0, 0), "red"), ((size[0] // 2, 0), "lime"), ((0, size[1] // 2), "blue"):
        drawn.paste(colour, (*box, box[0] + size[0] // 2, box[1] + size[1] // 2))
    exif = Image.Exif()
    exif[0x0112] = orientation
    out = io.BytesIO()
    drawn.convert(mode).save(out, kind, exif=exif, **{"quality": 90} | extra)
    return images.read_bytes(out.getvalue())


def seen(data):
    """The picture as a reader sees it who knows of orientations."""
    with Image.open(io.BytesIO(data)) as image:
        return ImageOps.exif_transpose(image).convert("RGB")


def differ(one, other):
    assert one.size == other.size
    return max(ImageStat.Stat(ImageChops.difference(one, other)).mean)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_turned_as_the_camera_held_it(kind, orientation):
    original = photo(kind=kind, orientation=orientation)
    turned = upright(original)
    assert (turned is original) is (orientation == 1)
    with Image.open(io.BytesIO(turned.data)) as image:
        assert image.getexif().get(0x0112, 1) == 1, "or another reader turns it once more"
        assert differ(image.convert("RGB"), seen(original.data)) < 3  # of 255; another turn: 60
        assert image.size == (turned.width, turned.height)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_what_is_stored_without_loss_is_turned_without_loss(kind, mode):
    extra = {"lossless": True} if kind == "WEBP" else {}
    original = photo(kind=kind, mode=mode, **extra)
    turned = upright(original)
    assert turned.content_type == "image/png"
    assert differ(seen(turned.data), seen(original.data)) == 0


@pytest.mark.parametrize("extra", [{"subsampling": n} for n in (0, 1, 2)] + [{"progressive": True}])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_jpeg_loses_next_to_nothing(mode, extra):
    original = photo((640, 480), mode=mode, **extra)
    turned = upright(original)
    assert turned.content_type == "image/jpeg"
    assert differ(seen(turned.data), seen(original.data)) < 1


def test_a_turned_picture_keeps_its_colour_profile():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for kind in ("JPEG", "PNG"):
        turned = upright(photo(kind=kind, icc_profile=profile))
        with Image.open(io.BytesIO(turned.data)) as image:
            assert image.info["icc_profile"] == profile


def test_upright_or_unreadable_image_is_left_as_it_is():
    """What stands upright or cannot be read is left to the byte."""
    for data in (picture((64, 48)), picture((64, 48), "JPEG"), picture((64, 48), "WEBP")):
        original = images.read_bytes(data)
        assert upright(original) is original
    for data in (b"\x89PNG eXIf", b"\xff\xd8\xff\xe1", b""):
        original = images.Image(data, "image/png", 1, 1)
        assert upright(original) is original


def test_a_moving_picture_is_left_as_it_is():
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    exif = Image.Exif()
    exif[0x0112] = 6
    out = io.BytesIO()
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:], exif=exif.tobytes())
    original = images.read_bytes(out.getvalue())
    assert upright(original) is original


def test_picture_too_large_for_a_relay_is_none():
    """A picture that would come out larger than a relay takes is none."""
    noise = Image.merge("RGB", [Image.effect_noise((3400, 3400), 90) for _ in range(3)])
    exif = Image.Exif()
    exif[0x0112] = 3
    out = io.BytesIO()
    noise.save(out, "WEBP", quality=60, method=0, exif=exif.tobytes())
    assert upright(images.read_bytes(out.getvalue())) is None


def test_a_png_too_large_to_look_for_its_orientation_is_none():
    parts = [header(7071, 7071), chunk(b"IDAT", b""), chunk(b"eXIf", TURNED), chunk(b"IEND", b"")]
    data = b"\x89PNG\r\n\x1a\n" + b"".join(parts)
    assert upright(images.read_bytes(data)) is None


# --- memory


def chunk(kind, payload):
    body = kind + payload
    return struct.pack(">I", len(payload)) + body + struct.pack(">I", zlib.crc32(body))


def header(width, height, colour=6):
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0))


def black_png(width, height, *, first=b"", exif=b"", colour=6):
    """Black, of any size, in little memory; `first` may lie about the size."""
    packer, row = zlib.compressobj(1), bytes(width * (4 if colour == 6 else 3) + 1)
    pixels = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    parts = [first, header(width, height, colour), exif and chunk(b"eXIf", exif)]
    return b"\x89PNG\r\n\x1a\n" + b"".join([*parts, chunk(b"IDAT", pixels), chunk(b"IEND", b"")])


def black_webp(width, height):
    """Black, lossless, 28 bytes: each of the five codes has one symbol and takes no bit."""
    bits = (width - 1) | (height - 1) << 14
    for code in range(5):
        bits |= 1 << (28 + 1 + 3 + 3 + 4 * code)
    stream = b"\x2f" + bits.to_bytes(7, "little")
    body = b"WEBPVP8L" + struct.pack("<I", len(stream)) + stream
    return b"RIFF" + struct.pack("<I", len(body)) + body


def gray_jpeg(width, height, **extra):
    exif = Image.Exif()
    exif[0x0112] = 6
    out = io.BytesIO()
    Image.new("L", (width, height), 99).save(out, "JPEG", exif=exif, **extra)
    return out.getvalue()


TURNED = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
HEAVY = {
    "WebP of 50 megapixels": lambda: black_webp(7071, 7071),
    "WebP that just fits": lambda: black_webp(3600, 3600),
    "PNG of 50 megapixels": lambda: black_png(7071, 7071),
    "PNG of 50 megapixels, to be turned": lambda: black_png(7071, 7071, exif=TURNED),
    "PNG that just fits, to be turned": lambda: black_png(4160, 4160, exif=TURNED),
    "PNG of 80 megapixels that says 64x48": lambda: black_png(9000, 9000, first=header(64, 48)),
    "JPEG of 50 megapixels": lambda: gray_jpeg(7071, 7071),
    "JPEG of 50 megapixels, progressive": lambda: gray_jpeg(7071, 7071, progressive=True),
    "JPEG that just fits, to be turned": lambda: gray_jpeg(5100, 5100),
    "JPEG of one line": lambda: gray_jpeg(50_000, 1000),
}
WORKER = """
import re, sys
import httpx, videoapi.bootstrap, videoapi.worker.generation, videoapi.worker.delivery
from videoapi.media import images, thumbnails
data = sys.stdin.buffer.read()
image = images.read_bytes(data)
turned = thumbnails.upright(image)
small = thumbnails.thumbnail((turned or image).data)
with open("/proc/self/status") as status:  # getrusage has the parent's peak in it, too
    peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", status.read())[1]) // 1024
print(peak, turned is None, small is None)
"""


LEFT = {name for name in HEAVY if "JPEG of" in name} | {"PNG of 50 megapixels, to be turned"}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells the peak of one process alone")
@pytest.mark.parametrize("case", HEAVY)
def test_no_picture_takes_more_memory_than_the_worker_has(case):
    package = Path(images.__file__).parents[2]
    ran = subprocess.run(
        [sys.executable, "-c", WORKER],
        input=HEAVY[case](),
        env={"PYTHONPATH": str(package)},
        capture_output=True,
        check=True,
    )
    peak, not_turned, no_thumbnail = ran.stdout.decode().split()
    assert int(peak) <= 400, "MB"
    assert (not_turned == "True") == (case in LEFT)
    assert no_thumbnail == str("just fits" not in case and case != "JPEG of 50 megapixels")
