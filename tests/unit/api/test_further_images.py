"""More images than one, and what else models differ in: in JSON and in forms, in both dialects."""

import json
import warnings

import httpx
import pytest

from tests.unit.api.openai.test_multipart import TYPE, form
from videoapi.api.openai.requests import from_form, from_openai
from videoapi.api.rest.requests import from_rest
from videoapi.errors import ValidationError
from videoapi.settings import Settings

A, B, C = (f"https://example.com/{name}.png" for name in "abc")
FILE = b"\x89PNG\r\n\x1a\n"
SETTINGS = Settings()
FIRST, LAST, REFERENCE = "first_frame", "last_frame", "reference"


def openai(**fields):
    return from_openai({"prompt": "x"} | fields, SETTINGS)


def rest(**fields):
    return from_rest({"image": A} | fields, SETTINGS)


def sent(*parts):
    """Return the submission of a form of these (name, value) pairs; bytes are a file."""
    pairs = [
        (f'name="{name}"; filename="a.png"', value)
        if isinstance(value, bytes)
        else (f'name="{name}"', value.encode())
        for name, value in parts
    ]
    return from_form(form(('name="prompt"', b"x"), *pairs), TYPE, SETTINGS)


def refused(call, *parts, **fields):
    with pytest.raises(ValidationError) as caught:
        call(*parts, **fields)
    return caught.value


def roles_of(submission):
    return [(image.role, image.value) for image in submission.images]


# --- JSON

LAST_FRAMES = [
    "last_frame", "lastFrame", "last_frame_image", "tail_image", "end_image", "end_image_url",
    "image_tail", "endFrame", "final_image",
]  # fmt: skip


@pytest.mark.parametrize("name", LAST_FRAMES)
@pytest.mark.parametrize("value", [B, [B], {"image_url": B}, {"url": B}], ids=str)
def test_last_frame_is_known_by_its_usual_names(name, value):
    images = openai(input_reference=A, **{name: value}).images
    assert images == ((FIRST, A, "input_reference"), (LAST, B, name))


REFERENCES = ["reference_images", "referenceImages", "input_references", "reference_image_urls"]


@pytest.mark.parametrize("name", REFERENCES)
@pytest.mark.parametrize(
    "value",
    [
        [A, B, C],
        [{"image_url": A}, {"url": B}, C],
        [{"type": "image_url", "image_url": {"url": each}} for each in (A, B, C)],
    ],
    ids=["texts", "objects", "OpenRouter's"],
)
def test_references_keep_their_order(name, value):
    images = openai(**{name: value}).images
    assert images == tuple((REFERENCE, url, f"{name}.{n}") for n, url in enumerate((A, B, C)))


@pytest.mark.parametrize("value", [A, {"url": A}])
def test_one_reference_needs_no_list(value):
    assert roles_of(openai(reference_images=value)) == [(REFERENCE, A)]


def frame(kind, url=A, **more):
    return {"type": "image_url", "image_url": {"url": url}, "frame_type": kind} | more


def test_openrouters_frames_are_frames_in_whatever_order():
    body = {"frame_images": [frame(LAST, B), frame(FIRST, image_url=A)]}
    assert openai(**body).images == (
        (FIRST, A, "frame_images.1"),
        (LAST, B, "frame_images.0"),
    )


def test_frame_that_is_said_twice_alike_is_one():
    assert roles_of(openai(input_reference=A, frame_images=[frame(FIRST)])) == [(FIRST, A)]


def test_rest_takes_frames_or_references():
    assert roles_of(rest(last_frame=B)) == [(FIRST, A), (LAST, B)]
    alone = from_rest({"reference_images": [A, B]}, SETTINGS)
    assert alone.images == (
        (REFERENCE, A, "reference_images.0"),
        (REFERENCE, B, "reference_images.1"),
    )


@pytest.mark.parametrize("call", [openai, rest])
@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("seed", [0, 1, 2**32 - 1, 7.0, None]),
        ("negative_prompt", ["fog", "x" * 1000, None]),
        ("generate_audio", [True, False, None]),
    ],
)
def test_further_fields_are_carried_exactly(call, name, values):
    for value in values:
        kept = getattr(call(**{name: value}).request, name)
        assert (kept, isinstance(kept, bool)) == (value, isinstance(value, bool))


def test_an_empty_negative_prompt_asks_for_nothing():
    assert openai(negative_prompt="").request == openai().request
    assert rest(negative_prompt="").request == rest().request


@pytest.mark.parametrize("call", [openai, rest])
@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({}, False),
        ({"aspect_ratio": "9:16"}, False),
        ({"resolution": "720p"}, True),
        ({"resolution": "1920x1080"}, True),
        ({"resolution": "1080p", "aspect_ratio": "9:16"}, True),
    ],
)
def test_a_size_is_named_by_its_words_and_not_by_the_shape(call, fields, named):
    assert call(**fields).request.size_named is named


def test_sides_name_a_size():
    assert openai(width=1280, height=720).request.size_named
    assert openai(size="1920x1080").request.size_named


