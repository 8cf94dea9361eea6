"""The document's examples. Those of answers are made by the code that makes the answers."""

from dataclasses import replace
from typing import Any, override

from videoapi.accounts.api_keys import ApiKeyStore
from videoapi.api import documentation, models
from videoapi.api.bodies import TOO_LARGE
from videoapi.api.openai import responses as openai_responses
from videoapi.api.openai.requests import from_openai
from videoapi.api.rest import responses as rest_responses
from videoapi.api.rest.requests import from_rest
from videoapi.aws.presigned import DAY, Link, UploadForm, UrlSigner
from videoapi.domain.tasks import Dialect, GenerationRequest, Status, Task
from videoapi.domain.timestamps import epoch
from videoapi.errors import (
    AuthenticationError,
    Conflict,
    MalformedBody,
    NotFound,
    PayloadTooLarge,
    RateLimited,
    ServiceError,
    UnsupportedMediaType,
    ValidationError,
    VideoApiError,
)
from videoapi.providers.classification import ErrorInfo
from videoapi.providers.errors import JobFailed
from videoapi.settings import Settings
from videoapi.usecases.uploads import offer

type Json = Any

ID = "vid_abc123def456ghi789jkl012"
CREATED = "2026-01-11T10:30:00.000Z"
NOW = epoch("2026-01-11T10:31:30.000Z")
PROMPT = "A serene ocean scene with gentle waves"
IMAGE = "https://example.com/image.jpg"
UPLOAD = "upload_mfzwizltoq3dqojqge2ttmv3oa"
TINY_PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII="
)

REST_VIDEO: Json = {
    "every field": {
        "image": IMAGE,
        "prompt": "Gentle camera pan across the scene",
        "duration": 5,
        "fps": 30,
        "resolution": "1920x1080",
        "motion_strength": 0.5,
        "camera_motion": "pan",
        "optimize_prompt": False,
    },
    "image by URL": {"image": IMAGE, "prompt": PROMPT, "duration": 5, "fps": 30},
    "image as base64": {"image": TINY_PNG, "prompt": "Camera slowly pans across the landscape"},
    "image that was uploaded": {"image": UPLOAD, "prompt": PROMPT},
    "first and last frame": {"image": IMAGE, "last_frame": UPLOAD, "prompt": PROMPT},
}
OPENAI_VIDEO: Json = {
    "image by URL": {
        "prompt": PROMPT,
        "input_reference": IMAGE,
        "size": "1920x1080",
        "seconds": 5,
        "model": "veo_3_1",
    },
    "text-to-video": {"prompt": PROMPT, "seconds": "8", "size": "1280x720"},
    "image as an object": {
        "prompt": "Gentle camera pan",
        "input_reference": {"image_url": f"data:image/png;base64,{TINY_PNG}"},
    },
    "frames in OpenRouter's words": {
        "prompt": PROMPT,
        "frame_images": [
            {"type": "image_url", "image_url": {"url": IMAGE}, "frame_type": "first_frame"},
            {"type": "image_url", "image_url": {"url": UPLOAD}, "frame_type": "last_frame"},
        ],
    },
}
OPENAI_FORM: Json = {
    "text-to-video": {"prompt": PROMPT, "seconds": "8", "size": "1280x720"},
    "image by URL": {"prompt": PROMPT, "input_reference[image_url]": IMAGE},
}
NEW_UPLOAD: Json = {"a photo": {"content_type": "image/jpeg", "size_bytes": 12345678}}
DRAWING: Json = {
    "document": {
        "prompt": "A serene mountain landscape",
        "width": 1920,
        "height": 1080,
        "quality": "high",
    }
}


class _ShortSigner(UrlSigner):
    """Presigned links without the long signature."""

    def __init__(self) -> None:
        """Needs nothing: it signs nothing."""

    @override
    def kept_until(self, since: str) -> float:
        return epoch(since) + 2 * DAY

    @override
    def to(self, key: str, *, now: float) -> Link:
        return Link(f"https://files.example.com/{key}?X-Amz-Signature=c0ffee", now + 3600)

    @override
    def form(
        self, key: str, content_type: str, *, sizes: tuple[int, int], seconds: int, now: float
    ) -> UploadForm:
        fields = {"key": f"inputs/anonymous/uploads/{UPLOAD[7:]}", "Content-Type": content_type}
        signed = {"policy": "eyJleHBpcmF0aW9uIjog…", "x-amz-signature": "c0ffee…"}
        return UploadForm("https://files.example.com/", fields | signed, now + seconds)


_LINKS = _ShortSigner()
_PENDING = Task(
    task_id=ID,
    owner="anonymous",
    status=Status.PENDING,
    created_at=CREATED,
    updated_at=CREATED,
    request=GenerationRequest(model="veo_3_1", prompt=PROMPT, seconds=5),
)
_PROCESSING = replace(
    _PENDING,
    status=Status.PROCESSING,
    updated_at="2026-01-11T10:30:15.000Z",
    claimed_at="2026-01-11T10:30:00.400Z",
    accepted_at="2026-01-11T10:30:01.900Z",
    progress=45,
    progress_source="provider",
    expected_seconds=32,
    attempts=1,
    prompt_sent=PROMPT,
)
_ENDED = replace(
    _PROCESSING,
    updated_at="2026-01-11T10:31:07.250Z",
    completed_at="2026-01-11T10:31:07.250Z",
    expires_at=1768213867,
)
_COMPLETED = replace(
    _ENDED,
    status=Status.COMPLETED,
    progress=100,
    result={
        "video_key": f"videos/{ID}.mp4",
        "thumbnail_key": f"thumbnails/{ID}.jpg",
        "content_type": "video/mp4",
        "size_bytes": 4816210,
        "actual": {"seconds": 6.0, "fps": 24.0, "size": "1920x1080"},
        "duration": 66.4,
    },
)
_REFUSED = JobFailed(ErrorInfo(("PUBLIC_ERROR_PROMINENT_PEOPLE_FILTER_FAILED",)))
_FAILED = replace(_ENDED, status=Status.FAILED, error=_REFUSED.as_record())
_CANCELLED = replace(_ENDED, status=Status.CANCELLED, intent_at=CREATED)


