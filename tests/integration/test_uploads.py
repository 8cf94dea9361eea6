"""Images that S3 takes by a signed form, and that a submit names.

moto enforces no policy: `tests/e2e` posts forms to the local stack, which does.
"""

import time
from datetime import datetime

import pytest

from tests.integration.test_refusals import assert_openai, assert_rest
from tests.support.pictures import png
from videoapi.accounts.api_keys import ApiKeyStore, Limits
from videoapi.usecases import uploads

UPLOADS, REST, OPENAI = "/api/v1/uploads", "/api/v1/videos/generate", "/v1/videos"
WAYS = {
    "REST": lambda client, text, **more: client.post(REST, json={"image": text}, **more),
    "OpenAI": lambda client, text, **more: client.post(
        OPENAI, json={"prompt": "A fox", "input_reference": text}, **more
    ),
    "OpenAI object": lambda client, text, **more: client.post(
        OPENAI, json={"prompt": "A fox", "input_reference": {"image_url": text}}, **more
    ),
    "OpenAI form": lambda client, text, **more: client.form(
        files={"prompt": (None, "A fox"), "input_reference[image_url]": (None, text)}, **more
    ),
    "OpenAI form text": lambda client, text, **more: client.form(
        files={"prompt": (None, "A fox"), "input_reference": (None, text)}, **more
    ),
}
every_way = pytest.mark.parametrize("way", WAYS)


@pytest.fixture
def upload(client):
    return client.post(UPLOADS, json={"content_type": "image/png"}).json


@pytest.fixture
def sent(services, upload):
    """An upload whose file has arrived."""
    services.files.put(upload["fields"]["key"], png(), "image/png")
    return upload


def assert_not_found(answer):
    if answer.status == 422:
        assert_rest(answer, 422, "ValidationError", code="upload_not_found")
        assert answer.error["details"][0]["field"] == "image"
    else:
        assert_openai(answer, 400, code="upload_not_found", param="input_reference")


def test_an_upload_is_answered_with_a_form_and_touches_nothing(client, services):
    response = client.post(UPLOADS, json={"content_type": "image/png", "size_bytes": 12_345_678})
    assert (response.status, response.calls) == (201, [])
    assert response.json.keys() == {"reference", "url", "fields", "max_bytes", "expires_at"}
    assert response.json["url"] == f"https://{services.bucket}.s3.us-east-1.amazonaws.com/"
    assert response.json["max_bytes"] == 12_345_678
    life = datetime.fromisoformat(response.json["expires_at"]).timestamp() - time.time()
    assert 590 < life <= 600
    assert services.is_untouched()


def test_an_upload_may_say_nothing_of_itself(client):
    response = client.post(UPLOADS, json={})
    assert response.status == 201
    assert response.json["fields"]["Content-Type"] == "image/jpeg"
    assert response.json["max_bytes"] == 20 * 1024 * 1024


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"content_type": "image/gif"}, "content_type", "invalid_value"),
        ({"size_bytes": 20 * 1024 * 1024 + 1}, "size_bytes", "invalid_value"),
        ({"filename": "a.png"}, "filename", "unknown_parameter"),
        ([], "body", "invalid_value"),
    ],
)
def test_an_upload_that_would_be_refused_later_is_refused_now(client, body, field, code):
    response = client.post(UPLOADS, json=body)
    assert_rest(response, 422, "ValidationError", code=code)
    assert response.error["details"][0]["field"] == field


def test_what_is_no_json_asks_for_no_upload(client):
    assert_rest(client.post(UPLOADS), 400, "MalformedBody")
    assert_rest(client.form(UPLOADS, files={"file": png()}), 415, "UnsupportedMediaType")


@every_way
def test_every_place_for_an_image_takes_the_reference(client, services, sent, way):
    response = WAYS[way](client, f" {sent['reference']}\n")
    assert response.status in (200, 202)
    assert response.calls == ["s3:HeadObject", "dynamodb:PutItem", "sqs:SendMessage"]
    (item,) = services.items().values()
    assert item["image_key"] == sent["fields"]["key"]
    assert "image_url" not in item


