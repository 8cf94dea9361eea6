"""Other services' names: what can mean one thing only is taken for it, all else refused by name."""

import pytest

from videoapi.api.aliases import Words, hint, understood
from videoapi.api.openai.requests import from_openai
from videoapi.api.rest.requests import from_rest
from videoapi.errors import ValidationError
from videoapi.settings import Settings

URL = "https://example.com/a.png"


def submission(**fields):
    return from_openai({"prompt": "x"} | fields, Settings())


def refused(call, **fields):
    with pytest.raises(ValidationError) as caught:
        call(**fields)
    return caught.value


def rest(**fields):
    return from_rest({"image": URL} | fields, Settings())


IMAGES = [
    "image",
    "image_url",
    "imageUrl",
    "image-url",
    "IMAGE",
    "images",
    "image_base64",
    "inputReference",
    "input_image",
    "first_frame",
    "firstFrame",
    "first_frame_image",
    "start_image",
    "startImage",
    "start_frame",
    "init_image",
    "img_url",
    "promptImage",
]
VALUES = {
    "text": URL,
    "list of one": [URL],
    "object": {"image_url": URL},
    "chat": {"type": "image_url", "image_url": {"url": URL, "detail": "high"}},
    "url": {"url": URL},
    "list of an object": [{"url": URL}],
    "bytes": {"bytesBase64Encoded": URL, "mimeType": "image/png"},
}


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
@pytest.mark.parametrize("name", [*IMAGES, "input_reference"])
def test_the_image_is_known_by_its_usual_names(name, value):
    assert submission(**{name: value}).images == (("first_frame", URL, name),)


@pytest.mark.parametrize("name", ["duration", "duration_seconds", "durationSeconds", "Seconds"])
@pytest.mark.parametrize("value", [4, "4", 4.0], ids=repr)
def test_the_length_is_known_by_its_usual_names(name, value):
    assert submission(**{name: value}).request.seconds == 4


@pytest.mark.parametrize(
    ("fields", "size"),
    [
        ({}, "1920x1080"),
        ({"aspect_ratio": "16:9"}, "1920x1080"),
        ({"aspectRatio": "9:16"}, "1080x1920"),
        ({"ratio": "9:16", "resolution": "720p"}, "720x1280"),
        ({"resolution": "1080p"}, "1920x1080"),
        ({"resolution": "1280x720"}, "1280x720"),
        ({"width": 1280, "height": 720}, "1280x720"),
        ({"width": "720", "Height": "1280"}, "720x1280"),
        ({"size": "1280x720", "width": 1280, "height": 720}, "1280x720"),
        ({"size": "1280x720", "resolution": "720p", "aspect_ratio": "16:9"}, "1280x720"),
        ({"size": "720x1280", "resolution": "720x1280"}, "720x1280"),
        ({"video_size": "720x1280"}, "720x1280"),
        ({"width": None, "height": None, "aspect_ratio": None}, "1920x1080"),
    ],
)
def test_the_shape_is_known_by_its_usual_names(fields, size):
    assert submission(**fields).request.size == size


def test_rest_takes_the_shape_in_words_too():
    assert rest(resolution="720p").request.size == "1280x720"
    assert rest(aspect_ratio="9:16").request.size == "1080x1920"
    assert rest(aspect_ratio="9:16", resolution="720p").request.size == "720x1280"
    assert rest(aspect_ratio="16:9", resolution="1280x720").request.size == "1280x720"
    assert refused(rest, aspect_ratio="9:16", resolution="1280x720").param == "aspect_ratio"