_MODELS = Settings(veo3_allowed_models=("veo_3_1", "veo_3_1-fast"))


def answers() -> dict[str, dict[str, Json]]:
    """Return the examples of each operation's success by their names."""
    plain = {
        name: openai_responses.openai_video(task, _LINKS, now=NOW, sdk_words=False)
        for name, task in (("plain JSON", _PENDING), ("completed", _COMPLETED))
    }
    sdk = {
        name: openai_responses.openai_video(
            replace(task, dialect=Dialect.OPENAI), _LINKS, now=NOW, sdk_words=True
        )
        for name, task in (("an SDK", _PENDING), ("failed, to an SDK", _FAILED))
    }
    whole = {
        str(task.status): rest_responses.rest_task(task, _LINKS, now=epoch(task.updated_at))
        for task in (_PROCESSING, _COMPLETED, _FAILED, _CANCELLED)
    }
    listed = openai_responses.openai_video(_COMPLETED, _LINKS, now=NOW, sdk_words=True)
    return {
        "generateVideo": {"accepted": rest_responses.submitted(_PENDING)},
        "getTask": whole,
        "listTasks": {"one task": [rest_responses.rest_summary(_PROCESSING, now=NOW)]},
        "cancelTask": {"cancelled": rest_responses.cancelled(_CANCELLED)},
        "getVideoStatus": {"processing": rest_responses.rest_video(_PROCESSING, _LINKS, now=NOW)},
        "generateImage": {
            "drawn": {
                "image_url": _LINKS.to("images/4f6e3a.png", now=NOW).url,
                "image_b64": TINY_PNG,
                "service": "openai",
                "duration": 11.802,
            }
        },
        "createUpload": {"ready": offer("anonymous", _LINKS, now=NOW) | {"reference": UPLOAD}},
        "createVideo": {"plain JSON": plain["plain JSON"], "an SDK": sdk["an SDK"]},
        "getVideo": {
            "completed": plain["completed"],
            "failed, to an SDK": sdk["failed, to an SDK"],
        },
        "listModels": {"the models": models.listed(_MODELS)},
        "getModel": {"a model": models.found(_MODELS, "veo_3_1")},
        "listModelsInRest": {"the models": models.listed(_MODELS)},
        "listVideos": {"one video": openai_responses.openai_list([listed], more=False)},
        "deleteVideo": {"deleted": openai_responses.deleted(ID)},
        "getHealth": {"alive": documentation.health()},
    }


def refusals(dialect: Dialect) -> dict[int, list[Json]]:
    """Return error bodies of a dialect by their status."""
    found: dict[int, list[Json]] = {}
    for error in _errors(dialect):
        if dialect is Dialect.OPENAI:
            status, body = openai_responses.openai_error(error)
        else:
            status, body = error.status, rest_responses.rest_error(error)
        found.setdefault(status, []).append(body)
    return found


def _daily_limit() -> RateLimited:
    error = RateLimited("This key may make 50 videos a day.", code="daily_limit_reached")
    error.retryable = False  # not within the minute that a client would wait
    return error


def _errors(dialect: Dialect) -> list[VideoApiError]:
    openai = dialect is Dialect.OPENAI
    shared: list[VideoApiError] = [
        MalformedBody("The body is not valid JSON.", code="invalid_json"),
        _unknown_key(),
        NotFound("No such task.", code="task_not_found"),
        NotFound("No such route. See /docs.", code="route_not_found"),
        PayloadTooLarge(TOO_LARGE),
        UnsupportedMediaType("Send the body as application/json.", param="Content-Type"),
        UnsupportedMediaType(
            "Send the body without Content-Encoding, or as gzip or deflate.",
            code="unsupported_content_encoding",
            param="Content-Encoding",
        ),
        RateLimited("This key may submit 10 times a minute."),
        _daily_limit(),
        RateLimited("This key may have 5 tasks alive at once.", code="too_many_tasks_alive"),
        VideoApiError("Something went wrong here; the logs tell it under this request id."),
        ServiceError("The task table does not answer just now. Try again."),
        ValidationError(
            "This Idempotency-Key was used for a different request.",
            code="idempotency_key_reused",
            param="Idempotency-Key",
        ),
    ]
    if openai:
        return [
            *shared,
            _refused({"seconds": 5}, openai=True),
            _refused({"prompt": PROMPT, "size": "4096x2160"}, openai=True),
            NotFound("This service offers veo_3_1.", code="model_not_found", param="model"),
            NotFound("The video is not ready yet: processing, 45 %.", code="video_not_ready"),
            NotFound("There is no video: Audio filtered", code="video_failed"),
            NotFound("The video was kept for its retention time.", code="video_expired"),
        ]
    return [
        *shared,
        _refused({"image": IMAGE, "duration": 60, "promt": PROMPT}, openai=False),
        Conflict("The task has already ended: completed.", code="task_already_ended"),
    ]


def _unknown_key() -> VideoApiError:
    nowhere: Any = None
    try:
        ApiKeyStore(nowhere, "", clock=lambda: NOW).find("not a key")
    except AuthenticationError as error:
        return error
    raise AssertionError(nowhere)


def _refused(fields: Json, *, openai: bool) -> VideoApiError:
    try:
        (from_openai if openai else from_rest)(fields, Settings())
    except ValidationError as error:
        return error
    raise AssertionError(fields)
