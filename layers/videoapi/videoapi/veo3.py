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
from typing import IO, Final
from urllib.parse import quote

import httpx

from videoapi.complaints import Complaint
from videoapi.connections import Timeouts, chunks
from videoapi.errors import ServiceError
from videoapi.failures import PollFailed, SubmitRefused, SubmitUnknown
from videoapi.relay_answers import Job, JobState
from videoapi.relay_bodies import (
    Content,
    decode_data_url,
    first_bytes,
    is_json,
    received,
    save,
)
from videoapi.relay_outcomes import Accepted, looked_at, redirected, taken, told_url

__all__ = ["Accepted", "Content", "Job", "JobState", "Order", "Veo3", "decode_data_url"]

ANSWER_MAX: Final = 64 * 2**20  # bytes of JSON: a data: URL of 48 MB of video
CONTENT_MAX: Final = 400 * 2**20  # bytes of video: what fits into a Lambda function's /tmp (512 MB)
_SECRET_MIN: Final = 8  # characters; to blot out a shorter "key" would blot out ordinary words

# Nothing of the request was sent: DNS, refused, TLS, no free connection.
_UNSENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


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
                return taken(response, _answer(response, key, self._timeouts.submit_total))
        except _UNSENT as exc:
            raise SubmitRefused(Complaint(text=type(exc).__name__), status=503) from exc
        except httpx.HTTPError as exc:
            raise SubmitUnknown(f"the answer was lost ({type(exc).__name__})") from exc

    def retrieve(self, upstream_id: str) -> Job:
        """Look at a job. Raise `JobMissing`, or `PollFailed` when the answer says nothing of it."""
        with self._get(self._job_url(upstream_id), self._timeouts.poll) as (response, key):
            body = _answer(response, key, self._timeouts.answer_total)
        return looked_at(response, body, self._content_url(upstream_id))

    def content(self, upstream_id: str, into: IO[bytes]) -> Content:
        """Fetch a done job's video, or learn its URL; `into` is emptied before it is written to.

        Raise `ContentMissing` for an answer without a video, `PollFailed` for a lost or a cut one.
        """
        url = self._content_url(upstream_id)
        with self._get(url, self._timeouts.content) as (response, key):
            if not response.is_success:
                return Content(url=redirected(response, url))
            stream = chunks(response, seconds=self._timeouts.content_total, limit=CONTENT_MAX)
            head = first_bytes(stream)
            if not is_json(head, response.headers.get("content-type", "")):
                return save(head, stream, response.headers, into)
            return Content(url=told_url(_without(key, received(stream, head)), url))

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
