"""The finished video: handed out where the relay keeps it, or copied to our bucket.

A copy is made when VEO3_SKIP_UPLOAD is false, and whenever the relay has no public URL: bytes
behind the key, or a data URL. The bearer key never goes to a result URL, so one at the relay's own
origin that wants it is no public URL.

One call is one try. What it could not get may be there later: `watch` asks again.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, BinaryIO, TypeGuard

from aws_lambda_powertools import Logger

from videoapi.aws.files import FileStore, video_key
from videoapi.domain.tasks import Status
from videoapi.errors import GenerationError, ServiceError
from videoapi.media import mp4
from videoapi.net.downloads import Fetcher
from videoapi.net.receiving import DownloadFailed
from videoapi.net.retry_after import retry_after
from videoapi.providers.data_urls import decode_data_url
from videoapi.providers.errors import ContentMissing, JobFailed, PollFailed
from videoapi.providers.provider import Content, Job, VideoProvider
from videoapi.settings import Settings
from videoapi.worker.lease import ROOM_TO_FINISH, ROOM_TO_WORK, Lease, checkpoint

MIN_TRY_SECONDS = 240.0  # that a download gets, however near the deadline is
KEYED = frozenset({401, 403})  # a URL that answers so wants the key
GONE = frozenset({404, 410})  # … or may want it, or is stale

_REFUSED_LINK = "its link is private or malformed"


@dataclass(eq=False)
class Undelivered(Exception):
    """A finished job's video that cannot be had just now.

    `url` is public and may be handed out in the end; `empty` counts towards the verdict that a
    safety filter swallowed the video; `failure` is one that the relay named in the video's place.
    """

    reason: str  # goes on after "could not be fetched: "
    url: str | None = None
    retry_after: float | None = None  # seconds
    empty: bool = False
    unauthorised: bool = False
    failure: JobFailed | None = None

    def ending(self) -> GenerationError:
        """Return how a task ends whose video could not be had until its deadline."""
        if self.unauthorised:
            return account_refused("The provider refused the key for the finished video.")
        return GenerationError(
            f"The video was made but could not be fetched: {self.reason}",
            code="video_download_failed",
            kind="ServiceError",
            maybe_charged=True,
        )


@dataclass(frozen=True)
class Delivery:
    """Brings a finished job's video to where the caller can reach it."""

    settings: Settings
    files: FileStore
    fetcher: Fetcher
    log: Logger

    def deliver(
        self, job: Job, lease: Lease, provider: VideoProvider, *, seconds: float
    ) -> dict[str, Any]:
        """Return the task's `result`; raise `Undelivered`, or `Release` without time to download.

        `seconds` are left until the job's deadline.
        """
        url = job.video_url
        if url is None:
            try:
                with _as_linked(_REFUSED_LINK if job.link_refused else None):
                    return self.from_content(lease, provider, job, seconds=seconds)
            except Undelivered as exc:
                if job.likely_file is None or not exc.empty:
                    raise replace(exc, url=exc.url or job.likely_url) from exc
                url = job.likely_file
        if _holds_data(url):
            return self._decoded(url, lease)
        if not self.settings.veo3_skip_upload:
            return self._copied(url, lease, provider, job, seconds=seconds)
        if refusal := self._turned_away(url, provider):
            with _as_linked(_why_keyed(refusal), url if refusal.challenged else None):
                return self.from_content(lease, provider, job, seconds=seconds)
        return linked_result(url, job)

    def is_of_use(self, url: str, provider: VideoProvider, *, job_ended: bool) -> bool:
        """Return whether a URL may be handed out where the video cannot be had otherwise.

        A provider's own that turns callers away may not, nor one that is gone with its job.
        """
        if not provider.owns(url):
            refusal = self.fetcher.refusal(url) if job_ended else None
            return refusal is None or refusal.status not in GONE
        turned_away = self._turned_away(url, provider)
        return turned_away is None or turned_away.challenged

    def _turned_away(self, url: str, provider: VideoProvider) -> DownloadFailed | None:
        """Return how a provider's own URL turns us away; None where it does not."""
        refusal = self.fetcher.refusal(url) if provider.owns(url) else None
        return refusal if refusal and refusal.status in KEYED | GONE else None

    def from_content(
        self,
        lease: Lease,
        provider: VideoProvider,
        job: Job | None = None,
        *,
        seconds: float = 0.0,
    ) -> dict[str, Any]:
        """Deliver by the relay's own content route, which wants the key."""
        lease.require(ROOM_TO_WORK)
        checkpoint(self.log, "downloading")
        with tempfile.TemporaryFile() as file:
            with _as_undelivered():
                content = provider.download(
                    str(lease.task.upstream_id), file, seconds=_seconds(lease, seconds)
                )
            lease.usage = content.usage or lease.usage
            if content.url is None:
                return self._copy(lease, file, whole=content.whole)
        if _holds_data(content.url):
            return self._decoded(content.url, lease)
        if self.settings.veo3_skip_upload:
            if refusal := self._turned_away(content.url, provider):
                url = content.url if refusal.challenged else None
                raise Undelivered(f"its URL {refusal}", url=url)
            return linked_result(content.url, job, content)
        return self._copied(content.url, lease, provider, job, seconds=seconds, last=True)

    def withdraw(self, result: dict[str, Any], lease: Lease) -> None:
        """Remove a copy whose task was cancelled or deleted meanwhile."""
        task = lease.read()
        unwanted = task is None or task.status in (Status.CANCELLED, Status.FAILED)
        if unwanted and (key := result.get("video_key")):
            self.files.delete([key])

    def _decoded(self, url: str, lease: Lease) -> dict[str, Any]:
        with tempfile.TemporaryFile() as file:
            with _as_undelivered():
                decode_data_url(url, file)
            return self._copy(lease, file, whole=True)

    def _copied(
        self,
        url: str,
        lease: Lease,
        provider: VideoProvider,
        job: Job | None,
        *,
        seconds: float,
        last: bool = False,
    ) -> dict[str, Any]:
        """Copy what is behind a public URL; ask the content route where that is nothing."""
        lease.require(ROOM_TO_WORK)
        checkpoint(self.log, "downloading")
        with tempfile.TemporaryFile() as file:
            try:
                got = self.fetcher.video(url, file, seconds=_seconds(lease, seconds))
            except DownloadFailed as exc:
                stale, why = exc.status in KEYED | GONE, _why_keyed(exc)
                useless = stale and provider.owns(url) and not exc.challenged
                trouble = Undelivered(
                    f"its URL {exc}",
                    url=None if useless else url,
                    retry_after=retry_after(exc.headers),
                )
            else:
                return self._copy(lease, file, whole=got.whole, url=url)
        if last or not stale:
            raise trouble
        try:
            with _as_linked(why):
                return self.from_content(lease, provider, job, seconds=seconds)
        except Undelivered as exc:
            raise (exc if trouble.url is None else trouble) from exc

    def _copy(
        self, lease: Lease, file: BinaryIO, *, whole: bool, url: str | None = None
    ) -> dict[str, Any]:
        """Keep a download. Our reading of the container describes it and judges only a cut."""
        if mp4.is_cut(file, whole=whole):
            raise Undelivered("it is no video, or was cut off on its way", url=url)
        actual = _described(file)
        size = file.seek(0, 2)
        file.seek(0)
        key = video_key(lease.task.owner, lease.task.task_id)
        checkpoint(self.log, "copying")
        with _as_undelivered(url):
            self.files.put(key, file, "video/mp4")
        return {
            "video_key": key,
            "content_type": "video/mp4",
            "size_bytes": size,
            "actual": actual,
        }


