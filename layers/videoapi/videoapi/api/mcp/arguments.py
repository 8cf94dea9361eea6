"""The tools' arguments: the routes' request models, and small ones for what stands in a path."""

from typing import Annotated, Literal, Self, override

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from videoapi.api.fields import integer
from videoapi.api.idempotency import MAX_KEY
from videoapi.api.listing import DEFAULT_LIMIT, MAX_LIMIT
from videoapi.api.rest.requests import GenerateVideo


class OneVideo(BaseModel):
    """The arguments of `get_video` and `cancel_video`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    task_id: str


class ListVideos(BaseModel):
    """The arguments of `list_videos`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT), BeforeValidator(integer)] = DEFAULT_LIMIT
    status: Literal["pending", "processing", "completed", "failed", "cancelled"] | None = None
    cursor: str | None = None


class ListModels(BaseModel):
    """The arguments of `list_models`: none."""

    model_config = ConfigDict(extra="forbid")


class GenerateVideoCall(GenerateVideo):
    """The arguments of `generate_video`: the body of a submit, in which a prompt may be enough."""

    idempotency_key: Annotated[str, StringConstraints(min_length=1, max_length=MAX_KEY)] | None = (
        None
    )
    dry_run: bool | None = False

    @field_validator("image")
    @classmethod
    @override
    def _require_image(cls, image: str | None, info: ValidationInfo) -> str | None:
        return image

    @model_validator(mode="after")
    def _require_something(self) -> Self:
        images = (self.image, self.last_frame, self.reference_images)
        if not (self.prompt or "").strip() and all(image is None for image in images):
            raise PydanticCustomError("missing", "Say a prompt, an image, or both")
        return self
