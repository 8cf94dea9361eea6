"""`data:` URLs in every spelling, and such as hold nothing."""

import base64
import io

import pytest

from videoapi.providers.data_urls import decode_data_url
from videoapi.providers.errors import ContentMissing
from videoapi.providers.provider import Content

MP4 = b"\0\0\0\x18ftypisom" + bytes(range(256)) * 20
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
def test_every_spelling_is_decoded(url, kind):
    into = io.BytesIO(b"x" * 9000)
    assert decode_data_url(url, into) == Content(size_bytes=len(MP4), content_type=kind)
    assert into.getvalue() == MP4


@pytest.mark.parametrize("size", [3 * 2**20 - 1, 3 * 2**20, 3 * 2**20 + 1])
def test_many_pieces_are_decoded_whole(size):
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
def test_no_data_is_a_missing_video(url):
    with pytest.raises(ContentMissing) as caught:
        decode_data_url(url, io.BytesIO())
    assert caught.value.upstream_status == 200
