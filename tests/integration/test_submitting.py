"""What a good submit answers, writes and sends, in either dialect."""

import base64
import hashlib
import json
import re

import httpx
import pytest

from tests.support.pictures import png
from videoapi.aws.presigned import UrlSigner

REST, OPENAI = "/api/v1/videos/generate", "/v1/videos"
PICTURE = png()
INLINE = base64.b64encode(PICTURE).decode()
URL = "https://example.com/image.jpg"
UNPRICED = {"currency": "USD", "estimated": None, "actual": None, "final": False}
VIDEO_KEYS = {
    "id": str, "object": str, "model": str, "status": str, "progress": int, "created": int,
    "created_at": int, "completed_at": type(None), "expires_at": type(None), "prompt": str,
    "size": str, "seconds": str, "remixed_from_video_id": type(None), "error": type(None),
    "video_url": type(None), "cost": dict,
    "queue_position": type(None), "eta_seconds": type(None), "progress_source": str,
}  # fmt: skip


def the_item(services):
    (item,) = services.items().values()
    return item


def the_request(services):
    return json.loads(the_item(services)["request"])


def test_a_rest_submit_answers_202_with_the_id_and_where_to_poll(client):
    response = client.post(REST, json={"image": URL})
    task_id = response.json["task_id"]
    assert response.status == 202
    assert re.fullmatch(r"vid_[a-z0-9]{24,}", task_id)
    assert response.json == {
        "task_id": task_id,
        "status": "pending",
        "message": f"Video generation task submitted. Poll /api/v1/tasks/{task_id} for status.",
        "cost": UNPRICED,
    }
    assert response.headers["location"] == f"/api/v1/tasks/{task_id}"
    assert response.headers["content-type"] == "application/json"
    assert "idempotency-replayed" not in response.headers


def test_openai_submit_is_200_with_exactly_the_known_keys(client):
    """An OpenAI submit answers 200 with a video object of exactly the known keys."""
    response = client.post(OPENAI, json={"prompt": "A fox", "input_reference": URL})
    video = response.json
    assert response.status == 200
    assert {key: type(value) for key, value in video.items()} == VIDEO_KEYS
    assert video | {"id": "", "created": 0, "created_at": 0} == {
        "id": "", "object": "video", "model": "veo_3_1", "status": "pending", "progress": 0,
        "created": 0, "created_at": 0, "completed_at": None, "expires_at": None,
        "prompt": "A fox", "size": "1920x1080", "seconds": "8", "remixed_from_video_id": None,
        "error": None, "video_url": None, "cost": UNPRICED,
        "queue_position": None, "eta_seconds": None, "progress_source": "estimate",
    }  # fmt: skip
    assert video["created"] == video["created_at"] > 1_700_000_000
    assert response.headers["openai-poll-after-ms"] == "2000"
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(("path", "field"), [(REST, "image"), (OPENAI, "input_reference")])
def test_an_accepted_task_is_one_item_and_one_message(client, services, path, field):
    response = client.post(path, json={field: URL})
    task_id = response.json.get("task_id") or response.json["id"]
    item = the_item(services)
    assert item["task_id"] == task_id
    assert (item["status"], item["owner"], item["image_url"]) == ("pending", "anonymous", URL)
    assert services.messages() == [json.dumps({"task_id": task_id})]
    assert "expires_at" not in item, "a task that has not ended is never removed"


def test_what_rest_leaves_out_has_the_documents_defaults(client, services):
    client.post(REST, json={"image": URL})
    assert the_request(services) == {
        "model": "veo_3_1",
        "prompt": None,
        "seconds": None,
        "fps": 30,
        "size": "1920x1080",
        "motion_strength": None,
        "camera_motion": None,
        "optimize_prompt": False,
        "size_named": False,
        "metadata": {},
    }


def test_everything_that_rest_says_is_kept(client, services):
    client.post(
        REST,
        json={
            "image": URL,
            "prompt": "A fox",
            "duration": 7,
            "fps": 24,
            "resolution": "1080x1920",
            "motion_strength": 0.25,
            "camera_motion": "tilt",
            "optimize_prompt": True,
            "model": "veo_3_1-fast",
            "metadata": {"order": "42"},
        },
    )
    assert the_request(services) == {
        "model": "veo_3_1-fast",
        "prompt": "A fox",
        "seconds": 7,
        "fps": 24,
        "size": "1080x1920",
        "motion_strength": 0.25,
        "camera_motion": "tilt",
        "optimize_prompt": True,
        "metadata": {"order": "42"},
    }