def linked_result(url: str, job: Job | None, content: Content | None = None) -> dict[str, Any]:
    """Return the `result` of a video that stays where it is, with what the upstream told of it.

    `video_expires_at` is in epoch seconds, None where the upstream does not say.
    """
    ends = (each.expires_at for each in (content, job) if each)
    return {
        "video_url": url,
        "video_expires_at": next((end for end in ends if end is not None), None),
        "content_type": content.content_type if content else None,
        "actual": {"seconds": job.seconds, "fps": job.fps, "size": job.size} if job else None,
    }


def account_refused(reason: str) -> GenerationError:
    """Return how a paid task ends for which the relay refuses our account."""
    return GenerationError(reason, code="upstream_account_error", maybe_charged=True)


@contextmanager
def _as_undelivered(url: str | None = None) -> Iterator[None]:
    try:
        yield
    except ContentMissing as exc:
        raise Undelivered(
            exc.message,
            retry_after=exc.retry_after,
            empty=exc.swallowed,
            unauthorised=exc.unauthorised,
            failure=exc.failure,
        ) from exc
    except PollFailed as exc:
        raise Undelivered(
            exc.message, retry_after=exc.retry_after, unauthorised=exc.unauthorised
        ) from exc
    except ServiceError as exc:  # the bucket is away
        raise Undelivered(exc.message, url=url) from exc


@contextmanager
def _as_linked(reason: str | None, url: str | None = None) -> Iterator[None]:
    """A video that has a link was not swallowed by a filter, wherever that link leads.

    `reason` is why the link is of no use; None where there is none, or where it leads to nothing.
    `url` is one that callers may be able to open.
    """
    try:
        yield
    except Undelivered as exc:
        exc.url = exc.url or url
        if reason and exc.empty:
            raise replace(exc, reason=reason, empty=False) from exc
        raise


def _why_keyed(refusal: DownloadFailed) -> str | None:
    return f"its URL {refusal}" if refusal.status in KEYED else None


def _seconds(lease: Lease, until_deadline: float) -> float:
    """Return the seconds that one download may take, within those of the invocation."""
    return min(max(until_deadline, MIN_TRY_SECONDS), lease.message.remaining() - ROOM_TO_FINISH)


def _described(file: BinaryIO) -> dict[str, Any] | None:
    try:
        movie = mp4.inspect(file)
    except ValueError:
        return None
    return {
        "seconds": round(movie.seconds, 3) if movie.seconds else None,
        "fps": round(movie.fps, 3) if movie.fps else None,
        "size": f"{movie.width}x{movie.height}",
    }


def _holds_data(url: str | None) -> TypeGuard[str]:
    return url is not None and url[:5].casefold() == "data:"
