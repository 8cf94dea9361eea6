"""No secret is in this repository: not as a default, not by accident."""

import os
import re
import shutil
import subprocess
import tomllib
from io import StringIO

import pytest
from dotenv import dotenv_values

from devstack import template
from devstack.settings import ROOT

NAME = re.compile(r"key|token|password|secret", re.IGNORECASE)
CREDENTIAL = re.compile(
    r"(?:AKIA|ASIA)[0-9A-Z]{16}"  # AWS
    r"|\bsk-[A-Za-z0-9_-]{20,}"  # OpenAI and relays
    r"|\bAIza[0-9A-Za-z_-]{35}"  # Google
    r"|\b(?:ghp|gho|ghs)_[A-Za-z0-9]{36}|\bgithub_pat_[A-Za-z0-9_]{50,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|\bvak_[a-z2-7]{32}"  # our own API keys
)


def git(folder, *arguments):
    # A hook of another repository says in GIT_DIR which one is meant.
    environment = {name: os.environ[name] for name in os.environ if not name.startswith("GIT_")}
    command = [shutil.which("git"), *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, check=True, capture_output=True, text=True
    ).stdout


def tracked(root):
    """Return the files of a repository: what else lies in its folder is its user's."""
    paths = [root / name for name in git(root, "ls-files", "-z").split("\0") if name]
    return [path for path in paths if path.is_file()]  # a deleted one is still listed


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


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="this is no clone, but a copy of one")
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


def test_what_sam_is_told_holds_no_key():
    """It names secrets by their names in Secrets Manager, and holds none."""

    def texts(value):
        if isinstance(value, dict):
            for name, each in value.items():
                yield name
                yield from texts(each)
        else:
            yield from str(value).split()

    values = list(texts(tomllib.loads((ROOT / "samconfig.toml").read_text())))
    assert values
    named = [text for text in values if NAME.search(text)]
    assert named == [
        "Veo3ApiKeySecret=video-api-dev/veo3-api-key",
        "Veo3ApiKeySecret=video-api/veo3-api-key",
    ]
