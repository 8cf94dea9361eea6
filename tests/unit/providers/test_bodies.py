"""Bodies that are long, slow, cut, mistyped, or not there at all."""

import io

import httpx
import pytest

from videoapi.providers.bodies import (
    first_bytes,
    is_json,
    received,
    save,
)
from videoapi.providers.errors import ContentMissing, PollFailed
from videoapi.providers.provider import Content

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
