"""`POST /api/v1/images/generate`, with an images endpoint on this machine."""

import base64

import pytest

from tests.support.moto import session
from tools.openapi.examples import TINY_PNG


@pytest.fixture
def client(deploy, drawer):
    secrets = session().client("secretsmanager")
    secrets.create_secret(Name="key", SecretString="drawer")
    return deploy(IMAGE_BASE_URL=drawer, IMAGE_API_KEY_SECRET="key")


def test_image_that_was_made_becomes_a_video_by_its_url(client, services):
    made = client.post("/api/v1/images/generate", json={"prompt": "A fox"})
    assert made.status == 200
    assert made.json.keys() == {"image_url", "image_b64", "service", "duration"}
    assert made.json["image_b64"] == TINY_PNG
    assert made.headers["cache-control"] == "no-store"
    body = {"image": made.json["image_url"], "prompt": "It runs"}
    task = client.post("/api/v1/videos/generate", json=body)
    assert task.status == 202
    (image,) = services.store.get(task.json["task_id"]).images
    assert services.files.get(image["key"]) == (base64.b64decode(TINY_PNG), "image/png")
