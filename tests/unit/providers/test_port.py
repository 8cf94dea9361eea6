"""What every provider holds to, in the same words: one paid POST, precise errors, no credential."""

import io
import logging
from dataclasses import dataclass, field
from types import SimpleNamespace

import httpx
import pytest

from tests.support.fake_google import (
    BASE64,
    FILE,
    JOB,
    MP4,
    NAME,
    Google,
    Pieces,
    answer,
    error,
    image,
    interaction,
    order,
)
from videoapi.errors import ServiceError
from videoapi.providers.classification import Cause
from videoapi.providers.errors import (
    ContentMissing,
    JobMissing,
    PollFailed,
    SubmitRefused,
    SubmitUnknown,
)
from videoapi.providers.provider import JobState
from videoapi.providers.registry import ProviderParts, make_provider
from videoapi.settings import Settings

SECRET = "a-credential-that-nobody-may-read-0123456789"
POOL = "projects/1/locations/global/workloadIdentityPools/aws/providers/aws"


class Lines(logging.Handler):
    """Takes what a provider logs, with all fields."""

    def __init__(self):
        self.lines = []

    def info(self, text, **fields):
        self.lines.append(f"{text} {fields}")


@dataclass(frozen=True)
class Kind:
    """A provider's name, a job's id there, and its answers to each situation."""

    name: str
    job_id: str
    accepted: dict
    states: dict
    failed: dict  # its own making: at a relay another attempt may follow
    blocked: dict  # the content's
    video: tuple  # the answers to a download
    without: dict  # done, and no video
    refusals: dict = field(default_factory=dict)
    settings: dict = field(default_factory=dict)
    exchange: bool = False  # a token is asked for first
    missing: type = PollFailed


def vertex_error(code, message="x"):
    return {"name": NAME, "done": True, "error": {"code": code, "message": message}}


def steps(content):
    return [{"type": "model_output", "content": content}]


RELAY = Kind(
    name="relay",
    job_id="vid-1",
    accepted={"id": "vid-1", "status": "queued"},
    states={
        JobState.QUEUED: {"id": "vid-1", "status": "queued"},
        JobState.RUNNING: {"id": "vid-1", "status": "in_progress"},
        JobState.DONE: {"id": "vid-1", "status": "completed"},
    },
    failed={"id": "vid-1", "status": "failed", "error": {"code": "HIGH_TRAFFIC"}},
    blocked={"id": "vid-1", "status": "failed", "error": {"code": "prominent_people"}},
    video=(lambda: httpx.Response(200, content=MP4, headers={"content-type": "video/mp4"}),),
    without={"id": "vid-1"},
    refusals={"account": 403, "busy": 429, "bad": 400},
    settings={"veo3_base_url": "https://relay.example"},
    missing=JobMissing,
)
VERTEX = Kind(
    name="vertex",
    job_id=NAME,
    accepted={"name": NAME},
    states={
        JobState.RUNNING: {"name": NAME},
        JobState.DONE: {
            "name": NAME,
            "done": True,
            "response": {"videos": [{"bytesBase64Encoded": BASE64}]},
        },
    },
    failed=vertex_error(14, "high load"),
    blocked=vertex_error(3, "usage guidelines. Support codes: 58061214"),
    video=(
        lambda: answer(
            {
                "name": NAME,
                "done": True,
                "response": {"videos": [{"bytesBase64Encoded": BASE64, "mimeType": "video/mp4"}]},
            }
        ),
    ),
    without={"name": NAME, "done": True, "response": {}},
    refusals={"account": 403, "busy": 429, "bad": 400},
    settings={"google_project": "my-project", "google_workload_identity_provider": POOL},
    exchange=True,
)
GEMINI = Kind(
    name="gemini",
    job_id=JOB,
    accepted={"id": JOB, "status": "in_progress"},
    states={
        JobState.QUEUED: {"id": JOB, "status": "queued"},
        JobState.RUNNING: {"id": JOB, "status": "in_progress"},
        JobState.DONE: {
            "id": JOB,
            "status": "completed",
            "steps": steps([{"type": "video", "uri": FILE}]),
        },
    },
    failed={"id": JOB, "status": "failed", "errors": [{"code": "unavailable"}]},
    blocked={"id": JOB, "status": "completed", "steps": []},
    video=(
        lambda: interaction(video={"type": "video", "uri": FILE}),
        lambda: answer({"state": "ACTIVE"}),
        lambda: httpx.Response(200, content=MP4, headers={"content-type": "video/mp4"}),
    ),
    without={
        "id": JOB,
        "status": "completed",
        "usage": {"output_tokens_by_modality": [{"modality": "video", "tokens": 1}]},
    },
    refusals={"account": 403, "busy": 429, "bad": 400},
    settings={"gemini_api_key_secret": "gemini"},
)
every_kind = pytest.mark.parametrize("kind", [RELAY, VERTEX, GEMINI], ids=lambda kind: kind.name)


