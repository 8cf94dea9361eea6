"""What goes upstream for a task: its images, its prompt and the fields a relay knows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple

from videoapi.aws.files import FileStore, thumbnail_key
from videoapi.catalog.fitting import Demand, fit
from videoapi.catalog.routes import Route
from videoapi.domain.tasks import GenerationRequest, Task
from videoapi.errors import GenerationError, ServiceError, ValidationError
from videoapi.media import images
from videoapi.media.thumbnails import thumbnail, upright
from videoapi.net.downloads import Fetcher
from videoapi.net.receiving import DownloadFailed
from videoapi.providers.errors import ImageUnavailable
from videoapi.providers.prompt_optimizer import PromptOptimizer
from videoapi.providers.provider import ImageRole, InputImage, Order
from videoapi.settings import Settings
from videoapi.worker.prompts import compose

NOT_TURNED = (
    "The image is too large to be turned upright here: it was sent as it is, with the orientation "
    "in its EXIF data."
)
NO_THUMBNAIL = (
    "There is no thumbnail: the image is too large or unusual, or its thumbnail could not be kept."
)


@dataclass(frozen=True)
class PreparedOrder:
    """What one POST says, and what was learnt on the way. `optimized` None: not asked for.

    `image_note` says what was not done to the images.
    """

    order: Order
    optimized: bool | None
    thumbnail_key: str | None
    image_note: str | None = None


class _Picture(NamedTuple):
    """An image as it is sent, and whether it is known to be upright."""

    image: InputImage
    upright: bool


@dataclass(frozen=True)
class OrderBuilder:
    """Makes the order for one task. Raises `GenerationError` when an image cannot be had."""

    settings: Settings
    files: FileStore
    fetcher: Fetcher
    optimizer: PromptOptimizer | None = None  # None where none is configured

    def prepare(self, task: Task, route: Route) -> PreparedOrder:
        """Read the images and find the words. Nothing is charged for trying.

        Raises `ImageUnavailable` where trying again may help.

        A second attempt says the same words as the first, and has its thumbnail already.
        """
        request, pictures = task.request, self._pictures(task)
        if task.prompt_sent is not None:
            prompt, optimized = task.prompt_sent, _flag(task.prompt_optimized)
        else:
            prompt, optimized = self._prompt(request, has_image=bool(pictures))
        made = fit(
            route,
            Demand.of(request, task.image_roles),
            strict=self.settings.veo3_strict_lengths,
        )
        order = Order(
            # The same again after a lost answer: a relay that knows the header then pays once.
            key=f"{task.task_id}-{task.attempts - task.unknown_submits + 1}",
            model=route.model,
            prompt=prompt,
            size=made.size,
            seconds=made.seconds,
            negative_prompt=request.negative_prompt,
            seed=request.seed,
            generate_audio=request.generate_audio,
            images=tuple(picture.image for picture in pictures),
            extra=extra_fields(request) if self.settings.veo3_extra_fields else {},
        )
        key = task.thumbnail_key or self._thumbnail(task, pictures)
        turned = all(picture.upright for picture in pictures)
        undone = ((NOT_TURNED, turned), (NO_THUMBNAIL, key)) if pictures else ()
        note = " ".join(text for text, done in undone if not done)
        return PreparedOrder(order, optimized, key, note or None)

    def withdraw(self, prepared: PreparedOrder, task: Task | None) -> None:
        """Remove the thumbnail of a task that ended before it knew of it; None is a deleted one."""
        unknown = task is None or (task.ended and task.thumbnail_key is None)
        if unknown and prepared.thumbnail_key:
            self.files.delete([prepared.thumbnail_key])

    def _prompt(self, request: GenerationRequest, *, has_image: bool) -> tuple[str, bool | None]:
        if not request.optimize_prompt:
            return compose(request, has_image=has_image), None
        better = None
        if self.optimizer and request.prompt:
            better = self.optimizer.optimize(request.prompt, has_image=has_image)
        return compose(request, has_image=has_image, prompt=better), better is not None

    def _pictures(self, task: Task) -> tuple[_Picture, ...]:
        """Return the task's images as they are sent; one at a time has its pixels in memory."""
        return tuple(self._picture(where, name) for where, name in _named(task.images))

    def _picture(self, where: Mapping[str, str], name: str) -> _Picture:
        try:
            original = images.read_bytes(self._bytes(where))
        except ValidationError as exc:
            message = f"{name}: {exc.message}" if name else exc.message
            if isinstance(exc.__cause__, DownloadFailed) and exc.__cause__.transient:
                raise ImageUnavailable(message) from exc
            raise GenerationError(message, code=exc.code, kind=exc.type) from exc
        turned = upright(original)
        sent = turned or original
        role = ImageRole(where["role"])
        image = InputImage(data=sent.data, content_type=sent.content_type, role=role)
        return _Picture(image, upright=turned is not None)

    def _bytes(self, where: Mapping[str, str]) -> bytes:
        if "url" in where:
            return self.fetcher.image(where["url"])
        found = self.files.get(where["key"])
        if found is None:
            message = "The input image is gone from the bucket."
            raise ValidationError(message, code="invalid_image")
        return found[0]

    def _thumbnail(self, task: Task, pictures: Sequence[_Picture]) -> str | None:
        """Keep a small picture of the first image; a video without one is still a video."""
        small = thumbnail(pictures[0].image.data) if pictures else None
        if small is None:
            return None
        key = thumbnail_key(task.owner, task.task_id)
        try:
            self.files.put(key, small, "image/jpeg")
        except ServiceError:
            return None
        return key


def _named(inputs: Iterable[Mapping[str, str]]) -> Iterator[tuple[Mapping[str, str], str]]:
    """Give each image what an error calls it; of the first frame it says nothing."""
    references = count()
    for where in inputs:
        match where["role"]:
            case ImageRole.REFERENCE:
                yield where, f"reference_images.{next(references)}"
            case ImageRole.LAST_FRAME:
                yield where, "last_frame"
            case _:
                yield where, ""


def _flag(stored: int | None) -> bool | None:
    return None if stored is None else bool(stored)


def extra_fields(request: GenerationRequest) -> dict[str, str]:
    """Return the raw values of the REST dialect, which only the simulator understands."""
    fields = {
        "fps": request.fps,
        "camera_motion": request.camera_motion,
        "motion_strength": request.motion_strength,
    }
    return {name: str(value) for name, value in fields.items() if value is not None}
