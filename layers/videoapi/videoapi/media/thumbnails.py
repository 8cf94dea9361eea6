"""What is done to the pixels of an input image, in the memory that the worker has.

A picture of 40 bytes may be 50 megapixels large, and decoding takes up to 16 bytes for each. What
would take more than `MAX_MEMORY` is left alone: a video without a thumbnail is still a video, and a
relay takes a picture as the camera made it. Pillow's own reading of the size decides: a file can be
made that says another one to other readers.

Pillow lives in a layer of the worker alone.
"""

import io

from PIL import (
    Image,
    ImageOps,
    JpegImagePlugin,
    WebPImagePlugin,  # noqa: F401 — or the first WebP loads all 40 formats
)

from videoapi.media import images

Image.preinit()  # at init, where the CPU is whole, and not in the first call

LONG_SIDE = 512  # pixels of a thumbnail
QUALITY = 80
MAX_MEMORY = 200 * 1024 * 1024  # beside 110 MB for the worker itself and 60 for the file's copies
# Bytes a pixel at the worst moment, measured with Pillow 13: its own 4 (of RGB as well), a copy in
# premultiplied alpha or turned, and what the decoder holds.
_DECODED = {"PNG": 12, "WEBP": 16}
_JPEG_COPY, _JPEG_COEFFICIENTS = 8, 6  # the latter of a progressive one, or one of several scans
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ON_THE_SIDE = {5, 6, 7, 8}
_HALVED_BOTH_WAYS = 2  # chroma of 4:2:0, as Pillow counts; 4:2:2 on its side has no name there


def thumbnail(data: bytes) -> bytes | None:
    """Return a JPEG of at most 512 pixels a side, upright.

    None for what Pillow cannot read, and for what would need more memory than there is.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.draft("RGB", (LONG_SIDE, LONG_SIDE))  # a JPEG is decoded at reduced size
            if not _fits(image, data):
                return None
            image.thumbnail((LONG_SIDE, LONG_SIDE))
            ImageOps.exif_transpose(image, in_place=True)
            out = io.BytesIO()
            image.convert("RGB").save(out, "JPEG", quality=QUALITY)
    except Exception:  # noqa: BLE001 — damaged EXIF alone raises SyntaxError, struct.error, TypeError
        return None
    return out.getvalue()


def upright(original: images.Image) -> images.Image | None:
    """Return the image turned as its EXIF data says, for a relay that does not look there.

    The same image where there is nothing to turn, which is left to the byte; None where it would
    need more memory than there is, or come out larger than a relay takes. A JPEG keeps its own
    quantization, so that hardly anything but the place of its pixels changes; the others lose
    nothing and become PNG.
    """
    try:
        with Image.open(io.BytesIO(original.data)) as image:
            # Pillow would decode all of a PNG to find it.
            if image.format == "PNG" and b"eXIf" not in original.data:
                return original
            fits = _fits(image, original.data)
            if image.format == "PNG" and not fits:
                return None
            orientation = image.getexif().get(_ORIENTATION)
            if orientation not in _TURNS or getattr(image, "is_animated", False):
                return original
            return _read(_turned(image, orientation)) if fits else None
    except Exception:  # noqa: BLE001 — as above; whether a relay can read it is its own business
        return original


def _turned(image: Image.Image, orientation: int) -> bytes:
    out = io.BytesIO()
    profile = image.info.get("icc_profile")
    if not isinstance(image, JpegImagePlugin.JpegImageFile):
        turned = image.transpose(_TURNS[orientation])
        turned.info.pop("exif", None)
        turned.save(out, "PNG", compress_level=1, icc_profile=profile)
        return out.getvalue()
    image.draft("YCbCr", None)  # as it is stored: no conversion to RGB and back
    tables, sampling = list(image.quantization.values()), JpegImagePlugin.get_sampling(image)
    if orientation in _ON_THE_SIDE:
        tables = [[table[8 * (n % 8) + n // 8] for n in range(64)] for table in tables]
        sampling = _HALVED_BOTH_WAYS if sampling == _HALVED_BOTH_WAYS else 0
    turned = image.transpose(_TURNS[orientation])
    turned.save(out, "JPEG", qtables=tables, subsampling=sampling, icc_profile=profile, exif=b"")
    return out.getvalue()


def _read(data: bytes) -> images.Image | None:
    return images.read_bytes(data) if len(data) <= images.MAX_BYTES else None


def _fits(image: Image.Image, data: bytes) -> bool:
    """Return whether there is memory to decode the image, at the size that a draft has set."""
    pixels = image.width * image.height
    if image.format != "JPEG":
        return pixels * _DECODED.get(image.format or "", MAX_MEMORY) <= MAX_MEMORY
    needed = pixels * _JPEG_COPY
    one_scan = images.components_of_first_scan(data) == getattr(image, "layers", None)
    if image.info.get("progressive") or not one_scan:
        with Image.open(io.BytesIO(data)) as whole:
            needed += whole.width * whole.height * _JPEG_COEFFICIENTS
    return needed <= MAX_MEMORY
