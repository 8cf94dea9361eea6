import pytest

from videoapi.domain.tasks import GenerationRequest
from videoapi.worker.prompts import NEUTRAL_IMAGE, NEUTRAL_TEXT, compose


def composed(prompt=None, *, has_image=True, better=None, **asked):
    request = GenerationRequest(model="m", prompt=prompt, **asked)
    return compose(request, has_image=has_image, prompt=better)


def test_a_prompt_alone_goes_up_as_it_is():
    assert composed("A fox") == "A fox"


@pytest.mark.parametrize("empty", [None, "", "  \n"])
def test_without_a_prompt_a_neutral_sentence_goes_up(empty):
    assert composed(empty) == NEUTRAL_IMAGE
    assert composed(empty, has_image=False) == NEUTRAL_TEXT


def test_a_better_prompt_takes_the_place_of_the_callers():
    assert composed("A fox", better="A red fox at dusk") == "A red fox at dusk"


@pytest.mark.parametrize(
    ("motion", "words"),
    [
        ("pan", "rotates horizontally"),
        ("tilt", "rotates vertically"),
        ("zoom", "focal length"),
        ("static", "does not move"),
    ],
)
def test_a_camera_motion_is_said_first_in_veos_own_terms(motion, words):
    sentence, prompt = composed("A fox", camera_motion=motion).split(". ")
    assert words in sentence
    assert prompt == "A fox"


def test_each_strength_is_one_of_a_few_words_that_grow():
    strengths = [0.0, 0.25, 0.26, 0.5, 0.51, 0.75, 0.76, 1.0]
    words = [composed("A fox", motion_strength=value) for value in strengths]
    assert words[0::2] == words[1::2]
    assert len(set(words)) == 4
    assert all(text.endswith(". A fox") for text in words)


def test_a_locked_camera_has_no_strength():
    assert composed("A fox", camera_motion="static", motion_strength=1.0) == composed(
        "A fox", camera_motion="static"
    )


def test_nothing_is_said_that_the_caller_did_not_say():
    assert composed("A fox", camera_motion=None, motion_strength=None, fps=60, seconds=5) == "A fox"


def test_camera_and_strength_and_neutral_words_go_together():
    text = composed(camera_motion="zoom", motion_strength=0.9)
    assert text.startswith("The lens zooms")
    assert text.endswith(NEUTRAL_IMAGE)
    assert "fast" in text
