"""The input image of a submit: which of three ways it came, and its place in the bucket."""

from dataclasses import dataclass
from typing import NamedTuple

from videoapi.aws.files import FileStore, input_key, is_own_input
from videoapi.aws.presigned import UrlSigner
from videoapi.errors import ValidationError
from videoapi.media import images
from videoapi.net import ssrf
from videoapi.usecases import uploads


class InlineImage(NamedTuple):
    """Checked bytes that came with the submit."""

    image: images.Image

    @property
    def identity(self) -> str:
        """What tells this image from another, in a fingerprint."""
        return self.image.sha256


class RemoteImage(NamedTuple):
    """A URL that the worker fetches."""

    url: str

    @property
    def identity(self) -> str:
        """As above."""
        return self.url


class StoredImage(NamedTuple):
    """A key of our bucket; of an upload, whose file may not have arrived."""

    key: str
    uploaded: bool = False

    @property
    def identity(self) -> str:
        """As above."""
        return self.key


type ImageSource = InlineImage | RemoteImage | StoredImage


@dataclass(kw_only=True, eq=False, repr=False)
class InputImages:
    """Reads what a submit says of its image, and stores what came with it."""

    files: FileStore
    links: UrlSigner
    allow_private: bool  # URLs of private addresses are fetched too: for local work

    def source_of(self, given: str | bytes | None, owner: str, *, param: str) -> ImageSource | None:
        """Return where the image comes from; None without one.

        Raises `ValidationError` for `param`, the image's field in the dialect at hand.
        """
        try:
            return None if given is None else self._source_of(given, owner)
        except ValidationError as exc:
            raise ValidationError.field(param, exc.message, code=exc.code) from exc

    def _source_of(self, given: str | bytes, owner: str) -> ImageSource:
        if isinstance(given, bytes):
            return InlineImage(images.read_bytes(given))
        if uploads.is_reference(given):
            return StoredImage(uploads.key_of(given, owner), uploaded=True)
        if not images.is_url(given):
            return InlineImage(images.read_inline(given))
        key = self.links.key_of(given)
        if key and is_own_input(key, owner):
            return StoredImage(key)
        ssrf.check_url(given, allow_private=self.allow_private)
        return RemoteImage(given)

    def store(
        self, source: ImageSource | None, owner: str, task_id: str, *, param: str, now: float
    ) -> str | None:
        """Put an inline image into the bucket; return the key of an image that lies there.

        Raises `ValidationError` for `param` where an upload has not arrived.
        """
        match source:
            case InlineImage(image):
                key = input_key(owner, task_id, image.sha256, image.extension)
                self.files.put(key, image.data, image.content_type)
                return key
            case StoredImage(key, uploaded=True):
                try:
                    uploads.require(self.files.written_at(key), now=now)
                except ValidationError as exc:
                    raise ValidationError.field(param, exc.message, code=exc.code) from exc
                return key
            case StoredImage(key):
                return key
        return None
