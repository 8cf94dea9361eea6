"""No secret is in this repository: not as a default, not by accident."""

import re
import tomllib
from io import StringIO

import pytest
from dotenv import dotenv_values

from devstack import template
from devstack.settings import ROOT
from tests.support import samconfig
from tests.support.own_files import git, is_clone, tracked

NAME = re.compile(r"key|token|password|secret", re.IGNORECASE)
CREDENTIAL = re.compile(
    r"(?:AKIA|ASIA)[0-9A-Z]{16}"  # AWS
    r"|\bsk-[A-Za-z0-9_-]{20,}"  # OpenAI and relays
    r"|\bAIza[0-9A-Za-z_-]{35}"  # Google
    r"|\b(?:ghp|gho|ghs)_[A-Za-z0-9]{36}|\bgithub_pat_[A-Za-z0-9_]{50,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|\bvak_[a-z2-7]{32}"  # our own API keys
)


def holding_a_credential(paths):
    texts = ((path, path.read_bytes().decode(errors="replace")) for path in paths)
    return [path for path, text in texts if CREDENTIAL.search(text)]


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


@pytest.mark.skipif(not is_clone(ROOT), reason="this is no clone, but a copy of one")
def test_no_file_of_this_repository_holds_a_credential():
    files = tracked(ROOT)
    assert len(files) > 100
    assert {ROOT / "tests/devstack/test_secrets.py", ROOT / "template.yaml"} <= set(files)
    assert holding_a_credential(files) == []


def test_credential_is_found_in_tracked_files_alone(tmp_path):
    """A credential is found in what git tracks and in nothing else."""
    for name in ("added.json", "made by a command.json"):
        (tmp_path / name).write_text('{"id": "ASIA' + "A1" * 8 + '"}')
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "added.json")
    assert holding_a_credential(tracked(tmp_path)) == [tmp_path / "added.json"]


def test_the_example_of_settings_leaves_every_key_empty():
    text = re.sub(r"^#(?=[A-Z])", "", (ROOT / ".env.example").read_text(), flags=re.MULTILINE)
    keys = {n: v for n, v in dotenv_values(stream=StringIO(text)).items() if NAME.search(n)}
    owners = ("VEO3", "GEMINI", "FAST_LLM", "IMAGE")
    assert keys == {"WEBHOOK_SECRET": "", **{f"{owner}_API_KEY": "" for owner in owners}}


def test_key_parameter_defaults_to_a_secrets_name():
    """A parameter about a key defaults to the name of a secret or to nothing."""
    parameters = template.load(ROOT / "template.yaml")["Parameters"]
    defaults = {parameters[name]["Default"] for name in parameters if NAME.search(name)}
    assert defaults == {"", "video-api/veo3-api-key"}


def words(value):
    """Return every name and every word of what a TOML file says."""
    if isinstance(value, dict):
        return [each for pair in value.items() for part in pair for each in words(part)]
    return str(value).split()


def keys_told(text):
    """Return what SAM is told of keys, but for the names of secrets in Secrets Manager."""
    told = words(tomllib.loads(text))
    found = [each for each in told if NAME.search(each) or CREDENTIAL.search(each)]
    secret = r"\w+Secret=[\w/+=.@'-]*"
    return [each for each in found if CREDENTIAL.search(each) or not re.fullmatch(secret, each)]


def test_what_sam_is_told_holds_no_key():
    assert keys_told(samconfig.TEXT) == []


@pytest.mark.parametrize(
    "told", ["Veo3ApiKey=x", "Veo3ApiKeySecret=sk-" + "aB3" * 8, "x=AKIA" + "A1" * 8, "Token=''"]
)
def test_a_key_that_sam_is_told_is_seen(told):
    assert keys_told(samconfig.with_parameters(told)) == [told]


def test_the_name_of_a_secret_may_be_told():
    """As docs/google.md names one, and as docs/deployment.md takes it back."""
    for told in ("GeminiApiKeySecret=video-api/gemini-api-key", "GeminiApiKeySecret=''"):
        assert keys_told(samconfig.with_parameters(told)) == []
