import io
import struct
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from videoapi.media import mp4

FASTSTART = {"movflags": "faststart"}
FRAGMENTED = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
PARTLY_FRAGMENTED = {"movflags": "frag_keyframe"}


def filmed(*, frames=48, fps=24, size=(64, 48), sound=False, options=None):
    """Make a real MP4; its pictures are MPEG-4, which every build of FFmpeg has."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"  # faststart reads its own file again
        _film(path, frames, fps, size, sound=sound, options=options or {})
        return path.read_bytes()


def _film(path, frames, fps, size, *, sound, options):
    with av.open(path, "w", options=options) as container:
        pictures = container.add_stream("mpeg4", rate=fps, width=size[0], height=size[1])
        pictures.gop_size = 12
        sounds = container.add_stream("aac", rate=44_100) if sound else None
        for number in range(frames):
            picture = av.VideoFrame(*size, "yuv420p")
            for plane in picture.planes:
                plane.update(bytes([number * 7 % 255]) * plane.buffer_size)
            container.mux(pictures.encode(picture))
        container.mux(pictures.encode())
        if sounds:
            for _ in range(130):  # 3 s
                silence = av.AudioFrame("fltp", "stereo", 1024)
                silence.sample_rate = 44_100
                for plane in silence.planes:
                    plane.update(bytes(plane.buffer_size))
                container.mux(sounds.encode(silence))
            container.mux(sounds.encode())


PLAIN, QUICK, SOUNDING = filmed(), filmed(options=FASTSTART), filmed(sound=True)
WHOLE = {
    "plain": PLAIN, "faststart": QUICK, "with sound": SOUNDING,
    "with sound, faststart": filmed(sound=True, options=FASTSTART),
}  # fmt: skip


def inspected(data):
    return mp4.inspect(io.BytesIO(data))


def refusal(data):
    with pytest.raises(ValueError, match="MP4") as refused:
        inspected(data)
    return str(refused.value)


def box(kind, *contents, size=None):
    content = b"".join(contents)
    return struct.pack(">I4s", len(content) + 8 if size is None else size, kind) + content


def top_boxes(data):
    """The places at which a box begins, by its own account."""
    at = 0
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        yield at, kind, data[at : at + size]
        at += size


def header(
    *, stts=(((24, 512),)), scale=12_288, size=(64, 48), handler=b"vide", version=0, more=b""
):
    """The smallest moov that says all that is asked."""
    clock = bytes(16 if version else 8) + struct.pack(">I", scale) + bytes(8)
    entry = bytes(24) + struct.pack(">HH", *size)
    table = box(
        b"stbl",
        box(b"stsd", struct.pack(">II", 0, 1), box(b"avc1", entry)),
        box(b"stts", struct.pack(">II", 0, len(stts)), *(struct.pack(">II", *e) for e in stts)),
    )
    media = (
        box(b"mdhd", bytes([version, 0, 0, 0]), clock)
        + box(b"hdlr", bytes(8), handler, bytes(12))
        + box(b"minf", table)
    )
    movie = box(b"mvhd", bytes([version, 0, 0, 0]), clock)
    return box(b"moov", movie, box(b"trak", box(b"tkhd"), box(b"mdia", media)), more)


FILE_TYPE, MEDIA = box(b"ftyp", b"isom", bytes(4)), box(b"mdat", b"frames")


def made(**options):
    return FILE_TYPE + header(**options) + MEDIA


@pytest.mark.parametrize("data", WHOLE.values(), ids=WHOLE)
def test_a_whole_file_says_what_its_picture_is(data):
    movie = inspected(data)
    assert movie == mp4.Movie(seconds=pytest.approx(2), fps=pytest.approx(24), width=64, height=48)


@pytest.mark.parametrize(
    ("frames", "fps", "size"), [(1, 24, (16, 16)), (90, 30, (48, 96)), (30, 60, (1920, 1080))]
)
def test_length_rate_and_size_are_those_of_the_film(frames, fps, size):
    movie = inspected(filmed(frames=frames, fps=fps, size=size))
    assert movie.seconds == pytest.approx(frames / fps, abs=1e-3)
    assert movie.fps == pytest.approx(fps, rel=1e-3)
    assert (movie.width, movie.height) == size


def test_length_is_the_pictures_where_sound_is_longer():
    assert inspected(SOUNDING).seconds == pytest.approx(2)


def test_a_file_is_rewound_whether_it_was_good_or_not():
    for data in (PLAIN, PLAIN[:-1], b"", b"junk"):
        file = io.BytesIO(data)
        file.seek(0, 2)
        with suppress(ValueError):
            mp4.inspect(file)
        assert file.tell() == 0


@pytest.mark.parametrize("data", [*WHOLE.values(), made()], ids=[*WHOLE, "made"])
def test_a_file_cut_off_anywhere_is_refused(data):
    edges = [at + step for at, _, _ in top_boxes(data) for step in (-1, 0, 1, 4, 7, 8, 9, 15, 16)]
    ends = {
        end for end in (*edges, *range(0, len(data), 97), len(data) - 1) if 0 <= end < len(data)
    }
    for end in sorted(ends):
        refusal(data[:end])


def test_a_fragmented_file_is_taken_and_its_length_unknown():
    movie = inspected(filmed(options=FRAGMENTED))
    assert movie == mp4.Movie(seconds=None, fps=None, width=64, height=48)


def test_frames_before_the_fragments_are_not_the_whole_length():
    movie = inspected(filmed(options=PARTLY_FRAGMENTED))
    assert (movie.seconds, movie.fps) == (None, pytest.approx(24))


def test_a_fragmented_file_cut_off_within_a_fragment_is_refused():
    data = filmed(options=FRAGMENTED)
    for at, kind, whole in top_boxes(data):
        if kind in {b"moof", b"mdat"}:
            refusal(data[: at + len(whole) // 2])


@pytest.mark.parametrize("version", [0, 1])
def test_a_fragmented_file_may_declare_its_length(version):
    duration = struct.pack(">I" if version == 0 else ">Q", 12_288 * 8)
    more = box(b"mvex", box(b"mehd", bytes([version, 0, 0, 0]), duration))
    assert inspected(made(stts=(), more=more)).seconds == 8
    assert inspected(made(stts=(), more=box(b"mvex"))).seconds is None


@pytest.mark.parametrize("version", [0, 1])
def test_both_versions_of_the_clocks_are_read(version):
    assert inspected(made(version=version)) == mp4.Movie(1, 24, 64, 48)


def test_frames_of_uneven_length_give_their_average_rate():
    assert inspected(made(stts=((10, 100), (10, 300)), scale=1000)).fps == 5


def test_a_picture_that_lasts_no_time_has_no_rate():
    assert inspected(made(stts=((1, 0),))) == mp4.Movie(None, None, 64, 48)


def test_boxes_may_be_64_bits_long_or_reach_to_the_end():
    long = struct.pack(">I4sQ", 1, b"mdat", 22) + b"frames"
    open_end = box(b"mdat", b"frames", size=0)
    for media in (long, open_end, box(b"free") + long, box(b"mdat") + MEDIA):
        assert inspected(FILE_TYPE + header() + media).seconds == 1


def test_less_than_a_box_at_the_end_of_a_container_is_padding():
    assert inspected(made(more=bytes(4))).seconds == 1


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not an MP4"),
        (b"<!DOCTYPE html>", "not an MP4"),
        (b"\x1aE\xdf\xa3webm", "not an MP4"),
        (FILE_TYPE, "no moov"),
        (FILE_TYPE + MEDIA, "no moov"),
        (FILE_TYPE + header(), "no mdat"),
        (FILE_TYPE + header() + box(b"mdat"), "no mdat"),
        (made() + b"\n", "a field is missing"),
        (made() + b"trailing junk", "ends after the file"),
        (made() + box(b"free", size=7), "ends after the file"),
        (made() + struct.pack(">I4sQ", 1, b"free", 15), "ends after the file"),
        (made() + struct.pack(">I4sQ", 1, b"free", 2**64 - 1), "ends after the file"),
        (made() + struct.pack(">I4s", 1, b"free"), "ends after the file"),
        (made(handler=b"text"), "no picture track"),
        (FILE_TYPE + box(b"moov", box(b"mvhd")) + MEDIA, "no picture track"),
        (FILE_TYPE + box(b"moov", box(b"trak")) + MEDIA, "has no mdia"),
        (FILE_TYPE + box(b"moov", box(b"trak", size=99)) + MEDIA, "ends after the file"),
        (made(stts=()), "holds no frame"),
        (made(scale=0), "clock stands still"),
        (made(size=(0, 48)), "has no size"),
        (made(size=(64, 0)), "has no size"),
        (made().replace(b"\x00\x00\x00\x01\x00\x00\x00\x18", b"\xff" * 8), "time table is short"),
        (made().replace(b"stts", b"skip"), "has no stts"),
        (made().replace(b"stsd", b"skip"), "has no stsd"),
        (made(more=box(b"mvex", box(b"mehd"))), "a field is missing"),
        (made(more=box(b"mvex", box(b"mehd", bytes(4)))), "a field is missing"),
    ],
    ids=range(26),
)
def test_what_is_wrong_is_said(data, reason):
    assert reason in refusal(data)


def test_a_header_is_bounded_in_size():
    rest = mp4.MAX_HEADER - len(header()) + 8
    assert inspected(made(more=box(b"free", bytes(rest - 8)))).seconds == 1
    assert "too large" in refusal(made(more=box(b"free", bytes(rest - 7))))


def test_the_number_of_boxes_is_bounded():
    before = FILE_TYPE + header() + MEDIA
    assert inspected(before + box(b"free") * (mp4.MAX_BOXES - 3)).seconds == 1
    assert "too many" in refusal(before + box(b"free") * (mp4.MAX_BOXES - 2))


@pytest.mark.parametrize(
    "filling",
    [box(b"trak", box(b"mdia", box(b"hdlr"))), box(b"free"), box(b"trak", size=0)],
    ids=range(3),
)
def test_no_header_keeps_the_reader_busy(filling):
    many = filling * (mp4.MAX_HEADER // len(filling) - 1)
    before = time.process_time()
    refusal(FILE_TYPE + box(b"moov", many) + MEDIA)
    assert time.process_time() - before < 3


@given(st.binary(max_size=200))
def test_nothing_but_a_refusal_comes_of_any_bytes(tail):
    for start in (b"", FILE_TYPE, FILE_TYPE + MEDIA, FILE_TYPE + header()):
        refusal(start + tail + b"!")


@given(
    st.sampled_from(
        [PLAIN, QUICK, made(), made(stts=(), more=box(b"mvex", box(b"mehd", bytes(8))))]
    ),
    st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=5)), min_size=1, max_size=6),
)
def test_a_damaged_file_gives_a_film_or_a_refusal(data, damages):
    places = [
        at
        for at, kind, whole in top_boxes(data)
        if kind == b"moov"
        for at in range(at, at + len(whole))
    ]
    damaged = bytearray(data)
    for where, junk in damages:
        at = places[int(where * (len(places) - 1))]
        damaged[at : at + len(junk)] = junk
    try:
        movie = inspected(bytes(damaged))
    except ValueError:
        return
    assert movie.width * movie.height > 0


CUT = {
    "nothing": b"",
    "a page": b"<html>expired</html>",
    "no media": box(b"ftyp", b"isom") + box(b"moov", b"x"),
    "no header": box(b"ftyp", b"isom") + box(b"mdat", b"x"),
}
WHOLE = box(b"ftyp", b"isom") + box(b"moov", b"x") + box(b"mdat", bytes(64))
SOUND = {
    "as it is": WHOLE,
    "a line's end": WHOLE + b"\n",
    "an unknown tail": WHOLE + b"trailing words of a muxer",
    "media to the end of the file": WHOLE + struct.pack(">I4s", 0, b"mdat") + b"x",
    "64-bit media": WHOLE + struct.pack(">I4sQ", 1, b"mdat", 20) + b"xxxx",
    "QuickTime": WHOLE[12:],
    "WebM": b"\x1aE\xdf\xa3",
}


@pytest.mark.parametrize("content", CUT.values(), ids=CUT)
@pytest.mark.parametrize("whole", [True, False])
def test_a_file_without_header_or_media_is_cut(content, whole):
    assert mp4.is_cut(io.BytesIO(content), whole=whole)


@pytest.mark.parametrize("content", SOUND.values(), ids=SOUND)
@pytest.mark.parametrize("whole", [True, False])
def test_a_file_with_header_and_media_is_not_cut(content, whole):
    assert not mp4.is_cut(io.BytesIO(content), whole=whole)


def test_media_beyond_the_file_are_cut_without_a_length():
    """Media that end after the file are cut unless the length was stated."""
    content = io.BytesIO(WHOLE[:-10])
    assert mp4.is_cut(content, whole=False)
    assert not mp4.is_cut(content, whole=True)


def test_endless_boxes_are_walked_for_a_while_alone():
    assert mp4.is_cut(io.BytesIO(box(b"free") * (mp4.MAX_BOXES + 1)), whole=True)
