import re

import pytest

from simulator.failures import Refusal
from simulator.fault_words import DONE, HTTP, QUEUED, STOPPED, WORDS, Stage
from simulator.faults import parse, tokens, without_tokens
from tests.support import docs

#: The rows of docs/simulator.md's tables: what a stage or an HTTP fault is called, and its text.
ROWS = re.findall(
    r"^\| `([a-z]+)(?:=[\d.]+)?` \| (.+) \|$", docs.SIMULATOR.read_text(), re.MULTILINE
)


def told_of(name):
    return " ".join(text for first, text in ROWS if first == name)


def test_the_page_explains_every_http_fault():
    assert [word for word in HTTP if not told_of(word)] == []


@pytest.mark.parametrize("stage", Stage)
def test_the_page_explains_every_stage_and_its_words(stage):
    """The states, which a prompt may order as well, are a relay's own words."""
    text = told_of(Stage.STS if stage is Stage.IAM else stage)  # "the same of impersonation"
    words = STOPPED if stage is Stage.STATUS else WORDS.get(stage, frozenset()) - HTTP
    assert text
    assert words <= set(re.findall(r"`(\w+)(?:[=*][\d.]+)?`", text))


@pytest.mark.parametrize(
    "token",
    [
        "[[submit:429]]",
        "[[submit:429=7*2@1]]",
        "[[submit:504+created*1]]",
        "[[submit:insufficient_user_quota]]",
        "[[submit:saturated=503]]",
        "[[submit:colon]]",
        "[[poll:404*3@2]]",
        "[[poll:hang=0.5*1]]",
        "[[poll:html=200]]",
        "[[status:NOT_START]] [[status:Running]] [[status:SUCCESS]]",
        "[[progress:percent]]",
        "[[wrap:envelope]]",
        "[[url:output[0].url]]",
        "[[url:data.detail.video_url]]",
        "[[link:inline=20]]",
        "[[content:400*2]]",
        "[[fail:PUBLIC_ERROR_AUDIO_FILTERED*2]]",
        "[[fail:high traffic*1]]",
        "[[fail:503]]",
        "[[error:string]]",
        "[[file:trickle=1]]",
        "[[time:0.5]]",
        "[[key:a-1.b_c]]",
        "[[render:tiny]]",
        "[[llm:refusal]]",
        "[[image:url]]",
    ],
)
def test_the_grammar_takes(token):
    assert parse(f"a sea {token} at dawn").faults


@pytest.mark.parametrize(
    "token",
    [
        "[[submit:429]",
        "[submit:429]]",
        "[[submit]]",
        "[[submit:]]",
        "[[sumbit:429]]",
        "[[submit:drops]]",
        "[[submit:200]]",
        "[[submit:600]]",
        "[[submit:429*]]",
        "[[submit:429*x]]",
        "[[submit:colon=3]]",
        "[[submit:colon+created]]",
        "[[poll:504+created]]",
        "[[poll:slow]]",
        "[[status:moderating]]",
        "[[status:failed*1]]",
        "[[url:video]]",
        "[[fail:HIGH_TRAFIC]]",
        "[[fail:503=1]]",
        "[[time:soon]]",
        "[[key:a b]]",
        "[[anything]]",
    ],
)
def test_a_typo_is_refused(token):
    with pytest.raises(Refusal, match="grammar"):
        parse(f"a sea {token} at dawn")


def test_counts_and_skips_say_which_visits_a_token_decides():
    plan = parse("[[poll:404*2@1]] [[poll:500*1@2]] [[poll:html@5]]")
    decided = [plan.at(Stage.POLL, visit) for visit in range(7)]
    assert [fault and fault.what for fault in decided] == [
        None,
        "404",
        "404",
        None,
        None,
        "html",
        "html",
    ]


def test_a_token_without_a_count_holds_for_ever():
    assert parse("[[content:400]]").at(Stage.CONTENT, 10_000)


def test_a_task_is_its_key_or_else_its_prompt():
    assert parse("[[key:k]] one").key == parse("[[key:k]] two").key == "k"
    assert parse("one").key != parse("two").key


def test_status_words_stay_as_they_are_written():
    plan = parse("[[status:NotStarted]] [[status:SUCCEEDED]]")
    assert (plan.word(QUEUED), plan.word(DONE)) == ("NotStarted", "SUCCEEDED")


def test_the_model_does_not_see_tokens():
    prompt = "a sea [[time:1]] at dawn [[key:x]]"
    assert without_tokens(prompt) == "a sea at dawn"
    assert tokens(prompt) == ["[[time:1]]", "[[key:x]]"]


def test_a_token_of_another_provider_is_not_heeded():
    prompt = "[[vertex.submit:503]] [[submit:429]]"
    assert [fault.what for fault in parse(prompt, "vertex").of(Stage.SUBMIT)] == ["503", "429"]
    assert [fault.what for fault in parse(prompt).of(Stage.SUBMIT)] == ["429"]


def test_a_token_of_an_unknown_provider_is_refused():
    with pytest.raises(Refusal):
        parse("[[sora.submit:503]]")