BAD = {
    "empty last frame": ({"last_frame": " "}, "last_frame"),
    "two last frames": ({"last_frame": [A, B]}, "last_frame"),
    "two last frames by two names": ({"last_frame": A, "end_image": B}, "end_image"),
    "no references": ({"reference_images": []}, "reference_images"),
    "four references": ({"reference_images": [A] * 4}, "reference_images"),
    "a reference of none": ({"reference_images": [A, None]}, "reference_images"),
    "other references": ({"reference_images": [A], "input_references": [B]}, "input_references"),
    "a file id": ({"reference_images": [{"file_id": "f"}]}, "reference_images"),
    "no frames": ({"frame_images": []}, "frame_images"),
    "three frames": ({"frame_images": [frame(FIRST)] * 3}, "frame_images"),
    "frame without a type": ({"frame_images": [frame(None)]}, "frame_images"),
    "middle frame": ({"frame_images": [frame("middle_frame")]}, "frame_images"),
    "a video": ({"frame_images": [frame(FIRST, type="video_url")]}, "frame_images"),
    "two first frames": ({"frame_images": [frame(FIRST), frame(FIRST, B)]}, "frame_images"),
    "another first frame": ({"image": B, "frame_images": [frame(FIRST)]}, "frame_images"),
    "one frame, no list": ({"frame_images": frame(FIRST)}, "frame_images"),
    "seed too large": ({"seed": 2**32}, "seed"),
    "negative seed": ({"seed": -1}, "seed"),
    "a flag as seed": ({"seed": True}, "seed"),
    "seed with more digits": ({"seed": "0" * 11}, "seed"),
    "long negative prompt": ({"negative_prompt": "x" * 1001}, "negative_prompt"),
    "control characters": ({"negative_prompt": "\x00"}, "negative_prompt"),
    "a number as flag": ({"generate_audio": 1}, "generate_audio"),
    "a word as flag": ({"generate_audio": "yes"}, "generate_audio"),
}


@pytest.mark.parametrize(("fields", "param"), BAD.values(), ids=BAD)
def test_a_bad_further_field_is_refused_by_the_name_sent(fields, param):
    error = refused(openai, **fields)
    assert error.param == param
    assert not any(word in error.details[0]["field"] for word in ("str", "Reference", "Object"))


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"reference_images": [A, ""]}, "reference_images.1"),
        ({"reference_images": [A, {"image_url": ""}]}, "reference_images.1.image_url"),
        ({"frame_images": [frame(FIRST, "")]}, "frame_images.0.image_url.url"),
    ],
)
def test_an_image_of_several_is_named_by_its_place(fields, field):
    assert refused(openai, **fields).details[0]["field"] == field


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"image": None}, "image", "missing_required_parameter"),
        ({"image": None, "last_frame": A}, "image", "missing_required_parameter"),
        ({"image": None, "reference_images": []}, "reference_images", "invalid_value"),
        ({"last_frame": {"image_url": A}}, "last_frame", "invalid_value"),
        ({"reference_images": A}, "reference_images", "invalid_value"),
        ({"seed": "7"}, "seed", "invalid_value"),
        ({"generate_audio": "true"}, "generate_audio", "invalid_value"),
    ],
)
def test_rest_refuses_other_guises(fields, param, code):
    error = refused(rest, **fields)
    assert (error.param, error.code) == (param, code)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("lastFrame", "last_frame"),
        ("tail_image", "last_frame"),
        ("input_references", "reference_images"),
        ("negativePrompt", "negative_prompt"),
        ("enable_audio", "generate_audio"),
    ],
)
def test_rest_says_which_name_a_further_field_has(name, meant):
    assert f"did you mean {meant}?" in refused(rest, **{name: A}).message


# --- forms


@pytest.mark.parametrize("value", [FILE, B])
@pytest.mark.parametrize("name", ["last_frame", "last_frame[]", "end_image", "lastFrame"])
def test_a_form_has_its_last_frame_as_file_or_text(name, value):
    read = sent(("input_reference", FILE), (name, value))
    assert roles_of(read) == [(FIRST, FILE), (LAST, value)]


def test_a_form_spells_an_object_of_one_image_with_brackets():
    read = sent(("image[image_url]", A), ("last_frame[image_url][url]", B))
    assert roles_of(read) == [(FIRST, A), (LAST, B)]


def sdks_object(url):
    """Return what an SDK makes of OpenRouter's object in a form."""
    return [("[type]", "image_url"), ("[image_url][url]", url)]


