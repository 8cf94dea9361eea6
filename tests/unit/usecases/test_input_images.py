"""Submits with several images, and of what a model cannot do: all of it is told before a write."""

import base64
import hashlib
import json

import pytest
from botocore.credentials import Credentials

from tests.support.pictures import png
from videoapi.accounts.api_keys import ApiKey, Limits
from videoapi.accounts.rate_limits import Limiter
from videoapi.api.openai.requests import from_openai
from videoapi.api.rest.requests import from_rest
from videoapi.aws.files import upload_key
from videoapi.aws.presigned import UrlSigner
from videoapi.catalog.routes import read_routes
from videoapi.errors import ValidationError
from videoapi.metrics import Metrics
from videoapi.settings import Settings
from videoapi.usecases.caller import Caller
from videoapi.usecases.cancellation import Cancellation
from videoapi.usecases.input_images import InputImages
from videoapi.usecases.submission import Submissions

NOW = 1_768_127_400.0
URL = "https://example.com/a.png"
FIRST, LAST = png(), png(4, 4)
NAME = "a" * 26
UPLOAD = f"upload_{NAME}"
ROUTES = (
    "veo=vertex:veo-3.1-generate-001;omni=gemini:gemini-omni-1.1-flash;"
    "veo_3_1=relay:veo_3_1;sora=relay:sora"
)
UNHEARD = Metrics(lambda *_: None)
LEGAL_SIZES = ["1280x720", "720x1280", "1920x1080", "1080x1920"]


def as_base64(image):
    return base64.b64encode(image).decode()


@pytest.fixture
def links(services):
    return UrlSigner(
        lambda: Credentials("key", "secret"),
        bucket=services.bucket,
        region="us-east-1",
        endpoint=None,
        seconds=60,
        file_days=2,
    )


@pytest.fixture
def submit(services, links):
    def made(read=from_openai, *, routes=ROUTES, key=None, strict=False, **fields):
        submissions = Submissions(
            store=services.store,
            queue=services.queue,
            images=InputImages(files=services.files, links=links, allow_private=False),
            limiter=Limiter(services.store),
            metrics=UNHEARD,
            routes=read_routes(routes, ("relay", "vertex", "gemini")),
            strict_lengths=strict,
        )
        submission = read({"prompt": "A fox"} | fields, Settings())
        caller = Caller(key=ApiKey("anna", Limits()), now=NOW, idempotency_key=key)
        return submissions.submit(submission, caller)

    return made


def refused(submit, *read, **fields):
    with pytest.raises(ValidationError) as caught:
        submit(*read, **fields)
    return caught.value


def test_every_image_is_kept_or_named_in_order(submit, services):
    first = submit(input_reference=FIRST, last_frame=as_base64(LAST)).task
    (last,) = first.more_images
    assert (last["role"], first.image_url) == ("last_frame", None)
    kept = services.objects()
    assert (kept[first.image_key], kept[last["key"]]) == (FIRST, LAST)
    assert services.store.get(first.task_id) == first


def test_references_need_no_first_frame(submit, services, links):
    services.files.put(upload_key("anna", NAME), FIRST, "image/png")
    services.files.put("images/anna/made.png", FIRST, "image/png")
    made = links.to("images/anna/made.png", now=NOW).url
    task = submit(model="veo", reference_images=[URL, UPLOAD, made]).task
    assert (task.image_key, task.image_url) == (None, None)
    assert task.more_images == [
        {"role": "reference", "url": URL},
        {"role": "reference", "key": upload_key("anna", NAME)},
        {"role": "reference", "key": "images/anna/made.png"},
    ]
    assert task.image_roles == ("reference",) * 3


BAD_IMAGES = {
    "inner address": ("http://169.254.169.254/a.png", "invalid_image"),
    "no image": ("aGVsbG8gd29ybGQgaGVsbG8gd29ybGQ=", "invalid_image"),
    "no upload": ("upload_" + "b" * 26, "upload_not_found"),
    "bytes of nothing": (b"", "invalid_image"),
}


@pytest.mark.parametrize(("bad", "code"), BAD_IMAGES.values(), ids=BAD_IMAGES)
def test_bad_further_image_is_refused_before_any_write(submit, services, bad, code):
    error = refused(submit, input_reference=FIRST, end_image=bad)
    assert (error.param, error.code, error.details[0]["field"]) == ("end_image", code, "end_image")
    more = refused(submit, model="veo", reference_images=[FIRST, bad])
    assert (more.param, more.details[0]["field"]) == ("reference_images", "reference_images.1")
    assert services.is_untouched()


