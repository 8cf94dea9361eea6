"""Veo on Google's Agent Platform (once Vertex AI), as a long-running operation.

Google knows no idempotency key here and lists no operations: an order whose answer is lost cannot
be found again. Nothing is billed for an operation that ends in an error, or for a filtered video.
An operation is asked after by POST, and every answer about a finished one holds the whole video.
"""

import re
import tempfile
from collections.abc import Callable
from http import HTTPStatus
from typing import IO, Any, Final
from urllib.parse import quote

import httpx
from aws_lambda_powertools import Logger

from videoapi.net.http_client import Timeouts
from videoapi.net.ssrf import is_at, origin
from videoapi.providers.classification import Cause, ErrorInfo
from videoapi.providers.errors import NoContentReason, PollFailed, SubmitRefused, SubmitUnknown
from videoapi.providers.google.errors import filtered, read_error
from videoapi.providers.google.orders import (
    aspect_ratio_of,
    base64_of,
    images_of,
    labels_of,
    lines_of,
    text_of,
)
from videoapi.providers.google.requests import GoogleRequests, origin_checked
from videoapi.providers.google.responses import (
    GoogleResponse,
    content_missing,
    no_video,
    video_type,
)
from videoapi.providers.json_access import as_dict, as_text, first_of
from videoapi.providers.provider import (
    Accepted,
    Content,
    ImageRole,
    InputImage,
    Job,
    JobState,
    Order,
)

STORAGE_URL: Final = "https://storage.googleapis.com"
MAX_ID: Final = 512  # characters
_OPERATION: Final = re.compile(
    r"(?P<model>projects/(?P<project>[\w.:-]+)/locations/(?P<location>[a-z0-9-]+)"
    r"/publishers/google/models/[\w.@-]+)/operations/[A-Za-z0-9-]+",
    re.ASCII,
)
# What a poll needs to see of a finished job: the video itself is left to the download.
_HAS_VIDEO: Final = re.compile(rb'"done"\s*:\s*true\b.*"bytesBase64Encoded"\s*:\s*"\Z', re.DOTALL)
_MODEL: Final = re.compile(r"[\w.@-]{1,128}", re.ASCII)
_GCS_URI: Final = re.compile(r"gs://([a-z0-9][a-z0-9._-]{1,221})/(.{1,1024})")

_LENGTHS: Final = (4, 6, 8)  # seconds; the longest alone at 1080p and with reference images
_FULL_HD, _ULTRA_HD = 1080, 2160  # lines


class VertexProvider:
    """Veo in one project and location, behind a transport that should be an `OrderTransport`.

    `token` is an access token, cached; `renewed_token` a new one. A job is asked after in the
    project and location that its own name tells, whatever the settings say by then.
    """

    def __init__(
        self,
        transport: httpx.BaseTransport,
        *,
        project: str,
        location: str,
        token: Callable[[], str],
        renewed_token: Callable[[], str],
        base_url: str = "",
        storage_url: str = STORAGE_URL,
        timeouts: Timeouts | None = None,
        log: Logger | None = None,
    ) -> None:
        """Without a `base_url` it is Google's own of the location.

        Raise `ValueError` naming the setting that makes no URL.
        """
        self._parent = f"projects/{project}/locations/{location}"
        if not _OPERATION.fullmatch(f"{self._parent}/publishers/google/models/m/operations/o"):
            raise ValueError("GOOGLE_PROJECT, GOOGLE_LOCATION: say their ids")
        self._base_url = origin_checked("VERTEX_BASE_URL", base_url) if base_url else ""
        self._storage_url = origin_checked("GOOGLE_STORAGE_URL", storage_url)
        self._origins = {origin(url) for url in (self._api(location), self._storage_url)}
        self._requests = GoogleRequests(
            transport, credential=token, renewed=renewed_token, timeouts=timeouts, log=log
        )

    @property
    def address(self) -> str:
        """The URL of the project and location in which jobs are accepted."""
        return f"{self._api(self._parent.rpartition('/')[2])}/{self._parent}"

    def prepare(self) -> None:
        """Get an access token ahead of an order. Raise `ServiceError` if AWS's side is away."""
        self._requests.prepare()

    def submit(self, order: Order) -> Accepted:
        """Order a video, once. Raise `SubmitRefused` (not accepted) or `SubmitUnknown`."""
        if not _MODEL.fullmatch(order.model):
            raise SubmitRefused(ErrorInfo(text="no model's id"), status=404, cause=Cause.MODEL)
        url = f"{self.address}/publishers/google/models/{order.model}"
        try:
            response = self._requests.order(
                f"{url}:predictLongRunning", _body(order), refused_key=lambda _: False
            )
        except SubmitRefused as refusal:
            if refusal.upstream_status == HTTPStatus.UNAUTHORIZED:
                self._requests.renew()  # for the next order; this one is not sent again
            raise
        name = as_text(response.json.get("name"))
        if _operation(name) is None:
            raise SubmitUnknown(
                f"it answered {response.status} without an operation's name",
                upstream_status=response.status,
            )
        return Accepted(name, (name,))

    def poll(self, job_id: str) -> Job:
        """Look at a job. Raise `PollFailed` when the answer says nothing of it.

        A 404 says nothing either: Google answers so for a while, and for paths it does not serve.
        """
        return _read_job(self._fetched(job_id, enough=_HAS_VIDEO), job_id)

    def download(self, job_id: str, into: IO[bytes], *, seconds: float | None = None) -> Content:
        """Fetch a done job's video; `into` is emptied before it is written to.

        `seconds` bounds the body (the time-outs' own total without it). Raise `ContentMissing` for
        an answer without a video, `PollFailed` for a lost or a cut one.
        """
        total = seconds or self._requests.timeouts.content_total
        with tempfile.TemporaryFile() as spool:
            response = self._fetched(job_id, spool=spool, seconds=total)
            if not response.is_success:
                raise response.content_missing()
            job = _read_job(response, job_id)
            if job.state is not JobState.DONE:
                why = NoContentReason.OTHER if job.failure else NoContentReason.NOT_READY
                raise no_video("The upstream's job has no video", why, job.failure)
            video = _video_in(as_dict(response.json.get("response")))
            encoded = as_text(video.get("bytesBase64Encoded"))
            if encoded:
                return response.streamed.save(
                    encoded, into, video_type(video.get("mimeType") or video.get("encoding"))
                )
        return self._stored(as_text(video.get("gcsUri")), into, total)

    def owns(self, url: str) -> bool:
        """Return whether a URL is at Google's own API, where it may want the token."""
        return is_at(url, *self._origins)

    def _api(self, location: str) -> str:
        host = "aiplatform" if location == "global" else f"{location}-aiplatform"
        return f"{self._base_url or f'https://{host}.googleapis.com'}/v1"

    def _fetched(
        self,
        job_id: str,
        *,
        spool: IO[bytes] | None = None,
        enough: re.Pattern[bytes] | None = None,
        seconds: float | None = None,
    ) -> GoogleResponse:
        match = _operation(job_id)
        if match is None:
            raise PollFailed("The job's id is no operation's name")
        url = f"{self._api(match['location'])}/{match['model']}:fetchPredictOperation"
        body = {"operationName": job_id}
        return self._requests.ask("POST", url, body, spool=spool, enough=enough, seconds=seconds)

    def _stored(self, uri: str, into: IO[bytes], seconds: float) -> Content:
        """Fetch a video from Cloud Storage, with the same token."""
        match = _GCS_URI.fullmatch(uri)
        if match is None:
            raise no_video("The upstream's answer has no video", NoContentReason.EMPTY)
        path = f"/storage/v1/b/{match[1]}/o/{quote(match[2], safe='')}?alt=media"
        url = self._storage_url + path
        with self._requests.opened(url) as (response, key):
            if response.status_code != HTTPStatus.OK:
                raise content_missing(response.status_code, response.headers)
            return self._requests.save(url, response, key, into, seconds)


