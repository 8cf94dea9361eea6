"""A batch that is killed, wherever, and run again: each row is paid for once, and has its file."""

import csv
import re
import shutil
import tempfile
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cli.conftest import Videoapi
from tests.support.fake_api import JPEG, URL, FakeApi, Killed, video_of
from videoapi_cli.images import MAX_INLINE_BYTES
from videoapi_cli.journal import NAME, Journal

KILLS = st.lists(
    st.tuples(st.integers(1, 25), st.booleans(), st.booleans(), st.sampled_from((1, 3))),
    max_size=4,
)
ROWS = st.lists(
    st.tuples(st.sampled_from(("a.jpg", "b.jpg", "big.jpg")), st.sampled_from(("Pan", "Tilt"))),
    min_size=1,
    max_size=5,
)


def write(folder, rows, *, name="jobs.csv"):
    for each in ("a.jpg", "b.jpg", "big.jpg"):
        (folder / each).write_bytes(JPEG + each.encode())
    (folder / "big.jpg").write_bytes(JPEG + bytes(MAX_INLINE_BYTES))
    with (folder / name).open("w", newline="") as file:
        csv.writer(file).writerows([("image", "prompt"), *rows])
    return folder / name


@settings(max_examples=20, deadline=None)
@given(rows=ROWS, kills=KILLS)
def test_killed_batch_pays_for_each_row_once(rows, kills):
    """Before and after any request, with the notes beside the videos or without."""
    api = FakeApi()
    with tempfile.TemporaryDirectory() as name:
        folder, out = Path(name), Path(name) / "out"
        jobs = write(folder, rows)
        videoapi = Videoapi(api)
        command = ("generate", "--batch", jobs, "-o", out, "--yes")
        for number, after, forget, parallel in kills:
            api.kill_at, api.kill_after = len(api.requests) + number, after
            try:
                videoapi(*command, "--parallel", parallel)
            except Killed:
                pass
            finally:
                api.kill_at = None
            if forget:
                (out / NAME).unlink(missing_ok=True)
        assert videoapi(*command).exit_code == 0
        assert api.paid() == sorted(prompt for _, prompt in rows)
        videos = sorted(each.read_bytes() for each in out.glob("*.mp4"))
        assert videos == sorted(video_of(prompt) for _, prompt in rows)
        assert not list(out.glob(".*.part"))


@pytest.fixture
def batch(videoapi, folder):
    """Return what runs a batch of two rows, which may be given anew."""
    rows = [("a.jpg", "Pan"), ("b.jpg", "Tilt")]

    def run(*options, rows=rows, name="jobs.csv", code=0):
        command = ("generate", "--batch", write(folder, rows, name=name), "-o", "out", "--yes")
        return videoapi.json(*command, *options, code=code)

    return run


def test_second_run_asks_for_nothing(batch, api):
    batch()
    del api.requests[:]
    body = batch()
    assert body["summary"]["completed"] == 2
    assert body["summary"]["usd"] == 1.0
    assert api.requests == []


def test_missing_file_is_downloaded_again(batch, api, folder):
    batch()
    (folder / "out/a.mp4").unlink()
    del api.requests[:]
    batch()
    assert (folder / "out/a.mp4").read_bytes() == video_of("Pan")
    assert [each.method for each in api.requests] == ["GET"] * len(api.requests)
    assert len(api.orders) == 2


def test_changed_row_is_another_order(batch, api, folder):
    batch()
    batch(rows=[("a.jpg", "Zoom"), ("b.jpg", "Tilt")])
    assert api.paid() == ["Pan", "Tilt", "Zoom"]
    assert (folder / "out/a.mp4").read_bytes() == video_of("Pan")
    assert (folder / "out/a-2.mp4").read_bytes() == video_of("Zoom")


def test_option_for_all_rows_makes_other_orders(batch, api):
    batch()
    batch("--seconds", 4)
    assert len(api.orders) == 4


def test_rows_in_another_order_or_folder_are_the_same(batch, api, folder, videoapi):
    batch()
    batch(rows=[("b.jpg", "Tilt"), ("a.jpg", "Pan")])
    shutil.copytree(folder, folder / "moved")
    shutil.rmtree(folder / "moved/out")
    moved = ("--batch", folder / "moved/jobs.csv", "-o", folder / "moved/out")
    assert videoapi("generate", *moved).exit_code == 0
    assert len(api.orders) == 2


def test_key_is_of_an_images_content_not_of_its_name(batch, api, folder):
    batch()
    (folder / "c.jpg").write_bytes(JPEG + b"a.jpg")
    batch(rows=[("c.jpg", "Pan"), ("b.jpg", "Tilt")])
    assert len(api.orders) == 2
    assert {each.name for each in (folder / "out").glob("*.mp4")} == {"a.mp4", "b.mp4"}


def test_several_images_are_a_batch_of_their_folder(videoapi, api, folder):
    command = ("generate", "a.jpg", "b.jpg", "-p", "Pan", "-o")
    for output in ("out", "out", folder / "out", "again"):
        assert videoapi(*command, output).exit_code == 0
    assert len(api.orders) == 4
    (folder / "a.jpg").write_bytes(JPEG + b"another")
    assert videoapi(*command, "out").exit_code == 0
    assert len(api.orders) == 5
    assert (folder / "out/a-2.mp4").exists()


def test_overwrite_replaces_the_file_of_a_changed_row(batch, folder):
    batch()
    batch("--overwrite", rows=[("a.jpg", "Zoom"), ("b.jpg", "Tilt")])
    assert (folder / "out/a.mp4").read_bytes() == video_of("Zoom")
    assert len(list((folder / "out").glob("*.mp4"))) == 2


