"""The playground as people use it, in a real Chromium: by mouse, by keyboard, on a phone, in dark.

The ways themselves are `clients/playground_ways.py`. SHOTS=folder keeps the screenshots.
"""

import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from devstack.settings import ROOT
from tests.e2e.test_first_video import CHROMIUM, STILL, frames_of
from tests.e2e.test_page import AXE
from tests.e2e.test_sdks import CLIENTS
from tests.support import web

WHOLE = ["mouse-1280-light", "mouse-390-dark", "keyboard-1280-dark", "keyboard-390-light"]
TROUBLES = [
    "lost",
    "reloaded",
    "rekeyed",
    "forgotten",
    "hanging",
    "refused",
    "away",
    "vanished",
    "failing",
]
MISTAKES = ["models", "missing", "long", "throttled", "late", "uncancelled", "ended"]
WAYS = [*WHOLE, "given", "large", "code", *TROUBLES, *MISTAKES]
every_whole_way = pytest.mark.parametrize("way", WHOLE)
PROMPT = 'It\'s "here": $HOME, `id`\nnew \\ line é🦊 [[render:tiny]]'
RUN = {
    "curl": ["/bin/bash", "-euo", "pipefail", "-c"],
    "Python": [ROOT / ".venv" / "openai-3" / "bin" / "python", "-W", "ignore", "-c"],
    "JavaScript": ["node", "--input-type=module", "-e"],
}
SIZE = "1280\u00d7720"
#: What Chromium itself says of an answer that is none, or that refuses.
NO_ANSWER = "Failed to load resource: "
MAX_SCRIPT, MAX_PAINT = 60_000, 2_500  # bytes; milliseconds, on a busy machine
SEEN = " [[time:5]]"  # long enough to be seen while it is made
BROWSERS, MAX_SECONDS = 3, 600  # side by side; seconds of one, on a busy machine


def noise(path, width, height):
    pixels = os.urandom(width * height * 3)
    Image.frombytes("RGB", (width, height), pixels).save(path, compress_level=1)
    return str(path)


def take(url, ways, folder, **given):
    """Return what a browser found on each way."""
    if CHROMIUM is None or not AXE.exists():
        pytest.skip("Chromium, or Node with its packages, is not installed")
    shots = Path(os.environ.get("SHOTS") or folder)
    shots.mkdir(parents=True, exist_ok=True)
    settings = {
        "chromium": CHROMIUM,
        "url": f"{url}/",
        "home": str(folder),
        "shots": str(shots),
        "axe": str(AXE),
        "photo": str(STILL),
        "large": noise(folder / "large.png", 1400, 1200),
        "tall": noise(folder / "tall.png", 90, 160),
        "beside": noise(folder / "beside.png", 300, 200),
    }
    with ThreadPoolExecutor(BROWSERS) as pool:
        parts = [settings | given | {"ways": ways[n::BROWSERS]} for n in range(BROWSERS)]
        return {way: found for part in pool.map(driven, parts) for way, found in part.items()}


