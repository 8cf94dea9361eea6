"""Providers are made from the settings, one family at a time."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from tests.support.fake_google import JOB, KEY, NAME, Google, answer, interaction, order
from videoapi.providers.openai_compatible.client import RelayProvider
from videoapi.providers.registry import (
    ProviderParts,
    Providers,
    make_provider,
    require_credentials,
)
from videoapi.settings import Settings

ROOT = Path(__file__).parents[3]
POOL = "projects/1/locations/global/workloadIdentityPools/aws/providers/aws"
VERTEX = {"google_project": "my-project", "google_workload_identity_provider": POOL}


class Secrets:
    def __init__(self, text=KEY):
        self.text = text
        self.read = []

    def __call__(self, name, *, fresh=False):
        self.read.append((name, fresh))
        return self.text


def made(name, google, secrets=None, address=None, **settings):
    settings = {"video_providers": ("relay", name)} | settings
    return make_provider(name, parts_of(google, secrets, **settings), address)


def parts_of(google, secrets=None, **settings):
    return ProviderParts(
        settings=Settings(**settings),
        transport=httpx.MockTransport(google),
        read_secret=secrets or Secrets(),
        aws_credentials=lambda: SimpleNamespace(access_key="AKID", secret_key="s", token="t"),
        region="eu-west-1",
        clock=lambda: 0.0,
        log=None,
    )


def granted():
    return answer({"access_token": "ya29.granted", "expires_in": 3600})


def test_the_relay_is_made_with_its_key():
    google, secrets = Google(answer({}, 401)), Secrets()
    relay = made("relay", google, secrets, veo3_base_url="https://relay.example")
    assert isinstance(relay, RelayProvider)
    with pytest.raises(Exception, match="401"):
        relay.poll("vid")
    assert secrets.read == [("video-api/veo3-api-key", False), ("video-api/veo3-api-key", True)]


def test_veo_is_made_with_a_token_of_the_worker_s_role():
    google = Google(granted(), answer({"name": NAME}))
    made("vertex", google, **VERTEX).submit(order())
    exchange, post = google.requests
    assert str(exchange.url) == "https://sts.googleapis.com/v1/token"
    assert post.url.path.startswith("/v1/projects/my-project/locations/us-central1/")
    assert post.headers["authorization"] == "Bearer ya29.granted"


def test_veo_is_made_with_a_service_account_s_key():
    secrets = Secrets("{}")
    settings = {"google_project": "p", "google_credentials_secret": "google"}
    vertex = made("vertex", Google(granted()), secrets, **settings)
    with pytest.raises(Exception, match="no service account"):
        vertex.poll(NAME)
    assert set(secrets.read) == {("google", False)}


def test_omni_is_made_with_its_key():
    google = Google(interaction("queued"))
    gemini = made("gemini", google, gemini_api_key_secret="gemini")
    gemini.poll(JOB)
    assert google.requests[0].headers["x-goog-api-key"] == KEY


@pytest.mark.parametrize(
    ("name", "settings", "named"),
    [
        ("gemini", {}, "GEMINI_API_KEY_SECRET"),
        ("vertex", {}, "GOOGLE_PROJECT"),
        ("vertex", {"google_project": "p"}, "GOOGLE_WORKLOAD_IDENTITY_PROVIDER"),
        ("vertex", VERTEX | {"google_credentials_secret": "s"}, "GOOGLE_CREDENTIALS_SECRET"),
    ],
)
def test_a_provider_in_use_without_credentials_is_refused(name, settings, named):
    with pytest.raises(ValueError, match=named):
        require_credentials(name, Settings(**settings))


def test_a_provider_in_use_with_credentials_is_not():
    require_credentials("relay", Settings())
    require_credentials("vertex", Settings(**VERTEX))
    require_credentials("gemini", Settings(gemini_api_key_secret="gemini"))


def test_a_name_or_a_url_that_is_none_is_refused():
    with pytest.raises(ValueError, match="no provider 'sora'"):
        made("sora", Google(granted()), video_providers=("relay",))
    with pytest.raises(ValueError, match="VERTEX_BASE_URL"):
        made("vertex", Google(granted()), **VERTEX, vertex_base_url="x")


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("relay", {"veo3_base_url": "https://relay.example", "veo3_endpoint": "/v2/jobs"}),
        ("vertex", VERTEX),
        ("vertex", VERTEX | {"vertex_base_url": "http://proxy:8000/google"}),
        ("gemini", {"gemini_base_url": "https://proxy.example/gemini"}),
    ],
)
def test_an_older_job_is_asked_after_where_it_was_accepted(name, settings):
    """Its address alone is enough, whatever the settings say by now."""
    address = made(name, Google(granted()), **settings).address
    now = made(name, Google(granted()), address=address)
    assert now.address == address


def test_a_provider_is_made_once_for_each_address():
    listed = {"video_providers": ("relay", "gemini"), "gemini_api_key_secret": "gemini"}
    providers = Providers(parts_of(Google(granted()), **listed))
    providers.make_all()
    usual = providers.get("gemini")
    assert providers.get("gemini", usual.address) is usual
    older = providers.get("gemini", "https://proxy.example")
    assert older is providers.get("gemini", "https://proxy.example")
    assert older.address == "https://proxy.example"


def test_an_older_job_is_followed_at_an_unlisted_provider():
    providers = Providers(parts_of(Google(granted())))
    address = "https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/us-central1"
    assert providers.get("vertex", address).address == address


def test_a_provider_in_use_without_credentials_stops_the_start():
    providers = Providers(parts_of(Google(granted()), video_providers=("relay", "gemini")))
    with pytest.raises(ValueError, match="GEMINI_API_KEY_SECRET"):
        providers.make_all()


@pytest.mark.parametrize(
    ("name", "loads"),
    [
        ("relay", set()),
        ("gemini", {"videoapi.providers.google.gemini"}),
        ("vertex", {"videoapi.providers.google.vertex", "google.auth"}),
    ],
)
def test_only_one_family_is_imported(name, loads):
    """Google's packages are slow to load, and no other provider's business."""
    done = subprocess.run(
        [sys.executable, ROOT / "tests/support/registry_program.py", name],
        env=os.environ | {"PYTHONPATH": str(ROOT / "layers/videoapi")},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    found = set(done.stdout.split())
    assert loads <= found
    assert bool(found) == bool(loads)
    assert ("google.auth" in found) == (name == "vertex")
