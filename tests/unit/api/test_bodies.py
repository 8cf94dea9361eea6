"""Bodies in base64 and compressed: read within the limit, or refused by the header's name."""

import base64
import gzip
import zlib

import pytest

from videoapi.api.bodies import MAX_BODY, read_body
from videoapi.errors import MalformedBody, PayloadTooLarge, UnsupportedMediaType

FORM = b"--x\r\nbytes \xff\x00 of a form\r\n--x--\r\n"


def raw_deflate(data):
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


CODINGS = {"gzip": gzip.compress, "x-gzip": gzip.compress, "deflate": zlib.compress}


def read(body, coding=None, *, encoded=True):
    sent = base64.b64encode(body).decode() if encoded else body.decode(errors="replace")
    headers = {} if coding is None else {"content-encoding": coding}
    return read_body({"body": sent, "isBase64Encoded": encoded}, headers)


@pytest.mark.parametrize("coding", [*CODINGS, "GZIP", " gzip ", "identity, gzip"])
def test_a_compressed_body_is_inflated(coding):
    pack = CODINGS[coding.lower().split(",")[-1].strip()]
    assert read(pack(FORM), coding) == FORM


def test_deflate_without_zlibs_frame_is_inflated():
    assert read(raw_deflate(FORM), "deflate") == FORM


@pytest.mark.parametrize("coding", [None, "", "identity", "Identity", ","])
def test_a_plain_body_is_left_as_it_is(coding):
    assert read(FORM, coding) == FORM


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "gzip, gzip", "gzip, br", "utf-8"])
def test_another_coding_is_refused_by_the_headers_name(coding):
    with pytest.raises(UnsupportedMediaType, match="Content-Encoding") as refused:
        read(FORM, coding)
    assert refused.value.param == "Content-Encoding"
    assert refused.value.headers == {"Accept-Encoding": "gzip, deflate"}


@pytest.mark.parametrize("coding", CODINGS)
def test_compressed_json_is_refused_by_the_headers_name(coding):
    """Compressed JSON that a gateway took for text is refused by the header's name."""
    with pytest.raises(UnsupportedMediaType, match="Content-Encoding") as refused:
        read(CODINGS[coding](b"{}"), coding, encoded=False)
    assert refused.value.headers == {"Accept-Encoding": "identity"}


def test_no_body_needs_no_coding():
    assert read(b"", "gzip") == b""


CUT = {"gzip": gzip.compress(FORM)[:-9], "zlib": zlib.compress(FORM)[:-5], "neither": b"x"}


@pytest.mark.parametrize("body", CUT.values(), ids=CUT)
def test_what_is_not_compressed_as_it_says_is_malformed(body):
    with pytest.raises(MalformedBody) as refused:
        read(body, "gzip")
    assert (refused.value.code, refused.value.param) == ("invalid_encoding", "Content-Encoding")


def test_a_bomb_is_not_inflated_beyond_the_limit():
    assert len(read(gzip.compress(bytes(MAX_BODY)), "gzip")) == MAX_BODY
    with pytest.raises(PayloadTooLarge):
        read(gzip.compress(bytes(MAX_BODY + 1)), "gzip")
