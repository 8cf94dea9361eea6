"""What the REST dialect answers, as models: the exact keys, types and words.

They describe and never run. Handlers build their answers by hand, because pydantic has no place in
their cold start; schemathesis holds the two together.
"""

from typing import Annotated, Literal

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from tools.openapi.answers import (
    UPLOAD_PATTERN,
    Answer,
    Instant,
    Progress,
    ProgressSource,
    Size,
    TaskId,
    Url,
)
from tools.openapi.money_models import BudgetDetails, Cost
from tools.openapi.webhook_models import Webhook
from videoapi.media.images import MAX_BYTES

type RestStatus = Literal["pending", "processing", "completed", "failed", "cancelled"]


class Submitted(Answer):
    """An accepted task."""

    task_id: TaskId
    status: RestStatus
    """`pending`, or where the task stands when an `Idempotency-Key` found it."""
    message: str
    """Says where to poll."""
    cost: Cost


class TaskError(Answer):
    """Why a task ended without a video."""

    type: str
    """`VideoGenerationError`, `ServiceError`, `ValidationError` (the image) or `Cancelled`."""
    message: str
    """For people. That of a content policy violation holds `content_policy`."""
    code: str
    """For programs, such as `content_policy_violation`, `audio_filtered` or `invalid_image`."""
    retryable: bool
    """Whether the same request has a chance when it is sent again."""
    maybe_charged: bool
    """Whether the upstream may have charged for it nevertheless."""


class Requested(Answer):
    """What was asked."""

    seconds: int | None
    """Null when the model was left to decide."""
    fps: int
    size: Size
    negative_prompt: str | SkipJsonSchema[None] = None
    """This and what follows: only there where it was asked for."""
    seed: int | SkipJsonSchema[None] = None
    generate_audio: bool | SkipJsonSchema[None] = None
    last_frame: Literal[True] | SkipJsonSchema[None] = None
    reference_images: int | SkipJsonSchema[None] = None
    """How many."""


class Actual(Answer):
    """What was made, as far as the upstream or the file itself tells."""

    seconds: float | None
    fps: float | None
    size: Size | None


class Video(Answer):
    """The finished video."""

    video_url: Url | None
    """Plays without credentials until `expires_at` at most; read the task for a fresh one."""
    thumbnail_url: Url | None
    expires_at: Instant | None
    """When the URL ends; null when only its server knows."""
    content_type: str | None
    size_bytes: int | None
    requested: Requested
    actual: Actual | None


class TaskResult(Answer):
    """The outcome of a completed task."""

    service: Literal["veo3"]
    result: Video
    duration: float
    """Seconds from the start of the work to its end."""


class Task(Answer):
    """The whole task. `result` is null until it is completed, `error` unless it ended without."""

    task_id: TaskId
    status: RestStatus
    progress: Progress
    progress_source: ProgressSource
    """The provider says the progress, or time over usual time estimates it, up to 95."""
    queue_position: Annotated[int, Field(ge=0)] | None
    """Tasks that are served before this one; null where unknown, and of one that has ended."""
    eta_seconds: Annotated[int, Field(ge=1)] | None
    """Until the end, by the last tasks of this model, length and size; null until there are any."""
    created_at: Instant
    updated_at: Instant
    completed_at: Instant | None
    """When it ended."""
    video_url: Url | None
    """The same as in `result`."""
    result: TaskResult | None
    error: TaskError | None
    cost: Cost
    attempts: Annotated[int, Field(ge=0)]
    """Requests sent upstream so far."""
    provider: Literal["relay", "vertex", "gemini"] | None
    """Whom the last request went to; null before the first."""
    model: str
    """The model in the provider's own words; until a request was sent, as it was asked for."""
    prompt: str | None
    """As it was really sent upstream; until then as it was asked."""
    image_note: str = ""
    """What was not done to a large input image. Only there when there is something to say."""
    prompt_optimized: bool = False
    """Whether the prompt was optimized. Only there when that was asked for and tried."""
    metadata: dict[str, str] = Field(default_factory=dict, max_length=16)
    """As it was sent. Only there when some was."""
    webhook: Webhook | SkipJsonSchema[None] = None
    """Only there where the task has a webhook."""


class TaskSummary(Answer):
    """One line of the list."""

    task_id: TaskId
    status: RestStatus
    progress: Progress
    created_at: Instant
    updated_at: Instant
    message: str
    """Where the task stands, in words."""
    cost: Cost


class VideoStatus(Answer):
    """The flat status of the deprecated route."""

    task_id: TaskId
    status: RestStatus
    progress: Progress
    video_url: Url | None
    error: TaskError | None
    cost: Cost
    created_at: Instant
    updated_at: Instant


class CancelledTask(Answer):
    """A cancelled task."""

    success: Literal[True]
    message: str
    """Says so when the upstream may have charged nevertheless."""
    task_id: TaskId


class GeneratedImage(Answer):
    """An image for a video to start from."""

    image_url: Url
    """A submit takes it as `image`; anybody else can read it for about an hour."""
    image_b64: str | None
    """The same image as base64; null when it is over 3 MB."""
    service: str
    duration: float
    """Seconds."""


class Upload(Answer):
    """A form for one image, and what a submit knows the image by."""

    reference: Annotated[str, Field(pattern=UPLOAD_PATTERN)]
    """A submit takes it as its image for 24 hours, once the file is there; from you alone."""
    url: Url
    """Where to POST the form, as multipart/form-data and without your API key."""
    fields: dict[str, str]
    """The form's fields, as they are. The file comes after them, as `file`."""
    max_bytes: Annotated[int, Field(ge=1, le=MAX_BYTES)]
    """S3 refuses a larger file."""
    expires_at: Instant
    """S3 takes the form until then."""


class Health(Answer):
    """A living function."""

    status: Literal["ok"]
    version: str


class RestFieldError(Answer):
    """One bad field; what was sent in it is never repeated."""

    field: str
    message: str
    code: str
    allowed: list[str] = Field(default_factory=list)
    """What can be asked for instead, where the model cannot make this (`unsupported_value`)."""


class RestErrorBody(Answer):
    """What went wrong."""

    type: Literal[
        "ValidationError",
        "MalformedBody",
        "AuthenticationError",
        "PaymentRequired",
        "Forbidden",
        "NotFound",
        "MethodNotAllowed",
        "Conflict",
        "PayloadTooLarge",
        "UnsupportedMediaType",
        "RateLimited",
        "ServiceError",
    ]
    message: str
    """For people."""
    code: Annotated[str, Field(min_length=1)]
    """For programs."""
    retryable: bool
    """Whether the same request has a chance when it is sent again."""
    details: list[RestFieldError] | BudgetDetails = Field(default_factory=list)
    """Every bad field, or when a budget begins anew. Only there in these cases."""


class RestError(Answer):
    """An error in the REST dialect."""

    error: RestErrorBody


class GatewayError(Answer):
    """What the gateway in front answers by itself, in neither dialect's shape."""

    message: str


ANSWERS = (
    Submitted,
    Task,
    TaskSummary,
    VideoStatus,
    CancelledTask,
    GeneratedImage,
    Upload,
    Health,
    RestError,
    GatewayError,
)
