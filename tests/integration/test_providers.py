"""The providers against the simulator that plays all of them: over sockets, with real tokens."""

import io
import time
from types import SimpleNamespace

import pytest

from tests.support import web
from tests.support.fake_google import order
from tests.support.pictures import png
from tests.support.simulator_process import running
from videoapi.media import mp4
from videoapi.net.http_client import OrderTransport
from videoapi.providers.classification import Cause
from videoapi.providers.errors import (
    ContentMissing,
    NoContentReason,
    PollFailed,
    SubmitRefused,
    SubmitUnknown,
)
from videoapi.providers.provider import ImageRole, JobState
from videoapi.providers.registry import ProviderParts, make_provider
from videoapi.settings import Settings

POOL = "projects/123456789/locations/global/workloadIdentityPools/aws-pool/providers/aws-provider"
ROBOT = "veo-worker@my-project.iam.gserviceaccount.com"
DONE = "[[time:0]] [[render:tiny]]"
KEY = "key-of-the-simulator"
MODELS = {
    "relay": "veo_3_1",
    "vertex": "veo-3.1-generate-001",
    "gemini": "gemini-omni-1.2-flash",
}
every_provider = pytest.mark.parametrize("name", MODELS)
every_one_of_google = pytest.mark.parametrize("name", ["vertex", "gemini"])


@pytest.fixture(scope="module")
def google():
    with running("--seconds=60", f"--key={KEY}") as started:
        yield started


@pytest.fixture
def provider(google):
    """Return a function that makes a provider, as the worker does."""
    google.change(auth_faults="")
    transport = OrderTransport(verify=False)

    def make(name, *, clock=time.time, **more):
        origin = google.api
        settings = {
            "veo3_base_url": origin,
            "google_project": "my-project",
            "google_workload_identity_provider": POOL,
            "gemini_api_key_secret": "gemini",
            "vertex_base_url": origin,
            "gemini_base_url": origin,
            "google_sts_url": f"{origin}/v1/token",
            "google_iam_url": origin,
            "google_storage_url": origin,
            "veo3_result_origins": (google.files,),
        }
        parts = ProviderParts(
            settings=Settings(**(settings | more)),
            transport=transport,
            read_secret=lambda _, *, fresh=False: KEY,  # noqa: ARG005
            aws_credentials=lambda: SimpleNamespace(
                access_key="AKIDEXAMPLE1234567890", secret_key="secret", token="SESSION=="
            ),
            region="eu-west-1",
            clock=clock,
            log=SimpleNamespace(info=lambda *_, **__: None),
        )
        return make_provider(name, parts)

    yield make
    google.change(auth_faults="")
    transport.close()


def ordered(name, prompt, **changes):
    return order(model=MODELS[name], prompt=prompt, seconds=changes.pop("seconds", 4), **changes)


def ended(provider, job_id):
    """Look at a job until it is neither queued nor running, for ten seconds."""
    for _ in range(200):
        job = provider.poll(job_id)
        if job.state in {JobState.DONE, JobState.FAILED}:
            return job
        time.sleep(0.05)
    raise AssertionError(job)


def jobs_of(google, key):
    """Return what was made for an order, by the label or the idempotency key that it carries."""
    return [job for job in google.report()["jobs"] if job["label"] == key or key in job["prompt"]]


@every_provider
def test_a_video_is_made_once_and_fetched(provider, google, name):
    upstream = provider(name)
    upstream.prepare()
    accepted = upstream.submit(ordered(name, f"A quiet sea of {name}-1 {DONE}", key=f"{name}-1"))
    job = ended(upstream, accepted.job_id)
    assert (job.state, job.names(accepted.job_id)) == (JobState.DONE, True)
    into = io.BytesIO()
    content = upstream.download(accepted.job_id, into)
    if content.url:
        into = io.BytesIO(web.get(content.url).content)
    else:
        assert content.size_bytes == len(into.getvalue())
    assert mp4.inspect(into).width
    (made,) = jobs_of(google, f"{name}-1")
    assert (made["id"], made["billed_usd"] > 0) == (accepted.job_id, name != "relay")


@every_provider
@pytest.mark.parametrize(
    ("token", "cause"),
    [
        ("401", Cause.ACCOUNT),
        ("403", Cause.ACCOUNT),
        ("429", Cause.TRANSIENT),
        ("503", Cause.TRANSIENT),
    ],
)
def test_refusals_that_all_providers_share(provider, google, name, token, cause):
    key = f"refused-{token}-{name}"
    with pytest.raises(SubmitRefused) as refusal:
        provider(name).submit(ordered(name, f"A sea {key} [[submit:{token}]]", key=key))
    assert (refusal.value.cause, refusal.value.maybe_charged) == (cause, False)
    assert jobs_of(google, key) == []


