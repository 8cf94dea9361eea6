"""Which words for a status whom: plain clients and the SDKs stop at different ones."""

import pytest

from tests.support.pictures import png
from videoapi.domain.tasks import Dialect

URL = "https://example.com/image.jpg"
SDK_AGENTS = [
    "OpenAI/Python 2.9.0",
    "OpenAI/JS 6.1.0",
    "AsyncOpenAI/Python 2.9.0",
    "AzureOpenAI/Python 2.9.0",
    "AsyncAzureOpenAI/Python 2.9.0",
]
OTHER_AGENTS = [
    "OpenAI/v1 PythonBindings/0.28.1",
    "python-requests/2.34.2",
    "my OpenAI/Python client",
    "openai/lower",
    "",
]
WORDS = {
    "pending": ("pending", "queued"),
    "processing": ("processing", "in_progress"),
    "completed": ("completed", "completed"),
    "failed": ("failed", "failed"),
    "cancelled": ("cancelled", "failed"),
}


def created(client, **request):
    fields = {"prompt": "A fox"}
    return client.post("/v1/videos", **({"json": fields} | request)).json


def word(client, task_id, **headers):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.get(f"/v1/videos/{task_id}", headers=names).json["status"]


@pytest.mark.parametrize("state", WORDS)
def test_each_status_has_one_word_for_either_reader(client, task_factory, state):
    task = getattr(task_factory, state)()
    document, openai = WORDS[state]
    assert word(client, task.task_id) == document
    assert word(client, task.task_id, x_stainless_lang="js") == openai


@pytest.mark.parametrize("agent", SDK_AGENTS)
def test_an_official_sdk_reads_its_own_words(client, task_factory, agent):
    assert word(client, task_factory.pending().task_id, user_agent=agent) == "queued"
    assert created(client, headers={"user-agent": agent})["status"] == "queued"


@pytest.mark.parametrize("agent", OTHER_AGENTS)
def test_any_other_client_reads_the_documents_words(client, task_factory, agent):
    assert word(client, task_factory.pending().task_id, user_agent=agent) == "pending"
    assert created(client, headers={"user-agent": agent})["status"] == "pending"


def test_the_header_of_the_sdks_counts_whatever_it_says(client):
    assert created(client, headers={"x-stainless-lang": "unknown"})["status"] == "queued"


def test_form_is_answered_in_openais_words_for_any_reader(client):
    video = client.form(files={"prompt": (None, "A fox")}).json
    assert video["status"] == "queued"
    assert word(client, video["id"]) == "queued"


def test_object_reference_is_answered_in_openais_words(client):
    video = created(client, json={"prompt": "x", "input_reference": {"image_url": URL}})
    assert video["status"] == "queued"
    assert word(client, video["id"]) == "queued"


def test_sdks_video_reads_in_openais_words_for_any_reader(client):
    video = created(client, headers={"x-stainless-lang": "python"})
    assert word(client, video["id"]) == "queued"


def test_plain_clients_task_reads_in_the_readers_words(client):
    """A task of a plain client reads in the words of whoever asks."""
    video = created(client)
    assert video["status"] == "pending"
    assert word(client, video["id"]) == "pending"
    assert word(client, video["id"], x_stainless_lang="python") == "queued"


def test_the_rest_dialect_has_the_documents_words_for_everybody(client):
    video = created(client, headers={"x-stainless-lang": "python"})
    headers = {"x-stainless-lang": "python"}
    for path in (f"/api/v1/tasks/{video['id']}", f"/api/v1/videos/{video['id']}"):
        assert client.get(path, headers=headers).json["status"] == "pending"
    assert client.get("/api/v1/tasks", headers=headers).json[0]["status"] == "pending"


def test_the_list_is_always_in_openais_words(client, task_factory):
    for state in WORDS:
        getattr(task_factory, state)()
    listed = [video["status"] for video in client.get("/v1/videos").json["data"]]
    assert sorted(listed) == sorted(openai for _, openai in WORDS.values())


@pytest.mark.parametrize(("setting", "expected"), [("openai", "queued"), ("document", "pending")])
def test_the_setting_overrides_every_rule(deploy, task_factory, setting, expected):
    client = deploy(OPENAI_STATUS_VOCABULARY=setting)
    task = task_factory.pending(dialect=Dialect.OPENAI)
    plain, sdk = {}, {"x-stainless-lang": "python", "user-agent": SDK_AGENTS[0]}
    for headers in (plain, sdk):
        assert created(client, headers=headers)["status"] == expected
        read = client.get(f"/v1/videos/{task.task_id}", headers=headers)
        assert read.json["status"] == expected
        listed = client.get("/v1/videos", headers=headers).json["data"]
        assert {video["status"] for video in listed} == {expected}
    assert client.form(files={"input_reference": png()}).json["status"] == expected
