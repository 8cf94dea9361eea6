"""Images too large for a request's body: the caller sends them to S3, a submit names them.

A function is handed 6 MB at most. A presigned form goes around it, and S3 itself holds the file to
its size and type. A reference says nothing of its owner: the key is made of it and of the caller's
name, so that another owner's reference leads to nothing, as one that was made up does.
"""

import re
from typing import Any

from videoapi.aws.files import upload_key
from videoapi.aws.presigned import UrlSigner
from videoapi.domain.ids import new_name
from videoapi.domain.timestamps import timestamp
from videoapi.errors import ValidationError
from videoapi.media import images

PREFIX = "upload_"
FORM_SECONDS = 600  # in which S3 takes the file
# In which a submit takes it: a task may wait 4 days in the queue, and inputs/ are kept for 5.
USABLE_SECONDS = 24 * 3600
_REFERENCE = re.compile(r"upload_([a-z2-7]{26})")


def offer(
    owner: str,
    links: UrlSigner,
    *,
    now: float,
    content_type: str = "image/jpeg",
    size_bytes: int | None = None,
) -> dict[str, Any]:
    """Return the response's body: the form for S3, and the reference that a submit accepts.

    `size_bytes` is the file's exact size; without it S3 takes up to 20 MB.
    """
    name = new_name()
    largest = size_bytes or images.MAX_BYTES
    form = links.form(
        upload_key(owner, name),
        content_type,
        sizes=(size_bytes or 1, largest),
        seconds=FORM_SECONDS,
        now=now,
    )
    return {
        "reference": PREFIX + name,
        "url": form.url,
        "fields": form.fields,
        "max_bytes": largest,
        "expires_at": timestamp(form.expires_at),
    }


def is_reference(text: str) -> bool:
    """Return whether a text is an upload's reference: no base64 of an image begins like one."""
    return text.lstrip().startswith(PREFIX)


def key_of(reference: str, owner: str) -> str:
    """Return the key of the owner's upload of this reference. Raises `ValidationError`."""
    found = _REFERENCE.fullmatch(reference.strip())
    if found is None:
        raise _not_found()
    return upload_key(owner, found[1])


def require(written_at: float | None, *, now: float) -> None:
    """Refuse an upload that has not arrived, or too long ago. Raises `ValidationError`.

    Looking costs one HEAD, and at a cold start an S3 client (176 M instructions) as an inline image
    does. Without it the caller would learn of a forgotten upload from a failed task.
    """
    if written_at is None or written_at < now - USABLE_SECONDS:
        raise _not_found()


def _not_found() -> ValidationError:
    message = (
        "No upload of the last 24 hours has this reference. First POST the file to the `url` that "
        "came with it."
    )
    return ValidationError(message, code="upload_not_found")
