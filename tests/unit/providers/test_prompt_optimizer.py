import json

import httpx
import pytest
from aws_lambda_powertools import Logger

from videoapi.providers.prompt_optimizer import FROM_IMAGE, FROM_TEXT, PromptOptimizer


def optimizer(answer, *, api_url="https://llm.example/v1"):
    transport = httpx.MockTransport(answer)
    return PromptOptimizer(
        transport, api_url=api_url, model="fast", key=lambda: "llm-key", log=Logger(service="test")
    )


def saying(content):
    return lambda _: httpx.Response(200, json={"choices": [{"message": {"content": content}}]})


def test_the_answer_of_the_llm_becomes_the_prompt_in_one_line():
    words = "  Slow pan left.\nA fox runs.  "
    assert optimizer(saying(words)).optimize("fox", has_image=False) == (
        "Slow pan left. A fox runs."
    )


@pytest.mark.parametrize("thought", ["<think>A fox, so …</think>\n\n", "A fox, so …\n</think>"])
def test_a_reasoning_models_thoughts_are_no_prompt(thought):
    words = optimizer(saying(f"{thought}Slow pan left.")).optimize("fox", has_image=False)
    assert words == "Slow pan left."


@pytest.mark.parametrize(
    "api_url", ["https://llm.example/v1", "https://llm.example/v1/chat/completions/"]
)
def test_the_url_may_be_the_base_or_the_whole_route(api_url):
    seen = []

    def answer(request):
        seen.append(request)
        return saying("Pan.")(request)

    optimizer(answer, api_url=api_url).optimize("fox", has_image=False)
    assert str(seen[0].url) == "https://llm.example/v1/chat/completions"
    assert seen[0].headers["authorization"] == "Bearer llm-key"
    assert json.loads(seen[0].content)["model"] == "fast"


@pytest.mark.parametrize(("has_image", "focus"), [(True, FROM_IMAGE), (False, FROM_TEXT)])
def test_instruction_asks_for_motion_with_a_first_frame(has_image, focus):
    seen = []

    def answer(request):
        seen.append(json.loads(request.content)["messages"][0]["content"])
        return saying("Pan.")(request)

    optimizer(answer).optimize("fox", has_image=has_image)
    assert focus in seen[0]
    assert "{focus}" not in seen[0]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "   ",
        None,
        7,
        "I'm sorry, but I can't help with that.",
        "I cannot assist with this request.",
        "I\u2019m sorry, but I can\u2019t help with that.",
        "I can\u2019t create that.",
        "I\u2019m not able to help with that.",
        "Unfortunately, I won't write this.",
        "As an AI language model, I …",
        "很抱歉 我无法满足这个要求。",
        "我不能生成这样的内容",
        "作为一个AI 我……",
        "<think>The user wants a fox. I could begin with",
        "<think>The user wants a fox.</think>\n",
        "word " * 151,
    ],
    ids=[
        *("empty", "blank", "null", "number", "sorry", "cannot"),
        *("sorry, in print", "can't, in print", "not able", "unfortunately", "as an AI"),
        *("sorry (zh)", "cannot (zh)", "as an AI (zh)", "half a thought", "a thought", "151 words"),
    ],
)
def test_bad_completion_leaves_the_callers_prompt(content):
    """An empty refusing or over-long answer leaves the caller's prompt."""
    assert optimizer(saying(content)).optimize("fox", has_image=True) is None


def broken(_):
    message = "refused"
    raise httpx.ConnectError(message)


FAILURES = {
    "no connection": broken,
    "server error": lambda _: httpx.Response(500),
    "a page": lambda _: httpx.Response(200, text="<html>"),
    "no choice": lambda _: httpx.Response(200, json={"choices": []}),
    "a cut prompt": lambda _: httpx.Response(
        200, json={"choices": [{"message": {"content": "A fox in"}, "finish_reason": "length"}]}
    ),
    "no object": lambda _: httpx.Response(200, json=[1]),
    "deep JSON": lambda _: httpx.Response(200, content=b'{"choices":' + b"[" * 100_000),
    "no text": lambda _: httpx.Response(200, content=b"\xff\xfe\xff"),
    "a redirect to nowhere": lambda _: httpx.Response(307, headers={"Location": "foo:bar"}),
    "a redirect to no host": lambda _: httpx.Response(307, headers={"Location": "http://xn--/"}),
    "a redirect": lambda _: httpx.Response(302, headers={"Location": "https://other.example"}),
}


@pytest.mark.parametrize("response", FAILURES.values(), ids=FAILURES)
def test_every_failure_of_the_llm_leaves_the_callers_prompt(response):
    assert optimizer(response).optimize("fox", has_image=True) is None
