"""Bodies that are long, slow, cut, mistyped, or not there at all."""

import base64
import io

import httpx
import pytest

from videoapi.providers.errors import ContentMissing, PollFailed
from videoapi.providers.openai_compatible.bodies import (
    Content,
    decode_data_url,
    first_bytes,
    is_json,
    received,
    save,
)

MP4 = b"\0\0\0\x18ftypisom" + bytes(range(256)) * 20


def pieces(*parts, error=None):
    yield from parts
    if error:
        raise error


def test_what_arrived_before_a_break_is_kept():
    assert received(pieces(b"b", b"c", error=httpx.ReadError("reset")), b"a") == b"abc"


def test_the_head_is_enough_to_tell_an_mp4():
    stream = pieces(b"\0\0\0\x18", b"", b"ftyp", b"isom", b"rest")
    assert first_bytes(stream) == b"\0\0\0\x18ftypisom"
    assert next(stream) == b"rest"


def test_a_body_shorter_than_a_head_is_its_own_head():
    assert first_bytes(pieces(b"{", b"}")) == b"{}"


@pytest.mark.parametrize(
    ("head", "kind", "json"),
    [
        (b'{"url": 1}', "text/plain", True),
        (b" \n[1]", "", True),
        (b"oops", "Application/JSON; charset=utf-8", True),
        (MP4[:12], "application/json", False),
        (b"\x1aE\xdf\xa3", "video/webm", False),
        (b"<html>", "text/html", False),
    ],
)
def test_json_is_told_by_its_bytes_before_its_type(head, kind, json):
    assert is_json(head, kind) is json


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({}, None),
        ({"content-type": "video/mp4"}, "video/mp4"),
        ({"content-type": "text/plain"}, "text/plain"),
        ({"content-length": str(len(MP4))}, None),
        ({"content-length": "7", "content-encoding": "gzip"}, None),
        ({"content-length": "many"}, None),
    ],
    ids=range(6),
)
def test_a_video_is_written_over_what_was_there(headers, kind):
    into = io.BytesIO(b"x" * 9000)
    into.read(17)
    content = save(MP4[:12], pieces(MP4[12:50], MP4[50:]), headers, into)
    assert content == Content(size_bytes=len(MP4), content_type=kind)
    assert into.getvalue() == MP4


@pytest.mark.parametrize(
    ("head", "kind"), [(b"<!DOCTYPE html>", "video/mp4"), (b"please wait", "Text/Plain")]
)
def test_a_page_of_text_says_nothing_of_the_video(head, kind):
    into = io.BytesIO(b"before")
    with pytest.raises(PollFailed):
        save(head, pieces(), {"content-type": kind}, into)
    assert into.getvalue() == b"before"


def test_an_empty_answer_is_a_missing_video():
    with pytest.raises(ContentMissing) as caught:
        save(b"", pieces(), {}, io.BytesIO())
    assert caught.value.upstream_status == 200


def test_where_a_video_is_kept_is_not_printed():
    assert "sig" not in repr(Content(url="https://cdn.example/a?sig=1"))


PLAIN = base64.b64encode(MP4).decode()


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        (f"data:video/mp4;base64,{PLAIN}", "video/mp4"),
        (f"DATA:video/mp4; codecs=avc1 ;BASE64,{PLAIN}", "video/mp4"),
        (f"data:;base64,{PLAIN.rstrip('=')}", None),
        (f"data:video/mp4;base64,{PLAIN.replace('+', '-').replace('/', '_')}", "video/mp4"),
        (f"data:video/mp4;base64,{PLAIN[:7]}\r\n{PLAIN[7:50]} {PLAIN[50:]}\n", "video/mp4"),
        (f"data:video/mp4;base64,{PLAIN.replace('+', '%2B').replace('=', '%3D')}", "video/mp4"),
        ("data:video/mp4," + "".join(f"%{byte:02x}" for byte in MP4), "video/mp4"),
    ],
    ids=range(7),
)
def test_a_data_url_is_decoded_in_every_spelling(url, kind):
    into = io.BytesIO(b"x" * 9000)
    assert decode_data_url(url, into) == Content(size_bytes=len(MP4), content_type=kind)
    assert into.getvalue() == MP4


@pytest.mark.parametrize("size", [3 * 2**20 - 1, 3 * 2**20, 3 * 2**20 + 1])
def test_a_data_url_of_many_pieces_is_decoded_whole(size):
    data = (MP4 * (size // len(MP4) + 1))[:size]
    into = io.BytesIO()
    decode_data_url("data:video/mp4;base64," + base64.b64encode(data).decode(), into)
    assert into.getvalue() == data


@pytest.mark.parametrize(
    "url",
    [
        "",
        "data:",
        "data:video/mp4;base64",
        "http://x.example/a,b",
        "data:video/mp4;base64,",
        "data:video/mp4,",
        "data:video/mp4;base64,!!!!",
        "data:video/mp4;base64,AAAAA",
        "data:video/mp4;base64,AA=A",
        "data:video/mp4;base64,日本",
        "data:" + "x" * 2000 + ",AAAA",
    ],
    ids=range(11),
)
def test_a_data_url_without_data_is_a_missing_video(url):
    with pytest.raises(ContentMissing) as caught:
        decode_data_url(url, io.BytesIO())
    assert caught.value.upstream_status == 200
