"""Credentials of Google in `make run`: a file becomes a secret, what is missing is told."""

import json

import pytest

from devstack import google_credentials, template
from devstack.function_settings import function_settings
from devstack.settings import ROOT, Settings

POOL = "projects/1/locations/global/workloadIdentityPools/pool/providers/aws"
ALL = {"VIDEO_PROVIDERS": "relay, vertex,gemini"}


def settings(**values):
    return Settings.of(values)


def variables(**values):
    return function_settings(settings(**values))


@pytest.fixture
def key_file(tmp_path):
    path = tmp_path / "key.json"
    path.write_text(json.dumps({"type": "service_account", "client_email": "a@b"}))
    return str(path)


def test_the_parameters_allow_what_the_simulator_is_reached_by():
    source = template.load(ROOT / "template.yaml")
    found = template.parameters(source, variables(**ALL))
    assert found["GoogleStsUrl"].endswith("/v1/token")
    assert found["GoogleWorkloadIdentityProvider"].startswith("projects/")
    assert found["GeminiBaseUrl"].startswith("http://127.0.0.1:")


def test_a_key_file_becomes_a_secret(key_file):
    source = template.load(ROOT / "template.yaml")
    values, named = template.secrets(
        source, variables(**ALL, **{google_credentials.FILE: key_file})
    )
    assert json.loads(values["video-api/google-credentials"])["client_email"] == "a@b"
    assert named["GoogleCredentialsSecret"] == "video-api/google-credentials"
    assert named["GeminiApiKeySecret"] == "video-api/gemini-api-key"


@pytest.mark.parametrize(
    ("values", "named"),
    [
        (
            {"VERTEX_BASE_URL": "https://proxy.example", "GOOGLE_PROJECT": "p"},
            google_credentials.FILE,
        ),
        ({"GOOGLE_WORKLOAD_IDENTITY_PROVIDER": POOL}, "GOOGLE_PROJECT"),
        ({"GEMINI_BASE_URL": "https://proxy.example"}, "GEMINI_API_KEY"),
    ],
)
def test_a_real_provider_without_credentials_is_refused(values, named):
    (problem,) = google_credentials.problems(ALL | values)
    assert problem.startswith("VIDEO_PROVIDERS: ")
    assert named in problem


def test_what_the_simulator_plays_needs_no_credentials(key_file):
    assert google_credentials.problems(ALL) == []
    real = {"GOOGLE_PROJECT": "p", google_credentials.FILE: key_file, "GEMINI_API_KEY": "k"}
    assert google_credentials.problems(ALL | real) == []


def test_two_identities_are_one_too_many(key_file):
    values = {google_credentials.FILE: key_file, "GOOGLE_WORKLOAD_IDENTITY_PROVIDER": POOL}
    (problem,) = google_credentials.problems(ALL | values | {"GOOGLE_PROJECT": "p"})
    assert "one of" in problem


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "cannot be read"),
        ("secret", "is no JSON"),
        ("[]", "no key of a service account"),
        ('{"type":"authorized_user"}', "no key of a service account"),
    ],
)
def test_a_file_that_is_no_key_is_told_without_its_text(tmp_path, text, words):
    path = tmp_path / "key.json"
    if text is not None:
        path.write_text(text)
    (problem,) = google_credentials.problems({google_credentials.FILE: str(path)})
    assert problem.startswith("GOOGLE_CREDENTIALS_FILE: ")
    assert words in problem
    assert "secret" not in problem