def test_dry_run_orders_nothing_and_prices_what_is_new(batch, api, videoapi):
    assert batch("--dry-run") == {"videos": 2, "usd": 1.0, "problems": []}
    assert api.orders == []
    batch()
    assert batch("--dry-run") == {"videos": 0, "usd": 0, "problems": []}
    assert (
        "Nothing is left"
        in videoapi("generate", "--batch", "jobs.csv", "-o", "out", "--dry-run").stdout
    )


def test_equal_rows_are_two_videos(batch, api, folder):
    batch(rows=[("a.jpg", "Pan")] * 2)
    assert api.paid() == ["Pan", "Pan"]
    assert {each.name for each in (folder / "out").glob("*.mp4")} == {"a.mp4", "a-2.mp4"}


def test_other_name_is_another_batch(batch, api):
    batch()
    batch(name="others.csv")  # the files are there
    batch("--batch-name", "take 2", "--overwrite")
    assert len(api.orders) == 6


def test_file_without_notes_is_not_ordered_again(batch, api, folder):
    batch()
    (folder / "out" / NAME).unlink()
    api.tasks.clear()
    batch()
    assert len(api.orders) == 2


def test_forgotten_task_is_not_paid_for_again_unasked(batch, api, folder):
    """A server keeps ended tasks for a time; the notes beside the videos last."""
    batch()
    (folder / "out/a.mp4").unlink()
    api.tasks.clear()
    body = batch(code=1)
    assert "--retry-failed" in body["videos"][0]["error"]
    assert "a.mp4 was here: put it back" in body["videos"][0]["error"]
    assert len(api.orders) == 2
    batch("--retry-failed")
    assert (folder / "out/a.mp4").exists()
    batch()
    assert len(api.orders) == 3


def test_failed_row_stops_no_other_and_is_retried_on_demand(batch, api):
    rows = [("a.jpg", "[[fail]]"), ("none.jpg", "Pan"), ("b.jpg", "Tilt")]
    body = batch(rows=rows, code=1)
    assert [each["status"] for each in body["videos"]] == ["failed", "failed", "completed"]
    assert "none.jpg" in body["videos"][1]["error"]
    batch(rows=rows, code=1)
    assert len(api.orders) == 2
    batch("--retry-failed", rows=rows, code=1)
    assert len(api.orders) == 3


def test_only_what_was_ordered_is_offered_to_be_paid_again(videoapi, folder):
    write(folder, [("a.jpg", "[[fail]]"), ("none.jpg", "Pan"), ("b.jpg", "x" * 5000)])
    result = videoapi("generate", "--batch", "jobs.csv", "-o", "out", "--yes")
    assert "3 failed" in result.stdout
    assert "orders the 1 without a video once more" in result.stdout
    write(folder, [("none.jpg", "Pan"), ("b.jpg", "x" * 5000)])
    result = videoapi("generate", "--batch", "jobs.csv", "-o", "out", "--yes")
    assert "2 failed" in result.stdout
    assert "--retry-failed" not in result.stdout


def test_notes_that_cannot_be_written_any_more_stop_the_orders(batch, api, folder):
    """What is ordered without a note may be forgotten by both sides."""
    rows = [("b.jpg", f"Tilt {number}") for number in range(5)]
    kept = folder / "kept"
    for each in (folder / "out", kept):
        each.mkdir()
    (folder / "out" / NAME).symlink_to(kept / NAME)

    def handle(request):
        if "idempotency-key" in request.headers:
            shutil.rmtree(kept, ignore_errors=True)
        return api.handle(request)

    api.transport = httpx.MockTransport(handle)
    body = batch("--parallel", 1, rows=rows, code=1)
    assert len(api.orders) == 1
    assert body["summary"]["left"] == 5
    assert NAME in body["summary"]["refused"]["message"]
    assert NAME in batch(rows=rows, code=1)["error"]["message"]
    assert len(api.orders) == 1
    kept.mkdir()
    api.transport = httpx.MockTransport(api.handle)
    assert batch(rows=rows)["summary"]["completed"] == len(api.orders) == 5


def test_another_run_into_the_folder_is_kept_out(batch, api, folder):
    (folder / "out").mkdir()
    with Journal(folder / "out", URL).alone():
        assert "Another run" in batch(code=2)["error"]["message"]
        assert batch("--dry-run")["videos"] == 2
    assert api.orders == []
    assert batch()["summary"]["completed"] == 2


def test_notes_that_cannot_be_read_are_told_before_an_order(batch, api, folder):
    (folder / "out" / NAME).mkdir(parents=True)
    assert NAME in batch(code=1)["error"]["message"]
    assert api.orders == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk here that is always full")
def test_full_disk_stops_the_orders_and_the_next_run_goes_on(batch, api, folder):
    batch()
    notes = (folder / "out" / NAME).read_text()
    task = re.search(r'"task_id": "(vid_\w+)"', notes)[1]
    for video in (folder / "out").glob("*.mp4"):
        video.unlink()
    (folder / "out" / f".{task}.part").symlink_to("/dev/full")
    rows = [("a.jpg", "Pan"), ("b.jpg", "Tilt"), *(("b.jpg", str(n)) for n in range(5))]
    body = batch("--parallel", 1, rows=rows, code=1)
    assert "No space left" in body["summary"]["refused"]["message"]
    assert len(api.orders) == 2
    assert batch(rows=rows)["summary"]["completed"] == len(api.orders) == 7


def test_half_a_line_of_notes_is_skipped(batch, api, folder):
    batch()
    notes = folder / "out" / NAME
    notes.write_bytes(notes.read_bytes()[:-20] + b"\n[1]\n\xff")
    batch()
    assert len(api.orders) == 2
