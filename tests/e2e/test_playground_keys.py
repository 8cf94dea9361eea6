"""The playground where keys are asked for, with two models; and its code, copied and run."""

import pytest

from tests.e2e.test_playground import PROMPT, RUN, made, take
from tests.e2e.test_stack import made_key
from tests.support.running_stack import running_stack

ROUTES = "veo_3_1=relay:veo_3_1;veo=vertex:veo-3.1-fast-generate-001"


@pytest.fixture(scope="module")
def closed():
    with running_stack(
        UPSTREAM_SECONDS="2",
        ALLOW_ANONYMOUS="false",
        VIDEO_PROVIDERS="relay,vertex",
        VIDEO_ROUTES=ROUTES,
        IMAGE_URL_ALLOW_PRIVATE="true",
    ) as running:
        yield running


@pytest.fixture(scope="module")
def key(closed):
    return made_key(closed)


@pytest.fixture(scope="module")
def found(closed, key, tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    return take(closed.api_url, ["keyed", "code"], folder, key=key, prompt=PROMPT)


def test_the_way_with_a_key_leads_to_its_end(found):
    for way in ("keyed", "code"):
        assert "broken" not in found[way], found[way].get("broken")
        assert found[way]["looks"] == []
        assert {said[:50] for said in found[way]["complaints"]} <= {
            "Failed to load resource: the server responded with"  # Chromium's own word for a 401
        }


def test_a_key_is_asked_for_and_a_wrong_one_refused(found):
    assert found["keyed"]["wrong"] == "The service does not know this key."
    assert found["keyed"]["plays"]


def test_focus_moves_as_a_key_is_taken_and_not_once_one_types(found):
    """The address is typed while the list of videos is on its way, and Enter takes it."""
    assert found["keyed"]["begins at"] == "make"


def test_nothing_is_ordered_before_there_is_a_price(found):
    assert found["keyed"]["early"] == ["Give a key first.", "API key"]
    assert found["keyed"]["ordered"] == 0


def test_fields_follow_the_model(found):
    assert found["keyed"]["models"] == ["veo_3_1", "veo"]
    assert found["keyed"]["fields"] == ["generate_audio", "negative_prompt", "seed"]


def test_the_price_follows_the_form(found):
    assert found["keyed"]["price"].startswith("$0.40 for 4 s")  # 4 s at 0.10, with sound
    assert found["keyed"]["silent"].startswith("$0.32 for 4 s")


def test_a_key_stays_in_its_tab_until_it_is_forgotten(found, key):
    assert found["keyed"]["other tab"] == "asked"
    assert found["keyed"]["kept"] == '[0,""]'
    assert found["keyed"]["cards left"] == 0
    assert key not in found["keyed"]["storage left"]


@pytest.mark.parametrize("language", RUN)
def test_copied_code_reads_the_key_from_the_shell(closed, key, found, language, tmp_path):
    assert key not in found["code"][language]
    told = {"VIDEOAPI_KEY": key}
    assert made(found["code"], language, tmp_path, closed.api_url, **told) == PROMPT
