"""Where the URL of a finished video stands, and which are fit to hand out."""

import json
from itertools import pairwise

import pytest

from videoapi.providers.openai_compatible.result_urls import (
    redirect_url,
    url_in_fail_reason,
    video_url_in,
)

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


OTHER_PLACES = [
    "video.url",
    "videos[0].url",
    "video_urls[0]",
    "videoUrl",
    "result.video_url",
    "output.video_url",
    "output.video.url",
    "content.video_url",
    "content[0].video_url.url",
    "result_urls[0]",
    "resultUrls[0]",
    "data.response.resultUrls[0]",
    "data.task_result.videos[0].url",
    "response.generatedVideos[0].video.uri",
    "generations[0].video",
    "creations[0].url",
    "works[0].resource.resource",
    "assets.mp4",
    "download_url",
    "no_watermark_url",
    "files[0].link",
    "media[0].href",
    "play-url",
    "task_result_url",
    "response.url",
    "task.videoUrl",
    "result",
    "video",
    "data.output[0].content[0].video",
]


@pytest.mark.parametrize("place", OTHER_PLACES)
@pytest.mark.parametrize("url", [VIDEO, "data:video/mp4;base64,AAAA"], ids=["http", "data"])
def test_a_url_is_found_under_any_name_that_is_like_one(place, url):
    beside = {"id": "v", "prompt": VIDEO + "p", "cover_url": VIDEO + "c", "model": "veo"}
    assert video_url_in({**beside, **at(place, url)}, CONTENT) == url


QUALITIES = [
    "video_urls.720p",
    "videoUrls.hd.main",
    "video.original",
    "video.1080p[0]",
    "data.video.files_.cdn",
    "result.cdn",
    "generated[0]",
    "data.task.clip",
    "no_watermark",
    "model_answer.final",
    "data.text_to_video.best",
]


@pytest.mark.parametrize("place", QUALITIES)
@pytest.mark.parametrize(
    "url",
    [VIDEO, "https://cdn.example/a.webm", "https://cdn.example/A.MOV#t", "data:video/mp4;base64,A"],
)
def test_a_videos_file_is_found_under_any_name(place, url):
    beside = {"prompt": VIDEO + "p", "cover": VIDEO + "c", "model": VIDEO, "user": {"home": VIDEO}}
    assert video_url_in({**beside, **at(place, url)}, CONTENT) == url


@pytest.mark.parametrize("place", ["video_urls.720p", "video.original", "data.video.files_.cdn"])
def test_in_what_is_called_a_video_a_url_needs_no_ending(place):
    signed = "https://cdn.example/v/1?sig=1"
    assert video_url_in(at(place, signed), CONTENT) == signed
    for other in ("https://cdn.example/a.m3u8", "https://cdn.example/a.html", "/a", "a.mp4", "id"):
        assert video_url_in(at(place, other), CONTENT) is None


def test_a_url_under_another_name_comes_last():
    named, cdn, odd = (f"https://cdn.example/{name}.mp4" for name in ("named", "cdn", "odd"))
    bare = "https://cdn.example/bare"
    response = {"odd": odd, "video": {"bare": bare, "cdn": cdn}, "links": [named]}
    for url in (named, cdn, odd, bare):
        assert video_url_in(response, CONTENT) == url
        response = json.loads(json.dumps(response).replace(url, ""))
    assert video_url_in(response, CONTENT) is None


@pytest.mark.parametrize(
    ("place", "url", "certain"),
    [
        ("video_urls.720p", "https://cdn.example/v/1", True),
        ("video.original", VIDEO, True),
        ("video.original", "https://cdn.example/v/1", False),
        ("result.cdn", VIDEO, False),
        ("result.cdn_url", VIDEO, True),
    ],
)
def test_a_look_alone_is_no_certain_sign_of_a_video(place, url, certain):
    found = video_url_in(at(place, url), CONTENT, certain=True)
    assert found == (url if certain else None)


@pytest.mark.parametrize(
    "place",
    [
        "video.cover",
        "video.thumbnails.720p",
        "video.poster[0]",
        "video.input.original",
        "input_video.original",
        "reference_videos[0].original",
        "images.original",
        "callback.original",
        "webhook_video.original",
        "video.preview_720p",
        "demo.cdn",
        "sample_1",
        "template.cdn",
        "video.owner.home",
        "video.model",
        "video.web",
        "terms.de",
    ],
)
def test_a_videos_file_beside_the_video_is_passed_over(place):
    assert video_url_in(at(place, VIDEO), CONTENT) is None
    assert video_url_in({"data": at(place, VIDEO)}, CONTENT) is None


NOT_THE_VIDEO = [
    "prompt",
    "prompt.url",
    "image",
    "image_url",
    "images[0].url",
    "imageUrls[0]",
    "input_reference",
    "inputReference.url",
    "input.video_url",
    "reference_video_url",
    "request.video_url",
    "thumbnail_url",
    "thumbnail.url",
    "cover_url",
    "poster",
    "preview_url",
    "first_frame.url",
    "last_frame_url",
    "callback_url",
    "webhook_url",
    "status_url",
    "response_url",
    "responseUrl",
    "task_url",
    "job_url",
    "jobs[0].job_link",
    "queue_url",
    "api_url",
    "web_url",
    "logs_url",
    "urls.get",
    "urls.cancel",
    "links.self",
    "audio_url",
    "message",
    "error.url",
    "model",
    "a.b.c.d.e.f.g.h.url",
]


