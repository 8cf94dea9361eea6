"""The upstream: an OpenAI-style relay in front of Veo, as relays really are (contract §6).

This client never repeats a request. It says precisely what happened and the use case decides:
after an order, whether money may have been spent (`SubmitRefused`: no, `SubmitUnknown`: perhaps,
a value: yes); after a look at a job, whether the answer says anything about the job at all.

The key goes to paths under the endpoint alone: no redirect is followed here, and no result URL is
ever fetched here.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import IO, Any, Final
from urllib.parse import quote

import httpx

from videoapi.complaints import Complaint, cleaned
from videoapi.connections import Timeouts, chunks
from videoapi.errors import ServiceError
from videoapi.failures import ContentMissing, JobMissing, PollFailed, SubmitRefused, SubmitUnknown
from videoapi.loose_json import Unreadable, parsed
from videoapi.relay_answers import (
    Job,
    JobState,
    accepted_id,
    complaint_of,
    failure_without_status,
    job_in,
    retry_after,
    says_missing,
)
from videoapi.relay_bodies import (
    Content,
    decode_data_url,
    first_bytes,
    is_json,
    received,
    save,
)
from videoapi.result_urls import redirect_url, video_url_in

__all__ = ["Accepted", "Content", "Job", "JobState", "Order", "Veo3", "decode_data_url"]

ANSWER_MAX: Final = 64 * 2**20  # bytes of JSON: a data: URL of 48 MB of video
CONTENT_MAX: Final = 400 * 2**20  # bytes of video: what fits into a Lambda function's /tmp (512 MB)
_SECRET_MIN: Final = 8  # characters; to blot out a shorter "key" would blot out ordinary words

# Nothing of the request was sent: DNS, refused, TLS, no free connection.
_UNSENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_NOT_ACCEPTED_5XX: Final = frozenset({500, 502, 503})
_REQUEST_TIMEOUT: Final = 408
_GONE: Final = frozenset({404, 410})
_ABOUT_THE_JOB: Final = frozenset({400, 422})  # may carry the job's own failure


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to make. `seconds` None leaves the length to the model.

    `image` is (file name, bytes, content type); `extra` are form fields sent as they are. `key`
    goes out as Idempotency-Key: one for each attempt that may be paid for, the same again for one
    that is repeated because its answer was lost. Relays that know the header pay once.
    """

    model: str
    prompt: str = field(repr=False)
    size: str
    key: str
    seconds: int | None = None
    image: tuple[str, bytes, str] | None = field(default=None, repr=False)
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Accepted:
    """The relay took the order and, as a rule, the money."""

    upstream_id: str


class Veo3:
    """One relay. `client` should stand on an `OrderTransport` (and needs no timeouts of its own).

    `key` is asked for every request; it may raise `ServiceError`, which counts as an upstream that
    is away. A relay that drips its headers, one byte in each read timeout, is not bounded here.
    """

    def __init__(
        self,
        client: httpx.Client,
        *,
        base_url: str,
        endpoint: str,
        key: Callable[[], str],
        timeouts: Timeouts | None = None,
    ) -> None:
        """Raise `ValueError` naming the setting if the two do not make a plain http(s) URL."""
        self._client = client
        self._jobs_url = _joined(base_url, endpoint)
        self._key = key
        self._timeouts = timeouts or Timeouts()

    def create(self, order: Order) -> Accepted:
        """Order a video, once. Raise `SubmitRefused` (not accepted) or `SubmitUnknown`."""
        try:
            key = self._bearer()
        except PollFailed as exc:  # nothing was sent
            complaint = Complaint(text=exc.message)
            raise SubmitRefused(complaint, status=exc.upstream_status or 503) from exc
        try:
            with self._client.stream(
                "POST",
                self._jobs_url,
                files=_form(order),
                headers={**_headers(key), "idempotency-key": order.key},
                timeout=self._timeouts.submit,
                follow_redirects=False,
            ) as response:
                return _taken(response, _answer(response, key, self._timeouts.submit_total))
        except _UNSENT as exc:
            raise SubmitRefused(Complaint(text=type(exc).__name__), status=503) from exc
        except httpx.HTTPError as exc:
            raise SubmitUnknown(f"the answer was lost ({type(exc).__name__})") from exc

    def retrieve(self, upstream_id: str) -> Job:
        """Look at a job. Raise `JobMissing`, or `PollFailed` when the answer says nothing of it."""
        with self._get(self._job_url(upstream_id), self._timeouts.poll) as (response, key):
            body = _answer(response, key, self._timeouts.answer_total)
        return _looked_at(response, body, self._content_url(upstream_id))

    def content(self, upstream_id: str, into: IO[bytes]) -> Content:
        """Fetch a done job's video, or learn its URL; `into` is emptied before it is written to.

        Raise `ContentMissing` for an answer without a video, `PollFailed` for a lost or a cut one.
        """
        url = self._content_url(upstream_id)
        with self._get(url, self._timeouts.content) as (response, key):
            if not response.is_success:
                return Content(url=_redirected(response, url))
            stream = chunks(response, seconds=self._timeouts.content_total, limit=CONTENT_MAX)
            head = first_bytes(stream)
            if not is_json(head, response.headers.get("content-type", "")):
                return save(head, stream, response.headers, into)
            return Content(url=_told_url(_without(key, received(stream, head)), url))

    @contextmanager
    def _get(self, url: str, timeout: httpx.Timeout) -> Generator[tuple[httpx.Response, str]]:
        key = self._bearer()
        try:
            with self._client.stream(
                "GET", url, headers=_headers(key), timeout=timeout, follow_redirects=False
            ) as response:
                yield response, key
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            raise PollFailed(f"The upstream could not be asked ({type(exc).__name__})") from exc

    def _bearer(self) -> str:
        """Return the key; refuse one that no header can hold (an error there would quote it)."""
        try:
            key = self._key().strip()
        except ServiceError as exc:
            raise PollFailed("The upstream's key cannot be read just now") from exc
        if not key or not key.isascii() or not key.isprintable():
            raise PollFailed("The upstream's key is unusable", upstream_status=401)
        return key

    def _job_url(self, upstream_id: str) -> str:
        """One path segment: `:` stays, as relays use it; `.` and `..` would be walked over."""
        segment = quote(upstream_id, safe=":", errors="replace")
        return f"{self._jobs_url}/{segment if segment.strip('.') else segment.replace('.', '%2E')}"

    def _content_url(self, upstream_id: str) -> str:
        return f"{self._job_url(upstream_id)}/content"


