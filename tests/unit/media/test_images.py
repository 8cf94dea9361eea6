import base64
import hashlib
import io
import struct
import textwrap
import time
import zlib
from contextlib import suppress
from urllib.parse import quote, quote_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from videoapi.errors import ValidationError
from videoapi.media import images

SIZES = {"JPEG": (40, 30), "PNG": (31, 17), "WEBP": (64, 48)}
TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}


def drawn(kind, size=None, **options):
    picture = Pillow.effect_noise(size or SIZES[kind], 60).convert("RGB")
    into = io.BytesIO()
    picture.save(into, kind, **options)
    return into.getvalue()


def png(width, height):
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [header, b"IDAT" + zlib.compress(b""), b"IEND"]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        for chunk in chunks
    )


def jpeg(*segments, pixels=b"\xff\xda\x00\x02pixels\xff\xd9"):
    return b"\xff\xd8" + b"".join(segments) + pixels


def segment(marker, payload):
    return bytes([0xFF, marker]) + struct.pack(">H", len(payload) + 2) + payload


def frame(width, height, marker=0xC0):
    return segment(marker, struct.pack(">BHHB", 8, height, width, 3) + bytes(9))


def named(argument, cases):
    return pytest.mark.parametrize(argument, cases.values(), ids=cases)


def numbered(argument, *cases):
    return pytest.mark.parametrize(argument, cases, ids=range(len(cases)))


JPEG, PNG, WEBP = (drawn(kind) for kind in SIZES)
WITH_THUMBNAIL = jpeg(
    segment(0xE1, b"Exif\0\0" + bytes(20) + JPEG), segment(0xDB, bytes(65)), frame(400, 300)
)


WHOLE = {"jpeg": JPEG, "png": PNG, "webp": WEBP, "with a thumbnail": WITH_THUMBNAIL}


def text_of(data):
    return base64.b64encode(data).decode()


WRITTEN = {
    "plain": text_of,
    "with a newline": lambda data: text_of(data) + "\n",
    "with blanks around": lambda data: f"  {text_of(data)}  ",
    "in MIME lines": lambda data: base64.encodebytes(data).decode(),
    "in PEM lines": lambda data: "\r\n".join(textwrap.wrap(text_of(data), 64)),
    "in short lines": lambda data: "\n".join(textwrap.wrap(text_of(data), 5)),
    "URL-safe": lambda data: base64.urlsafe_b64encode(data).decode(),
    "URL-safe, not padded": lambda data: base64.urlsafe_b64encode(data).decode().rstrip("="),
    "data URL": lambda data: "data:image/png;base64," + text_of(data),
    "data URL without a type": lambda data: "DATA:;BASE64,\n" + text_of(data),
    "data URL with more": lambda data: "data:image/gif;charset=utf-8;base64, " + text_of(data),
}


def refusal(read, data):
    with pytest.raises(ValidationError) as refused:
        read(data)
    assert refused.value.code == "invalid_image"
    return refused.value.message


@pytest.mark.parametrize("kind", SIZES)
def test_an_image_is_known_by_its_content(kind):
    data = drawn(kind)
    image = images.read_bytes(data)
    assert (image.data, image.content_type) == (data, TYPES[kind])
    assert (image.width, image.height) == SIZES[kind]
    assert image.sha256 == hashlib.sha256(data).hexdigest()
    assert len(repr(image)) < 200
    assert image.extension == {"JPEG": "jpg", "PNG": "png", "WEBP": "webp"}[kind]


@pytest.mark.parametrize(
    ("kind", "options"),
    [("JPEG", {"progressive": True}), ("JPEG", {"comment": b"x" * 60_000}),
     ("JPEG", {"dpi": (3, 3)}), ("PNG", {"optimize": True}), ("WEBP", {"lossless": True}),
     ("WEBP", {"exif": b"Exif\0\0MM"})],
)  # fmt: skip
def test_every_flavour_of_the_three_formats_is_read(kind, options):
    image = images.read_bytes(drawn(kind, **options))
    assert (image.width, image.height) == SIZES[kind]


def test_sides_are_those_stored_whatever_rotation_is_asked_for():
    exif = Pillow.Exif()
    exif[0x0112] = 6
    assert images.read_bytes(drawn("JPEG", exif=exif.tobytes())).width == SIZES["JPEG"][0]


@named("data", WHOLE)
def test_bytes_after_the_end_of_a_picture_are_left_alone(data):
    assert images.read_bytes(data + b"a maker's trailer").data.endswith(b"trailer")


@named("written", WRITTEN)
@numbered("data", JPEG, PNG, WEBP, WEBP + b"x", WEBP + b"xy")
def test_base64_is_read_however_clients_write_it(written, data):
    assert images.read_inline(written(data)).data == data


