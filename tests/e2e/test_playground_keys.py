"""The playground where keys are asked for, with two models; and its code, copied and run."""

import os
import subprocess

import httpx
import pytest

from devstack.settings import ROOT
from devstack.testing import running_stack
from tests.e2e.test_first_video import STILL, frames_of
from tests.e2e.test_playground import take
from tests.e2e.test_stack import made_key

PROMPT = 'It\'s "here": $HOME, `id`\nnew \\ line é🦊 [[render:tiny]]'
ROUTES = "veo_3_1=relay:veo_3_1;veo=vertex:veo-3.1-fast-generate-001"
RUN = {
    "curl": ["/bin/bash", "-euo", "pipefail", "-c"],
    "Python": [ROOT / ".venv" / "openai-3" / "bin" / "python", "-W", "ignore", "-c"],
    "JavaScript": ["node", "--input-type=module", "-e"],
}


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


@pytest.fixture(scope="module")
def open_code(stack, tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    return take(stack.api_url, ["code"], folder, key="", prompt=PROMPT)["code"]


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
    newest = httpx.get(f"{url}/v1/videos?limit=1", headers=headers).json()["data"][0]
    return newest["prompt"].replace("\r\n", "\n")  # as forms have it


@pytest.mark.parametrize("language", RUN)
def test_copied_code_makes_the_video_of_the_form(stack, open_code, language, tmp_path):
    assert made(open_code, language, tmp_path, stack.api_url) == PROMPT


@pytest.mark.parametrize("language", RUN)
def test_copied_code_reads_the_key_from_the_shell(closed, key, found, language, tmp_path):
    assert key not in found["code"][language]
    told = {"VIDEOAPI_KEY": key}
    assert made(found["code"], language, tmp_path, closed.api_url, **told) == PROMPT
