import base64
import hashlib
import json
import re

import videoapi
from videoapi import documentation


def test_health_tells_the_version_of_the_package():
    assert documentation.health() == {"status": "ok", "version": videoapi.__version__}


def test_the_page_loads_nothing_from_anywhere():
    page = documentation.page()
    assert page.startswith("<!doctype html>")
    assert "<script" not in page
    assert not re.search(r"src(?:set)?=|@import|url\(|<link(?![^>]*\"data:,\")", page)


def test_the_security_policy_allows_nothing_but_the_pages_own_style():
    policy = documentation.SECURITY["Content-Security-Policy"]
    (style,) = re.findall(r"<style>(.*?)</style>", documentation.page(), re.DOTALL)
    own = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy.startswith("default-src 'none'; ")
    assert f"style-src 'sha256-{own}'" in policy
    assert "script-src" not in policy


def test_the_openapi_document_is_of_this_version():
    document = json.loads(documentation.openapi())
    assert document["openapi"].startswith("3.1")
    assert document["info"]["version"] == videoapi.__version__


def test_a_documented_path_tells_its_methods_as_an_allow_header_has_them():
    methods = documentation.methods()
    assert methods["/api/v1/videos/generate"] == "POST"
    assert set(methods["/v1/videos"].split(", ")) == {"GET", "POST"}
