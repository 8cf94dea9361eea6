import io

from PIL import Image

from videoapi.thumbnails import LONG_SIDE, thumbnail


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


def test_what_cannot_be_decoded_has_no_thumbnail():
    assert thumbnail(b"\x89PNG\r\n\x1a\n" + b"x" * 40) is None