def _body(order: Order) -> dict[str, Any]:
    images = images_of(order)
    instance: dict[str, Any] = {"prompt": text_of(order.prompt)}
    for name, role in (("image", ImageRole.FIRST_FRAME), ("lastFrame", ImageRole.LAST_FRAME)):
        if images[role]:
            instance[name] = _image(images[role][0])
    references = images[ImageRole.REFERENCE]
    if references:
        instance["referenceImages"] = [
            {"image": _image(image), "referenceType": "asset"} for image in references
        ]
    lines = lines_of(order)
    longest = lines >= _FULL_HD or bool(references)
    parameters = {
        "sampleCount": 1,
        "durationSeconds": _LENGTHS[-1] if longest else _seconds(order.seconds),
        "aspectRatio": aspect_ratio_of(order),
        "resolution": "4k" if lines >= _ULTRA_HD else "1080p" if lines >= _FULL_HD else "720p",
        "generateAudio": order.generate_audio is not False,
        "negativePrompt": order.negative_prompt and text_of(order.negative_prompt),
        "seed": order.seed,
    }
    non_empty = {name: value for name, value in parameters.items() if value not in (None, "")}
    return {"instances": [instance], "parameters": non_empty, "labels": labels_of(order)}


def _seconds(wanted: int | None) -> int:
    """Return the next longer length that Veo makes, or its longest."""
    return next((each for each in _LENGTHS if each >= (wanted or 8)), _LENGTHS[-1])


def _image(image: InputImage) -> dict[str, str]:
    return {"bytesBase64Encoded": base64_of(image), "mimeType": image.content_type}


def _operation(name: str) -> re.Match[str] | None:
    return _OPERATION.fullmatch(name) if len(name) <= MAX_ID else None


def _read_job(response: GoogleResponse, job_id: str) -> Job:
    """Read a poll of an operation; raise `PollFailed` if it says nothing of this one."""
    operation = response.json
    name = as_text(operation.get("name"))
    if not response.is_success or not operation:
        raise response.poll_failed()
    if name not in ("", job_id):
        raise response.poll_failed("another operation")
    ids = (name,) if name else ()
    if operation.get("done") is not True:
        return Job(state=JobState.RUNNING, ids=ids)
    error, result = read_error(operation.get("error")), as_dict(operation.get("response"))
    failure = error.failure() if error else None
    if failure is None and not _video_in(result):
        failure = filtered(result)
    if failure is None:
        return Job(state=JobState.DONE, ids=ids)
    if failure.retryable and not ids:
        raise response.poll_failed("a failure without its operation's name")
    return Job(state=JobState.FAILED, failure=failure, ids=ids)


def _video_in(response: dict[str, Any]) -> dict[str, Any]:
    """Return where the video is, in any of the shapes that Google was seen to answer with."""
    video = first_of(response.get("videos")) or as_dict(response.get("video"))
    if not video and isinstance(response.get("video"), str):
        video = {"bytesBase64Encoded": response["video"], "mimeType": response.get("encoding")}
    video = video or response
    return video if video.get("bytesBase64Encoded") or video.get("gcsUri") else {}
