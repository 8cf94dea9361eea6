"""A relay: an OpenAI-style gateway in front of Veo, as relays really are.

This client never repeats a request, except one that was refused for a key that is out of date, and
one for a video that broke off, whose rest it asks for. It says precisely what happened and the use
case decides: after an order, whether money may have been spent (`SubmitRefused`: no,
`SubmitUnknown`: perhaps, a value: yes); after a poll of a job, whether the answer says anything
about the job at all.

The key goes to paths under the endpoint alone: no redirect is followed here, and no result URL is
ever fetched here.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from typing import IO, Any, Final
from urllib.parse import quote

import httpx
from aws_lambda_powertools import Logger

from videoapi.net.http_client import FAILURES, Timeouts, answered, chunks
from videoapi.net.ssrf import is_at, origin
from videoapi.providers.bodies import first_bytes, is_json, received, save
from videoapi.providers.classification import ErrorInfo
from videoapi.providers.credentials import UNSENT, Credential, lost_as_poll_failed
from videoapi.providers.errors import PollFailed, SubmitRefused, SubmitUnknown
from videoapi.providers.openai_compatible.content_outcomes import (
    read_content_url,
    read_redirect,
)
from videoapi.providers.openai_compatible.link_policy import LinkPolicy, expiry_of
from videoapi.providers.openai_compatible.outcomes import (
    RelayResponse,
    read_poll,
    read_response,
    read_submit,
)
from videoapi.providers.provider import Accepted, Content, Job, Order
from videoapi.redaction import holds_key

MAX_ANSWER: Final = 64 * 2**20  # bytes of JSON: a data: URL of 48 MB of video
MAX_CONTENT: Final = 400 * 2**20  # bytes of video: what fits into a Lambda function's /tmp (512 MB)
MAX_REFUSAL: Final = 64 * 2**10  # bytes of what `/content` says instead of a video …
REFUSAL_SECONDS: Final = 10.0  # … and how long it may take


class RelayProvider:
    """One relay, behind a transport that should be an `OrderTransport`.

    `key` is asked for every request; it may raise `ServiceError`, which counts as an upstream that
    is away. `renewed_key` is asked after a 401: a key that was changed at the relay is cached here
    for minutes. A relay that drips its headers, one byte in each read timeout, is not bounded here.
    """

    def __init__(
        self,
        transport: httpx.BaseTransport,
        *,
        base_url: str,
        endpoint: str,
        key: Callable[[], str],
        renewed_key: Callable[[], str] | None = None,
        links: LinkPolicy | None = None,
        timeouts: Timeouts | None = None,
        log: Logger | None = None,
    ) -> None:
        """Raise `ValueError` naming the setting if the two do not make a plain http(s) URL.

        `links` says which URLs may be handed out; without, public ones and the relay's own.
        """
        self._transport = transport
        self._jobs_url = _joined(base_url, endpoint)
        self._origin = origin(base_url.strip())
        self._credential = Credential(key, renewed_key or key)
        self._links = links or LinkPolicy([base_url.strip()])
        self._timeouts = timeouts or Timeouts()
        self._log = log

    @property
    def address(self) -> str:
        """The URL of its jobs."""
        return self._jobs_url

    def prepare(self) -> None:
        """Read the key ahead of an order. Raise `ServiceError` if it cannot be read just now."""
        self._credential.cached()

    def submit(self, order: Order) -> Accepted:
        """Order a video, once. Raise `SubmitRefused` (not accepted) or `SubmitUnknown`.

        A 401 was not accepted: with another key the same order goes out again at once.
        """
        try:
            with self._asked(
                "POST",
                self._jobs_url,
                self._timeouts.submit,
                files=_form(order),
                headers={"idempotency-key": order.key},
            ) as (response, key):
                answer = _answer(response, key, self._timeouts.submit_total)
            if self._log:  # by these a relay's support, and its bill, know the order
                self._log.info("an order was answered", status=answer.status, ids=answer.told.ids)
            return read_submit(answer)
        except PollFailed as exc:  # there is no key: nothing was sent
            error_info = ErrorInfo(text=exc.message)
            raise SubmitRefused(error_info, status=exc.upstream_status or 503) from exc
        except UNSENT as exc:
            raise SubmitRefused(ErrorInfo(text=type(exc).__name__), status=503) from exc
        except FAILURES as exc:
            raise SubmitUnknown(f"the answer was lost ({type(exc).__name__})") from exc

    def poll(self, job_id: str) -> Job:
        """Look at a job. Raise `JobMissing`, or `PollFailed` when the answer says nothing of it."""
        with self._got(self._job_url(job_id), self._timeouts.poll) as (response, key):
            answer = _answer(response, key, self._timeouts.answer_total)
        content_url, links = self._content_url(job_id), self._links.with_key(key)
        return read_poll(answer, job_id, content_url, links.allows)

    def download(self, job_id: str, into: IO[bytes], *, seconds: float | None = None) -> Content:
        """Fetch a done job's video, or learn its URL; `into` is emptied before it is written to.

        `seconds` bounds the body (the time-outs' own total without it). Raise `ContentMissing` for
        an answer without a video, `PollFailed` for a lost or a cut one.
        """
        url = self._content_url(job_id)
        with self._got(url, self._timeouts.content) as (response, key):
            may_hand_out = self._links.with_key(key).allows
            if not response.is_success:
                refusal = received(chunks(response, seconds=REFUSAL_SECONDS, limit=MAX_REFUSAL))
                link = read_redirect(read_response(response, refusal, key), url, may_hand_out)
                return Content(url=link, expires_at=expiry_of(link))
            total = seconds or self._timeouts.content_total
            times = self._timeouts.content
            again = partial(answered, self._transport, "GET", url, timeout=times, key=key)
            stream = chunks(response, seconds=total, limit=MAX_CONTENT, again=again)
            head = first_bytes(stream)
            if not is_json(head, response.headers.get("content-type", "")):
                saved = save(head, stream, response.headers, into)
                quoted = holds_key(key, saved.content_type or "")
                return replace(saved, content_type=None) if quoted else saved
            answer = read_response(response, received(stream, head), key)
            link = read_content_url(answer, url, may_hand_out)
            return Content(url=link, expires_at=expiry_of(link))

    def owns(self, url: str) -> bool:
        """Return whether a URL is at the relay's own origin, where it may want the key."""
        return is_at(url, self._origin)

    @contextmanager
    def _got(self, url: str, timeout: httpx.Timeout) -> Iterator[tuple[httpx.Response, str]]:
        with lost_as_poll_failed(), self._asked("GET", url, timeout) as asked:
            yield asked

    def _asked(
        self,
        method: str,
        url: str,
        timeout: httpx.Timeout,
        **more: Any,  # noqa: ANN401 — as `answered` takes them
    ) -> AbstractContextManager[tuple[httpx.Response, str]]:
        def ask(key: str) -> AbstractContextManager[httpx.Response]:
            return answered(self._transport, method, url, timeout=timeout, key=key, **more)

        return self._credential.opened(ask)

    def _job_url(self, job_id: str) -> str:
        """One path segment: `:` stays, as relays use it; `.` and `..` would be walked over."""
        segment = quote(job_id, safe=":", errors="replace")
        return f"{self._jobs_url}/{segment if segment.strip('.') else segment.replace('.', '%2E')}"

    def _content_url(self, job_id: str) -> str:
        return f"{self._job_url(job_id)}/content"


def _joined(base_url: str, endpoint: str) -> str:
    path = endpoint.strip().strip("/")
    jobs_url = f"{base_url.strip().rstrip('/')}/{path}".rstrip("/")
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


def _form(order: Order) -> list[tuple[str, tuple[str | None, bytes] | tuple[str, bytes, str]]]:
    """Build the parts; all as `files`, because httpx sends a form without any file urlencoded."""
    fields = {"model": order.model, "prompt": order.prompt, "size": order.size}
    if order.seconds is not None:
        fields["seconds"] = str(order.seconds)
    fields |= {"watermark": "false", **order.extra}
    parts = [(name, (None, value.encode("utf-8", "replace"))) for name, value in fields.items()]
    images = (
        ("input_reference", (image.file_name, image.data, image.content_type))
        for image in order.images
    )
    return [*parts, *images]


def _answer(response: httpx.Response, key: str, seconds: float) -> RelayResponse:
    body = received(chunks(response, seconds=seconds, limit=MAX_ANSWER))
    return read_response(response, body, key)
