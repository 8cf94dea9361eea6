"""Gemini Omni through the Gemini API's Interactions, with an API key.

An interaction runs in the background, can be cancelled, and tells the tokens that it is billed by.
Google knows no idempotency key here: an order whose answer is lost cannot be found again.
"""

import re
import tempfile
from collections.abc import Callable, Collection
from dataclasses import replace
from http import HTTPStatus
from typing import IO, Final
from urllib.parse import urljoin

import httpx
from aws_lambda_powertools import Logger

from videoapi.net.http_client import Timeouts
from videoapi.net.ssrf import is_at, origin
from videoapi.providers.errors import ContentMissing, NoContentReason, SubmitUnknown
from videoapi.providers.google.interactions import (
    accepted_id,
    interaction_of,
    read_interaction,
    require_id,
    video_in,
)
from videoapi.providers.google.requests import GoogleRequests, origin_checked
from videoapi.providers.google.responses import (
    GoogleResponse,
    content_missing,
    no_video,
    video_type,
)
from videoapi.providers.json_access import as_text
from videoapi.providers.openai_compatible.link_policy import LinkPolicy, expiry_of
from videoapi.providers.provider import Accepted, Content, Job, JobState, Order

GEMINI_URL: Final = "https://generativelanguage.googleapis.com"
_REVISION: Final = "2026-05-20"  # without it the older schema may come
_FILE: Final = re.compile(r"https?://[^/?#]+/(?:[^?#]*/)?files/([A-Za-z0-9_-]{1,128})(?:[:?].*)?")
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS: Final = 3  # within the API's own origin
_KEY_REFUSED: Final = frozenset({"API_KEY_INVALID"})  # said with a 400


