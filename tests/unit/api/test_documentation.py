import base64
import hashlib
import json
import re

import pytest

import videoapi
from devstack.settings import ROOT
from videoapi.api import documentation


def test_health_tells_the_version_of_the_package():
    assert documentation.health() == {"status": "ok", "version": videoapi.__version__}


def test_security_policy_allows_the_pages_parts_alone():
    policy = documentation.SECURITY["Content-Security-Policy"]
    (style,) = re.findall(r"<style>(.*?)</style>", page(), re.DOTALL)
    own = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy.startswith("default-src 'none'; ")
    assert f"style-src 'sha256-{own}'" in policy
    assert "script-src 'self'; " in policy


def page(base="https://videos.example.com", *, keys=False):
    return documentation.page(base, keys=keys)


@pytest.mark.parametrize("keys", [True, False])
def test_every_mark_of_the_page_is_filled_in(keys):
    assert "{{" not in page(keys=keys)
    assert "https://videos.example.com/v1/videos" in page(keys=keys)
    assert "localhost" not in page(keys=keys)


def test_an_address_cannot_become_markup():
    hostile = page('https://a"><script>alert(1)</script>')
    assert "<script>" not in hostile
    assert "https://a&quot;&gt;&lt;script&gt;" in hostile


@pytest.mark.parametrize(
    "host",
    ["localhost:8000", "127.0.0.1:8000", "[::1]:8000", "192.168.1.20:8000", "my-box.local", "box"],
)
def test_a_loopback_address_is_told_as_the_reader_calls_it(host):
    for base in ("http://localhost:8000", "http://127.0.0.1:9", "http://[::1]"):
        assert documentation.served_from(base, host) == f"http://{host}"


@pytest.mark.parametrize(
    "host",
    [
        "",
        "a b",
        "a;reboot",
        "$(reboot)",
        "`reboot`",
        "a/../b",
        "user@a",
        "a?b",
        "a#b",
        '"><script>',
        "a:99999999",
        "a:b",
        "a\n",
        "-o",
        "[::1",
        "a" * 300,
        "é.example",
    ],
)
def test_a_host_that_is_none_is_not_told(host):
    assert documentation.served_from("http://localhost:8000", host) == "http://localhost:8000"


def test_a_deployed_address_is_told_whatever_the_caller_says():
    for base in ("https://a1.execute-api.eu-central-1.amazonaws.com", "https://example.com/videos"):
        assert documentation.served_from(base, "evil.example") == base


def test_the_picture_is_the_repositorys_example():
    assert (
        documentation.asset("/examples/mountains.jpg")[1]
        == (ROOT / "examples" / "mountains.jpg").read_bytes()
    )


def test_the_openapi_document_is_of_this_version():
    document = json.loads(documentation.asset("/openapi.json")[1])
    assert document["openapi"].startswith("3.1")
    assert document["info"]["version"] == videoapi.__version__


def test_documented_path_lists_methods_as_allow_does():
    methods = documentation.methods()
    assert methods["/api/v1/videos/generate"] == "POST"
    assert set(methods["/v1/videos"].split(", ")) == {"GET", "HEAD", "POST"}
