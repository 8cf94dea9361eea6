"""What goes upstream for a task: its image, its prompt and the fields a relay knows."""

from dataclasses import dataclass

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
from videoapi.providers.provider import InputImage, Order
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

    `image_note` says what was not done to the image.
    """

    order: Order
    optimized: bool | None
    thumbnail_key: str | None
    image_note: str | None = None


@dataclass(frozen=True)
class OrderBuilder:
    """Makes the order for one task. Raises `GenerationError` when its image cannot be had."""

    settings: Settings
    files: FileStore
    fetcher: Fetcher
    optimizer: PromptOptimizer | None = None  # None where none is configured

    def prepare(self, task: Task, route: Route) -> PreparedOrder:
        """Read the image and find the words. Nothing is charged for trying.

        Raises `ImageUnavailable` where trying again may help.

        A second attempt says the same words as the first, and has its thumbnail already.
        """
        request, given = task.request, self._image(task)
        turned = upright(given) if given else None
        image = turned or given
        if task.prompt_sent is not None:
            prompt, optimized = task.prompt_sent, _flag(task.prompt_optimized)
        else:
            prompt, optimized = self._prompt(request, has_image=image is not None)
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
            images=(InputImage(data=image.data, content_type=image.content_type),) if image else (),
            extra=extra_fields(request) if self.settings.veo3_extra_fields else {},
        )
        key = task.thumbnail_key or self._thumbnail(task, image)
        undone = ((NOT_TURNED, turned), (NO_THUMBNAIL, key)) if given else ()
        note = " ".join(text for text, done in undone if done is None)
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

    def _image(self, task: Task) -> images.Image | None:
        if task.image_key is None and task.image_url is None:
            return None
        try:
            return images.read_bytes(self._bytes(task))
        except ValidationError as exc:
            if isinstance(exc.__cause__, DownloadFailed) and exc.__cause__.transient:
                raise ImageUnavailable(exc.message) from exc
            raise GenerationError(exc.message, code=exc.code, kind=exc.type) from exc

    def _bytes(self, task: Task) -> bytes:
        if task.image_url is not None:
            return self.fetcher.image(task.image_url)
        found = self.files.get(task.image_key or "")
        if found is None:
            message = "The input image is gone from the bucket."
            raise ValidationError(message, code="invalid_image")
        return found[0]

    def _thumbnail(self, task: Task, image: images.Image | None) -> str | None:
        """Keep a small picture of the input; a video without one is still a video."""
        small = thumbnail(image.data) if image else None
        if small is None:
            return None
        key = thumbnail_key(task.owner, task.task_id)
        try:
            self.files.put(key, small, "image/jpeg")
        except ServiceError:
            return None
        return key


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
