"""Whose pages may speak MCP: our own and those of CORS_ALLOW_ORIGINS; no browser, no question."""

import pytest

from videoapi.api.mcp.origins import require_known
from videoapi.errors import Forbidden

DEPLOYED = "https://a1b2c3.execute-api.eu-central-1.amazonaws.com"


@pytest.mark.parametrize(
    ("origin", "own", "allowed"),
    [
        (None, DEPLOYED, ()),
        (DEPLOYED, DEPLOYED, ()),
        (f"{DEPLOYED}:443", DEPLOYED, ()),
        ("https://page.example", DEPLOYED, ("https://other.example", "https://page.example")),
        ("https://PAGE.example", DEPLOYED, ("https://page.EXAMPLE",)),
        ("https://page.example", DEPLOYED, ("*",)),
        ("http://localhost:8000", "http://localhost:8000", ()),
        ("http://127.0.0.1:8000", "http://localhost:8000", ()),
        ("http://[::1]:8000", "http://localhost:8000", ()),
    ],
)
def test_known_origin_may_ask(origin, own, allowed):
    assert require_known(origin, own, allowed) is None


@pytest.mark.parametrize(
    ("origin", "own"),
    [
        ("https://evil.example", DEPLOYED),
        ("null", DEPLOYED),
        ("", DEPLOYED),
        ("https://", "https://"),
        ("http://[", DEPLOYED),
        ("https://a:b", DEPLOYED),
        (DEPLOYED.replace("https", "http"), DEPLOYED),
        (f"{DEPLOYED}:8443", DEPLOYED),
        (f"{DEPLOYED}.evil.example", DEPLOYED),
        ("http://evil.example:8000", "http://localhost:8000"),
        ("http://localhost:8001", "http://localhost:8000"),
        ("http://localhost.evil.example:8000", "http://localhost:8000"),
        ("app://x", "app://y"),
    ],
)
def test_foreign_origin_is_refused(origin, own):
    """`Host` is never asked: where a name was rebound, it is the attacker's too."""
    with pytest.raises(Forbidden):
        require_known(origin, own, ("https://page.example",))
