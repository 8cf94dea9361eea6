"""VIDEO_ROUTES: what can be read of it, and what is refused in words."""

import pytest

from videoapi.catalog.routes import Route, read_routes

ALL = ("relay", "vertex", "gemini")


def test_routes_are_read_in_order():
    text = " veo_3_1 = relay:veo_3_1, vertex:veo-3.1-generate-001 ; omni=gemini:omni:1 ;"
    assert read_routes(text, ALL) == {
        "veo_3_1": (Route("relay", "veo_3_1"), Route("vertex", "veo-3.1-generate-001")),
        "omni": (Route("gemini", "omni:1"),),
    }


@pytest.mark.parametrize("text", ["", "  ", ";;"])
def test_no_routes(text):
    assert read_routes(text, ALL) == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("veo", "MODEL=PROVIDER:NAME"),
        ("veo=", "MODEL=PROVIDER:NAME"),
        ("=relay:veo", "MODEL=PROVIDER:NAME"),
        ("veo", "for example veo_3_1=vertex:veo-3.1-generate-001"),
        ("veo=relay", "for example vertex:veo-3.1-generate-001"),
        ("my veo=relay:a", "'my veo': a model has letters, digits"),
        ("veo=relay:a@b", "'a@b': a model has letters, digits"),
        ("veo=relay", "say PROVIDER:NAME"),
        ("veo=relay:", "say PROVIDER:NAME"),
        ("veo=:veo", "say PROVIDER:NAME"),
        ("veo=relay:a,", "say PROVIDER:NAME"),
        ("veo=openai:sora", "no provider 'openai'; there are relay, vertex, gemini"),
        ("veo=relay:a;veo=vertex:b", "veo is named twice"),
        ("veo=relay:a,relay:a", "a route twice"),
        ("veo=" + ",".join(f"relay:{n}" for n in range(9)), "more than 8 routes"),
    ],
)
def test_unreadable_routes_are_refused_in_words(text, words):
    with pytest.raises(ValueError, match=words) as caught:
        read_routes(text, ALL)
    assert str(caught.value).startswith("VIDEO_ROUTES: ")


def test_route_to_an_unlisted_provider_is_refused():
    with pytest.raises(ValueError, match=r"vertex:b needs vertex among VIDEO_PROVIDERS \(relay\)"):
        read_routes("veo=vertex:b", ("relay",))


def test_route_reads_as_it_is_spelt():
    assert str(Route("vertex", "veo")) == "vertex:veo"
