"""The input images of a submit: which of three ways each came, and its place in the bucket."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from videoapi.aws.files import FileStore, input_key, is_own_input
from videoapi.aws.presigned import UrlSigner
from videoapi.catalog.fitting import FIRST_FRAME
from videoapi.domain.tasks import Task
from videoapi.errors import ValidationError
from videoapi.media import images
from videoapi.net import ssrf
from videoapi.usecases import uploads


class RequestedImage(NamedTuple):
    """An image as the caller gave it: text, or the bytes of a file.

    `role` is first_frame, last_frame or reference; `param` is what the caller calls it, such as
    `image` or `reference_images.0`.
    """

    role: str
    value: str | bytes
    param: str

    def refused(self, refusal: ValidationError) -> ValidationError:
        """Return a refusal with the image's name."""
        error = ValidationError.field(self.param, refusal.message, code=refusal.code)
        error.param = self.param.partition(".")[0]
        return error


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


type Sources = tuple[tuple[RequestedImage, ImageSource], ...]


@dataclass(kw_only=True, eq=False, repr=False)
class InputImages:
    """Reads what a submit says of its images, and stores what came with it."""

    files: FileStore
    links: UrlSigner
    allow_private: bool  # URLs of private addresses are fetched too: for local work

    def sources_of(self, images: Iterable[RequestedImage], owner: str) -> Sources:
        """Return where the images come from. Raise `ValidationError` naming one that is none."""
        return tuple((image, self._checked(image, owner)) for image in images)

    def _checked(self, image: RequestedImage, owner: str) -> ImageSource:
        try:
            return self._source_of(image.value, owner)
        except ValidationError as exc:
            raise image.refused(exc) from exc

    def _source_of(self, image: str | bytes, owner: str) -> ImageSource:
        if isinstance(image, bytes):
            return InlineImage(images.read_bytes(image))
        if uploads.is_reference(image):
            return StoredImage(uploads.key_of(image, owner), uploaded=True)
        if not images.is_url(image):
            return InlineImage(images.read_inline(image))
        key = self.links.key_of(image)
        if key and is_own_input(key, owner):
            return StoredImage(key)
        ssrf.check_url(image, allow_private=self.allow_private)
        return RemoteImage(image)

    def require_uploads(self, sources: Sources, *, now: float) -> None:
        """Raise `ValidationError` naming an upload that has not arrived."""
        for image, source in sources:
            if isinstance(source, StoredImage) and source.uploaded:
                try:
                    uploads.require(self.files.written_at(source.key), now=now)
                except ValidationError as exc:
                    raise image.refused(exc) from exc

    def store(self, sources: Sources, task: Task, *, now: float) -> Task:
        """Put the inline images into the bucket; return the task with its images' whereabouts.

        Raises `ValidationError`, with nothing written, where an upload has not arrived.
        """
        self.require_uploads(sources, now=now)
        if not sources:
            return task
        kept = [{"role": image.role, **self._stored(source, task)} for image, source in sources]
        first = kept.pop(0) if kept[0]["role"] == FIRST_FRAME else {}
        return task.having(
            image_key=first.get("key"),
            image_url=first.get("url"),
            more_images=kept or None,
        )

    def _stored(self, source: ImageSource, task: Task) -> dict[str, str]:
        match source:
            case InlineImage(image):
                key = input_key(task.owner, task.task_id, image.sha256, image.extension)
                self.files.put(key, image.data, image.content_type)
                return {"key": key}
            case StoredImage(key):
                return {"key": key}
        return {"url": source.url}