LISTS = {
    "one": ([("", A)], [A]),
    "one of a list": ([("[]", A)], [A]),
    "the same name": ([("", A), ("", FILE), ("", B)], [A, FILE, B]),
    "brackets": ([("[]", A), ("[]", FILE), ("[]", B)], [A, FILE, B]),
    "numbers": ([("[1]", FILE), ("[0]", A), ("[2]", B)], [A, FILE, B]),
    "objects": ([("[][image_url]", A), ("[][image_url]", B)], [A, B]),
    "objects with numbers": ([("[1][url]", A), ("[0][url]", B)], [B, A]),
    "OpenRouter's, by key": (
        [("[][type]", "image_url")] * 2 + [("[][image_url][url]", url) for url in (A, B)],
        [A, B],
    ),
    "OpenRouter's": (
        [(f"[]{key}", text) for url in (A, B) for key, text in sdks_object(url)],
        [A, B],
    ),
    "an object": ([("[image_url]", A)], [A]),
    "JSON": ([("", f'["{A}", {{"url": "{B}"}}]')], [A, B]),
    "JSON of one": ([("", f'{{"image_url": "{A}"}}')], [A]),
}


@pytest.mark.parametrize(("parts", "wanted"), LISTS.values(), ids=LISTS)
@pytest.mark.parametrize("name", ["reference_images", "input_references"])
def test_a_form_has_its_references_in_order(name, parts, wanted):
    read = sent(*((name + rest, value) for rest, value in parts))
    assert roles_of(read) == [(REFERENCE, each) for each in wanted]


def test_a_form_has_openrouters_frames_by_brackets_or_as_json():
    pairs = [("type", "image_url"), ("image_url][url", A), ("frame_type", FIRST)]
    pairs += [("type", "image_url"), ("image_url][url", B), ("frame_type", LAST)]
    brackets = [(f"frame_images[][{key}]", value) for key, value in pairs]
    by_key = sorted(brackets, key=lambda part: part[0])
    frames = [frame(FIRST), {"image_url": B, "frame_type": LAST}]
    text = json.dumps(frames)
    for read in (sent(*brackets), sent(*by_key), sent(("frame_images", text))):
        assert roles_of(read) == [(FIRST, A), (LAST, B)]


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [("seed", "0", 0), ("seed", "4294967295", 2**32 - 1), ("generate_audio", "false", False),
     ("negative_prompt", "fog", "fog")],
)  # fmt: skip
def test_a_form_says_further_fields_in_text(name, text, value):
    assert getattr(sent((name, text)).request, name) == value


BAD_FORMS = {
    "two last frames": ([("last_frame", FILE)] * 2, "last_frame"),
    "last frame by number": ([("last_frame[0]", FILE)], "last_frame"),
    "four references": ([("reference_images", FILE)] * 4, "reference_images"),
    "two of a number": ([("reference_images[0]", A)] * 2, "reference_images[0]"),
    "half a bracket": ([("reference_images[", A)], "reference_images"),
    "open bracket": ([("reference_images[0", A)], "reference_images"),
    "deep brackets": ([("reference_images" + "[a]" * 4, A)], "reference_images"),
    "a URL twice": (
        [("reference_images[0][url]", A), ("reference_images[0][url][url]", B)],
        "reference_images",
    ),
    "a file and an object": (
        [("reference_images[]", FILE), ("reference_images[][url]", B)],
        "reference_images",
    ),
    "an image and its key": (
        [("reference_images[0]", A), ("reference_images[0][url]", B)],
        "reference_images",
    ),
    "broken JSON": ([("frame_images", "[{")], "frame_images"),
    "a text as frames": ([("frame_images", A)], "frame_images"),
    "a file as frame": ([("frame_images[]", FILE)], "frame_images"),
    "seed with a sign": ([("seed", "+7")], "seed"),
    "a mask": ([("mask", FILE)], "input_reference"),
    "a style": ([("style_image", FILE)], "input_reference"),
}


@pytest.mark.parametrize(("parts", "param"), BAD_FORMS.values(), ids=BAD_FORMS)
def test_a_part_that_says_nothing_clear_is_refused_by_name(parts, param):
    assert refused(sent, *parts).param == param


def test_openais_sdk_is_understood():
    """What its extra body makes of lists and objects in a form."""
    import openai as openai_sdk  # noqa: PLC0415 - only here: it takes a second, in every process

    bodies = []

    def answer(request):
        bodies.append((request.read(), request.headers["content-type"]))
        return httpx.Response(200, json={})

    transport = httpx.Client(transport=httpx.MockTransport(answer))
    client = openai_sdk.OpenAI(api_key="x", http_client=transport, max_retries=0)
    frames = [frame(FIRST, A), frame(LAST, B)]
    fields = {"seed": 0, "generate_audio": False, "negative_prompt": "fog"}
    for images in (
        {"frame_images": frames},
        {"input_reference": {"image_url": A}, "last_frame": {"image_url": B}},
        {"reference_images": [A, B]},
        {"input_references": [{"type": "image_url", "image_url": {"url": u}} for u in (A, B)]},
    ):
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            client.videos.create(prompt="x", extra_body=images | fields)
        read = from_form(*bodies.pop(), SETTINGS)
        assert [image.value for image in read.images] == [A, B]
        asked = read.request
        assert (asked.seed, asked.generate_audio, asked.negative_prompt) == (0, False, "fog")