CONTRADICTIONS = {
    "two lengths": ({"seconds": 4, "duration": 8}, "duration"),
    "two sizes": ({"size": "1280x720", "resolution": "1920x1080"}, "resolution"),
    "two heights": ({"size": "1280x720", "resolution": "1080p"}, "resolution"),
    "a size and sides": ({"size": "1280x720", "width": 640, "height": 360}, "width"),
    "a size and a shape": ({"size": "1280x720", "aspect_ratio": "9:16"}, "aspect_ratio"),
    "one side": ({"width": 1280}, "height"),
    "a side in words": ({"width": "wide", "height": 720}, "width"),
    "two images": ({"image": URL, "first_frame": URL + "?2"}, "input_reference"),
    "a list of two": ({"images": [URL, URL]}, "input_reference"),
    "a list of none": ({"images": []}, "input_reference"),
    "a file id": ({"image": {"file_id": "f"}}, "image"),
    "a URL and a file id": ({"image": {"url": URL, "file_id": "f"}}, "image"),
    "two URLs": ({"image": {"url": URL, "image_url": URL}}, "image"),
    "another frame inside": ({"input_reference": {"url": URL, "last": URL}}, "input_reference"),
    "an empty image": ({"image": ""}, "image"),
    "a number": ({"image": 5}, "image"),
    "a length too long": ({"duration": 99}, "duration"),
    "a ratio of its own": ({"ratio": "21:9"}, "ratio"),
    "4k": ({"resolution": "4k"}, "resolution"),
    "4:3": ({"aspect_ratio": "4:3"}, "aspect_ratio"),
    "two videos": ({"n": 2}, "n"),
    "two videos as text": ({"n": "2"}, "n"),
    "true videos": ({"n": True}, "n"),
    "a stream": ({"stream": True}, "stream"),
    "a watermark": ({"watermark": True}, "watermark"),
}


@pytest.mark.parametrize(("fields", "param"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_impossible_value_is_refused_by_the_name_sent(fields, param):
    error = refused(submission, **fields)
    assert error.param == param
    assert URL not in error.message


def test_the_same_thing_by_two_names_is_said_once():
    assert submission(seconds="4", duration=4).request.seconds == 4
    (image,) = submission(image=URL, input_reference={"image_url": URL}).images
    assert image.value == URL


@pytest.mark.parametrize(
    "fields",
    [
        {"user": "u-1"},
        {"n": 1},
        {"n": 1.0},
        {"n": "1"},
        {"n": None},
        {"stream": False},
        {"stream": "false"},
        {"response_format": "url"},
        {"image": None, "duration": None},
    ],
    ids=repr,
)
def test_what_changes_nothing_is_ignored(fields):
    assert submission(**fields) == submission()


UNKNOWN = {
    "mask": "input_reference",
    "style_image": "input_reference",
    "character_reference": "reference_images",
    "reference_image": "reference_images",
    "video_url": "input_reference",
    "ref_image": "input_reference",
    "picture_of_a_fox": "input_reference",
    "num_frames": "seconds",
    "length": "seconds",
    "clip_length": "seconds",
    "orientation": "size",
    "quality": "size",
    "promt": "prompt",
    "camera_movement": "camera_motion",
}


@pytest.mark.parametrize(("name", "field"), UNKNOWN.items())
def test_ambiguous_name_is_refused_with_the_one_to_use(name, field):
    for value in (URL, [URL], {"url": URL}, 1, None):
        error = refused(submission, **{name: value})
        assert (error.code, error.param) == ("unknown_parameter", name)
        assert field in error.message


@pytest.mark.parametrize("name", ["seeed_number", "negation", "x", "дата", "f\u0131rst_frame"])
def test_a_name_that_nobody_knows_is_refused_all_the_same(name):
    assert refused(submission, **{name: 1}).code == "unknown_parameter"


@pytest.mark.parametrize(
    ("name", "field"),
    [("image_url", "image"), ("seconds", "duration"), ("size", "resolution"), ("promt", "prompt")],
)
def test_rest_refuses_other_names_and_says_the_right_one(name, field):
    error = refused(rest, **{name: 5})
    assert (error.code, error.param) == ("unknown_parameter", name)
    assert f"did you mean {field}?" in error.message


def test_a_name_with_no_likeness_gets_no_hint():
    assert (
        hint("zzz", Words("image", "duration", "resolution"), known=("image",)) == "Unknown field"
    )


def test_the_names_that_were_sent_are_told():
    assert understood({"imageUrl": URL, "prompt": "x"}) == (
        {"input_reference": URL, "prompt": "x"},
        {"input_reference": "imageUrl", "prompt": "prompt"},
    )
