"""What was told is on disk, whatever ends the process; what was cut off was told to nobody."""

import json
import os
import stat
import subprocess
import sys

import pytest

from devstack import change_log
from devstack.journal import Journal
from devstack.settings import ROOT


def item(number, **more):
    return {"task_id": {"S": f"vid_{number}"}, "prompt": {"S": "ü\n\u2028"}, **more}


def whole(journal):
    files = {k: (b.path.read_bytes(), b.content_type) for k, b in journal.files.items()}
    return {each["task_id"]["S"]: each for each in journal.items}, files


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path / "kept").begin()


def test_every_change_is_there_without_an_end(journal, tmp_path):
    journal.put_item("vid_1", item(1))
    journal.put_item("vid_2", item(2))
    journal.put_item("vid_1", item(1, attempts={"N": "1"}))
    journal.remove_item("vid_2")
    journal.put_file("a/../b", b"\0\xff", "a/b")
    journal.put_file("c", b"1", "c/d")
    journal.put_file("c", b"2", "c/d")
    journal.put_file("e", b"3", "e/f")
    journal.remove_file("e")
    again = Journal(tmp_path / "kept")
    expected = (
        {"vid_1": item(1, attempts={"N": "1"})},
        {"a/../b": (b"\0\xff", "a/b"), "c": (b"2", "c/d")},
    )
    assert whole(again) == whole(journal) == expected
    assert not again.ended_well
    assert whole(again.begin()) == whole(Journal(tmp_path / "kept")) == expected


def test_a_process_that_is_killed_loses_nothing_that_it_told(tmp_path):
    code = """
import os, signal, sys
from pathlib import Path
from devstack.journal import Journal
journal = Journal(Path(sys.argv[1])).begin()
for number in range(100):
    journal.put_item(f"vid_{number}", {"task_id": {"S": f"vid_{number}"}})
os.kill(os.getpid(), signal.SIGKILL)
"""
    kept = tmp_path / "kept"
    done = subprocess.run([sys.executable, "-c", code, kept], cwd=ROOT, check=False)
    assert done.returncode < 0
    assert len(Journal(kept).items) == 100


def test_an_end_is_known_until_the_next_run_begins(journal, tmp_path):
    assert Journal(tmp_path / "new").ended_well
    journal.put_item("vid_1", item(1))
    journal.end()
    assert Journal(tmp_path / "kept").ended_well
    Journal(tmp_path / "kept").begin()
    assert not Journal(tmp_path / "kept").ended_well


def test_line_that_was_cut_off_is_left_out(journal, tmp_path):
    """A line that was cut off is left out and the next ones are whole."""
    journal.put_item("vid_1", item(1))
    path = tmp_path / "kept/journal.jsonl"
    text = path.read_bytes()
    for length in range(text.index(b"vid_1"), len(text)):
        path.write_bytes(text[:length])
        again = Journal(tmp_path / "kept")
        assert again.items == []
    again.begin().put_item("vid_2", item(2))
    assert Journal(tmp_path / "kept").items == [item(2)]


def test_change_that_cannot_be_written_leaves_the_journal_whole(journal, tmp_path, monkeypatch):
    journal.put_item("vid_1", item(1))
    write = os.write

    def full(descriptor, data):
        if len(data) > 10:
            return write(descriptor, bytes(data[:10]))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(change_log.os, "write", full)
    with pytest.raises(OSError, match="No space"):
        journal.put_item("vid_2", item(2))
    monkeypatch.undo()
    journal.put_item("vid_3", item(3))
    assert Journal(tmp_path / "kept").items == journal.items == [item(1), item(3)]


def test_a_damaged_line_is_named_and_nothing_is_touched(journal, tmp_path):
    journal.put_item("vid_1", item(1))
    path = tmp_path / "kept/journal.jsonl"
    path.write_text(path.read_text().replace('"item"', "item"))
    before = path.read_bytes()
    with pytest.raises(RuntimeError, match="damaged in line 2"):
        Journal(tmp_path / "kept")
    assert path.read_bytes() == before


def test_what_changes_often_does_not_fill_the_disk(journal, tmp_path, monkeypatch):
    monkeypatch.setattr(change_log, "_MAX_APPENDED_BYTES", 2_000)
    for number in range(200):
        journal.put_item("vid_1", item(1, attempts={"N": str(number)}))
        journal.put_file("thumbnail", b"%d" % number, "image/jpeg")
    assert (tmp_path / "kept/journal.jsonl").stat().st_size < 3_000
    assert whole(Journal(tmp_path / "kept")) == whole(journal)
    assert len(list((tmp_path / "kept").iterdir())) == 2


def test_what_is_there_already_is_not_written_again(journal, tmp_path):
    for _ in range(2):
        journal.put_item("vid_1", item(1))
        journal.put_file("a", b"1", "a/b")
    lines = (tmp_path / "kept/journal.jsonl").read_bytes().splitlines()
    assert len(lines) == 3


def test_a_body_that_no_file_names_is_removed_at_the_next_start(journal, tmp_path):
    journal.put_file("a", b"1", "a/b")
    (tmp_path / "kept" / ("0" * 32)).write_bytes(b"written, and the process killed")
    (tmp_path / "kept/lock").touch()
    again = Journal(tmp_path / "kept").begin()
    names = {path.name for path in (tmp_path / "kept").iterdir()}
    assert names == {"journal.jsonl", "lock", again.files["a"].path.name}


def test_what_an_earlier_version_kept_is_taken_over(tmp_path):
    kept = tmp_path / "kept"
    kept.mkdir(mode=0o755)
    (kept / "items.json").write_text(json.dumps([item(1)]))
    (kept / "files.json").write_text(json.dumps({"0": ["videos/a.mp4", "video/mp4"]}))
    (kept / "0").write_bytes(b"a video")
    expected = {"vid_1": item(1)}, {"videos/a.mp4": (b"a video", "video/mp4")}
    journal = Journal(kept)
    assert journal.ended_well
    assert whole(journal.begin()) == whole(Journal(kept)) == expected
    assert {path.name for path in kept.iterdir()} == {"journal.jsonl", "0"}
    assert stat.S_IMODE(kept.stat().st_mode) == 0o700
