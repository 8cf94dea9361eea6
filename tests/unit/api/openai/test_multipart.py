import pytest

from videoapi.api.openai.multipart import MAX_PARTS, read_form
from videoapi.errors import MalformedBody, ValidationError

TYPE = "multipart/form-data; boundary=edge"


def form(*parts, edge="edge"):
    """Return a form of (Content-Disposition without its start, value) pairs."""
    body = b""
    for disposition, value in parts:
        head = f"--{edge}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n"
        body += head.encode() + value + b"\r\n"
    return body + f"--{edge}--\r\n".encode()


def test_text_fields_and_the_file_are_told_apart():
    body = form(
        ('name="prompt"', "Füchse".encode()),
        ('name="seconds"', b"4"),
        ('name="input_reference"; filename="a.png"', b"\x89PNG\r\n\x1a\n"),
    )
    read = read_form(body, TYPE)
    file = {"input_reference": b"\x89PNG\r\n\x1a\n"}
    assert read == {"prompt": "Füchse", "seconds": "4"} | file


def test_reference_without_file_name_is_a_file_if_binary():
    for value, read in ((b"\x89PNG", b"\x89PNG"), (b"https://x", "https://x")):
        fields = read_form(form(('name="input_reference"', value)), TYPE)
        assert fields == {"input_reference": read}


def test_a_url_by_its_own_key_is_an_object():
    read = read_form(form(('name="input_reference[image_url]"', b"https://x")), TYPE)
    assert read == {"input_reference": {"image_url": "https://x"}}


def test_metadata_by_key_is_one_object():
    read = read_form(form(('name="metadata[a]"', b"1"), ('name="metadata[b]"', b"2")), TYPE)
    assert read == {"metadata": {"a": "1", "b": "2"}}


def test_an_empty_form_has_no_fields():
    read = read_form(form(('name="input_reference"; filename=""', b"")), TYPE)
    assert read == {}


@pytest.mark.parametrize("name", ["prompt", "metadata[a]", "metadata"])
def test_a_text_that_is_not_utf_8_is_named(name):
    with pytest.raises(ValidationError) as caught:
        read_form(form((f'name="{name}"', b"\xff")), TYPE)
    assert caught.value.param == name


def test_name_is_unquoted_and_shortened_in_messages():
    read = read_form(form(("name=prompt", b"x"), (r'name="a\"b"', b"y")), TYPE)
    assert read == {"prompt": "x", 'a"b': "y"}
    with pytest.raises(ValidationError) as caught:
        read_form(form((f'name="{"n" * 500}"', b"\xff")), TYPE)
    assert len(caught.value.message) < 200


def test_a_name_that_is_not_utf_8_is_a_name_that_nobody_knows():
    body = form(('name="NAME"', b"x")).replace(b"NAME", b"\xff\xfe")
    assert read_form(body, TYPE) == {"\ufffd\ufffd": "x"}


def test_a_form_has_a_bounded_number_of_parts():
    parts = [(f'name="f{number}"', b"x") for number in range(MAX_PARTS)]
    assert len(read_form(form(*parts), TYPE)) == MAX_PARTS
    with pytest.raises(MalformedBody):
        read_form(form(*parts, ('name="more"', b"x")), TYPE)


@pytest.mark.parametrize("edge", ["edge", "a b", "----WebKitFormBoundary7MA4YWxkTrZu0gW", "x" * 70])
def test_a_boundary_may_be_whatever_a_client_made_up(edge):
    read = read_form(form(('name="a"', b"1"), edge=edge), f'multipart/form-data; boundary="{edge}"')
    assert read == {"a": "1"}


def test_a_megabyte_of_almost_boundaries_is_read_in_linear_time():
    value = b"\r\n--edg" * 150_000
    body = form(('name="input_reference"; filename="a"', value))
    assert read_form(body, TYPE) == {"input_reference": value}


def test_a_text_field_that_is_sent_twice_is_refused_by_name():
    part = 'Content-Disposition: form-data; name="prompt"\r\n\r\n'
    body = f"--x\r\n{part}a\r\n--x\r\n{part}b\r\n--x--\r\n".encode()
    with pytest.raises(ValidationError, match="prompt: Send it once"):
        read_form(body, "multipart/form-data; boundary=x")


def test_repeated_metadata_pair_is_refused():
    """A pair of metadata that is sent twice is refused by name."""
    with pytest.raises(ValidationError, match=r"metadata\[a\]: Send it once"):
        read_form(form(('name="metadata[a]"', b"1"), ('name="metadata[a]"', b"2")), TYPE)


def test_an_unknown_field_that_is_sent_twice_is_refused_by_name():
    """Its first value might have been the one that asked for something."""
    with pytest.raises(ValidationError, match="n: Send it once"):
        read_form(form(('name="n"', b"2"), ('name="n"', b"1")), TYPE)


@pytest.mark.parametrize("blank", [b"", b" ", b"\r\n"])
@pytest.mark.parametrize("name", ["prompt", "seconds", "input_reference", "metadata[a]", "x"])
def test_a_blank_field_is_one_not_said(name, blank):
    assert read_form(form((f'name="{name}"', blank)), TYPE) == {}


def test_an_empty_file_with_a_name_is_a_file_that_was_lost():
    lost = form(('name="input_reference"; filename="a.png"', b""))
    assert read_form(lost, TYPE) == {"input_reference": b""}


@pytest.mark.parametrize(
    "name", ["image", "image[]", "input_reference[]", "inputReference", "first_frame"]
)
def test_a_file_is_the_image_by_any_of_its_usual_names(name):
    read = read_form(form((f'name="{name}"; filename="a.png"', b"\x89PNG")), TYPE)
    assert read == {name.removesuffix("[]"): b"\x89PNG"}


def test_a_url_is_the_image_by_any_of_its_usual_names():
    for name, field in (("image[url]", "image"), ("image_url[image_url]", "image_url")):
        read = read_form(form((f'name="{name}"', b"https://x")), TYPE)
        assert read == {field: {"image_url": "https://x"}}


@pytest.mark.parametrize(
    "parts",
    [
        [('name="image"; filename="a"', b"a"), ('name="input_reference"; filename="a"', b"a")],
        [('name="input_reference[]"; filename="a"', b"a")] * 2,
        [('name="input_reference[0]"; filename="a"', b"a")],
        [('name="images[1]"; filename="a"', b"a")],
        [('name="input_reference[file_id]"', b"a")],
        [('name="input_reference[image_url"', b"a")],
        [('name="mask"; filename="a.png"', b"a")],
        [('name="audio"; filename="a.mp3"', b"\xff")],
        [('name="whatever"', b"\x89PNG")],
    ],
)
def test_wrong_image_file_is_refused_by_its_name(parts):
    with pytest.raises(ValidationError, match="input_reference") as caught:
        read_form(form(*parts), TYPE)
    assert caught.value.param == "input_reference"


@pytest.mark.parametrize("preamble", [b"\r\n", b"This is a form.\r\n", b"--edg\r\n--edgy\r\n"])
def test_what_stands_before_the_first_boundary_is_skipped(preamble):
    assert read_form(preamble + form(("name=a", b"1")), TYPE) == {"a": "1"}


def test_the_headers_of_a_part_come_in_any_order():
    head = b'--edge\r\nContent-Type: image/png\r\nContent-Disposition: form-data; name="prompt"'
    assert read_form(head + b"\r\n\r\nx\r\n--edge--\r\n", TYPE) == {"prompt": "x"}
