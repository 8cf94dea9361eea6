"""The document's examples. Those of answers are made by the code that makes the answers."""

import json
from dataclasses import replace
from functools import partial
from typing import Any, override

from tools.openapi import mcp_examples
from videoapi.api import documentation, dry_runs, models
from videoapi.api.openai import responses as openai_responses
from videoapi.api.rest import responses as rest_responses
from videoapi.api.usage import day_row
from videoapi.aws.presigned import DAY, Link, UploadForm, UrlSigner
from videoapi.catalog.fitting import Fit
from videoapi.catalog.prices import Quote
from videoapi.catalog.routes import Route
from videoapi.domain.tasks import Dialect, GenerationRequest, Status, Task
from videoapi.domain.timestamps import epoch
from videoapi.providers.classification import ErrorInfo
from videoapi.providers.errors import JobFailed
from videoapi.settings import Settings
from videoapi.usecases.submission import Preview
from videoapi.usecases.uploads import offer
from videoapi.webhooks import events

type Json = Any

ID = "vid_abc123def456ghi789jkl012"
CREATED = "2026-01-11T10:30:00.000Z"
NOW = epoch("2026-01-11T10:31:30.000Z")
PROMPT = "A serene ocean scene with gentle waves"
IMAGE = "https://example.com/image.jpg"
UPLOAD = "upload_mfzwizltoq3dqojqge2ttmv3oa"
WEBHOOK = "https://example.com/webhooks/video"
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
WEBHOOK_TEST: Json = {"an address": {"url": WEBHOOK}}
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
    cost_estimated=250_000,
    cost_reserved=250_000,
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
    cost_actual=250_000,
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
_FAILED = replace(_ENDED, status=Status.FAILED, error=_REFUSED.as_record(), cost_actual=0)
_CANCELLED = replace(_ENDED, status=Status.CANCELLED, intent_at=CREATED)


_DAY = {"completed": 12, "failed": 1, "seconds": 72, "spent": 3_000_000, "committed": 3_250_000}
_DRY_RUN = dry_runs.described(
    "veo_3_1", Preview(Route("relay", "veo_3_1"), Fit(5, "1920x1080"), Quote(250_000, 250_000))
)
_MODELS = Settings(veo3_allowed_models=("veo_3_1", "veo_3_1-fast"))


def event() -> Json:
    """Return what a webhook is sent."""
    ended = replace(_COMPLETED, webhook_event="video.completed")
    video = partial(openai_responses.openai_video, links=_LINKS, now=NOW, sdk_words=True)
    return json.loads(events.body_of(ended, video, include_prompt=False))


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
        "generateVideo 200": {"a dry run": _DRY_RUN},
        "getTask": whole,
        "listTasks": {"one task": [rest_responses.rest_summary(_PROCESSING, now=NOW)]},
        "cancelTask": {"cancelled": rest_responses.cancelled(_CANCELLED)},
        "getVideoStatus": {"processing": rest_responses.rest_video(_PROCESSING, _LINKS, now=NOW)},
        "getUsage": {"a day": {"currency": "USD", "days": [day_row("2026-01-11", _DAY)]}},
        "generateImage": {
            "drawn": {
                "image_url": _LINKS.to("images/4f6e3a.png", now=NOW).url,
                "image_b64": TINY_PNG,
                "service": "openai",
                "duration": 11.802,
            }
        },
        "testWebhook": {
            "taken": {"delivered": True, "status": 204, "milliseconds": 84, "problem": None},
            "away": {
                "delivered": False,
                "status": None,
                "milliseconds": 10000,
                "problem": "no answer within 10 seconds",
            },
        },
        "createUpload": {"ready": offer("anonymous", _LINKS, now=NOW) | {"reference": UPLOAD}},
        "createVideo": {
            "plain JSON": plain["plain JSON"],
            "an SDK": sdk["an SDK"],
            "a dry run": _DRY_RUN,
        },
        "getVideo": {
            "completed": plain["completed"],
            "failed, to an SDK": sdk["failed, to an SDK"],
        },
        "listModels": {"the models": models.listed(_MODELS)},
        "getModel": {"a model": models.found(_MODELS, "veo_3_1")},
        "listModelsInRest": {"the models": models.listed(_MODELS)},
        "listVideos": {"one video": openai_responses.openai_list([listed], more=False)},
        "deleteVideo": {"deleted": openai_responses.deleted(ID)},
        "sendMcpMessage": mcp_examples.answers(_PENDING, now=NOW),
        "getHealth": {"alive": documentation.health()},
    }