def driven(settings):
    python = ROOT / ".venv" / "browser" / "bin" / "python"
    done = subprocess.run(
        [python, CLIENTS / "playground.py", json.dumps(settings)],
        capture_output=True, text=True, timeout=MAX_SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def found(stack, tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    return take(stack.api_url, WAYS, folder, key="", prompt=PROMPT, time=SEEN)


@pytest.fixture(scope="module")
def paid(stack, found):  # noqa: ARG001 — what was found was paid
    return web.get(f"{stack.upstream_url}/_control").json()["tasks"]


@pytest.mark.parametrize("way", WAYS)
def test_every_way_leads_to_its_end(found, way):
    assert "broken" not in found[way], found[way].get("broken")


@pytest.mark.parametrize("way", WAYS)
def test_browser_and_axe_have_nothing_to_complain_of(found, way):
    said = [each for each in found[way]["complaints"] if not each.startswith(NO_ANSWER)]
    assert said == []
    assert found[way]["looks"] == []
    if way in WHOLE:
        assert found[way]["complaints"] == []


@every_whole_way
def test_the_video_is_saved_under_its_name(found, way):
    name, size = found[way]["saved"]
    assert name.startswith("vid_")
    assert name.endswith(".mp4")
    assert size > 10_000


@pytest.mark.parametrize("way", WHOLE[:2])
def test_by_mouse_a_file_becomes_a_video_that_plays(found, way):
    assert found[way]["plays"]
    assert found[way]["price"].startswith(f"Price not known, 6 s, {SIZE}")
    assert found[way]["about"].replace("\xa0", " ").startswith(f"6 s · {SIZE} · veo_3_1 · took ")


@pytest.mark.parametrize("way", WHOLE[2:])
def test_by_keyboard_the_focus_follows_and_is_never_lost(found, way):
    assert found[way]["chosen"] == "6 s"
    assert found[way]["follows"] == "stage-title"
    assert found[way]["asked"] == "Keep it"
    assert found[way]["left"]


@pytest.mark.parametrize("way", WHOLE[2:])
def test_the_end_is_said_and_who_wants_calm_starts_it(found, way):
    assert found[way]["said"] == "Your video is ready."
    assert not found[way]["begins by itself"]


@pytest.mark.parametrize("way", WHOLE[2:])
def test_again_with_changes_fills_the_form(found, way):
    assert found[way]["again"].startswith("By keyboard, ")
    assert (found[way]["picture again"], found[way]["length again"]) == ("mountains.jpg", "6")


def test_a_phone_need_not_zoom_to_type(found):
    """What has letters of less than 16 pixels, iOS zooms in on, and never out again."""
    assert min(found["mouse-390-dark"]["letters"]) >= 16


def test_a_picture_is_dropped_pasted_or_named_by_address(found):
    given = found["given"]
    assert (given["drop"], given["paste"]) == ("dropped.png", "pasted.png")
    assert given["address"] == "127.0.0.1"


def test_an_address_moves_nothing_that_a_press_is_about_to_hit(found):
    """The press leaves the field, which takes the address before the button comes up."""
    assert found["given"]["moved"] == 0


def test_a_price_does_not_move_the_button_below_it(found):
    assert found["given"]["moved by its price"] == 0


def test_what_is_wrong_with_a_picture_is_said_beside_it(found):
    assert found["given"]["problem"] == "This is no JPEG, PNG or WebP picture."
    assert found["given"]["refused"].startswith("The URL must not point to a private")
    assert found["given"]["focus"] == "Remove: Picture"


def test_a_large_picture_is_uploaded_before_it_is_ordered(found):
    assert found["large"]["size"] == "5.0 MB, uploaded"
    assert found["large"]["bars"][-1] == 100
    assert found["large"]["uploads"] == 1
    assert found["large"]["by reference"] == [True]
    assert found["large"]["orders"][0] < 10_000


def test_a_lost_answer_and_a_double_click_are_paid_once(found, paid):
    assert (found["lost"]["keys"], found["lost"]["different"]) == (2, 1)
    assert found["lost"]["plays"]
    assert paid["lost"] == {"posts": 1, "accepted": 1}


def test_a_new_key_after_a_lost_answer_asks_before_it_orders(found):
    assert found["rekeyed"]["sent since"] == 0


def test_an_order_of_a_forgotten_key_is_neither_sent_nor_kept(found):
    assert (found["forgotten"]["sent"], found["forgotten"]["kept"]) == (1, 0)


def test_a_reload_takes_the_order_up_and_pays_once(found, paid):
    assert found["reloaded"]["different"] == found["reloaded"]["cards"] == 1
    assert found["reloaded"]["prompt"].startswith("[[key:reloaded]]")
    assert paid["reloaded"] == {"posts": 1, "accepted": 1}


def made(code, language, folder, url, **environment):
    """Run copied code in a folder with the picture; return the prompts of the videos it made."""
    (folder / STILL.name).write_bytes(STILL.read_bytes())
    told = {"PATH": os.environ["PATH"], "HOME": str(folder)} | environment
    done = subprocess.run(
        [*RUN[language], code[language]],
        cwd=folder, env=told, capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stderr}\n{code[language]}"
    assert frames_of((folder / "video.mp4").read_bytes())[1]
    headers = {"Authorization": f"Bearer {environment.get('VIDEOAPI_KEY', 'none')}"}
    newest = web.get(f"{url}/v1/videos?limit=1", headers=headers).json()["data"][0]
    return newest["prompt"].replace("\r\n", "\n")  # as forms have it


@pytest.mark.parametrize("language", RUN)
def test_copied_code_makes_the_video_of_the_form(stack, found, language, tmp_path):
    assert made(found["code"], language, tmp_path, stack.api_url) == PROMPT


def test_the_page_is_small_and_paints_while_the_api_hangs(found):
    assert found["hanging"]["scripts"] >= 10
    assert found["hanging"]["bytes"] < MAX_SCRIPT
    assert found["hanging"]["painted"] < MAX_PAINT


def test_refusals_say_where_and_what_to_do(found):
    said = found["refused"]
    assert said["budget"].startswith("The budget is used up until Jan 2, 2030")
    assert said["busy"].replace("\xa0", " ") == "It says no. Try again in 7 s."
    assert said["field"] == "It says no."


def test_an_order_without_an_answer_is_kept_until_given_up(found):
    assert "paid once" in found["away"]["said"]
    assert found["away"]["sent"] >= 8
    assert found["away"]["different"] == 1


def test_a_failed_video_says_why_and_a_cancelled_one_its_cost(found):
    assert "Change the prompt or the picture" in found["failing"]["reason"]
    assert found["failing"]["cancelled"].startswith("You cancelled it.")
    assert found["failing"]["both pages"] > found["failing"]["first page"] >= 12


def test_fields_keep_what_was_chosen_when_the_model_changes(found):
    assert (found["models"]["focus"], found["models"]["length"]) == ("Model", "6")
    assert found["models"]["seed"] == "7"
    assert "seed" not in found["models"]["plain"]


def test_further_pictures_leave_room_for_the_first_in_a_request(found):
    assert found["models"]["beside"] == "181 KB, uploaded"


def test_an_order_asks_before_it_leaves_out_a_picture(found):
    missing = found["missing"]
    assert missing["folder"] == "This is no JPEG, PNG or WebP picture."
    assert missing["pressed"].endswith("Press again to go on without it.")
    assert missing["address"].startswith("Say an address that begins with https://")
    assert (missing["sent"], missing["sent then"], missing["sent at last"]) == (0, 0, 1)


def test_a_long_prompt_is_refused_whole_and_not_cut_off(found):
    assert found["long"]["characters"] == 5001
    assert found["long"]["said"] == "It should have at most 5000 characters."


def test_two_wrong_fields_are_told_of_each_beside_it(found):
    assert found["long"]["two"] == ["It should be smaller.", "Say less."]
    assert found["long"]["focus"] == "prompt"


def test_a_gateways_word_ends_no_order_whose_answer_was_lost(found):
    assert (found["throttled"]["sent"], found["throttled"]["different"]) == (3, 1)
    assert found["throttled"]["said"].startswith("Not at: xxx")


def test_a_late_list_leaves_the_form_as_it_was_filled(found):
    late = found["late"]
    assert (late["left"], late["length"], late["focus"]) == (0, "6", "6")


def test_a_refused_cancel_is_said_and_a_refused_order_gives_way(found):
    assert found["uncancelled"]["said"].startswith("Away.")
    assert found["uncancelled"]["shown"] == "[[time:60]] Uncancelled"


def test_a_link_that_has_ended_is_renewed_for_a_download(found):
    assert found["ended"]["saved"][1] > 1_000