class Upstream(Google):
    """Answers for one provider; the exchange of a token stands beside and is not counted."""

    def __init__(self, kind, *answers):
        super().__init__(*answers)
        self.kind = kind
        self.log = Lines()

    def __call__(self, request):
        if self.kind.exchange and request.url.path == "/v1/token":
            return answer({"access_token": SECRET, "expires_in": 3600})
        return super().__call__(request)

    def provider(self):
        parts = ProviderParts(
            settings=Settings(video_providers=("relay", self.kind.name), **self.kind.settings),
            transport=httpx.MockTransport(self),
            read_secret=lambda _, *, fresh=False: SECRET,  # noqa: ARG005
            aws_credentials=lambda: SimpleNamespace(access_key="AKID", secret_key="s", token=None),
            region="us-east-1",
            clock=lambda: 0.0,
            log=self.log,
        )
        return make_provider(self.kind.name, parts)


def wanted(**changes):
    return order(**({"model": "model-1", "seconds": 8} | changes))


def submit(kind, *answers, **changes):
    upstream = Upstream(kind, *answers)
    try:
        return upstream.provider().submit(wanted(**changes)), upstream
    except (SubmitRefused, SubmitUnknown) as exc:
        return exc, upstream


def download(kind, *answers):
    into = io.BytesIO(b"what an earlier attempt left behind")
    content = Upstream(kind, *answers).provider().download(kind.job_id, into)
    return content, into.getvalue()


@every_kind
def test_an_accepted_order_is_its_jobs_id(kind):
    accepted, upstream = submit(kind, answer(kind.accepted), images=(image(),))
    assert accepted.job_id == kind.job_id
    assert kind.job_id in accepted.ids
    assert [request.method for request in upstream.requests] == ["POST"]


@every_kind
@pytest.mark.parametrize(
    ("word", "cause"),
    [("account", Cause.ACCOUNT), ("busy", Cause.TRANSIENT), ("bad", Cause.BAD_REQUEST)],
)
def test_a_certain_refusal_is_not_charged(kind, word, cause):
    refusal, upstream = submit(kind, error(kind.refusals[word], "no"))
    assert isinstance(refusal, SubmitRefused)
    assert (refusal.cause, refusal.maybe_charged) == (cause, False)
    assert refusal.elsewhere is (cause is not Cause.BAD_REQUEST)
    assert len(upstream.requests) == 1


@every_kind
def test_an_order_that_never_left_is_refused(kind):
    refusal, _ = submit(kind, httpx.ConnectError("refused"))
    assert isinstance(refusal, SubmitRefused)
    assert refusal.again == "transient"


@every_kind
@pytest.mark.parametrize(
    "lost",
    [
        lambda: httpx.ReadTimeout("x"),
        lambda: httpx.ReadError("reset"),
        lambda: httpx.RemoteProtocolError("x"),
        lambda: answer({}, 408),
        lambda: answer({}, 504),
        lambda: answer({}),
        lambda: answer(b"<html>"),
    ],
    ids=["timeout", "reset", "protocol", "408", "504", "no id", "page"],
)
def test_an_answer_that_was_lost_may_have_been_paid(kind, lost):
    unknown, upstream = submit(kind, lost())
    assert isinstance(unknown, SubmitUnknown)
    assert unknown.maybe_charged
    assert len(upstream.requests) == 1


@every_kind
def test_a_lost_answer_is_never_asked_for_with_another_post(kind):
    _, upstream = submit(kind, httpx.ReadTimeout("x"), answer(kind.accepted))
    assert len(upstream.requests) == 1


@every_kind
def test_each_state_is_told_with_the_jobs_name(kind):
    for state, response in kind.states.items():
        job = Upstream(kind, answer(response)).provider().poll(kind.job_id)
        assert (job.state, job.failure) == (state, None)
        assert job.names(kind.job_id)


