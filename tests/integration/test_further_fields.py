"""What only some models take, as callers see it: taken, or refused in their dialect's words."""

import base64
import json

import pytest

from tests.support.pictures import png

REST, OPENAI = "/api/v1/videos/generate", "/v1/videos"
URL = "https://example.com/a.png"
FIRST, LAST, THIRD = png(2, 2), png(4, 4), png(6, 6)
MODELS = {"REST": (REST, "image", "resolution", 422), "OpenAI": (OPENAI, "image", "size", 400)}
SIZES = ["1280x720", "720x1280", "1920x1080", "1080x1920"]


@pytest.fixture
def routed(deploy):
    """Return a service whose model is Google's."""
    return deploy(VIDEO_PROVIDERS="vertex", VIDEO_ROUTES="veo_3_1=vertex:veo-3.1-generate-001")


def kept_images(services):
    """Return the roles and the bytes of the one task's images."""
    (item,) = (item for key, item in services.items().items() if key.startswith("vid_"))
    objects = services.objects()
    first = [("first_frame", objects[item["image_key"]])] if "image_key" in item else []
    more = json.loads(item.get("more_images", "[]"))
    return first + [(each["role"], objects[each["key"]]) for each in more]


@pytest.mark.parametrize(("path", "image", "size", "status"), MODELS.values(), ids=MODELS)
def test_unsupported_value_is_refused_in_the_dialects_words(
    routed, services, path, image, size, status
):
    response = routed.post(path, json={image: URL, "prompt": "A fox", size: "1080x1080"})
    assert (response.status, response.error["code"]) == (status, "unsupported_value")
    assert all(size in response.error["message"] for size in SIZES)
    if status == 422:
        (detail,) = response.error["details"]
        assert (detail["field"], detail["allowed"]) == (size, SIZES)
    else:
        assert response.error["param"] == size
    assert response.headers["x-should-retry"] == "false"
    assert services.is_untouched()


def test_a_form_brings_both_frames_as_files(client, services):
    files = {"input_reference": ("a", FIRST), "last_frame": ("b", LAST)}
    assert client.form(data={"prompt": "A fox"}, files=files).status == 200
    assert kept_images(services) == [("first_frame", FIRST), ("last_frame", LAST)]


def test_a_form_brings_references_as_files_and_texts(routed, services):
    files = [("reference_images[]", ("a", each)) for each in (FIRST, LAST)]
    files.append(("reference_images[]", (None, base64.b64encode(THIRD))))
    response = routed.form(data={"seed": "0", "generate_audio": "false"}, files=files)
    assert response.status == 200
    assert kept_images(services) == [("reference", each) for each in (FIRST, LAST, THIRD)]
    (item,) = (item for key, item in services.items().items() if key.startswith("vid_"))
    request = json.loads(item["request"])
    assert (request["seed"], request["generate_audio"]) == (0, False)


def test_rest_brings_both_frames(routed, services):
    first, last = (base64.b64encode(image).decode() for image in (FIRST, LAST))
    body = {"image": first, "last_frame": last, "negative_prompt": "fog", "seed": 7}
    assert routed.post(REST, json=body).status == 202
    assert kept_images(services) == [("first_frame", FIRST), ("last_frame", LAST)]


def test_images_are_too_large_together(client, services):
    """All images of a submit share the 6 MB that a function is handed."""
    half = base64.b64encode(FIRST + b"\0" * 2_400_000).decode()
    assert client.post(REST, json={"image": half, "last_frame": half}).status == 413
    assert services.is_untouched()
