"""A simulator that comes back knows its jobs and has their videos, as a relay would."""

import json
import os
import signal
from contextlib import contextmanager

import httpx
import pytest

from tests.simulator.conftest import DONE, Caller, png
from tests.support import web
from tests.support.simulator_process import running


@pytest.fixture
def start(tmp_path):
    @contextmanager
    def start(*options):
        keep = f"--keep-in={tmp_path / 'kept'}"
        headers = {"authorization": "Bearer any"}
        with (
            running(keep, "--seconds=0", *options) as upstream,
            httpx.Client(base_url=upstream.api, headers=headers, timeout=5) as http,
            httpx.Client(timeout=web.PATIENCE_SECONDS) as anonymous,
        ):
            yield Caller(upstream, http, anonymous)

    return start


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_a_finished_video_plays_after_any_end(start, end):
    with start() as before:
        job = before.accepted("A fox [[render:tiny]]")
        video = before.anonymous.get(before.rendered(job)).content
        before.upstream.process.send_signal(end)
        before.upstream.process.wait(5)
    with start() as after:
        assert after.anonymous.get(f"{after.upstream.files}/v/{job}.mp4").content == video
        assert after.poll(job).json()["status"] == "completed"
        assert after.content(job).content == video


def test_a_job_that_was_being_made_goes_on_with_its_own_image(start, tmp_path):
    size = {"size": "64x36", "seconds": "1", "input_reference": png(64, 36, "red")}
    with start() as before:
        job = before.accepted("A fox", **size)
        video = before.anonymous.get(before.rendered(job)).content
        before.upstream.process.kill()
    (made,) = (tmp_path / "kept").glob("*.mp4")
    made.rename(made.with_suffix(".part"))  # as if it had been killed before the end
    with start() as after:
        assert after.anonymous.get(after.rendered(job)).content == video
        assert len(after.upstream.report()["jobs"]) == 1
    with start():
        assert not list((tmp_path / "kept").glob("*.image"))


def test_a_job_takes_its_time_over_a_restart(start):
    with start("--seconds=60") as before:
        job = before.accepted("A fox [[render:tiny]]")
    with start() as after:
        assert after.poll(job).json()["status"] in {"queued", "in_progress"}


def test_a_failed_job_still_tells_its_failure(start):
    with start() as before:
        job = before.accepted(f"A fox [[fail:MINOR_UPLOAD]] {DONE}")
        body = before.poll(job).json()
        assert body["status"] == "failed"
    with start() as after:
        assert after.poll(job).json() == body


def test_earlier_jobs_are_no_orders_of_this_run(start):
    with start() as before:
        before.accepted(f"A fox {DONE}")
    with start() as after:
        report = after.upstream.report()
        assert (report["creates_accepted"], report["creates_received"]) == (0, 0)


def test_what_is_older_than_the_days_is_dropped_with_its_video(start, tmp_path):
    with start() as before:
        job = before.accepted("A fox [[render:tiny]]")
        before.rendered(job)
    with start("--keep-days=0") as after:
        assert after.poll(job).status_code == 400
    assert not list((tmp_path / "kept").glob("*.mp4"))


def test_a_line_that_was_cut_off_costs_one_job_alone(start, tmp_path):
    with start() as before:
        first, second = (before.accepted(f"{name} {DONE}") for name in ("A fox", "A hare"))
    path = tmp_path / "kept/jobs.jsonl"
    os.truncate(path, path.stat().st_size - 20)
    with start() as after:
        assert after.poll(first).status_code == 200
        assert after.poll(second).status_code == 400
        after.accepted(f"A cow {DONE}")
    assert all(json.loads(line) for line in path.read_text().splitlines())


def test_a_reset_forgets_for_the_next_start_too(start):
    with start() as before:
        job = before.accepted(f"A fox {DONE}")
        before.upstream.reset()
    with start() as after:
        assert after.poll(job).status_code == 400