def test_openai_takes_rest_extras_and_ignores_the_harmless(client, services):
    """The OpenAI dialect takes the REST extras and ignores what changes nothing."""
    fields = {
        "prompt": "A fox",
        "seconds": "4",
        "size": "1280x720",
        "fps": 24,
        "motion_strength": 1,
        "camera_motion": "pan",
        "optimize_prompt": True,
        "metadata": {"order": "42"},
        "n": 1,
        "user": "u-1",
    }
    response = client.post(OPENAI, json=fields)
    assert (response.json["seconds"], response.json["size"]) == ("4", "1280x720")
    assert the_request(services) == {
        "model": "veo_3_1",
        "prompt": "A fox",
        "seconds": 4,
        "fps": 24,
        "size": "1280x720",
        "motion_strength": 1.0,
        "camera_motion": "pan",
        "optimize_prompt": True,
        "metadata": {"order": "42"},
    }


@pytest.mark.parametrize("image", [INLINE, f"data:image/png;base64,{INLINE}"])
@pytest.mark.parametrize(("path", "field"), [(REST, "image"), (OPENAI, "input_reference")])
def test_inline_image_is_stored_under_owner_and_task(client, services, path, field, image):
    client.post(path, json={field: image})
    item = the_item(services)
    sha = hashlib.sha256(PICTURE).hexdigest()
    key = f"inputs/anonymous/{item['task_id']}/{sha[:16]}.png"
    assert item["image_key"] == key
    assert services.objects() == {key: PICTURE}
    assert "image_url" not in item
    kept = services.s3.head_object(Bucket=services.bucket, Key=key)
    assert kept["ContentType"] == "image/png"


def test_our_own_link_to_an_input_is_taken_as_the_file_it_names(client, services):
    services.files.put("images/anonymous/made.png", PICTURE, "image/png")
    base = f"https://{services.bucket}.s3.us-east-1.amazonaws.com"
    client.post(REST, json={"image": f"{base}/images/anonymous/made.png?X-Amz-Signature=x"})
    item = the_item(services)
    assert item["image_key"] == "images/anonymous/made.png"
    assert "image_url" not in item


def test_link_to_anothers_file_is_a_plain_url(client, services):
    """Our own link to another's file is a URL like any other."""
    url = f"https://{services.bucket}.s3.us-east-1.amazonaws.com/images/mallory/made.png"
    client.post(REST, json={"image": url})
    item = the_item(services)
    assert item["image_url"] == url
    assert "image_key" not in item


def test_a_presigned_link_made_here_is_recognised_here(services):
    from botocore.credentials import Credentials  # noqa: PLC0415

    links = UrlSigner(
        lambda: Credentials("key", "secret", "token"),
        bucket=services.bucket,
        region="us-east-1",
        endpoint=None,
        seconds=60,
        file_days=2,
    )
    assert links.key_of(links.to("images/anonymous/a b.png", now=0).url) == (
        "images/anonymous/a b.png"
    )


def test_text_alone_makes_a_video_without_an_image(client, services):
    assert client.post(OPENAI, json={"prompt": "A fox"}).status == 200
    item = the_item(services)
    assert not {"image_url", "image_key"} & item.keys()
    assert services.objects() == {}


@pytest.mark.parametrize("seconds", [5, "5", 5.0], ids=repr)
def test_seconds_may_be_a_number_or_a_text(client, seconds):
    assert client.post(OPENAI, json={"prompt": "A fox", "seconds": seconds}).json["seconds"] == "5"


def test_form_file_is_taken_by_its_bytes(client, services):
    """A file of a form is taken by its bytes whatever its type and name say."""
    files = {"input_reference": ("holiday.txt", PICTURE, "text/plain")}
    response = client.form(data={"prompt": "A fox", "seconds": "4"}, files=files)
    assert response.status == 200
    assert response.json["seconds"] == "4"
    assert list(services.objects().values()) == [PICTURE]