@numbered(
    "text",
    "", " ", "=", "====", "hello", "a" * 1000, "iVBOR", text_of(PNG)[:10], "/9j",
    text_of(b"GIF89a" * 9), "%" + text_of(PNG), text_of(PNG).replace("V", "V "),
    "data:image/png;base64,", "data:", "data:image/png;base64;" + text_of(PNG),
    "data:" + "x" * 300 + ";base64," + text_of(PNG), "\ud800" * 30, "図" * 30, "\0" * 30,
    "{" + text_of(PNG) + "}", text_of(text_of(PNG).encode()),
)  # fmt: skip
def test_text_unlike_an_image_is_refused_undecoded(text):
    """Text that does not start like an image is refused before it is decoded."""
    assert "neither a URL nor the base64" in refusal(images.read_inline, text)


@numbered(
    "damage",
    " ", "  \n", "%", "=", "==", "\0", "é", "\ud800", "=A", ".",
)  # fmt: skip
def test_base64_that_is_damaged_further_on_is_refused(damage):
    text = text_of(JPEG)
    message = refusal(images.read_inline, text[:200] + damage + text[200:])
    assert "damaged base64" in message


def test_a_last_character_too_many_is_damage():
    text = text_of(WEBP).rstrip("=")
    text += "A" * (5 - len(text) % 4)
    assert "damaged base64" in refusal(images.read_inline, text)


@numbered("data", JPEG, PNG, WEBP)
def test_a_data_url_in_percent_encoding_is_read(data):
    for text in (
        "data:image/png," + quote_from_bytes(data),
        "data:," + quote_from_bytes(data),
        "data:image/png;base64," + quote(text_of(data), safe=""),
        "data:image/png;base64," + quote(text_of(data)[:-9] + "\n" + text_of(data)[-9:]),
    ):
        assert images.read_inline(text).data == data


@numbered("text", "data:,", "data:,%", "data:image/png,%89PNG%0D%0A", "data:,\ud800", "data:x,%GG")
def test_a_data_url_that_holds_no_image_is_refused(text):
    refusal(images.read_inline, text)


def test_a_data_url_in_percent_encoding_is_bounded():
    assert "larger than 20 MB" in refusal(images.read_inline, "data:," + "%00" * 21_000_000)


def test_an_empty_file_is_refused():
    assert refusal(images.read_bytes, b"") == "The image is empty."


@numbered(
    "data",
    b"\0", b"hello", b"GIF89a" + bytes(50), b"BM" + bytes(60), b"<svg/>", b"%PDF-1.7", b"RIFF",
    b"\0\0\0\x18ftypheic" + bytes(40), b"II*\0" + bytes(40), b"RIFF\0\0\0\0WAVEfmt ", PNG[:7],
    b"\xff\xd8",
)  # fmt: skip
def test_another_format_is_refused(data):
    assert refusal(images.read_bytes, data) == "The image is not a JPEG, PNG or WebP file."


@named("data", {**WHOLE, "progressive": drawn("JPEG", progressive=True)})
def test_a_file_cut_off_anywhere_before_its_pixels_is_refused(data):
    assert images.read_bytes(data)
    start = data.rfind(b"\xff\xdb") if data[:1] == b"\xff" else len(data)
    for end in range(1, start, 1 if start < 3000 else 7):
        refusal(images.read_bytes, data[:end])


def test_a_jpeg_may_lack_its_end():
    for data in (JPEG, drawn("JPEG", progressive=True), jpeg(frame(4, 3))):
        assert images.read_bytes(data[:-2]).data == data[:-2]
        assert images.read_bytes(data[:-1]).data == data[:-1]


def test_a_jpeg_without_any_pixel_is_cut_off():
    assert "cut off" in refusal(images.read_bytes, jpeg(frame(4, 3), pixels=b"\xff\xda\x00\x02"))


def test_a_webp_may_lack_the_byte_that_fills_up_its_last_chunk():
    odd = b"RIFF" + struct.pack("<I", 4 + 8 + 12) + b"WEBP" + WEBP[12:16] + struct.pack("<I", 11)
    data = odd + WEBP[20:31] + b"\0"
    assert images.read_bytes(data[:-1]).width == images.read_bytes(data).width
    refusal(images.read_bytes, data[:-2])


def test_the_components_of_a_jpegs_first_scan_are_counted():
    scan = segment(0xDA, b"\x01" + bytes(5))
    assert images.components_of_first_scan(jpeg(frame(4, 3), pixels=scan)) == 1
    assert images.components_of_first_scan(JPEG) == 3
    assert images.components_of_first_scan(PNG) == 0


def test_a_webp_shorter_than_its_first_chunk_is_cut_off():
    assert "cut off" in refusal(images.read_bytes, WEBP[:4] + struct.pack("<I", 30) + WEBP[8:])


def test_more_than_20_mb_is_refused_by_its_length():
    padded = PNG + bytes(images.MAX_BYTES - len(PNG))
    assert images.read_bytes(padded).width == SIZES["PNG"][0]
    assert "larger than 20 MB" in refusal(images.read_bytes, padded + b"\0")
    assert "larger than 20 MB" in refusal(images.read_inline, text_of(PNG) + "A" * 31_500_000)


