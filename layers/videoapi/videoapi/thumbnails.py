"""A small JPEG of an input image. Pillow lives in a layer of the worker alone."""

import io

from PIL import Image, ImageOps

LONG_SIDE = 512  # pixels
QUALITY = 80


def thumbnail(data: bytes) -> bytes | None:
    """Return a JPEG of at most 512 pixels a side, upright; None for what Pillow cannot read.

    `images` has limited the input to 50 megapixels before; a JPEG is decoded at reduced size.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.draft("RGB", (LONG_SIDE, LONG_SIDE))
            small = ImageOps.exif_transpose(image)
            small.thumbnail((LONG_SIDE, LONG_SIDE))
            out = io.BytesIO()
            small.convert("RGB").save(out, "JPEG", quality=QUALITY)
    except Exception:  # noqa: BLE001 — damaged EXIF alone raises SyntaxError, struct.error, TypeError
        return None
    return out.getvalue()
