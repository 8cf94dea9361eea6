"""Images of an order: files, which are read when they are sent, and URLs, which the API fetches."""

import base64
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from videoapi_cli.client import Api
from videoapi_cli.errors import CliError

MAX_BYTES = 20 * 1024 * 1024  # the API's, of one image
MAX_INLINE_BYTES = 4_000_000  # of a request's images: it has 6 MB at most, and base64 adds a third
UPLOAD_SECONDS = 300
ENDINGS = (".jpg", ".jpeg", ".png", ".webp")
# A PNG of one pixel: what is priced without sending the image itself.
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mNgAAAAAgAB5Sfe/AAAAABJRU5ErkJggg=="
)
_MAGIC = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}


def is_url(image: str) -> bool:
    """Tell what the API fetches itself from a file of this machine."""
    return re.match(r"https?://", image, re.IGNORECASE) is not None


def path_of(image: str, base: Path = Path()) -> Path:
    """Return a file's path, relative to `base` unless it begins at the root or the home."""
    return Path(image).expanduser() if image.startswith("~/") else base / image


def identity(image: str) -> str:
    """Return what tells an image from another: a file's content, not its name.

    Raises `CliError` for what is no image, before anything of it is sent.
    """
    digest, size, head = hashlib.sha256(), 0, b""
    try:
        if is_url(image):
            image.encode()
            return image
        with Path(image).open("rb") as file:
            while chunk := file.read(1 << 20):
                head = head or chunk
                size += len(chunk)
                digest.update(chunk)
    except OSError as exc:
        raise CliError(f"{image} cannot be read: {exc.strerror}") from exc
    except ValueError as exc:  # half a character in an address, a NUL in a name
        raise CliError(f"{image!r} names no image.") from exc
    _require_image(image, head, size)
    return f"sha256:{digest.hexdigest()}"


def sent(images: Sequence[str], api: Api) -> list[str]:
    """Return the images as a request says them: URLs, base64, or uploads where they are large.

    Raises `CliError` for what is no image.
    """
    files = {image: _read(image) for image in images if not is_url(image)}
    inline = sum(map(len, files.values())) <= MAX_INLINE_BYTES
    as_text = {
        image: base64.b64encode(data).decode() if inline else _uploaded(data, _kind(data), api)
        for image, data in files.items()
    }
    return [as_text.get(image, image) for image in images]


def _read(image: str) -> bytes:
    try:
        data = Path(image).read_bytes()
    except OSError as exc:
        raise CliError(f"{image} cannot be read: {exc.strerror}") from exc
    _require_image(image, data, len(data))
    return data


def _require_image(image: str, head: bytes, size: int) -> None:
    if size > MAX_BYTES:
        raise CliError(f"{image} has {size / 1e6:.0f} MB; the API takes 20.", "Make it smaller.")
    if not _kind(head):
        raise CliError(f"{image} is no JPEG, PNG or WebP image.")


def _kind(data: bytes) -> str:
    """Return the type of an image by its first bytes, as the API does; empty for all else."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for magic, kind in _MAGIC.items() if data.startswith(magic)), "")


def _uploaded(data: bytes, kind: str, api: Api) -> str:
    """Send a file to the bucket, by a signed form; return its reference."""
    wanted = {"content_type": kind, "size_bytes": len(data)}
    form, _ = api.submit("/api/v1/uploads", wanted)
    api.patiently(
        lambda: api.files.post(
            form["url"], data=form["fields"], files={"file": data}, timeout=UPLOAD_SECONDS
        )
    )
    return str(form["reference"])