def test_a_form_takes_the_extras_as_text(client, services):
    data = {
        "prompt": "Füchse 🦊",
        "fps": "60",
        "motion_strength": "0.75",
        "camera_motion": "zoom",
        "optimize_prompt": "true",
        "metadata": '{"order": "42"}',
        "user": "u-1",
    }
    assert client.form(data=data, files={"input_reference": PICTURE}).status == 200
    assert the_request(services) == {
        "model": "veo_3_1",
        "prompt": "Füchse 🦊",
        "seconds": None,
        "fps": 60,
        "size": "1920x1080",
        "motion_strength": 0.75,
        "camera_motion": "zoom",
        "optimize_prompt": True,
        "size_named": False,
        "metadata": {"order": "42"},
    }


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("seconds", "-1", "greater than or equal to 1"),
        ("fps", "12345", "less than or equal to 60"),
        ("seed", "-5", "greater than or equal to 0"),
        ("seed", "99999999999", "less than or equal to 4294967295"),
        ("motion_strength", "-0.5", "greater than or equal to 0"),
        ("seconds", "five", "a valid integer"),
    ],
)
def test_number_as_text_is_refused_for_what_is_wrong_with_it(client, name, text, what):
    response = client.form(data={"prompt": "A fox", name: text}, files={"input_reference": PICTURE})
    assert response.status == 400
    assert response.error["message"].startswith(f"{name}: ")
    assert what in response.error["message"]


def test_form_may_name_its_image_by_url(client, services):
    parts = {
        "prompt": (None, "A fox"),
        "input_reference[image_url]": (None, URL),
        "metadata[order]": (None, "42"),
        "metadata[colour]": (None, "red"),
    }
    assert client.form(files=parts).status == 200
    assert the_item(services)["image_url"] == URL
    assert the_request(services)["metadata"] == {"order": "42", "colour": "red"}


@pytest.mark.parametrize("reference", [URL, INLINE, f"data:image/png;base64,{INLINE}"])
def test_a_form_may_carry_its_reference_as_text(client, services, reference):
    parts = {"prompt": (None, "A fox"), "input_reference": (None, reference)}
    assert client.form(files=parts).status == 200
    item = the_item(services)
    assert item.get("image_url") == URL or item["image_key"].endswith(".png")


def test_the_object_form_of_a_reference_takes_a_data_url(client, services):
    reference = {"image_url": f"data:image/png;base64,{INLINE}"}
    assert client.post(OPENAI, json={"prompt": "A fox", "input_reference": reference}).status == 200
    assert list(services.objects().values()) == [PICTURE]


def test_header_names_may_be_written_in_any_case(client):
    request = httpx.Request("POST", f"https://api{OPENAI}", files={"input_reference": PICTURE})
    response = client.send(
        request,
        headers={"idempotency-key": "k", "x-stainless-lang": "python"},
        title_case=True,
    )
    assert response.status == 200
    assert response.json["status"] == "queued"
    again = client.send(request, headers={"idempotency-key": "k"}, title_case=True)
    assert again.json["id"] == response.json["id"]


def test_every_bearer_is_the_anonymous_owner_in_open_mode(client, services):
    headers = [{}, {"authorization": "Bearer not-needed"}, {"authorization": "Basic eA=="}]
    for header in headers:
        assert client.post(OPENAI, json={"prompt": "A fox"}, headers=header).status == 200
    assert {item["owner"] for item in services.items().values()} == {"anonymous"}
    assert len(client.get("/v1/videos", headers=headers[1]).json["data"]) == len(headers)


def test_allowed_models_may_be_chosen_and_the_default_always(deploy, services):
    """A model may be chosen among those allowed and the default always."""
    client = deploy(VEO3_ALLOWED_MODELS="veo_3_1-fast, other", VEO3_MODEL="house-model")
    assert client.post(OPENAI, json={"prompt": "x"}).json["model"] == "house-model"
    chosen = client.post(OPENAI, json={"prompt": "x", "model": "other"})
    assert chosen.json["model"] == "other"
    before = len(services.items())
    refused = client.post(OPENAI, json={"prompt": "x", "model": "veo_4"})
    assert (refused.status, refused.error["param"]) == (400, "model")
    assert len(services.items()) == before


def test_private_image_urls_pass_where_the_operator_allows_them(deploy):
    url = "http://localhost:9000/image.png"
    assert deploy().post(REST, json={"image": url}).status == 422
    assert deploy(IMAGE_URL_ALLOW_PRIVATE="true").post(REST, json={"image": url}).status == 202


@pytest.mark.parametrize("kind", ["", "application/json; charset=utf-8", "Application/JSON"])
def test_json_may_come_without_a_type_or_with_parameters(client, kind):
    response = client.post(OPENAI, body='{"prompt": "A fox"}', headers={"content-type": kind})
    assert response.status == 200