def _joined(base_url: str, endpoint: str) -> str:
    jobs_url = f"{base_url.strip().rstrip('/')}/{endpoint.strip().strip('/')}"
    try:
        url = httpx.URL(jobs_url)
    except httpx.InvalidURL as exc:
        raise ValueError(f"VEO3_BASE_URL, VEO3_ENDPOINT: {exc}") from exc
    # A user in the URL would make httpx replace the bearer key with Basic authentication.
    if url.scheme not in {"http", "https"} or not url.host or url.userinfo:
        raise ValueError("VEO3_BASE_URL: say http(s)://host[:port][/path]")
    if url.query or url.fragment:
        raise ValueError("VEO3_ENDPOINT: say a plain path")
    return jobs_url


def _headers(key: str) -> dict[str, str]:
    # identity: an answer's length can be checked, and nothing small unpacks into something huge.
    return {"authorization": f"Bearer {key}", "accept": "*/*", "accept-encoding": "identity"}


def _form(order: Order) -> list[tuple[str, tuple[str | None, bytes] | tuple[str, bytes, str]]]:
    """Build the parts; all as `files`, because httpx sends a form without any file urlencoded."""
    fields = {"model": order.model, "prompt": order.prompt, "size": order.size}
    if order.seconds is not None:
        fields["seconds"] = str(order.seconds)
    fields |= {"watermark": "false", **order.extra}
    parts = [(name, (None, value.encode("utf-8", "replace"))) for name, value in fields.items()]
    return [*parts, *([("input_reference", order.image)] if order.image else [])]


def _answer(response: httpx.Response, key: str, seconds: float) -> bytearray:
    return _without(key, received(chunks(response, seconds=seconds, limit=ANSWER_MAX)))


def _without(key: str, body: bytearray) -> bytearray:
    """Blot out our own key, which some relays quote, before anybody reads the answer."""
    secret = key.encode()
    return body.replace(secret, b"***") if len(secret) >= _SECRET_MIN and secret in body else body


def _taken(response: httpx.Response, body: bytearray) -> Accepted:
    status = response.status_code
    if response.is_success:
        return _accepted(status, body)
    if status in _NOT_ACCEPTED_5XX or (response.is_client_error and status != _REQUEST_TIMEOUT):
        raise SubmitRefused(
            complaint_of(body), status=status, retry_after=retry_after(response.headers)
        )
    raise SubmitUnknown(f"it answered {status}")


def _accepted(status: int, body: bytearray) -> Accepted:
    """Contract §4: a 2xx without an id is ambiguous, even one that complains."""
    if upstream_id := accepted_id(_object(body)):
        return Accepted(upstream_id)
    said = cleaned(complaint_of(body).text)
    raise SubmitUnknown(f"it answered {status} without a job's id" + (f": {said}" if said else ""))


def _looked_at(response: httpx.Response, body: bytearray, content_url: str) -> Job:
    status = response.status_code
    answer = _object(body)
    job = job_in(answer, content_url) if response.is_success else None
    if job and job.state is not JobState.FAILED:
        return job
    complaint = complaint_of(body)
    if status in _GONE or says_missing(complaint):
        raise JobMissing
    if job:
        return job
    failure = failure_without_status(complaint)
    if failure and (response.is_success or status in _ABOUT_THE_JOB):
        return Job(state=JobState.FAILED, failure=failure)
    raise PollFailed(
        f"The upstream answered {status} without a job's status",
        upstream_status=status,
        retry_after=retry_after(response.headers),
    )


def _object(body: bytearray) -> dict[str, Any]:
    try:
        return parsed(body)
    except Unreadable:
        return {}


def _redirected(response: httpx.Response, content_url: str) -> str:
    url = redirect_url(response.headers.get("location", ""), content_url)
    if not response.is_redirect or url is None:
        raise ContentMissing(
            f"The upstream answered {response.status_code} instead of the video",
            upstream_status=response.status_code,
            retry_after=retry_after(response.headers),
        )
    return url


def _told_url(body: bytearray, content_url: str) -> str:
    answer = _object(body)
    if not answer:
        raise PollFailed("The upstream's JSON was cut", upstream_status=HTTPStatus.OK)
    url = video_url_in(answer, content_url)
    if url is None:
        raise ContentMissing("The upstream's answer has no video", upstream_status=HTTPStatus.OK)
    return url