@every_kind
def test_only_a_relays_job_is_ordered_again_after_its_failure(kind):
    """Callers may try again; the service itself pays for no other job of Google's."""
    job = Upstream(kind, answer(kind.failed)).provider().poll(kind.job_id)
    assert (job.state, job.failure.retryable) == (JobState.FAILED, True)
    assert job.failure.again == ("transient" if kind.name == "relay" else None)
    assert job.names(kind.job_id)


@every_kind
def test_a_failure_for_the_content_is_final(kind):
    job = Upstream(kind, answer(kind.blocked)).provider().poll(kind.job_id)
    assert (job.state, job.failure.cause, job.failure.again) == (
        JobState.FAILED,
        Cause.POLICY,
        None,
    )


@every_kind
def test_a_job_that_is_not_known_is_told(kind):
    """Google answers 404 for a while, and for paths that it does not serve: that says nothing."""
    with pytest.raises(kind.missing):
        Upstream(kind, error(404, "not found")).provider().poll(kind.job_id)


@every_kind
@pytest.mark.parametrize(
    "response",
    [
        lambda: error(401, "x"),
        lambda: error(403, "x"),
        lambda: error(429, "x"),
        lambda: error(500, "x"),
        lambda: error(503, "x"),
        lambda: answer(b"<html>"),
        lambda: answer({}),
        lambda: httpx.ReadTimeout("x"),
        lambda: httpx.ConnectError("x"),
    ],
    ids=["401", "403", "429", "500", "503", "page", "nothing", "timeout", "refused"],
)
def test_a_look_that_says_nothing_is_a_failed_poll(kind, response):
    with pytest.raises(PollFailed):
        Upstream(kind, response()).provider().poll(kind.job_id)


@every_kind
def test_a_video_takes_the_place_of_what_was_there(kind):
    content, written = download(kind, *(each() for each in kind.video))
    assert written == MP4
    assert (content.size_bytes, content.url) == (len(MP4), None)


@every_kind
def test_a_done_job_without_a_video_is_content_missing(kind):
    with pytest.raises(ContentMissing) as missing:
        download(kind, answer(kind.without))
    assert missing.value.swallowed


@every_kind
@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_a_refused_download_is_content_missing(kind, status):
    with pytest.raises(ContentMissing) as missing:
        download(kind, *([error(status, "x")] * 2))
    assert missing.value.unauthorised is (status in {401, 403})
    assert not missing.value.swallowed


@every_kind
def test_a_download_that_breaks_off_is_tried_again(kind):
    *before, last = [each() for each in kind.video]
    whole = b"".join(last.stream)
    cut = httpx.Response(200, stream=Pieces(whole[: len(whole) // 2], httpx.ReadError("reset")))
    with pytest.raises(PollFailed):
        download(kind, *before, cut)


@every_kind
def test_only_the_own_origin_is_owned(kind):
    provider = Upstream(kind, answer({})).provider()
    assert provider.owns(f"{provider.address}/anything")
    assert not provider.owns("https://elsewhere.example/a.mp4")
    assert not provider.owns("data:video/mp4;base64,AAAA")


QUOTING = {
    "error": {"code": 403, "message": f"{SECRET} may not, Bearer {SECRET}", "status": SECRET},
    "errors": [{"code": SECRET, "message": SECRET}],
    "message": f"key {SECRET}",
    "video_url": f"https://cdn.example/a.mp4?key={SECRET}",
}


@every_kind
@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 404, 429, 500])
def test_no_credential_is_in_any_text_or_url(kind, status):
    """An upstream that quotes the credential is believed, and not repeated."""
    body = {"id": kind.job_id, "name": kind.job_id, "status": "completed", "done": True} | QUOTING
    headers = {"location": f"https://cdn.example/a.mp4?token={SECRET}"}
    upstream = Upstream(kind, *(answer(body, status, **headers) for _ in range(12)))
    provider = upstream.provider()
    texts = []
    for act in (
        provider.prepare,
        lambda: provider.submit(wanted()),
        lambda: provider.poll(kind.job_id),
        lambda: provider.download(kind.job_id, io.BytesIO()),
    ):
        try:
            texts.append(repr(act()))
        except (ServiceError, SubmitRefused, SubmitUnknown) as exc:
            texts += [str(exc), repr(exc), exc.message, getattr(exc, "detail", "")]
            texts += [repr(getattr(exc, "ids", ())), repr(getattr(exc, "failure", ""))]
    texts += upstream.log.lines
    assert len(texts) > 4
    assert [text for text in texts if SECRET in text] == []