def test_a_deletion_takes_every_image_of_the_task(submit, services):
    services.files.put(upload_key("anna", NAME), FIRST, "image/png")
    task = submit(model="veo", reference_images=[FIRST, LAST, UPLOAD]).task
    assert len(services.objects()) == 3
    Cancellation(
        store=services.store,
        queue=services.queue,
        webhooks=services.webhooks,
        files=services.files,
        retention_seconds=3600,
        clock=lambda: NOW,
        metrics=UNHEARD,
    ).delete(task.task_id, "anna")
    assert list(services.objects()) == [upload_key("anna", NAME)]
    assert services.store.get(task.task_id, deleted=True).more_images is None


# --- what tells a request from another


def test_a_plain_request_keeps_its_first_fingerprint(submit):
    asked = {
        "model": "veo_3_1", "prompt": "A fox", "seconds": None, "fps": 30, "size": "1920x1080",
        "motion_strength": None, "camera_motion": None, "optimize_prompt": False, "metadata": {},
        "image": None,
    }  # fmt: skip
    fingerprint = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
    assert fingerprint.startswith("1d8c9702f3cd66b8")
    assert submit(routes="").task.fingerprint == fingerprint
    assert submit(routes="", size="1920x1080").task.fingerprint == fingerprint


OTHERS = [
    {"negative_prompt": "fog"},
    {"seed": 0},
    {"seed": 1},
    {"generate_audio": True},
    {"generate_audio": False},
    {"input_reference": FIRST},
    {"input_reference": FIRST, "last_frame": LAST},
    {"input_reference": LAST, "last_frame": FIRST},
    {"reference_images": [FIRST]},
    {"reference_images": [FIRST, LAST]},
    {"reference_images": [LAST, FIRST]},
    {"reference_images": [URL]},
]


def test_every_further_field_makes_another_request(submit):
    made = [submit(model="veo", **fields).task.fingerprint for fields in ({}, *OTHERS)]
    assert len(set(made)) == len(made)


@pytest.mark.parametrize("fields", OTHERS, ids=range(len(OTHERS)))
def test_same_further_fields_are_the_same_request(submit, fields):
    first = submit(model="veo", key="k", **fields)
    again = submit(model="veo", key="k", **fields)
    assert (again.task.task_id, again.replayed) == (first.task.task_id, True)


def test_a_replay_finds_its_task_after_a_change_of_routes(submit):
    first = submit(model="veo", key="k", seed=7).task
    again = submit(model="veo", key="k", seed=7, routes="")
    assert (again.task.task_id, again.replayed) == (first.task_id, True)


# --- what a model cannot do

CANNOT = {
    "seed": ({"seed": 0}, "seed", []),
    "negative prompt": ({"negativePrompt": "fog"}, "negativePrompt", []),
    "sound": ({"generate_audio": True}, "generate_audio", []),
    "silence": ({"model": "omni", "generate_audio": False}, "generate_audio", ["true"]),
    "references": ({"input_references": [FIRST]}, "input_references", []),
    "a shape": ({"model": "veo", "size": "1080x1080"}, "size", LEGAL_SIZES),
    "sides": ({"model": "veo", "width": 64, "height": 64}, "width", LEGAL_SIZES),
    "a resolution": ({"model": "veo", "resolution": "640x480"}, "resolution", LEGAL_SIZES),
    "a last frame alone": ({"model": "veo", "tail_image": FIRST}, "tail_image", []),
    "both": ({"model": "veo", "image": FIRST, "reference_images": [LAST]}, "reference_images", []),
    "an unknown model": ({"model": "sora", "image": FIRST, "last_frame": LAST}, "last_frame", []),
}


@pytest.mark.parametrize(("fields", "param", "allowed"), CANNOT.values(), ids=CANNOT)
def test_unsupported_value_is_refused_by_the_name_sent(submit, services, fields, param, allowed):
    error = refused(submit, **fields)
    assert (error.status, error.code, error.param) == (422, "unsupported_value", param)
    (detail,) = error.details
    assert (detail["field"], detail["allowed"]) == (param, allowed)
    assert all(value in error.message for value in allowed)
    assert services.is_untouched()


def test_a_model_without_a_route_is_refused(submit, services):
    assert refused(submit, model="nowhere").param == "model"
    assert services.is_untouched()


def test_rest_names_its_own_field_of_the_size(submit):
    image = {"image": as_base64(FIRST)}
    error = refused(submit, from_rest, model="veo", resolution="1080x1080", **image)
    assert error.param == "resolution"
    assert refused(submit, from_rest, last_frame=URL, model="sora", **image).param == "last_frame"


ALWAYS = [{"fps": 60}, {"motion_strength": 1}, {"camera_motion": "pan"}]
ALWAYS += [{"seconds": seconds} for seconds in range(1, 11)]


@pytest.mark.parametrize("fields", ALWAYS, ids=str)
@pytest.mark.parametrize("model", ["veo_3_1", "veo", "omni", "sora"])
def test_the_documents_own_values_are_always_taken(submit, model, fields):
    for strict in (False, True):
        assert submit(model=model, strict=strict, **fields).task.request.model == model