@pytest.mark.parametrize(
    "size", [(10_000, 10_000), (1, 50_000_001), (2**31, 2**31), (50_001, 1000)]
)
def test_a_hundred_megapixels_are_refused_from_the_header_alone(size):
    message = refusal(images.read_bytes, png(*size)[:40])
    assert f"{size[0]}x{size[1]}" in message
    assert "50 megapixels" in message


def test_fifty_megapixels_pass_whatever_their_shape():
    assert images.read_bytes(png(10_000, 5_000)).width == 10_000
    assert images.read_bytes(png(50_000_000, 1)).height == 1


def test_a_huge_jpeg_and_a_huge_webp_are_refused():
    assert "60000x60000" in refusal(images.read_bytes, jpeg(frame(60_000, 60_000)))
    sides = (2**24 - 1).to_bytes(3, "little") * 2
    huge = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + sides
    assert "megapixels" in refusal(images.read_bytes, b"RIFF" + struct.pack("<I", len(huge)) + huge)


@numbered(
    "data",
    png(0, 5), png(5, 0), jpeg(frame(0, 5)), jpeg(frame(5, 0)), jpeg(),
    jpeg(segment(0xC0, b"\x08")), PNG[:12] + b"JUNK" + PNG[16:], WEBP[:12] + b"JUNK" + WEBP[16:],
    WEBP[:20],
)  # fmt: skip
def test_a_header_without_a_size_is_damage(data):
    assert "its header gives no size" in refusal(images.read_bytes, data)


@numbered(
    "segments",
    b"\xff\xfe\x00\x00",  # a length that does not hold itself
    b"\xff\xfe\x00\x01\xff\xfe",
    b"\xff\xd8\xff\xd8",  # starts within
    b"\xff\xe0\x00\x02\xff\xd9",  # the end before any pixel
    b"\xff\xe0\x00\x02\xff\x00",  # no marker
    b"\xff\xe0\x00\x02\xff\x02\x00\x02",  # a reserved one
    b"\xff\xe0\x00\x02garbage between segments",
    b"\xff\xe0\x00\x02" + b"\xff" * 5000,
    b"\xff\xe0\x00\x02" * 5000,
)
def test_a_jpeg_whose_segments_lead_nowhere_is_refused(segments):
    assert "gives no size" in refusal(images.read_bytes, jpeg(segments, frame(4, 3)))


def test_filling_and_restart_markers_are_allowed():
    data = jpeg(b"\xff\xff\xfe\x00\x02", b"\xff\xd0\xff\x01", frame(4, 3, marker=0xC2))
    assert images.read_bytes(data).width == 4


@numbered(
    "start",
    b"\xff\xd8\xff\xe0\x00\x02" + b"a" * 30, b"\xff\xd8" + b"\xff" * 30,
    b"\xff\xd8" + b"\xff\xe0\x00\x02" * 30, b"\xff\xd8" + b"\xff\xfe\x00\x03x" * 30, PNG[:60],
    b"RIFF\xff\xff\xff\xffWEBPVP8 ",
)  # fmt: skip
def test_no_twenty_megabytes_keep_the_reader_busy(start):
    unit = start[-30:]
    data = (start + unit * (images.MAX_BYTES // len(unit)))[: images.MAX_BYTES]
    before = time.process_time()
    refusal(images.read_bytes, data)
    assert time.process_time() - before < 1


@given(
    st.binary(max_size=300),
    st.sampled_from([b"", JPEG[:3], PNG[:16], WEBP[:16], b"RIFF____WEBPVP8X"]),
)
def test_nothing_but_a_refusal_or_an_image_comes_of_any_bytes(tail, start):
    data = start + tail
    for read, given_image in ((images.read_bytes, data), (images.read_inline, text_of(data))):
        with suppress(ValidationError):
            assert 1 <= read(given_image).width <= images.MAX_PIXELS


@given(
    st.sampled_from([JPEG, PNG, WEBP, WITH_THUMBNAIL]),
    st.lists(st.tuples(st.integers(0, 120), st.binary(min_size=1, max_size=4)), max_size=4),
)
def test_a_damaged_header_gives_an_image_or_a_refusal(data, damages):
    damaged = bytearray(data)
    for at, junk in damages:
        damaged[at : at + len(junk)] = junk
    with suppress(ValidationError):
        image = images.read_bytes(bytes(damaged))
        assert 1 <= image.width * image.height <= images.MAX_PIXELS


@given(st.text())
def test_nothing_but_a_refusal_comes_of_any_text(text):
    refusal(images.read_inline, text)


def test_whatever_has_a_scheme_is_a_url():
    for text in ("http://a", "HTTPS://a", " https://a", "\nhttp://a", "s3://b/k", "file:///etc"):
        assert images.is_url(text)
    for text in ("", "iVBORw0KGgo", "/9j/4AAQ", "//a/b", "data:image/png;base64,//", "1://a"):
        assert not images.is_url(text)


@given(st.text(alphabet="http:/ sdaiA+=;,.-", max_size=40))
def test_a_text_is_a_url_or_may_be_base64_but_never_both(text):
    if images.is_url(text):
        refusal(images.read_inline, text)
