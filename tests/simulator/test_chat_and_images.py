import base64
import io

import httpx
import pytest
from PIL import Image

from simulator.openai_compatible.chat_and_images import POLISH
from tests.support import web


@pytest.fixture
def chat(caller):
    def ask(content, **changes):
        messages = [{"role": "system", "content": "s"}, {"role": "user", "content": content}]
        body = {"model": "fast", "messages": messages} | changes
        return caller.http.post("/v1/chat/completions", json=body)

    return ask


@pytest.fixture
def draw(caller):
    def ask(prompt, **fields):
        body = {"model": "image", "prompt": prompt} | fields
        return caller.http.post("/v1/images/generations", json=body)

    return ask


def text(answer):
    return answer.json()["choices"][0]["message"]["content"]


def test_a_prompt_is_improved_and_keeps_its_tokens(chat):
    response = text(chat("A sea. [[time:1]]"))
    assert response == f"A sea. {POLISH} [[time:1]]"
    assert text(chat("A sea. [[time:1]]")) == response
    assert text(chat([{"type": "text", "text": "A sea"}])) == f"A sea. {POLISH}"


def test_a_model_may_refuse_or_say_nothing_or_too_much(chat):
    assert text(chat("[[llm:refusal]]")).startswith("I'm sorry")
    assert text(chat("[[llm:empty]]")) == ""
    assert len(text(chat("[[llm:long]]"))) == 20_000


def test_a_model_may_fail(chat):
    assert chat("[[llm:500]]").status_code == 500
    assert [chat("[[llm:429=3*1]]").status_code for _ in range(2)] == [429, 200]
    with pytest.raises(httpx.RemoteProtocolError):
        chat("[[llm:hang=0.01]]")


@pytest.mark.parametrize(
    "changes",
    [
        {"messages": []},
        {"messages": "x"},
        {"messages": [{"role": "user", "content": 1}]},
        {"model": ""},
    ],
)
def test_a_bad_chat_is_refused(chat, changes):
    assert chat("p", **changes).status_code == 400


def test_an_image_has_the_asked_size(draw):
    response = draw("a mountain", size="320x180").json()["data"][0]
    image = Image.open(io.BytesIO(base64.b64decode(response["b64_json"])))
    assert (image.format, image.size) == ("PNG", (320, 180))


@pytest.mark.parametrize(
    "fields", [{"prompt": "m [[image:url]]"}, {"prompt": "m", "response_format": "url"}]
)
def test_an_image_may_be_a_url_on_the_files_port(caller, draw, fields):
    url = draw(size="64x64", **fields).json()["data"][0]["url"]
    assert url.startswith(caller.upstream.files)
    assert Image.open(io.BytesIO(caller.anonymous.get(url).content)).size == (64, 64)
    assert caller.anonymous.get(url.replace(".png", "0.png")).status_code == 404


def test_an_image_may_fail(draw):
    refused = draw("[[image:content_policy_violation]]")
    assert (refused.status_code, refused.json()["error"]["code"]) == (
        400,
        "content_policy_violation",
    )
    assert draw("[[image:empty]]").json()["data"] == []
    assert draw("[[image:503]]").status_code == 503


@pytest.mark.parametrize(
    "fields", [{"prompt": ""}, {"prompt": 3}, {"size": "big"}, {"model": None}]
)
def test_a_bad_image_request_is_refused(draw, fields):
    assert draw(**{"prompt": "p"} | fields).status_code == 400


def test_a_key_and_json_are_needed(caller):
    url = f"{caller.upstream.api}/v1/chat/completions"
    assert web.post(url, json={"model": "m"}).status_code == 401
    assert caller.http.post("/v1/chat/completions", content=b"{").status_code == 400