@every_provider
@pytest.mark.parametrize("token", ["408", "504+created", "lost_answer+created", "no_id"])
def test_lost_answers_that_all_providers_share(provider, name, token):
    with pytest.raises(SubmitUnknown):
        provider(name).submit(ordered(name, f"A sea [[submit:{token}]] {DONE}"))


@every_provider
@pytest.mark.parametrize("token", ["429*1", "503*1"])
def test_a_look_that_fails_is_followed_by_the_next(provider, name, token):
    upstream = provider(name)
    accepted = upstream.submit(ordered(name, f"A sea [[poll:{token}]] {DONE}"))
    with pytest.raises(PollFailed):
        upstream.poll(accepted.job_id)
    assert ended(upstream, accepted.job_id).state is JobState.DONE


def test_omni_tells_what_it_bills(provider):
    gemini = provider("gemini")
    job = ended(gemini, gemini.submit(ordered("gemini", f"A quiet sea {DONE}")).job_id)
    assert job.usage["video_tokens"] == 4 * 5792


@every_one_of_google
@pytest.mark.parametrize(
    "roles",
    [
        (ImageRole.FIRST_FRAME,),
        (ImageRole.FIRST_FRAME, ImageRole.LAST_FRAME),
        (ImageRole.REFERENCE,) * 3,
    ],
    ids=["first", "first and last", "references"],
)
def test_images_of_every_role_are_taken(provider, name, roles):
    images = tuple(
        SimpleNamespace(data=png(64, 36), content_type="image/png", role=role) for role in roles
    )
    upstream = provider(name)
    accepted = upstream.submit(ordered(name, f"A sea {DONE}", images=images, seconds=8, seed=0))
    assert ended(upstream, accepted.job_id).state is JobState.DONE


@every_one_of_google
@pytest.mark.parametrize("size", ["1280x720", "1080x1920", "1920x1080"])
def test_every_size_is_taken(provider, name, size):
    upstream = provider(name)
    assert upstream.submit(ordered(name, f"A sea {DONE}", size=size, seconds=8)).job_id


def test_veos_switches_are_taken(provider):
    vertex = provider("vertex")
    wanted = ordered("vertex", f"A sea {DONE}", negative_prompt="fog", generate_audio=False)
    assert vertex.submit(wanted).job_id


@every_one_of_google
@pytest.mark.parametrize(
    ("token", "cause"),
    [
        ("guidelines", Cause.POLICY),
        ("quota", Cause.TRANSIENT),
        ("exhausted", Cause.TRANSIENT),
        ("prepayment", Cause.ACCOUNT),
        ("model_gone", Cause.MODEL),
        ("permission", Cause.ACCOUNT),
        ("billing_disabled", Cause.ACCOUNT),
        ("service_disabled", Cause.ACCOUNT),
        ("content_blocked", Cause.POLICY),
    ],
)
def test_certain_refusals(provider, name, token, cause):
    with pytest.raises(SubmitRefused) as refusal:
        provider(name).submit(ordered(name, f"A sea [[submit:{token}]]"))
    assert refusal.value.cause is cause


@every_one_of_google
@pytest.mark.parametrize("token", ["500", "500+created", "502"])
def test_answers_that_may_have_been_paid_for(provider, name, token):
    with pytest.raises(SubmitUnknown):
        provider(name).submit(ordered(name, f"A sea [[submit:{token}]] {DONE}"))


def failure_of(provider, name, tokens):
    upstream = provider(name)
    accepted = upstream.submit(ordered(name, f"A sea {tokens} {DONE}"))
    job = ended(upstream, accepted.job_id)
    assert job.names(accepted.job_id)
    return job.failure


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("3", Cause.POLICY),
        ("7", Cause.ACCOUNT),
        ("8", Cause.TRANSIENT),
        ("13", Cause.TRANSIENT),
        ("14", Cause.TRANSIENT),
        ("filtered", Cause.POLICY),
    ],
)
def test_failures_of_veo_by_their_code(provider, code, cause):
    failure = failure_of(provider, "vertex", f"[[fail:{code}]]")
    assert (failure.cause, failure.maybe_charged) == (cause, False)


def test_support_code_is_told_in_words(provider):
    failure = failure_of(provider, "vertex", "[[fail:filtered=58061214]]")
    assert "child_input_blocked" in failure.message


def test_an_interaction_without_a_video_was_filtered(provider):
    assert failure_of(provider, "gemini", "[[fail:filtered]]").cause is Cause.POLICY


@pytest.mark.parametrize("word", ["incomplete", "budget_exceeded", "requires_action"])
def test_interactions_that_end_otherwise(provider, word):
    failure = failure_of(provider, "gemini", f"[[status:{word}]]")
    assert failure.again is None


