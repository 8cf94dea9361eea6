"""Bodies that came compressed, whole or damaged, and bombs."""

import gzip
import io
import zlib
from itertools import islice

import pytest

from videoapi.net.inflation import PIECE, Broken, inflated, unpack_file

MP4 = b"\0\0\0\x18ftypisom" + bytes(range(256)) * 2000
RAW = zlib.compressobj(wbits=-15)
RAW_DEFLATE = RAW.compress(MP4) + RAW.flush()


def cut(data, size):
    return [data[at : at + size] for at in range(0, len(data), size)]


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (MP4, ""),
        (MP4, "gzip"),
        (MP4, "deflate"),
        (gzip.compress(MP4), ""),
        (gzip.compress(MP4), "gzip"),
        (gzip.compress(gzip.compress(MP4)), "gzip"),
        (gzip.compress(MP4[:9]) + gzip.compress(MP4[9:]), "gzip"),
        (gzip.compress(MP4) + bytes(99), "gzip"),
        (zlib.compress(MP4), "deflate"),
    ],
    ids=range(9),
)
@pytest.mark.parametrize("size", [1, 1000, 10**6])
def test_a_body_is_read_however_it_was_packed(data, encoding, size):
    assert b"".join(inflated(cut(data, size), encoding)) == MP4


def test_bytes_that_only_look_like_zlib_are_left_alone():
    assert b"".join(inflated([zlib.compress(MP4)])) == zlib.compress(MP4)


@pytest.mark.parametrize("data", [b"", b"a", b"x", b"\x1f"])
@pytest.mark.parametrize("encoding", ["", "gzip", "deflate"])
def test_a_body_too_short_to_be_packed_is_itself(data, encoding):
    assert b"".join(inflated([data] if data else [], encoding)) == data


def test_one_long_run_is_unpacked_whole_or_broken():
    """Its input is used up while output is still to come."""
    packed = zlib.compress(bytes(10 * PIECE))
    with pytest.raises(Broken, match="cut"):
        list(inflated([packed[:-6]], "deflate"))
    assert sum(map(len, inflated(cut(packed, 3), "deflate"))) == 10 * PIECE


@pytest.mark.parametrize(
    "data",
    [
        gzip.compress(MP4)[:-9],
        b"\x1f\x8b",
        b"\x1f\x8bnothing of the kind",
        gzip.compress(MP4)[:200] + b"\xff" * 99,
    ],
    ids=range(4),
)
def test_a_damaged_or_cut_body_is_broken(data):
    with pytest.raises(Broken):
        list(inflated([data]))


def test_a_bomb_is_unpacked_in_small_pieces():
    bomb = gzip.compress(bytes(50_000_000))
    assert max(len(piece) for piece in islice(inflated([bomb]), 100)) <= PIECE


@pytest.mark.parametrize(
    "packed", [gzip.compress(MP4), gzip.compress(gzip.compress(MP4))], ids=["once", "twice"]
)
def test_a_packed_file_is_replaced_by_what_it_holds(packed):
    file = io.BytesIO(packed)
    assert unpack_file(file, len(MP4)) == len(MP4)
    assert file.getvalue() == MP4


def test_another_file_is_left_alone():
    file = io.BytesIO(MP4)
    assert unpack_file(file, 1) is None
    assert file.getvalue() == MP4


@pytest.mark.parametrize(
    "packed", [gzip.compress(MP4)[:-1], gzip.compress(MP4 + b"x")], ids=["cut", "long"]
)
def test_a_packed_file_that_is_damaged_or_too_long_is_broken(packed):
    with pytest.raises(Broken):
        unpack_file(io.BytesIO(packed), len(MP4))
