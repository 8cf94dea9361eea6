"""What `make run` says once it is ready."""

import io
from pathlib import Path

import pytest

from devstack.banner import banner
from devstack.console import Console
from devstack.settings import ROOT, Settings

KEY = {"VEO3_API_KEY": "sk-real"}


def banner_text(environment, folder=None):
    settings = Settings.read(environment, Path("no such file"))
    console = Console(io.StringIO(), api_url=settings.api_url, environment={})
    return "\n".join(banner(settings, 71.4, console, folder or settings.kept))


def test_start_shows_its_time_and_the_page_to_open_first():
    first = banner_text({"API_PORT": "8123"}).splitlines()[0]
    assert first == "Ready after 71 s. Open http://localhost:8123 in a browser."


def test_closed_stack_says_first_how_to_make_a_key():
    """A stack that asks for keys says first how to make one and calls with it."""
    lines = banner_text({"ALLOW_ANONYMOUS": "false"}).splitlines()
    made = lines.index("  make key NAME=me")
    called = next(n for n, line in enumerate(lines) if line.startswith("  curl "))
    assert made < called
    assert "-H 'Authorization: Bearer vak_" in lines[called]


def test_an_open_stack_asks_for_no_key():
    text = banner_text({})
    assert "Authorization" not in text
    assert "NAME=me" not in text


def test_who_else_can_reach_it_is_said_and_that_they_need_no_key():
    assert "Others" not in banner_text({})
    assert "Others" not in banner_text({"API_HOST": "localhost,127.0.0.1"})
    beyond = banner_text({"API_HOST": "localhost,192.168.1.5"})
    assert "Others reach it at port 8000" in beyond
    assert "ALLOW_ANONYMOUS=false" in beyond
    closed = banner_text({"API_HOST": "0.0.0.0", "ALLOW_ANONYMOUS": "false"})
    assert "need no key" not in closed


def test_without_a_key_videos_are_said_to_cost_nothing():
    assert "the simulator (no VEO3_API_KEY) and cost nothing" in banner_text({})


def test_providers_are_named_and_whose_videos_are_paid_for():
    played = banner_text({"VIDEO_PROVIDERS": "relay,gemini"})
    assert "The simulator plays relay, gemini: these videos cost nothing." in played
    text = banner_text(KEY | {"VIDEO_PROVIDERS": "relay,gemini"})
    assert "The simulator plays gemini: these videos cost nothing." in text
    assert "Each video of relay is paid for." in text


@pytest.mark.parametrize(
    ("values", "relay"),
    [({}, "https://api.kuai.host"), ({"VEO3_BASE_URL": "https://r.example"}, "https://r.example")],
)
def test_real_relay_is_named_and_each_video_paid_for(values, relay):
    text = banner_text(KEY | values)
    assert f"Videos come from {relay}, and each video is paid for." in text
    assert KEY["VEO3_API_KEY"] not in text


def test_kept_data_of_simulator_and_relay_lie_apart(tmp_path):
    """What is kept is said to lie apart for the simulator and a real relay."""
    assert "kept in .local/kept/simulator as they are written" in banner_text({})
    assert "in .local/kept/relay as" in banner_text(KEY)
    assert f"in {tmp_path}/simulator as" in banner_text({"KEEP_IN": str(tmp_path)})
    assert "Nothing is kept" in banner_text({"KEEP_IN": ""})


def test_the_folder_that_was_taken_is_shown():
    """A second stack at the same time keeps elsewhere than its settings say."""
    text = banner_text({}, ROOT / ".local/kept/simulator-2")
    assert "kept in .local/kept/simulator-2 as" in text


@pytest.mark.parametrize(("port", "make"), [("4566", "make"), ("4567", "AWS_PORT=4567 make")])
def test_commands_reach_this_stack(port, make):
    text = banner_text({"AWS_PORT": port, "ALLOW_ANONYMOUS": "false"})
    assert f"In another terminal: {make} tasks, {make} key, make help." in text
    assert f"\n  {make} key NAME=me" in text


def test_the_first_call_names_an_image_that_is_there():
    assert str(ROOT / "examples/mountains.jpg") in banner_text({})
    assert (ROOT / "examples/mountains.jpg").is_file()
