"""The port: what a provider of videos does, and the values that go in and come out.

A provider is a family of upstream API. It knows an `Order` and a job's id, and nothing of tasks.
It never repeats a request that may cost money, and says precisely whether money may have been
spent: after `submit` by what is returned (yes) or raised (`SubmitRefused`: no, `SubmitUnknown`:
perhaps); after `poll` by whether the answer says anything about the job at all. `errors` holds all
that may be raised.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import IO, Final, Protocol, runtime_checkable

from videoapi.providers.errors import JobFailed


class ImageRole(StrEnum):
    """What an image of an order is for."""

    FIRST_FRAME = "first_frame"
    LAST_FRAME = "last_frame"
    REFERENCE = "reference"  # what the video is to show; up to three


@dataclass(frozen=True, kw_only=True)
class InputImage:
    """An image of an order: JPEG, PNG or WebP, as `content_type` says."""

    data: bytes = field(repr=False)
    content_type: str
    role: ImageRole = ImageRole.FIRST_FRAME

    @property
    def file_name(self) -> str:
        """The name that a form's part carries, such as `input.jpg`."""
        kind = self.content_type.removeprefix("image/")
        return f"input.{'jpg' if kind == 'jpeg' else kind}"


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to make, in the provider's own name of the model.

    `size` is `WxH` in pixels. `seconds` None leaves the length to the model, as `seed` and
    `generate_audio` None leave those. `key` is one for each attempt that may be paid for, and the
    same again for one that is repeated because its answer was lost: an idempotency key, where the
    provider knows such. `extra` are fields that only the simulator knows.
    """

    model: str
    prompt: str = field(repr=False)
    size: str
    key: str
    seconds: int | None = None
    images: tuple[InputImage, ...] = ()
    negative_prompt: str | None = field(default=None, repr=False)
    seed: int | None = None  # 0 to 2³²-1; 0 is a seed
    generate_audio: bool | None = None
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Accepted:
    """The provider took the order and, as a rule, the money.

    `ids` are all that the answer names, `job_id` among them.
    """

    job_id: str
    ids: tuple[str, ...] = field(default=(), compare=False)


class JobState(StrEnum):
    """What the providers' many status words come down to."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


_VIDEO_FILE: Final = re.compile(r"data:|[^?#]*\.(?:mp4|webm|mov|m4v)(?:[?#]|\Z)", re.IGNORECASE)


def is_video_file(url: str) -> bool:
    """Return whether a URL holds a video, or its path ends as a video's file does."""
    return bool(_VIDEO_FILE.match(url))


@dataclass(frozen=True, kw_only=True)
class Job:
    """One poll of a job. None wherever the provider does not say, or says something senseless.

    `progress` is 0-100 and may go back; `video_url` is only told of a done job and is http(s) or
    `data:` (many MB); `likely_url` is one that may be the video's, for where its provider has no
    other; `link_refused` says that a done job has only a link that nobody may be sent to.
    `failure` is set if and only if `state` is FAILED. `ids` are all that the answer names;
    `expires_at` (epoch seconds) is the earliest end of the video that is known.
    `usage` counts what is billed, where that is told: `input_tokens`, `video_tokens`, …
    """

    state: JobState
    progress: int | None = None
    video_url: str | None = field(default=None, repr=False)
    likely_url: str | None = field(default=None, repr=False)
    link_refused: bool = False
    failure: JobFailed | None = None
    seconds: float | None = None
    fps: float | None = None
    size: str | None = None
    ids: tuple[str, ...] = field(default=(), compare=False)
    expires_at: float | None = None
    usage: Mapping[str, int] = field(default_factory=dict, compare=False)

    @property
    def likely_file(self) -> str | None:
        """The `likely_url` where it ends as a video's file does; None where it may be a page's."""
        return self.likely_url if is_video_file(self.likely_url or "") else None

    def names(self, job_id: str) -> bool:
        """Return whether the answer says itself that it is about this job.

        Only such a one may lead to another POST.
        """
        return job_id in self.ids


@dataclass(frozen=True, kw_only=True)
class Content:
    """A video's whereabouts: `url` (http, https, data:), or None and `size_bytes` in the file.

    `content_type` is what the provider says, which may be wrong; None when it says nothing.
    `expires_at` (epoch seconds) is when the URL's own signature ends, None when it does not say.
    `whole` says that the file is as long as the provider had announced; `usage` is as of a `Job`.
    """

    url: str | None = field(default=None, repr=False)
    size_bytes: int | None = None
    content_type: str | None = None
    expires_at: float | None = None
    whole: bool = field(default=False, compare=False)
    usage: Mapping[str, int] = field(default_factory=dict, compare=False)


class VideoProvider(Protocol):
    """One provider, for the jobs of one account at one address."""

    @property
    def address(self) -> str:
        """Where its jobs live: kept with each of them, as settings change."""

    def prepare(self) -> None:
        """Read the credentials ahead of an order. Raise `ServiceError` if they cannot be had."""

    def submit(self, order: Order) -> Accepted:
        """Order a video, once. Raise `SubmitRefused` (not accepted) or `SubmitUnknown`."""

    def poll(self, job_id: str) -> Job:
        """Look at a job. Raise `JobMissing`, or `PollFailed` when the answer says nothing of it."""

    def download(self, job_id: str, into: IO[bytes], *, seconds: float | None = None) -> Content:
        """Fetch a done job's video, or learn its URL; `into` is emptied before it is written to.

        `seconds` bounds the body (the provider's own total without it). Raise `ContentMissing` for
        an answer without a video, `PollFailed` for a lost or a cut one.
        """

    def owns(self, url: str) -> bool:
        """Return whether a URL is at the provider's own origin, where it may want credentials."""


@runtime_checkable
class CancellableProvider(VideoProvider, Protocol):
    """A provider that can be asked to stop a job; a relay and Veo cannot."""

    def cancel(self, job_id: str) -> Job:
        """Ask that a job be stopped; return what the answer says of it. Raise as `poll` does."""