@every_one_of_google
def test_a_job_that_is_not_found_runs_on(provider, name):
    upstream = provider(name)
    accepted = upstream.submit(ordered(name, f"A sea [[poll:404*1]] {DONE}"))
    with pytest.raises(PollFailed):
        upstream.poll(accepted.job_id)
    assert ended(upstream, accepted.job_id).state is JobState.DONE


@pytest.mark.parametrize("word", ["flat", "encoded"])
def test_every_place_of_veos_bytes_is_known(provider, word):
    vertex = provider("vertex")
    accepted = vertex.submit(ordered("vertex", f"A sea [[result:{word}]] {DONE}"))
    assert ended(vertex, accepted.job_id).state is JobState.DONE
    assert vertex.download(accepted.job_id, io.BytesIO()).size_bytes


def test_a_large_inline_video_is_fetched(provider):
    vertex = provider("vertex")
    accepted = vertex.submit(ordered("vertex", f"A sea [[link:inline=20]] {DONE}"))
    assert vertex.download(accepted.job_id, io.BytesIO()).size_bytes > 10 * 2**20


@pytest.mark.parametrize("word", ["outputs", "inputs"])
def test_every_schema_of_omni_is_known(provider, word):
    """`inputs`: the video was made and billed, and is not shown: it may still come."""
    gemini = provider("gemini")
    accepted = gemini.submit(ordered("gemini", f"A sea [[result:{word}]] {DONE}"))
    assert ended(gemini, accepted.job_id).state is JobState.DONE
    if word == "outputs":
        assert gemini.download(accepted.job_id, io.BytesIO()).size_bytes
    else:
        with pytest.raises(ContentMissing) as missing:
            gemini.download(accepted.job_id, io.BytesIO())
        assert missing.value.why is NoContentReason.EMPTY


def test_a_file_is_waited_for_until_it_is_active(provider):
    gemini = provider("gemini")
    accepted = gemini.submit(ordered("gemini", f"A sea [[content:processing*2]] {DONE}"))
    for _ in range(2):
        with pytest.raises(ContentMissing) as missing:
            gemini.download(accepted.job_id, io.BytesIO())
        assert missing.value.why is NoContentReason.NOT_READY
    assert gemini.download(accepted.job_id, io.BytesIO()).size_bytes


def test_a_redirect_is_told_without_the_key(provider, google):
    gemini = provider("gemini")
    accepted = gemini.submit(ordered("gemini", f"A sea [[file:redirect]] {DONE}"))
    content = gemini.download(accepted.job_id, io.BytesIO())
    assert content.url.startswith(google.files)
    assert KEY not in content.url


def test_an_interaction_is_cancelled(provider):
    gemini = provider("gemini")
    accepted = gemini.submit(ordered("gemini", "A sea [[time:60]]"))
    gemini.cancel(accepted.job_id)
    failure = gemini.poll(accepted.job_id).failure
    assert failure.again is None


def test_a_service_account_is_impersonated(provider):
    assert (
        provider("vertex", google_service_account=ROBOT)
        .submit(ordered("vertex", f"A sea {DONE}"))
        .job_id
    )


@pytest.mark.parametrize(
    ("faults", "account", "cause"),
    [
        ("[[sts:invalid_grant]]", "", Cause.ACCOUNT),
        ("[[sts:503]]", "", Cause.TRANSIENT),
        ("[[sts:429]]", "", Cause.TRANSIENT),
        ("[[iam:403]]", ROBOT, Cause.ACCOUNT),
        ("[[iam:503]]", ROBOT, Cause.TRANSIENT),
    ],
)
def test_a_token_that_is_not_had_sends_no_order(provider, google, faults, account, cause):
    before = google.report()["providers"].get("vertex", {}).get("received", 0)
    google.change(auth_faults=faults)
    vertex = provider("vertex", google_service_account=account)
    vertex.prepare()
    with pytest.raises(SubmitRefused) as refusal:
        vertex.submit(ordered("vertex", "A sea"))
    assert refusal.value.cause is cause
    assert google.report()["providers"].get("vertex", {}).get("received", 0) == before


def test_a_token_that_ends_soon_is_renewed(provider, google):
    google.change(auth_faults="[[sts:expires=20]]")
    passed = 0.0
    vertex = provider("vertex", clock=lambda: time.time() + passed)
    accepted = vertex.submit(ordered("vertex", f"A sea {DONE}"))
    google.change(auth_faults="[[sts:503]]")
    passed = 15.0  # beyond half of its life: a new one is asked for, and the old one still holds
    assert ended(vertex, accepted.job_id).state is JobState.DONE
    passed = 25.0
    with pytest.raises(PollFailed):
        vertex.poll(accepted.job_id)