@every_way
def test_missing_file_is_named_by_its_field(client, services, upload, way):
    """A file that has not arrived is said by its field and nothing is done."""
    response = WAYS[way](client, upload["reference"])
    assert_not_found(response)
    assert response.calls == ["s3:HeadObject"]
    assert services.is_untouched()


def test_the_address_of_an_uploaded_file_is_taken_too(client, services, sent):
    client.post(REST, json={"image": sent["url"] + sent["fields"]["key"]})
    (item,) = services.items().values()
    assert item["image_key"] == sent["fields"]["key"]


@every_way
def test_reference_is_its_owners_alone(deploy, services, way):
    """A reference is its owner's alone and reads to others as none."""
    closed = deploy(ALLOW_ANONYMOUS="false")
    ring = ApiKeyStore(services.dynamodb, services.table, time.time)
    own, other = (
        {"authorization": f"Bearer {ring.make(name, Limits())}"} for name in ("alice", "bob")
    )
    made = closed.post(UPLOADS, json={}, headers=own).json
    assert made["fields"]["key"].startswith("inputs/alice/uploads/")
    services.files.put(made["fields"]["key"], png(), "image/png")
    foreign = WAYS[way](closed, made["reference"], headers=other)
    missing = WAYS[way](closed, "upload_" + "a" * 26, headers=other)
    assert_not_found(foreign)
    assert foreign.error == missing.error
    assert WAYS[way](closed, made["reference"], headers=own).status in (200, 202)


def test_an_upload_is_not_deleted_with_a_task_that_used_it(client, services, sent):
    first, second = (
        client.post(OPENAI, json={"prompt": prompt, "input_reference": sent["reference"]}).json
        for prompt in ("A fox", "A wolf")
    )
    assert client.delete(f"{OPENAI}/{first['id']}").status == 200
    assert services.objects() == {services.item(second["id"])["image_key"]: png()}


def test_the_same_reference_is_the_same_wish(client, sent):
    headers = {"idempotency-key": "k"}
    first, again = (
        client.post(REST, json={"image": sent["reference"]}, headers=headers) for _ in range(2)
    )
    assert again.json["task_id"] == first.json["task_id"]
    assert again.headers["idempotency-replayed"] == "true"
    assert client.post(REST, json={"image": "https://e.example/"}, headers=headers).status == 422


def test_silent_store_is_not_a_missing_file(client, services, sent):
    services.calls.fail("s3:HeadObject", code="")
    response = client.post(REST, json={"image": sent["reference"]})
    assert_rest(response, 503, "ServiceError", retryable=True)
    assert services.items() == {}


@pytest.mark.parametrize("path", [REST, OPENAI])
def test_a_body_that_is_too_large_is_shown_the_way(client, path):
    headers = {"content-type": "application/json"}
    response = client.post(path, body=" " * (6 * 1024 * 1024 + 1), headers=headers)
    assert response.status == 413
    assert UPLOADS in response.error["message"]


def test_a_day_is_shorter_than_the_files_life_less_the_queues():
    assert uploads.USABLE_SECONDS <= (5 - 4) * 24 * 3600


def test_uploads_count_as_submits_of_their_minute(deploy, services):
    ring = ApiKeyStore(services.dynamodb, services.table, time.time)
    headers = {"x-api-key": ring.make("anna", Limits(submits_per_minute=2))}
    closed = deploy(ALLOW_ANONYMOUS="false")
    answers = [closed.post(UPLOADS, json={}, headers=headers) for _ in range(5)]
    # A minute may end in between, and lets two more in.
    assert [response.status for response in answers[:2]] == [201, 201]
    refused = [response for response in answers if response.status != 201]
    assert refused
    assert refused[0].status == 429
    assert refused[0].error["code"] == "rate_limited"
    assert answers[0].headers["ratelimit"].startswith('"minute";r=1;')
