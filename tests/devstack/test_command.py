"""The frame of `make run`: how it ends, and who may read what it writes."""

import os
import signal
import stat
import subprocess
import sys

import pytest

from devstack.settings import ROOT

RUN = """
import os, signal, sys, time
from pathlib import Path
from devstack.command import command, stop_signals

def run(settings):
    Path("told").write_text("private")
    os.mkdir("kept")
    try:
        print("running", flush=True)
        time.sleep(30)
    finally:
        print("stopping", flush=True)
        print("stopping", file=sys.stderr, flush=True)
        Path("saved").touch()

sys.exit(command(run))
"""


def begin(folder, stdout=subprocess.PIPE, before=None, **more):
    return subprocess.Popen(
        [sys.executable, "-c", RUN],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "ENV_FILE": os.devnull, "PATH": os.environ["PATH"]},
        stdout=stdout,
        stderr=subprocess.STDOUT,
        preexec_fn=before,  # noqa: PLW1509 — one thread
        **more,
    )


def default_hangup():
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_signal_of_an_end_is_a_clean_stop(tmp_path, number):
    with begin(tmp_path, before=default_hangup) as process:
        assert process.stdout.readline() == b"running\n"
        process.send_signal(number)
        assert process.wait(10) == 130
        assert process.stdout.read() == b"stopping\nstopping\n"
    assert (tmp_path / "saved").exists()


@pytest.mark.parametrize("closed", ["terminal", "pipe"])
def test_a_stop_goes_on_when_nobody_is_left_to_read_what_it_says(tmp_path, closed):
    ours, its = os.openpty() if closed == "terminal" else os.pipe()
    with begin(tmp_path, stdout=its, before=default_hangup) as process:
        os.close(its)
        assert os.read(ours, 100).startswith(b"running")
        os.close(ours)
        process.send_signal(signal.SIGHUP)
        assert process.wait(10) == 130
    assert (tmp_path / "saved").exists()


def test_a_hangup_that_nohup_switched_off_stays_off(tmp_path):
    def nohup():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    with begin(tmp_path, before=nohup) as process:
        assert process.stdout.readline() == b"running\n"
        process.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.3)
        process.terminate()
        assert process.wait(10) == 130


def test_what_is_written_is_the_users_alone_to_read(tmp_path):
    with begin(tmp_path) as process:
        process.stdout.readline()
        process.terminate()
        process.wait(10)
    for name in ("told", "kept"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) & 0o077 == 0