@pytest.mark.parametrize("place", NOT_THE_VIDEO)
def test_what_is_not_the_video_is_passed_over(place):
    assert video_url_in(at(place, VIDEO), CONTENT) is None
    assert video_url_in({"data": at(place, VIDEO)}, CONTENT) is None


@pytest.mark.parametrize("name", ["url", "video_url", "result_urls", "files"])
@pytest.mark.parametrize(
    "picture", ["https://cdn.example/a.PNG?x=1", "https://cdn.example/a.jpg", "data:image/png,A"]
)
def test_a_picture_is_no_video_under_any_name(name, picture):
    assert video_url_in({name: picture}, CONTENT) is None
    assert video_url_in({name: picture, "files_": [], "videos": [VIDEO]}, CONTENT) == VIDEO


def test_a_name_that_says_video_is_looked_at_first():
    response = {"links": ["https://docs.example/"], "assets": {"video": VIDEO}}
    assert video_url_in(response, CONTENT) == VIDEO


def test_json_inside_a_string_is_looked_into():
    response = {"data": {"resultJson": json.dumps({"resultUrls": [VIDEO]})}}
    assert video_url_in(response, CONTENT) == VIDEO
    assert (
        video_url_in({"data": {"resultUrls": json.dumps([VIDEO, VIDEO + "2"])}}, CONTENT) == VIDEO
    )
    for cut in ("{cut", "[cut", '["https://cut.example/a.mp4'):
        assert video_url_in({"data": {"resultJson": cut}}, CONTENT) is None


def test_the_search_ends_in_an_answer_without_end():
    wide = {f"file_{number}": [VIDEO[:5]] * 20 for number in range(5000)}
    assert video_url_in({**wide, "video": {"x": {"url": VIDEO}}}, CONTENT) is None


def test_next_place_is_taken_for_a_private_url():
    response = {"video_url": "https://inner.example/a", "videos": [{"url": VIDEO}]}
    assert video_url_in(response, CONTENT, lambda url: "inner" not in url) == VIDEO


@pytest.mark.parametrize(
    ("value", "url"),
    [(VIDEO, VIDEO), ("see " + VIDEO, None), ("", None), (None, None), ([VIDEO], None)],
    ids=range(5),
)
def test_a_fail_reason_that_is_a_url_is_told(value, url):
    assert url_in_fail_reason(({}, {"fail_reason": value})) == url
    assert url_in_fail_reason(({"fail_reason": value},), lambda _: False) is None


@pytest.mark.parametrize(("first", "second"), list(pairwise(PLACES)))
def test_the_places_are_looked_at_in_a_fixed_order(first, second):
    response = at(second, "https://cdn.example/second") | at(first, VIDEO)
    assert video_url_in(response, CONTENT) == VIDEO


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
def test_unfetchable_url_is_passed_over(junk):
    """What nobody could fetch is passed over for the next place."""
    response = {"video_url": junk, "metadata": {"url": VIDEO}}
    fetchable = junk == "/["
    assert video_url_in(response, CONTENT) == ("https://relay.example/[" if fetchable else VIDEO)


@pytest.mark.parametrize(
    ("raw", "url"),
    [
        ("/files/a.mp4", "https://relay.example/files/a.mp4"),
        ("/v1/videos/v:1", None),
        ("//cdn.example/a.mp4", "https://cdn.example/a.mp4"),
        (" HTTPS://cdn.example/a ", "HTTPS://cdn.example/a"),
        ("DATA:video/mp4;base64,AAAA", "DATA:video/mp4;base64,AAAA"),
        (CONTENT + "?sig=1", None),
        ("https://cdn.example/ü.mp4?t=a%2Fb", "https://cdn.example/%C3%BC.mp4?t=a%2Fb"),
        ("https://cdn.example/my film.mp4?t=a%2Fb", "https://cdn.example/my%20film.mp4?t=a%2Fb"),
        ("/my film.mp4", "https://relay.example/my%20film.mp4"),
        ("https://cdn.example/ü b%20c.mp4", "https://cdn.example/%C3%BC%20b%20c.mp4"),
        ("https://cdn.example/a for a while.", None),
        ("https://cdn.example/a.mp4 https://cdn.example/b.mp4", None),
        ("https://cdn.example is/a.mp4", None),
        ("https://cdn.example/a.mp4?t=a b", None),
        ("https://bücher.example/a.mp4", "https://xn--bcher-kva.example/a.mp4"),
        ("https://\u2024.example\u2024/a.mp4", None),
        ("http://127.0.0.1:8002/v/a.mp4", "http://127.0.0.1:8002/v/a.mp4"),
    ],
)
def test_urls_are_made_absolute_and_ascii_and_otherwise_kept(raw, url):
    assert video_url_in({"url": raw}, CONTENT) == url


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
        ("my film.mp4", "https://relay.example/v1/videos/v:1/my%20film.mp4"),
        ("http://[", None),
        ("mailto:x@y", None),
    ],
)
def test_a_redirect_leads_to_an_absolute_url_elsewhere(location, url):
    assert redirect_url(location, CONTENT) == url
