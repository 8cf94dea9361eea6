"""The finished video: handed out where the relay keeps it, or copied to our bucket.

A copy is made when VEO3_SKIP_UPLOAD is false, and whenever the relay has no public URL: bytes
behind the key, or a data URL. The bearer key never goes to a result URL.
"""

import tempfile
from dataclasses import dataclass
from typing import Any, BinaryIO, TypeGuard

from aws_lambda_powertools import Logger

from videoapi import mp4
from videoapi.errors import GenerationError
from videoapi.failures import ContentMissing, JobMissing, PollFailed, swallowed_filter
from videoapi.fetch import DownloadFailed, Fetcher
from videoapi.lease import Lease
from videoapi.relay_answers import Job
from videoapi.settings import Settings
from videoapi.storage import Files, video_key
from videoapi.store import TaskStore
from videoapi.tasks import Status
from videoapi.veo3 import Veo3, decode_data_url

PAUSES = (1, 2, 4, 6)  # seconds between tries to get the video of a job that says it is done
ROOM_TO_DELIVER = 300  # seconds left for one try, or hand over


@dataclass(frozen=True)
class Source:
    """Where the video is: at a public URL, or already in the file."""

    url: str | None
    content_type: str | None = None


class Delivery:
    """Brings a finished job's video to where the caller can reach it."""

    def __init__(
        self,
        settings: Settings,
        store: TaskStore,
        files: Files,
        relay: Veo3,
        fetcher: Fetcher,
        log: Logger,
    ) -> None:
        """Take the adapters that `services` made."""
        self._settings = settings
        self._store = store
        self._files = files
        self._relay = relay
        self._fetcher = fetcher
        self._log = log

    def deliver(self, job: Job, lease: Lease) -> dict[str, Any]:
        """Return the task's `result`. Raises `GenerationError` when there is no video to be had.

        Trouble on the way is tried again over some seconds, with a fresh look at the job: result
        URLs expire, and a "completed" job may need a moment. None of it starts another job.
        """
        trouble: Exception | None = None
        for pause in (*PAUSES, None):
            lease.require(ROOM_TO_DELIVER)
            try:
                return self._once(job, lease)
            except (DownloadFailed, ContentMissing, PollFailed, NotAVideo) as exc:
                trouble = exc
            if pause is not None:
                lease.wait(pause)
                job = self._look_again(job, lease)
        if isinstance(trouble, ContentMissing):
            raise swallowed_filter() from trouble
        reason = f"its URL {trouble}" if isinstance(trouble, DownloadFailed) else trouble
        message = f"The video was made but could not be fetched: {reason}"
        raise GenerationError(
            message, code="video_download_failed", kind="ServiceError", maybe_charged=True
        ) from trouble

    def withdraw(self, result: dict[str, Any], lease: Lease) -> None:
        """Remove a copy whose task was cancelled or deleted meanwhile."""
        task = self._store.get(lease.task.task_id)
        unwanted = task is None or task.status in (Status.CANCELLED, Status.FAILED)
        if unwanted and (key := result.get("video_key")):
            self._files.delete([key])

    def _once(self, job: Job, lease: Lease) -> dict[str, Any]:
        with tempfile.TemporaryFile() as file:
            source = self._source(job, lease, file)
            if source.url is not None:
                if self._settings.veo3_skip_upload:
                    return {
                        "video_url": source.url,
                        "content_type": source.content_type,
                        "actual": reported(job),
                    }
                self._log.debug("step", step="downloading")
                self._fetcher.video(source.url, file)
            return self._copy(lease, file)

    def _source(self, job: Job, lease: Lease, file: BinaryIO) -> Source:
        """Find the video, in the order: public URL, data URL, the relay's own content route."""
        url = job.video_url
        if _holds_data(url):
            return Source(None, decode_data_url(url, file).content_type)
        if url is not None:
            return Source(url)
        self._log.debug("step", step="downloading")
        content = self._relay.content(str(lease.task.upstream_id), file)
        if _holds_data(content.url):
            return Source(None, decode_data_url(content.url, file).content_type)
        return Source(content.url, content.content_type)

    def _copy(self, lease: Lease, file: BinaryIO) -> dict[str, Any]:
        size = file.seek(0, 2)
        file.seek(0)
        try:
            movie = mp4.inspect(file)
        except ValueError as exc:
            raise NotAVideo(str(exc)) from exc
        file.seek(0)
        key = video_key(lease.task.owner, lease.task.task_id)
        self._log.debug("step", step="copying")
        self._files.put(key, file, "video/mp4")
        return {
            "video_key": key,
            "content_type": "video/mp4",
            "size_bytes": size,
            "actual": {
                "seconds": round(movie.seconds, 3) if movie.seconds else None,
                "fps": round(movie.fps, 3) if movie.fps else None,
                "size": f"{movie.width}x{movie.height}",
            },
        }

    def _look_again(self, job: Job, lease: Lease) -> Job:
        """Ask anew; a job that now says why there is no video ends as any other that fails."""
        try:
            job = self._relay.retrieve(str(lease.task.upstream_id))
        except (JobMissing, PollFailed):
            return job
        if job.failure is not None:
            raise job.failure
        return job


class NotAVideo(Exception):
    """What was downloaded is not a whole MP4."""


def _holds_data(url: str | None) -> TypeGuard[str]:
    return url is not None and url[:5].casefold() == "data:"


def reported(job: Job) -> dict[str, Any]:
    """Return what the upstream says it made; nothing is known where nothing is said."""
    return {"seconds": job.seconds, "fps": job.fps, "size": job.size}