class GeminiProvider:
    """One account of the Gemini API, behind a transport that should be an `OrderTransport`.

    `key` is asked for every request and may raise `ServiceError`; `renewed_key` is asked after one
    that was refused. The key goes as a header to the API's own address alone.
    """

    def __init__(
        self,
        transport: httpx.BaseTransport,
        *,
        key: Callable[[], str],
        renewed_key: Callable[[], str] | None = None,
        base_url: str = GEMINI_URL,
        trusted_origins: Collection[str] = (),
        timeouts: Timeouts | None = None,
        log: Logger | None = None,
    ) -> None:
        """`trusted_origins` may be private and still be handed out: those of a simulator.

        Raise `ValueError` naming the setting that makes no URL.
        """
        self._base_url = f"{origin_checked('GEMINI_BASE_URL', base_url)}/v1beta"
        self._origin = origin(self._base_url)
        self._links = LinkPolicy(trusted_origins)
        self._requests = GoogleRequests(
            transport,
            credential=key,
            renewed=renewed_key or key,
            header="x-goog-api-key",
            headers={"api-revision": _REVISION},
            timeouts=timeouts,
            log=log,
        )

    @property
    def address(self) -> str:
        """The API's base URL."""
        return self._base_url.removesuffix("/v1beta")

    def prepare(self) -> None:
        """Read the key ahead of an order. Raise `ServiceError` if it cannot be read just now."""
        self._requests.prepare()

    def submit(self, order: Order) -> Accepted:
        """Order a video, once. Raise `SubmitRefused` (not accepted) or `SubmitUnknown`.

        A key that is refused was not charged: with another one the same order goes out at once.
        """
        response = self._requests.order(
            f"{self._base_url}/interactions", interaction_of(order), refused_key=_refuses_key
        )
        job_id = accepted_id(response)
        if job_id is None:
            raise SubmitUnknown(
                f"it answered {response.status} without an interaction's id",
                upstream_status=response.status,
            )
        return Accepted(job_id, (job_id,))

    def poll(self, job_id: str) -> Job:
        """Look at a job. Raise `PollFailed` when the answer says nothing of it; so does a 404."""
        return read_interaction(self._requests.ask("GET", self._url(job_id)), job_id)

    def cancel(self, job_id: str) -> Job:
        """Ask that a job be stopped; return what is said of it. Raise as `poll` does.

        What was made until then is billed. An answer without its tokens is no last word of them.
        """
        job = read_interaction(
            self._requests.ask("POST", f"{self._url(job_id)}/cancel", {}), job_id
        )
        return self.poll(job_id) if job.state is JobState.FAILED and not job.usage else job

    def download(self, job_id: str, into: IO[bytes], *, seconds: float | None = None) -> Content:
        """Fetch a done job's video, or learn its URL; `into` is emptied before it is written to.

        `seconds` bounds the body (the time-outs' own total without it). Raise `ContentMissing` for
        an answer without a video, `PollFailed` for a lost or a cut one.
        """
        total = seconds or self._requests.timeouts.content_total
        with tempfile.TemporaryFile() as spool:
            response = self._requests.ask("GET", self._url(job_id), spool=spool, seconds=total)
            if not response.is_success:
                raise response.content_missing()
            job, video = read_interaction(response, job_id), video_in(response.json)
            if job.state is not JobState.DONE or not video:
                raise _without_video(job)
            inline = as_text(video.get("data"))
            if inline:
                content = response.streamed.save(inline, into, video_type(video.get("mime_type")))
                return replace(content, usage=job.usage)
        return replace(self._file(as_text(video.get("uri")), into, total), usage=job.usage)

    def owns(self, url: str) -> bool:
        """Return whether a URL is at the API's own origin, where it may want the key."""
        return is_at(url, self._origin)

    def _url(self, job_id: str) -> str:
        return f"{self._base_url}/interactions/{require_id(job_id)}"

    def _file(self, uri: str, into: IO[bytes], seconds: float) -> Content:
        """Fetch a file by the id in its URI, from the API's own address whatever that names."""
        match = _FILE.fullmatch(uri)
        if match is None:
            reason = "The upstream's video is no file of its own"
            raise no_video(reason, NoContentReason.UNUSABLE_LINK)
        file = f"{self._base_url}/files/{match[1]}"
        self._require_active(file)
        return self._fetched(f"{file}:download?alt=media", into, seconds, _MAX_REDIRECTS)

    def _fetched(self, url: str, into: IO[bytes], seconds: float, redirects: int) -> Content:
        """Fetch what is at a URL of the API's own, with the key, or learn where it leads to."""
        with self._requests.opened(url) as (response, key):
            if response.status_code == HTTPStatus.OK:
                return self._requests.save(url, response, key, into, seconds)
            if response.status_code not in _REDIRECTS:
                raise content_missing(response.status_code, response.headers)
            target = urljoin(url, response.headers.get("location", "").strip())
            if not self.owns(target):
                return self._elsewhere(target, key)
        if not redirects:
            raise no_video("The upstream's redirects do not end", NoContentReason.OTHER)
        return self._fetched(target, into, seconds, redirects - 1)

    def _require_active(self, url: str) -> None:
        """Wait with the download until the file is there: Google says done before that."""
        response = self._requests.ask("GET", url)
        if not response.is_success:
            raise response.content_missing()
        state = as_text(response.json.get("state")).upper()
        if state == "PROCESSING" or not response.json:
            raise no_video("The upstream's file is still processed", NoContentReason.NOT_READY)
        if state == "FAILED":
            raise no_video("The upstream's file failed", NoContentReason.OTHER)

    def _elsewhere(self, url: str, key: str) -> Content:
        """Return the signed URL that a download leads to, which needs no key."""
        if not self._links.with_key(key).allows(url):
            raise no_video("The upstream leads to no public URL", NoContentReason.UNUSABLE_LINK)
        return Content(url=url, expires_at=expiry_of(url))


def _refuses_key(response: GoogleResponse) -> bool:
    if response.status == HTTPStatus.BAD_REQUEST:
        return not _KEY_REFUSED.isdisjoint(response.error.codes)
    return response.status == HTTPStatus.UNAUTHORIZED


def _without_video(job: Job) -> ContentMissing:
    why = NoContentReason.EMPTY if job.state is JobState.DONE else NoContentReason.NOT_READY
    if job.failure is not None:
        why = NoContentReason.OTHER
    return no_video("The upstream's job has no video", why, job.failure)
