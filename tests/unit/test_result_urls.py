"""Where the URL of a finished video stands, and which are fit to hand out."""

from itertools import pairwise

import pytest

from videoapi.result_urls import redirect_url, video_url_in

CONTENT = "https://relay.example/v1/videos/v:1/content"
VIDEO = "https://cdn.example/a.mp4?sig=1"


def at(path, url):
    value = url
    for name in reversed(path.split(".")):
        value = {name.removesuffix("[0]"): [value] if name.endswith("[0]") else value}
    return value


PLACES = [
    "video_url",
    "url",
    "content_url",
    "metadata.url",
    "result_url",
    "output[0].url",
    "detail.video_url",
]
ALL_PLACES = [*PLACES, *(f"data.{place}" for place in PLACES)]


ODD_PLACES = ["data", "output", "output[0]", "video_url[0]", "data[0].url", "data.data.video_url"]


@pytest.mark.parametrize("place", [*ALL_PLACES, *ODD_PLACES])
def test_the_url_is_found_in_every_place(place):
    assert video_url_in(at(place, VIDEO), CONTENT) == VIDEO


@pytest.mark.parametrize(("first", "second"), list(pairwise(PLACES)))
def test_the_places_are_looked_at_in_the_contracts_order(first, second):
    answer = at(second, "https://cdn.example/second") | at(first, VIDEO)
    assert video_url_in(answer, CONTENT) == VIDEO


@pytest.mark.parametrize(
    "junk",
    [
        None,
        7,
        "",
        "  ",
        "soon",
        "ftp://cdn.example/a",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://",
        "http://[::1",
        "https://cdn.example/a b",
        "https://cdn.example/a\\b",
        "https://cdn.example/\ud800",
        "https://cdn.example/" + "a" * 9000,
        "data:video/mp4;base64,AA\nAA",
        "/[",
        "//[::1/x",
        CONTENT,
        "/v1/videos/v:1/content",
        "/v1/videos/v%3A1/content",
        "https://relay.other.example/v1/videos/v:1/content",
        [["https://cdn.example/a"]],
        {"url": "x"},
    ],
    ids=range(23),
)
def test_what_nobody_could_fetch_is_passed_over_for_the_next_place(junk):
    answer = {"video_url": junk, "metadata": {"url": VIDEO}}
    fetchable = junk == "/["
    assert video_url_in(answer, CONTENT) == ("https://relay.example/[" if fetchable else VIDEO)


@pytest.mark.parametrize(
    ("told", "url"),
    [
        ("/files/a.mp4", "https://relay.example/files/a.mp4"),
        ("//cdn.example/a.mp4", "https://cdn.example/a.mp4"),
        (" HTTPS://cdn.example/a ", "HTTPS://cdn.example/a"),
        ("DATA:video/mp4;base64,AAAA", "DATA:video/mp4;base64,AAAA"),
        (CONTENT + "?sig=1", None),
        ("https://cdn.example/ü.mp4?t=a%2Fb", "https://cdn.example/%C3%BC.mp4?t=a%2Fb"),
        ("https://bücher.example/a.mp4", "https://xn--bcher-kva.example/a.mp4"),
        ("https://\u2024.example\u2024/a.mp4", None),
        ("http://127.0.0.1:8002/v/a.mp4", "http://127.0.0.1:8002/v/a.mp4"),
    ],
)
def test_urls_are_made_absolute_and_ascii_and_otherwise_kept(told, url):
    assert video_url_in({"url": told}, CONTENT) == url


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("https://cdn.example/a", "https://cdn.example/a"),
        ("/a", "https://relay.example/a"),
        ("a.mp4", "https://relay.example/v1/videos/v:1/a.mp4"),
        ("", None),
        ("content", None),
        ("https://relay-2.example/v1/videos/v%3A1/content", None),
        ("content?sig=1", CONTENT + "?sig=1"),
        ("http://[", None),
        ("mailto:x@y", None),
    ],
)
def test_a_redirect_leads_to_an_absolute_url_elsewhere(location, url):
    assert redirect_url(location, CONTENT) == url
