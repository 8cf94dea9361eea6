"""A finished video on its way to where the caller can reach it."""

import base64

import httpx
import pytest

from tests.fake_relay import CDN, failed
from tests.movies import mp4
from tests.world import OWNER, World
from videoapi.storage import video_key
from videoapi.tasks import Status

DATA_URL = "data:video/mp4;base64," + base64.b64encode(mp4()).decode()
COPY = {
    "content_type": "video/mp4",
    "size_bytes": len(mp4()),
    "actual": {"seconds": 8.0, "fps": 24.0, "size": "1280x720"},
}


def world_with(video, **settings):
    """Return a world whose relay tells this of a finished job."""
    world = World(**settings)
    world.relay.takes = 1.0
    world.relay.video = video
    return world


def copy_of(world, task):
    body, content_type = world.files.objects[video_key(OWNER, task.task_id)]
    assert content_type == "video/mp4"
    return body


# --- where the video is


def test_a_public_url_is_handed_out_as_it_is():
    reported = {"seconds": "8", "size": "1920x1080"}
    world = world_with({"video_url": f"{CDN}/video.mp4", **reported})
    task = world.run()
    assert task.result["video_url"] == f"{CDN}/video.mp4"
    assert task.result["actual"] == {"seconds": 8.0, "fps": None, "size": "1920x1080"}
    assert not world.downloads
    assert not world.files.objects


def test_a_public_url_is_copied_where_the_setting_says_so():
    world = world_with({"video_url": f"{CDN}/video.mp4"}, veo3_skip_upload=False)
    task = world.run()
    assert task.result.items() >= COPY.items()
    assert task.result["video_key"] == video_key(OWNER, task.task_id)
    assert "video_url" not in task.result
    assert copy_of(world, task) == mp4()
    assert "authorization" not in world.downloads[0].headers


@pytest.mark.parametrize("url", [DATA_URL, DATA_URL.replace("data:", "DATA:")])
@pytest.mark.parametrize("skip", [True, False])
def test_a_data_url_is_copied_and_never_kept_in_the_table(url, skip):
    world = world_with({"url": url}, veo3_skip_upload=skip)
    task = world.run()
    assert task.result.items() >= COPY.items()
    assert copy_of(world, task) == mp4()
    assert all("base64" not in str(row) for row in world.store.history[task.task_id])


@pytest.mark.parametrize("skip", [True, False])
def test_bytes_behind_the_key_are_copied_whatever_the_setting_says(skip):
    world = world_with({}, veo3_skip_upload=skip)
    task = world.run()
    assert task.result.items() >= COPY.items()
    assert copy_of(world, task) == mp4()


@pytest.mark.parametrize(
    "content",
    [
        httpx.Response(302, headers={"location": f"{CDN}/there.mp4"}),
        httpx.Response(200, json={"url": f"{CDN}/there.mp4"}),
    ],
    ids=["redirect", "json"],
)
@pytest.mark.parametrize("skip", [True, False])
def test_the_content_route_may_name_a_public_url(content, skip):
    world = world_with({}, veo3_skip_upload=skip)
    world.relay.contents.append(content)
    task = world.run()
    assert task.status is Status.COMPLETED
    assert task.result.get("video_url") == (f"{CDN}/there.mp4" if skip else None)
    assert [str(request.url) for request in world.downloads] == [f"{CDN}/there.mp4"][skip:]


def test_the_content_route_may_answer_with_a_data_url():
    world = world_with({})
    world.relay.contents.append(httpx.Response(200, json={"video_url": DATA_URL}))
    task = world.run()
    assert copy_of(world, task) == mp4()


# --- trouble on the way


TROUBLE = {
    "gone": httpx.Response(404),
    "away": httpx.Response(503),
    "cut": httpx.Response(200, content=mp4()[:-10]),
    "short": httpx.Response(200, content=mp4(), headers={"content-length": "99999"}),
    "no video": httpx.Response(200, text="<html>expired</html>"),
    "no connection": httpx.ConnectError("refused"),
}


@pytest.mark.parametrize("trouble", TROUBLE.values(), ids=TROUBLE)
def test_a_download_that_fails_is_repeated_with_a_fresh_look_and_no_new_order(trouble):
    world = world_with({"video_url": f"{CDN}/old.mp4"}, veo3_skip_upload=False)
    world.cdn.extend([trouble, trouble])
    world.at_event["download"] = lambda: world.relay.video.update(video_url=f"{CDN}/new.mp4")
    task = world.run()
    assert copy_of(world, task) == mp4()
    paths = [request.url.path for request in world.downloads]
    assert paths == ["/old.mp4", "/new.mp4", "/new.mp4"]
    assert len(world.relay.orders) == 1


