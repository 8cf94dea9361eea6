import pytest

from videoapi.api.json_bodies import read_json
from videoapi.api.openai.requests import from_openai
from videoapi.api.rest.requests import from_rest
from videoapi.domain.tasks import Dialect
from videoapi.errors import MalformedBody, ValidationError
from videoapi.settings import Settings

URL = "https://example.com/a.png"
DEFAULTS = Settings()


def rest(**fields):
    return from_rest({"image": URL} | fields, DEFAULTS)


def openai(*, form=False, **fields):
    return from_openai({"prompt": "x"} | fields, DEFAULTS, form=form)


def refused(call, **fields):
    with pytest.raises(ValidationError) as caught:
        call(**fields)
    return caught.value


@pytest.mark.parametrize(
    ("name", "kept", "values"),
    [
        ("duration", "seconds", [1, 10, 5.0, None]),
        ("fps", "fps", [24, 60, 30.0]),
        ("motion_strength", "motion_strength", [0, 1, 0.5, None]),
        ("camera_motion", "camera_motion", ["pan", "tilt", "zoom", "static", None]),
        ("optimize_prompt", "optimize_prompt", [True, False]),
        ("prompt", "prompt", ["x", "x" * 5000, None]),
        ("resolution", "size", ["1920x1080", "1080x1920", "1280x720", "64x64", "1080x1080"]),
        ("model", "model", ["veo_3_1-fast", "google/veo:3.1", "M"]),
    ],
)
def test_rest_takes_every_value_within_the_documents_limits(name, kept, values):
    for value in values:
        assert getattr(rest(**{name: value}).request, kept) == value


@pytest.mark.parametrize("name", ["fps", "resolution", "optimize_prompt", "metadata", "model"])
def test_a_null_is_as_if_nothing_was_said(name):
    assert rest(**{name: None}).request == rest().request


@pytest.mark.parametrize("value", ["1", True, 1.5, [], {}, float("inf")])
@pytest.mark.parametrize("name", ["duration", "fps"])
def test_rest_takes_no_number_in_another_guise(name, value):
    assert refused(rest, **{name: value}).param == name


@pytest.mark.parametrize("value", ["true", 1, 0, "yes", []])
def test_rest_takes_no_flag_in_another_guise(value):
    assert refused(rest, optimize_prompt=value).param == "optimize_prompt"


def test_metadata_has_at_most_16_pairs_of_bounded_texts():
    assert len(rest(metadata={str(n): "x" * 512 for n in range(16)}).request.metadata) == 16
    for bad in ({"": "x"}, {"x" * 65: "x"}, {"x": "y" * 513}, {"x": 1}, {"x": None}, [], "x"):
        assert refused(rest, metadata=bad).param == "metadata"


def test_a_form_and_an_object_mark_the_task_as_the_sdks():
    assert openai().dialect is Dialect.REST
    assert openai(input_reference=URL).dialect is Dialect.REST
    assert openai(form=True).dialect is Dialect.OPENAI
    assert openai(input_reference={"image_url": URL}).dialect is Dialect.OPENAI
    assert rest().dialect is Dialect.REST


def test_a_file_is_the_image_of_a_form():
    images = openai(form=True, input_reference=b"bytes").images
    assert images == (("first_frame", b"bytes", "input_reference"),)
    (empty,) = openai(form=True, input_reference=b"").images
    assert empty.value == b"", "an empty file is not the same as none"


def test_a_file_needs_no_prompt():
    assert from_openai({"input_reference": b"bytes"}, DEFAULTS).request.prompt is None


def test_no_reference_is_no_image():
    assert openai().images == ()
    assert openai(input_reference=None).images == ()


@pytest.mark.parametrize("image", ["", " ", "\n"])
def test_empty_image_is_refused(image):
    """An empty image is refused and never taken for text to video."""
    for error in (
        refused(rest, image=image),
        refused(openai, input_reference=image),
        refused(openai, input_reference={"image_url": image}),
    ):
        assert error.code == "invalid_image"
        assert error.message == f"{error.details[0]['field']}: The image is empty."


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("seconds", "8", 8),
        ("fps", "24", 24),
        ("motion_strength", "0.5", 0.5),
        ("motion_strength", ".5", 0.5),
        ("motion_strength", "1", 1.0),
        ("optimize_prompt", "true", True),
        ("optimize_prompt", "false", False),
        ("metadata", '{"a": "b"}', {"a": "b"}),
    ],
)
def test_openai_reads_what_a_form_can_only_say_in_text(name, text, value):
    assert getattr(openai(**{name: text}).request, name) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("seconds", "8.5"),
        ("seconds", "+8"),
        ("seconds", "٨"),
        ("seconds", " 8"),
        ("seconds", ""),
        ("seconds", "9" * 5000),
        ("motion_strength", "."),
        ("motion_strength", "nan"),
        ("motion_strength", "1e-1"),
        ("motion_strength", "0" * 100_000),
        ("optimize_prompt", "TRUE"),
        ("metadata", "[" * 100_000),
        ("metadata", '{"a": 1}'),
        ("metadata", "NaN"),
        ("metadata", ""),
    ],
)
def test_a_text_that_means_no_such_value_is_refused_by_its_name(name, text):
    assert refused(openai, **{name: text}).param == name


