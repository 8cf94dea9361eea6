"""Request bodies around images: making one, and announcing an upload.

Apart from the submit's, whose cold start need not build them.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from videoapi.api.fields import Model, integer
from videoapi.media import images


class NewUpload(BaseModel):
    """The body of `POST /api/v1/uploads`."""

    model_config = ConfigDict(extra="forbid", strict=True, title="NewUpload")

    content_type: Literal["image/jpeg", "image/png", "image/webp"] = "image/jpeg"
    size_bytes: Annotated[
        int | None, Field(ge=1, le=images.MAX_BYTES), BeforeValidator(integer)
    ] = None


class GenerateImage(BaseModel):
    """The body of `POST /api/v1/images/generate`."""

    model_config = ConfigDict(extra="forbid", strict=True, title="GenerateImage")

    prompt: Annotated[str, StringConstraints(min_length=1, max_length=4_000)]
    width: Annotated[int, Field(ge=256, le=2048), BeforeValidator(integer)] = 1024
    height: Annotated[int, Field(ge=256, le=2048), BeforeValidator(integer)] = 1024
    quality: Literal["auto", "low", "medium", "high", "standard", "hd"] | None = None
    negative_prompt: Annotated[str, StringConstraints(max_length=2_000)] | None = None
    seed: Annotated[int | None, Field(ge=0, le=2**32 - 1), BeforeValidator(integer)] = None
    model: Model | None = None
