"""What the OpenAI dialect answers, as models: OpenAI's objects with the document's additions."""

from typing import Annotated, Literal

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from tools.openapi.answers import Answer, Progress, ProgressSource, Size, TaskId, Url
from tools.openapi.money_models import BudgetDetails, Cost
from tools.openapi.webhook_models import OpenAiWebhook

type OpenAiStatus = Literal[
    "queued", "in_progress", "completed", "failed", "pending", "processing", "cancelled"
]
Epoch = Annotated[int, Field(ge=0, description="Seconds since 1970.")]


class OpenAiVideoError(Answer):
    """Why there is no video."""

    code: str
    message: str
    type: str
    param: None
    retryable: bool


class OpenAiVideo(Answer):
    """The video object: OpenAI's, and `created`, `video_url` and `retryable`."""

    id: TaskId
    object: Literal["video"]
    model: str
    status: OpenAiStatus
    """OpenAI's words for its SDKs and for what they created, else the words of the REST dialect."""
    progress: Progress
    progress_source: ProgressSource
    """The provider says the progress, or time over usual time estimates it, up to 95."""
    queue_position: Annotated[int, Field(ge=0)] | None
    """Tasks that are served before this one; null where unknown, and of one that has ended."""
    eta_seconds: Annotated[int, Field(ge=1)] | None
    """Until the end, by the last tasks of this model, length and size; null until there are any."""
    created: Epoch
    created_at: Epoch
    completed_at: Epoch | None
    expires_at: Epoch | None
    """When the task is forgotten."""
    prompt: str | None
    size: Size
    seconds: Annotated[str, Field(pattern="^(?:[1-9]|10)$")]
    """A string, as OpenAI has it; `8` when the model was left to decide."""
    remixed_from_video_id: None
    error: OpenAiVideoError | None
    cost: Cost
    video_url: Url | None
    """Plays without credentials; read the video again for a fresh one."""
    webhook: OpenAiWebhook | SkipJsonSchema[None] = None
    """Only there where the task has a webhook."""


class EventVideo(OpenAiVideo):
    """The video object of an ended task, in OpenAI's words."""

    task_id: TaskId


class VideoEvent(Answer):
    """The end of a task, as it is sent to its webhook."""

    id: Annotated[str, Field(pattern="^evt_[a-z0-9]{24,64}$")]
    """One for each task, the same at every try: what you have seen is a repetition."""
    object: Literal["event"]
    created_at: Epoch
    """When the task ended."""
    type: Literal["video.completed", "video.failed", "video.cancelled"]
    data: EventVideo


class OpenAiVideoList(Answer):
    """A page of videos."""

    object: Literal["list"]
    data: list[OpenAiVideo]
    first_id: TaskId | None
    last_id: TaskId | None
    has_more: bool


class OpenAiDeletedVideo(Answer):
    """A deleted video."""

    id: TaskId
    object: Literal["video.deleted"]
    deleted: Literal[True]


class Price(Answer):
    """A list price."""

    resolution: Literal["720p", "1080p"]
    audio: bool
    """Whether it is the price with sound."""
    usd: float
    per: Literal["second", "video"]


class Capabilities(Answer):
    """What can be asked for: whatever any route of the model can do."""

    durations: list[int]
    """Seconds."""
    sizes: list[Size]
    aspect_ratios: list[str]
    fps: list[int]
    image_roles: list[Literal["first_frame", "last_frame", "reference"]]
    max_reference_images: int
    seed: bool
    negative_prompt: bool
    generate_audio: bool
    """Whether sound can be turned off."""
    progress: bool
    cancel: bool
    """Whether a running video can be cancelled at the provider."""
    pricing: list[Price] | None
    """Null where no price is known."""
    retires_on: str | None
    """The day from which the provider may stop serving it."""
    routes: list[Literal["relay", "vertex", "gemini"]]
    """Providers in the order in which they are asked."""


class Model(Answer):
    """A model that a submit may name."""

    id: str
    object: Literal["model"]
    created: Epoch
    """0 where the provider reports none."""
    owned_by: str
    """The provider that is asked first."""
    video: Capabilities


class ModelList(Answer):
    """The models on offer, the default first."""

    object: Literal["list"]
    data: list[Model]


class OpenAiErrorBody(Answer):
    """What went wrong."""

    message: str
    """For people."""
    type: Literal[
        "invalid_request_error",
        "authentication_error",
        "insufficient_quota",
        "rate_limit_error",
        "server_error",
    ]
    param: str | None
    """The bad field."""
    code: Annotated[str, Field(min_length=1)]
    """For programs."""
    details: BudgetDetails | SkipJsonSchema[None] = None
    """When a budget begins anew. Only there with `budget_exceeded`."""


class OpenAiError(Answer):
    """An error in the OpenAI dialect."""

    error: OpenAiErrorBody


ANSWERS = (
    Model,
    ModelList,
    OpenAiVideo,
    OpenAiVideoList,
    OpenAiDeletedVideo,
    OpenAiError,
    VideoEvent,
)