def test_a_metadata_object_needs_no_text():
    assert openai(metadata={"a": "b"}).request.metadata == {"a": "b"}


@pytest.mark.parametrize("body", [None, [], "x", 5, [{}]])
def test_body_that_is_no_object_is_refused_in_json_words(body):
    for call in (from_rest, from_openai):
        with pytest.raises(ValidationError, match="JSON object"):
            call(body, DEFAULTS)


def test_a_message_names_at_most_five_fields_and_the_details_all():
    error = refused(rest, **{f"x{number}": 1 for number in range(9)})
    assert error.message.count("Unknown field") == 5
    assert len(error.details) == 9


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        (
            {"resolution": "big"},
            "resolution: Input should be 720p, 1080p, or WIDTHxHEIGHT in pixels, like 1280x720",
        ),
        ({"model": "a b"}, "model: Input should be a model's name like veo_3_1, "),
        ({"image": 5}, "image: Input should be a valid string"),
    ],
)
def test_a_message_says_in_words_what_is_wanted(fields, wanted):
    message = refused(rest, **fields).message
    assert message.startswith(wanted)
    assert not set("^$[]{}") & set(message), "a regular expression is for programs"


@pytest.mark.parametrize(
    ("reference", "fields"),
    [
        (5, ["input_reference"]),
        ([], ["input_reference"]),
        ({}, ["input_reference.image_url"]),
        ({"file_id": "f"}, ["input_reference.image_url", "input_reference.file_id"]),
    ],
)
def test_a_bad_reference_is_judged_as_what_it_looks_like(reference, fields):
    details = refused(openai, input_reference=reference).details
    assert [detail["field"] for detail in details] == fields


def test_a_model_outside_the_allowed_is_named_with_those_inside():
    settings = Settings(veo3_allowed_models=("a", "b"))
    with pytest.raises(ValidationError, match="a, b") as caught:
        from_rest({"image": URL, "model": "c"}, settings)
    assert (caught.value.param, caught.value.code) == ("model", "model_not_found")
    assert from_rest({"image": URL, "model": "b"}, settings).request.model == "b"


@pytest.mark.parametrize("text", [b'{"a": [1, "\xc3\xa9", null, -0, 1e3]}', b" {} ", b"null"])
def test_json_is_read(text):
    read_json(text)


@pytest.mark.parametrize(
    "text",
    [
        b"", b"{", b"{}x", b"'a'", b"NaN", b"-Infinity", b'"\xff"', b'"\\ud800"', b"[" * 300,
        b"9" * 5000, b"\xff\xfe{\0}\0", b'"\x00"',
    ],
)  # fmt: skip
def test_what_is_not_json_is_a_malformed_body(text):
    with pytest.raises(MalformedBody):
        read_json(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (b'{"seconds": 4, "prompt": "a", "seconds": 8}', "seconds"),
        (b'{"image": "a",\n"image"\n:"a", "metadata": {"image": "b"}}', "image"),
        ('{"é": {}, "é": []}'.encode(), "é"),
        (rb'{"seconds": 4, "second\u0073": 8}', "seconds"),
        (b'{"input_reference": {"image_url": "a", "image_url": "b"}}', "image_url"),
        (b'{"params": [{"arguments": {"seed": 1, "seed": 2}}]}', "seed"),
        (b"{" + b", ".join(b'"f%d": 1' % (number % 70) for number in range(71)) + b"}", "f0"),
    ],
)
def test_a_name_that_is_sent_twice_is_refused(text, name):
    """The parser keeps the last value; what is dropped might decide about the money."""
    with pytest.raises(MalformedBody) as caught:
        read_json(text)
    assert (caught.value.code, caught.value.param) == ("invalid_json", name)


@pytest.mark.parametrize(
    "text",
    [
        b'{"model": "model", "prompt": "say \\"prompt\\": twice", "metadata": {"model": "a"}}',
        b'{"frame_images": [{"type": "a"}, {"type": "a"}]}',
    ],
    ids=["values", "objects"],
)
def test_a_name_that_is_sent_once_is_read(text):
    assert read_json(text)


BROKEN_TOO = {"cut": rb'"\ud800', "deep": rb'{"a": "\ud800", "b": ' + b"[" * 200_000}


@pytest.mark.parametrize("text", BROKEN_TOO.values(), ids=BROKEN_TOO)
def test_half_a_pair_in_what_is_no_json_either_names_no_field(text):
    with pytest.raises(MalformedBody) as caught:
        read_json(text)
    assert (caught.value.code, caught.value.param) == ("invalid_json", None)


@pytest.mark.parametrize("text", ["\x00", "A fox\x1b[2J"], ids=["NUL", "escape"])
def test_control_characters_are_no_prompt(text):
    with pytest.raises(ValidationError, match="Control characters"):
        from_openai({"prompt": text}, Settings())
