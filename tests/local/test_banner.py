"""What `make run` says once it is ready."""

from pathlib import Path

import pytest

from local.banner import banner
from local.settings import ROOT, Settings

KEY = {"VEO3_API_KEY": "sk-real"}


def told(environment):
    return "\n".join(banner(Settings.read(environment, Path("no such file")), 1.0))


def test_without_a_key_videos_are_said_to_cost_nothing():
    assert "the stand-in (no VEO3_API_KEY) and cost nothing" in told({})


@pytest.mark.parametrize(
    ("said", "relay"),
    [({}, "https://api.kuai.host"), ({"VEO3_BASE_URL": "https://r.example"}, "https://r.example")],
)
def test_with_a_key_the_relay_is_named_and_each_video_said_to_be_paid_for(said, relay):
    text = told(KEY | said)
    assert f"Videos come from {relay}, and each video is paid for." in text
    assert KEY["VEO3_API_KEY"] not in text


def test_what_is_kept_is_said_to_lie_apart_for_the_stand_in_and_a_real_relay(tmp_path):
    assert "in .local/kept/stand-in." in told({})
    assert "in .local/kept/relay." in told(KEY)
    assert f"in {tmp_path}/stand-in." in told({"KEEP_IN": str(tmp_path)})
    assert "Keeps" not in told({"KEEP_IN": ""})


def test_the_first_call_names_an_image_that_is_there():
    assert str(ROOT / "examples/mountains.jpg") in told({})
    assert (ROOT / "examples/mountains.jpg").is_file()