@pytest.mark.parametrize("trouble", TROUBLE.values(), ids=TROUBLE)
def test_a_video_that_can_never_be_fetched_ends_the_task_as_perhaps_charged(trouble):
    world = world_with({"video_url": f"{CDN}/video.mp4"}, veo3_skip_upload=False)
    world.cdn.extend([trouble] * 9)
    task = world.run()
    assert len(world.downloads) == 5
    assert (task.status, task.error["code"]) == (Status.FAILED, "video_download_failed")
    assert task.error["maybe_charged"]
    assert "cdn.example" not in task.error["message"]
    assert not world.files.objects
    assert len(world.relay.orders) == 1


def test_a_fresh_look_that_fails_leaves_the_old_url_standing():
    world = world_with({"video_url": f"{CDN}/video.mp4"}, veo3_skip_upload=False)
    world.cdn.append(httpx.Response(503))
    world.at_event["download"] = lambda: world.relay.looks.append(httpx.Response(500))
    task = world.run()
    assert task.status is Status.COMPLETED
    assert [request.url.path for request in world.downloads] == ["/video.mp4"] * 2


@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_a_done_job_that_never_shows_a_video_was_filtered(status):
    world = world_with({})
    world.relay.contents.extend([httpx.Response(status)] * 9)
    task = world.run()
    assert world.events.count("content") == 5
    assert task.error == {
        "type": "VideoGenerationError",
        "message": "Content policy violation (content_policy: CONTENT_POLICY_NO_VIDEO)",
        "code": "content_policy_violation",
        "retryable": False,
        "maybe_charged": True,
    }
    assert len(world.relay.orders) == 1


def test_a_done_job_may_need_a_moment_to_show_its_video():
    world = world_with({})
    world.relay.contents.extend([httpx.Response(404)] * 4)
    task = world.run()
    assert copy_of(world, task) == mp4()


def test_a_done_job_that_then_says_why_there_is_no_video_ends_so():
    world = world_with({})
    world.relay.contents.append(httpx.Response(404))
    ending = httpx.Response(200, json=failed("PUBLIC_ERROR_AUDIO_FILTERED"))
    world.at_event["content"] = lambda: world.relay.looks.append(ending)
    task = world.run()
    assert (task.status, task.audio_refusals) == (Status.COMPLETED, 1)


def test_a_content_route_that_breaks_off_is_asked_again():
    world = world_with({})
    world.relay.contents.extend([httpx.ReadError("cut"), httpx.Response(200, text="<html>")])
    task = world.run()
    assert copy_of(world, task) == mp4()


def test_a_content_route_that_always_breaks_off_is_no_filter():
    world = world_with({})
    world.relay.contents.extend([httpx.ReadError("cut")] * 9)
    assert world.run().error["code"] == "video_download_failed"


def test_a_try_is_not_begun_without_the_time_for_it():
    world = world_with({"video_url": f"{CDN}/video.mp4"}, veo3_skip_upload=False)
    world.cdn.append(lambda _: world.clock.advance(601) or httpx.Response(503))
    task = world.run()
    assert copy_of(world, task) == mp4()
    assert [kind for kind, _, _ in world.store.writes].count("release") == 1


# --- a copy that nobody wants any more


@pytest.mark.parametrize("end", ["cancel", "delete"])
def test_a_copy_is_withdrawn_when_the_task_ended_meanwhile(end):
    world = world_with({}, veo3_skip_upload=False)
    task_id = world.submit()
    world.at_event["put done"] = lambda: getattr(world.cancellation, end)(task_id, OWNER)
    world.settle()
    assert not world.files.objects


def test_a_copy_stays_when_another_worker_has_taken_the_task():
    world = world_with({}, veo3_skip_upload=False)
    task_id = world.submit()

    def stall():
        with world.clock.frozen():
            world.settle()

    world.at_event["put done"] = stall
    world.settle()
    assert world.task(task_id).status is Status.COMPLETED
    assert copy_of(world, world.task(task_id)) == mp4()


def test_a_url_that_nobody_wants_any_more_needs_no_withdrawal():
    world = world_with({"video_url": f"{CDN}/video.mp4"})
    task_id = world.submit()
    world.at_event["completed"] = lambda: world.cancellation.cancel(task_id, OWNER)
    world.settle()
    assert "remove" not in world.events
