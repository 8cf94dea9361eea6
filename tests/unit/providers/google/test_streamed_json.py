"""JSON with strings of any length: the rest is parsed, the strings stay in a file."""

import base64
import io
import json
import re

import pytest

from videoapi.providers.errors import ContentMissing
from videoapi.providers.google.streamed_json import LONG, StreamedJson
from videoapi.providers.json_access import UnreadableJson

VIDEO = bytes(range(256)) * 1000
TEXT = base64.b64encode(VIDEO).decode()


def read(body, piece=1000, *, spool=True):
    streamed = StreamedJson(io.BytesIO() if spool else None)
    streamed.take(body[at : at + piece] for at in range(0, len(body), piece))
    return streamed


def saved(streamed, value):
    into = io.BytesIO(b"what an earlier attempt left behind" * 10_000)
    content = streamed.save(value, into, "video/mp4")
    assert content.size_bytes == len(into.getvalue())
    return into.getvalue()


@pytest.mark.parametrize("piece", [1, 7, 4096, 10**7])
def test_a_long_string_is_saved_whatever_the_pieces_are(piece):
    body = json.dumps({"a": [1, 'x\\"y'], "video": TEXT, "b": {"c": "é\n"}}).encode()
    streamed = read(body, piece)
    parsed = streamed.parsed()
    assert (parsed["a"], parsed["b"]) == ([1, 'x\\"y'], {"c": "é\n"})
    assert len(parsed["video"]) < 10
    assert saved(streamed, parsed["video"]) == VIDEO


def test_a_short_string_stays_in_the_json():
    streamed = read(json.dumps({"video": "QUJD"}).encode())
    assert streamed.parsed() == {"video": "QUJD"}
    assert saved(streamed, "QUJD") == b"ABC"


def test_each_of_several_long_strings_is_found():
    others = [base64.b64encode(bytes([n]) * LONG).decode() for n in range(3)]
    streamed = read(json.dumps({"a": [*others, TEXT]}).encode())
    values = streamed.parsed()["a"]
    assert [saved(streamed, value)[:1] for value in values] == [b"\0", b"\1", b"\2", b"\0"]
    assert saved(streamed, values[3]) == VIDEO


@pytest.mark.parametrize("end", [LONG - 1, LONG, LONG + 1])
def test_the_longest_short_string_and_the_shortest_long_one(end):
    text = TEXT[: end - end % 4]
    streamed = read(json.dumps({"v": text}).encode(), 4096)
    assert saved(streamed, streamed.parsed()["v"]) == base64.b64decode(text)


@pytest.mark.parametrize(
    "written",
    [
        TEXT.replace("/", "\\/"),
        "\\n".join(TEXT[at : at + 76] for at in range(0, len(TEXT), 76)),
        "\\r\\n".join(TEXT[at : at + 75] for at in range(0, len(TEXT), 75)),
        TEXT.replace("+", "-").replace("/", "_"),
        TEXT.rstrip("="),
        TEXT.replace("=", "\\u003d").replace("+", "\\u002B"),
    ],
    ids=["slashes", "lines", "odd lines", "url alphabet", "no padding", "for HTML"],
)
@pytest.mark.parametrize("piece", [1000, 10**7])
def test_base64_as_others_write_it(written, piece):
    streamed = read(b'{"v":"%s"}' % written.encode(), piece)
    assert saved(streamed, streamed.parsed()["v"]) == VIDEO


def test_short_base64_may_be_broken_into_lines_too():
    video = VIDEO[:200]
    streamed = read(json.dumps({"v": base64.encodebytes(video).decode()}).encode())
    assert saved(streamed, streamed.parsed()["v"]) == video


@pytest.mark.parametrize("before", range(8))
def test_an_escape_that_two_pieces_share_is_one_character(before):
    text = base64.b64encode(VIDEO * 4)[: 2**20 - before] + b"+/" * 4
    text += b"A" * (-len(text) % 4)
    escaped = text.replace(b"+", b"\\u002b").replace(b"/", b"\\u002F")
    streamed = read(b'{"v":"%s"}' % escaped, 65536)
    assert saved(streamed, streamed.parsed()["v"]) == base64.b64decode(text)


def test_a_video_longer_than_a_piece_is_decoded_across_its_edges():
    video = bytes(range(256)) * (3 * 2**12) + b"!"
    lines = base64.encodebytes(video).decode().replace("\n", "\\n").replace("/", "\\/")
    streamed = read(b'{"v":"%s"}' % lines.encode(), 65536)
    assert saved(streamed, streamed.parsed()["v"]) == video


@pytest.mark.parametrize("value", ["!" * 50, "A", "\0" + "7", "\0x", "", "\u00e9" * 8], ids=ascii)
def test_what_is_no_base64_is_no_video(value):
    with pytest.raises(ContentMissing):
        read(b'{"v":1}').save(value, io.BytesIO(), None)


def test_a_long_string_that_is_no_base64_is_no_video():
    streamed = read(b'{"v":"%s"}' % (b"!" * LONG * 2))
    with pytest.raises(ContentMissing):
        streamed.save(streamed.parsed()["v"], io.BytesIO(), None)


def test_without_a_spool_the_long_string_is_forgotten():
    streamed = read(json.dumps({"v": TEXT}).encode(), spool=False)
    with pytest.raises(ContentMissing):
        streamed.save(streamed.parsed()["v"], io.BytesIO(), None)


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"v":"' + b"A" * LONG * 2, b"[]", b'"x"'])
def test_what_is_no_object_cannot_be_read(body):
    with pytest.raises(UnreadableJson):
        read(body).parsed()


def test_the_first_object_of_a_list_counts():
    assert read(b' [\n{"error":{"code":13}}]').parsed() == {"error": {"code": 13}}


def test_too_much_beside_the_long_strings_is_refused():
    with pytest.raises(UnreadableJson):
        read(b'{"a":[' + b'"%s",' % (b"A" * 1000) * 5000, 10**6)


def test_our_own_credential_is_masked():
    streamed = read(b'{"quoted":"ya29.secret-token"}')
    streamed.mask("ya29.secret-token")
    assert streamed.parsed() == {"quoted": "***"}


ENOUGH = re.compile(rb'"done": true.*"v": "\Z', re.DOTALL)


def test_reading_ends_where_enough_is_known():
    def body():
        yield json.dumps({"a": ["\\]}", {"x": 1}], "done": True, "b": [{"v": TEXT}]}).encode()[
            :-90_000
        ]
        raise AssertionError("too much was read")

    streamed = StreamedJson(enough=ENOUGH)
    streamed.take(body())
    parsed = streamed.parsed()
    assert parsed["a"] == ["\\]}", {"x": 1}]
    assert list(parsed["b"][0]) == ["v"]


@pytest.mark.parametrize("text", [{"done": False, "v": TEXT}, {"v": TEXT, "done": True}])
def test_reading_goes_on_where_it_is_not(text):
    streamed = StreamedJson(enough=ENOUGH)
    streamed.take([json.dumps(text).encode()])
    assert streamed.parsed()["done"] is text["done"]
