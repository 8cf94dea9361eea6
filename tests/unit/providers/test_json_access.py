"""JSON of strangers: read where it can be, refused before it fills the memory."""

import gc
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from videoapi.providers.json_access import MAX_REST, MAX_VALUES, UnreadableJson, parsed

LONG = "data:video/mp4;base64," + "A/+=" * 30_000


@pytest.mark.parametrize("second", ['{"id": "b"}', "\n[1]", "\0", "<!-- served by -->", "{"])
def test_what_follows_the_first_object_is_not_looked_at(second):
    assert parsed(b'{"id": "a"}' + second.encode()) == {"id": "a"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_an_object_is_read_in_each_encoding_of_json(encoding):
    assert parsed('\n {"prompt": "狐狸 🦊"}'.encode(encoding)) == {"prompt": "狐狸 🦊"}


@pytest.mark.parametrize(
    "shape",
    [
        lambda text: {"url": text, "id": "v"},
        lambda text: {"data": {"urls": [text, "b", [text]]}},
        lambda text: {"a": text, "b": {"c": [{"d": text + "B"}]}},
    ],
    ids=range(3),
)
@pytest.mark.parametrize(
    "escape", [str, lambda text: text.replace("/", r"\/")], ids=["plain", "php"]
)
def test_a_long_string_is_read_wherever_it_stands(shape, escape):
    body = escape(json.dumps({"p": 'a "quoted\\" 🦊', **shape(LONG)}))
    assert parsed(body.encode()) == {"p": 'a "quoted\\" 🦊', **shape(LONG)}


def test_a_long_string_may_be_broken_into_lines():
    body = json.dumps({"url": LONG.replace("+", "\r\n+")})
    assert parsed(body.encode()) == {"url": LONG}


@pytest.mark.parametrize(
    "text", ["海" * 50_000, '"' * 70_000, "\\" * 70_001, "\0" * 70_000], ids=range(4)
)
def test_long_unplain_string_is_read_like_any_other(text):
    body = json.dumps({"a": text, "b": LONG}, ensure_ascii=False)
    assert parsed(body.encode()) == {"a": text, "b": LONG}


def test_a_string_too_long_to_parse_reads_as_empty():
    body = json.dumps({"a": "海" * 3_000_000, "b": LONG}, ensure_ascii=False)
    assert parsed(body.encode()) == {"a": "", "b": LONG}


@pytest.mark.parametrize(
    "mark", ["\0", "\0x", "\0-1", "\x009", "\x00٣", "\0" + "9" * 5000], ids=range(6)
)
def test_text_like_our_own_mark_is_left_alone(mark):
    assert parsed(json.dumps({"a": mark, "b": LONG}).encode()) == {"a": mark, "b": LONG}


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": [' + b"[]," * MAX_VALUES + b"[]]}",
        b'{"a": ' + b"[" * MAX_VALUES + b"]" * MAX_VALUES + b"}",
        b'{"' + b'":0,"'.join(b"%d" % n for n in range(MAX_VALUES)) + b'":0}',
        b'{"a": "' + b'\\"' * 4 * MAX_VALUES + b'"}',
        b'{"a": ' + b"1" * MAX_REST + b"}",
        b'{"a": ' + b" " * MAX_REST + b"}",
        b'{"a": "' + LONG.encode(),
        '{"a": "'.encode("utf-16") + b"A" * MAX_REST,
    ],
    ids=["lists", "depth", "keys", "quotes", "number", "blanks", "cut", "utf-16"],
)
def test_json_that_would_fill_the_memory_is_refused(body):
    with pytest.raises(UnreadableJson):
        parsed(body)


def test_long_string_is_freed_with_its_object():
    """No cycle may keep 60 MB until the collector comes by."""
    body = json.dumps({"a": LONG, "b": {"c": [LONG]}}).encode()
    gc.collect()
    gc.disable()
    try:
        parsed(body)
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_wrong_encoding_hides_nothing_beside_it():
    """Text in a wrong encoding does not hide what stands beside it."""
    assert parsed('{"id": "v", "msg": "成功"}'.encode("gb18030"))["id"] == "v"


TEXTS = st.text(st.characters(codec="utf-8"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS | st.just(LONG),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(answer=st.dictionaries(TEXTS, VALUES, max_size=4), ascii_only=st.booleans())
def test_every_object_is_read_as_it_was_written(answer, ascii_only):
    body = json.dumps(answer, ensure_ascii=ascii_only).encode()
    assert parsed(body) == answer
