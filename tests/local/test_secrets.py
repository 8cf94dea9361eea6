"""No secret is in this repository: not as a default, not by accident."""

import re
import tomllib
from io import StringIO

import pytest
from dotenv import dotenv_values

from local import template
from local.settings import ROOT

NAME = re.compile(r"key|token|password|secret", re.IGNORECASE)
CREDENTIAL = re.compile(
    r"(?:AKIA|ASIA)[0-9A-Z]{16}"  # AWS
    r"|\bsk-[A-Za-z0-9_-]{20,}"  # OpenAI and relays
    r"|\bAIza[0-9A-Za-z_-]{35}"  # Google
    r"|\b(?:ghp|gho|ghs)_[A-Za-z0-9]{36}|\bgithub_pat_[A-Za-z0-9_]{50,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|\bvak_[a-z2-7]{32}"  # our own API keys
)
FOLDERS = ["bench", "events", "examples", "functions", "layers", "local", "requirements", "tests"]
FOLDERS += [".ci"]
FILES = [path for path in ROOT.iterdir() if path.is_file() and path.name not in (".env", ".git")]
FILES += [
    path
    for folder in FOLDERS
    for path in (ROOT / folder).rglob("*")
    if path.is_file() and "__pycache__" not in path.parts  # compiled, the samples below are whole
]


@pytest.mark.parametrize(
    "text",
    [
        "AKIA" + "A1" * 8,
        "Bearer sk-" + "aB3" * 8,
        "AIza" + "x" * 35,
        "ghp_" + "a1" * 18,
        "-----BEGIN EC " + "PRIVATE KEY-----",
        "vak_" + "a2" * 16,
    ],
)
def test_a_credential_is_recognised(text):
    assert CREDENTIAL.search(f'"key": "{text}"')


def test_no_file_holds_a_credential():
    assert len(FILES) > 100
    assert {ROOT / "tests/local/test_secrets.py", ROOT / "template.yaml"} <= set(FILES)
    texts = ((path, path.read_bytes().decode(errors="replace")) for path in FILES)
    assert [path for path, text in texts if CREDENTIAL.search(text)] == []


def test_the_example_of_settings_leaves_every_key_empty():
    text = re.sub(r"^#(?=[A-Z])", "", (ROOT / ".env.example").read_text(), flags=re.MULTILINE)
    keys = {n: v for n, v in dotenv_values(stream=StringIO(text)).items() if NAME.search(n)}
    assert keys == {"VEO3_API_KEY": "", "FAST_LLM_API_KEY": "", "IMAGE_API_KEY": ""}


def test_a_parameter_about_a_key_defaults_to_the_name_of_a_secret_or_to_nothing():
    parameters = template.load(ROOT / "template.yaml")["Parameters"]
    defaults = {parameters[name]["Default"] for name in parameters if NAME.search(name)}
    assert defaults == {"", "video-api/veo3-api-key"}


def test_what_sam_is_told_holds_no_key():
    def texts(value):
        if isinstance(value, dict):
            for name, each in value.items():
                yield name
                yield from texts(each)
        else:
            yield str(value)

    told = list(texts(tomllib.loads((ROOT / "samconfig.toml").read_text())))
    assert told
    assert [text for text in told if NAME.search(text)] == []
