"""A finished video on its way to where the caller can reach it."""

import base64
from itertools import pairwise

import httpx
import pytest

from tests.support.fake_relay import CDN, failed
from tests.support.fakes import START, Crash
from tests.support.movies import mp4
from tests.support.simulation import OWNER, Simulation
from videoapi.aws.files import video_key
from videoapi.domain.tasks import Status
from videoapi.providers.provider import Job, JobState

DATA_URL = "data:video/mp4;base64," + base64.b64encode(mp4()).decode()
COPY = {
    "content_type": "video/mp4",
    "size_bytes": len(mp4()),
    "actual": {"seconds": 8.0, "fps": 24.0, "size": "1280x720"},
}


def sim_with(video, **settings):
    """Return a simulation whose relay tells this of a finished job."""
    sim = Simulation(**settings)
    sim.relay.takes = 1.0
    sim.relay.video = video
    return sim


def copy_of(sim, task):
    body, content_type = sim.files.objects[video_key(OWNER, task.task_id)]
    assert content_type == "video/mp4"
    return body


# --- where the video is


def test_a_public_url_is_handed_out_as_it_is():
    reported = {"seconds": "8", "size": "1920x1080"}
    sim = sim_with({"video_url": f"{CDN}/video.mp4", **reported})
    task = sim.run()
    assert task.result["video_url"] == f"{CDN}/video.mp4"
    assert task.result["actual"] == {"seconds": 8.0, "fps": None, "size": "1920x1080"}
    assert not sim.downloads
    assert not sim.files.objects


def test_a_public_url_is_copied_where_the_setting_says_so():
    sim = sim_with({"video_url": f"{CDN}/video.mp4"}, veo3_skip_upload=False)
    task = sim.run()
    assert task.result.items() >= COPY.items()
    assert task.result["video_key"] == video_key(OWNER, task.task_id)
    assert "video_url" not in task.result
    assert copy_of(sim, task) == mp4()
    assert "authorization" not in sim.downloads[0].headers


@pytest.mark.parametrize("url", [DATA_URL, DATA_URL.replace("data:", "DATA:")])
@pytest.mark.parametrize("skip", [True, False])
def test_a_data_url_is_copied_and_never_kept_in_the_table(url, skip):
    sim = sim_with({"url": url}, veo3_skip_upload=skip)
    task = sim.run()
    assert task.result.items() >= COPY.items()
    assert copy_of(sim, task) == mp4()
    assert all("base64" not in str(row) for row in sim.store.history[task.task_id])


@pytest.mark.parametrize("skip", [True, False])
def test_keyed_bytes_are_copied_whatever_the_setting(skip):
    """Bytes behind the key are copied whatever the setting says."""
    sim = sim_with({}, veo3_skip_upload=skip)
    task = sim.run()
    assert task.result.items() >= COPY.items()
    assert copy_of(sim, task) == mp4()


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
    sim = sim_with({}, veo3_skip_upload=skip)
    sim.relay.contents.append(content)
    task = sim.run()
    assert task.status is Status.COMPLETED
    assert task.result.get("video_url") == (f"{CDN}/there.mp4" if skip else None)
    assert [str(request.url) for request in sim.downloads] == [f"{CDN}/there.mp4"][skip:]


def test_the_content_route_may_answer_with_a_data_url():
    sim = sim_with({})
    sim.relay.contents.append(httpx.Response(200, json={"video_url": DATA_URL}))
    task = sim.run()
    assert copy_of(sim, task) == mp4()


@pytest.mark.parametrize("skip", [True, False])
def test_a_likely_url_is_used_where_the_content_route_has_none(skip):
    """It may be another's: only a name like a URL's tells that it is the video's."""
    told = {"clip": f"{CDN}/there.mp4?sign=1"}
    sim = sim_with(told, veo3_skip_upload=skip)
    assert copy_of(sim, sim.run()) == mp4()
    assert not sim.downloads
    sim = sim_with(told, veo3_skip_upload=skip)
    sim.relay.contents.append(httpx.Response(404))
    task = sim.run()
    assert task.result.get("video_url") == (told["clip"] if skip else None)
    assert len(sim.downloads) == (not skip)


@pytest.mark.parametrize("skip", [True, False])
def test_what_may_be_a_page_is_handed_out_at_the_deadline(skip):
    """A content route may need minutes; and a filter is not blamed for what has a link."""
    told = {"video": {"id": "v1", "permalink": "https://app.example.com/v/1"}}
    sim = sim_with(told, veo3_skip_upload=skip)
    sim.relay.contents.extend([httpx.Response(404)] * 3)
    assert copy_of(sim, sim.run()) == mp4()
    sim = sim_with(told, veo3_skip_upload=skip)
    sim.relay.contents.extend([httpx.Response(404)] * 200)
    task = sim.run()
    assert task.result["video_url"] == told["video"]["permalink"]
    assert 1800 <= sim.clock() - START <= 1870


def test_a_likely_url_is_handed_out_at_the_deadline():
    sim = sim_with({"clip": f"{CDN}/there.mp4"})
    sim.relay.contents.extend([httpx.Response(501)] * 200)
    task = sim.run()
    assert task.result["video_url"] == f"{CDN}/there.mp4"
    assert sim.relay.contents


# --- one that wants the key

OWN = "https://relay.example.com/files/video.mp4"
EXPIRED = httpx.Response(200, json={"id": "video:1", "status": "expired"})


@pytest.mark.parametrize("skip", [True, False])
@pytest.mark.parametrize("status", [401, 403, 404])
def test_keyed_url_is_fetched_by_the_content_route(status, skip):
    """A URL of the relay that wants the key is fetched by the content route."""
    sim = sim_with({"video_url": OWN}, veo3_skip_upload=skip)
    sim.cdn.append(httpx.Response(status))
    task = sim.run()
    assert copy_of(sim, task) == mp4()
    assert "authorization" not in sim.downloads[0].headers


def test_url_that_cannot_be_parsed_is_not_the_relays_own():
    sim = Simulation()
    job = Job(state=JobState.DONE, video_url="http://[half/v.mp4")
    result = sim.delivery.deliver(job, None, sim.providers["relay"], seconds=9)
    assert result["video_url"] == job.video_url


@pytest.mark.parametrize("response", [httpx.Response(200), httpx.ConnectError("refused")], ids=str)
def test_a_url_of_the_relay_that_is_open_is_handed_out(response):
    sim = sim_with({"video_url": OWN})
    sim.cdn.append(response)
    task = sim.run()
    assert task.result["video_url"] == OWN
    assert len(sim.downloads) == 1


def test_keyed_url_is_never_handed_out():
    """A URL of the relay that wants the key is never handed out."""
    sim = sim_with({"video_url": OWN}, veo3_skip_upload=False, video_task_timeout=100)
    sim.cdn.extend([httpx.Response(401)] * 99)
    sim.relay.contents.extend([httpx.Response(503)] * 99)
    task = sim.run()
    assert task.error["code"] == "video_download_failed"


LINKED = {
    "redirect": httpx.Response(302, headers={"location": OWN}),
    "json": httpx.Response(200, json={"url": OWN}),
}


@pytest.mark.parametrize("status", [401, 403, 404, 410])
@pytest.mark.parametrize("content", LINKED.values(), ids=LINKED)
def test_keyed_url_of_the_content_route_is_not_handed_out(content, status):
    """It was no filter, either: the video has a link."""
    sim = sim_with({}, video_task_timeout=600)
    answer_for(sim, sim.relay.contents, 9999, content)
    answer_for(sim, sim.cdn, 9999, httpx.Response(status))
    task = sim.run()
    assert task.error["code"] == "video_download_failed"
    assert task.error["message"].endswith(f"its URL answered with HTTP status {status}")
    assert task.result_url is None
    assert "authorization" not in sim.downloads[0].headers
    assert len(sim.relay.orders) == 1


@pytest.mark.parametrize("response", [httpx.Response(200), httpx.ConnectError("refused")], ids=str)
@pytest.mark.parametrize("content", LINKED.values(), ids=LINKED)
def test_open_url_of_the_content_route_is_handed_out(content, response):
    sim = sim_with({})
    sim.relay.contents.append(content)
    sim.cdn.append(response)
    assert sim.run().result["video_url"] == OWN


@pytest.mark.parametrize("skip", [True, False])
@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, "video_download_failed"),
        (403, "video_download_failed"),
        (404, "content_policy_violation"),
        (410, "content_policy_violation"),
    ],
)
def test_keyed_url_without_a_content_route_blames_no_prompt(status, code, skip):
    """A video that has a link which wants the key was not swallowed; one that is gone was."""
    sim = sim_with({"video_url": OWN}, veo3_skip_upload=skip, video_task_timeout=600)
    answer_for(sim, sim.relay.contents, 9999, httpx.Response(404, json={}))
    answer_for(sim, sim.cdn, 9999, httpx.Response(status))
    error = sim.run().error
    assert (error["code"], error["maybe_charged"]) == (code, True)
    assert status > 403 or error["message"].endswith(f"its URL answered with HTTP status {status}")
    assert len(sim.relay.orders) == 1


def challenge(status=403):
    return httpx.Response(status, headers={"cf-mitigated": "challenge"}, text="<html>")


@pytest.mark.parametrize("skip", [True, False])
def test_challenged_url_of_the_relay_is_fetched_by_content(skip):
    sim = sim_with({"video_url": OWN}, veo3_skip_upload=skip)
    sim.cdn.append(challenge())
    assert copy_of(sim, sim.run()) == mp4()


@pytest.mark.parametrize("skip", [True, False])
@pytest.mark.parametrize(
    "content", [challenge(), httpx.Response(404), httpx.Response(401)], ids=["too", "gone", "keyed"]
)
def test_challenged_url_of_the_relay_is_handed_out_at_last(content, skip):
    """An edge that wants to see a browser tells of the worker, not of who opens the link."""
    sim = sim_with({"video_url": OWN}, veo3_skip_upload=skip, video_task_timeout=600)
    answer_for(sim, sim.cdn, 9999, challenge())
    answer_for(sim, sim.relay.contents, 9999, content)
    task = sim.run()
    assert (task.status, task.result["video_url"]) == (Status.COMPLETED, OWN)
    assert sim.clock() - START >= 600
    assert len(sim.relay.orders) == 1


@pytest.mark.parametrize("content", LINKED.values(), ids=LINKED)
def test_challenged_url_of_the_content_route_is_handed_out(content):
    sim = sim_with({}, video_task_timeout=600)
    answer_for(sim, sim.relay.contents, 9999, content)
    answer_for(sim, sim.cdn, 9999, challenge())
    assert sim.run().result["video_url"] == OWN


@pytest.mark.parametrize("ending", ["the deadline", "lost", "failed"])
def test_own_url_that_turns_out_keyed_is_never_handed_out(ending):
    """A hand-over noted it while it answered 503: it is looked at once more in the end."""
    sim = sim_with({"video_url": OWN}, veo3_skip_upload=False, video_task_timeout=600)
    sim.cdn.extend([httpx.Response(503)] * 5)
    task_id = sim.submit()
    assert sim.work()
    assert sim.task(task_id).result_url == OWN
    answer_for(sim, sim.cdn, 9999, httpx.Response(401))
    answer_for(sim, sim.relay.contents, 9999, httpx.Response(503))
    looks = {"lost": httpx.Response(404), "failed": EXPIRED}
    if ending in looks:
        answer_for(sim, sim.relay.looks, 9999, looks[ending])
    sim.settle()
    assert sim.task(task_id).result is None
    assert sim.task(task_id).status is Status.FAILED


def test_own_url_that_was_away_and_is_gone_was_filtered():
    sim = sim_with({"video_url": OWN}, veo3_skip_upload=False)
    sim.cdn.extend([httpx.Response(503)] * 5)
    answer_for(sim, sim.cdn, 9999, httpx.Response(404))
    answer_for(sim, sim.relay.contents, 9999, httpx.Response(404))
    assert sim.run().error["code"] == "content_policy_violation"


def test_a_stale_url_is_made_good_by_the_content_route():
    sim = sim_with({"video_url": f"{CDN}/old.mp4"}, veo3_skip_upload=False)
    sim.cdn.append(httpx.Response(410))
    task = sim.run()
    assert copy_of(sim, task) == mp4()
    assert sim.events.count("content") == 1


# --- trouble on the way


TROUBLE = {
    "busy": httpx.Response(429),
    "away": httpx.Response(503),
    "short": httpx.Response(200, content=mp4(), headers={"content-length": "99999"}),
    "no video": httpx.Response(200, text="<html>expired</html>"),
    "no connection": httpx.ConnectError("refused"),
}


@pytest.mark.parametrize("trouble", TROUBLE.values(), ids=TROUBLE)
def test_failed_download_is_repeated_without_a_new_order(trouble):
    """A download that fails is repeated with a fresh look and no new order."""
    sim = sim_with({"video_url": f"{CDN}/old.mp4"}, veo3_skip_upload=False)
    sim.cdn.extend([trouble, trouble])
    sim.at_event["download"] = lambda: sim.relay.video.update(video_url=f"{CDN}/new.mp4")
    task = sim.run()
    assert copy_of(sim, task) == mp4()
    paths = [request.url.path for request in sim.downloads]
    assert paths == ["/old.mp4", "/new.mp4", "/new.mp4"]
    assert len(sim.relay.orders) == 1


@pytest.mark.parametrize("trouble", TROUBLE.values(), ids=TROUBLE)
def test_url_of_an_uncopyable_video_is_handed_out_at_last(trouble):
    """A URL whose video cannot be copied is handed out at the deadline."""
    sim = sim_with({"video_url": f"{CDN}/video.mp4"}, veo3_skip_upload=False)
    sim.cdn.extend([trouble] * 99)
    task = sim.run()
    assert task.status is Status.COMPLETED
    assert task.result["video_url"] == f"{CDN}/video.mp4"
    assert 1800 <= sim.clock() - START <= 1812
    assert not sim.files.objects
    assert len(sim.relay.orders) == 1


@pytest.mark.parametrize("seconds", [20, 150, 1500])
@pytest.mark.parametrize("skip", [True, False])
@pytest.mark.parametrize("status", [400, 401, 429, 500, 503])
def test_a_video_that_is_away_for_a_while_is_delivered(status, skip, seconds):
    sim = sim_with({} if skip else {"video_url": f"{CDN}/v.mp4"}, veo3_skip_upload=skip)
    answers = sim.relay.contents if skip else sim.cdn
    answer_for(sim, answers, seconds, httpx.Response(status, json={"message": "later"}))
    task = sim.run()
    assert copy_of(sim, task) == mp4()
    assert sim.clock() - START <= seconds + 70
    assert len(sim.relay.orders) == 1


def answer_for(sim, answers, seconds, answer):
    """Let all of these requests be answered so for some time from the first one on."""
    began = []

    def reply(_request):
        began or began.append(sim.clock())
        if sim.clock() - began[0] < seconds:
            answers.appendleft(reply)
            return answer
        return None

    answers.append(reply)


def test_tries_are_1_2_and_4_s_apart_then_the_slot_is_free():
    """Tries are one, two and four seconds apart and then the slot is free."""
    sim = sim_with({"video_url": f"{CDN}/video.mp4"}, veo3_skip_upload=False)
    times = []
    sim.cdn.extend([lambda _: times.append(sim.clock()) or httpx.Response(503)] * 9)
    task_id = sim.submit()
    assert sim.work()
    assert [round(b - a) for a, b in pairwise(times)] == [1, 2, 4, 8]
    assert sim.task(task_id).lease_owner == ""
    assert sim.queue.letters[-1].visible_at == pytest.approx(times[-1] + 16, abs=1)
    sim.settle()
    assert [round(b - a) for a, b in pairwise(times)][4:] == [16, 32, 60, 60]


@pytest.mark.parametrize("route", ["content", "url"])
def test_a_source_that_says_when_to_come_again_is_heeded(route):
    later = httpx.Response(429, headers={"retry-after": "20"})
    video = {} if route == "content" else {"video_url": f"{CDN}/video.mp4"}
    sim = sim_with(video, veo3_skip_upload=False)
    (sim.relay.contents if route == "content" else sim.cdn).append(later)
    sim.run()
    assert 20 <= sim.clock() - START <= 24


def test_download_that_always_times_out_ends_with_its_url():
    """A drip holds a slot no longer than the job's deadline and one try."""
    sim = sim_with({"video_url": f"{CDN}/video.mp4"}, veo3_skip_upload=False)

    def slow(_request):
        sim.clock.advance(240)
        raise httpx.ReadTimeout("drip")

    sim.cdn.extend([slow] * 2000)
    task_id = sim.submit()
    sim.settle(within=3600)
    assert sim.task(task_id).result["video_url"] == f"{CDN}/video.mp4"


def test_content_route_that_always_times_out_ends_the_task():
    sim = sim_with({})

    def slow(_request):
        sim.clock.advance(240)
        raise httpx.ReadTimeout("drip")

    sim.relay.contents.extend([slow] * 2000)
    task_id = sim.submit()
    sim.settle(within=3600)
    assert sim.task(task_id).error["code"] == "video_download_failed"


def test_a_fresh_look_that_fails_leaves_the_old_url_standing():
    sim = sim_with({"video_url": f"{CDN}/video.mp4"}, veo3_skip_upload=False)
    sim.cdn.append(httpx.Response(503))
    sim.at_event["download"] = lambda: sim.relay.looks.append(httpx.Response(500))
    task = sim.run()
    assert task.status is Status.COMPLETED
    assert [request.url.path for request in sim.downloads] == ["/video.mp4"] * 2


def test_url_of_an_earlier_worker_is_known_to_the_next():
    sim = sim_with({"video_url": f"{CDN}/video.mp4"}, veo3_skip_upload=False)
    sim.cdn.extend([httpx.Response(503)] * 5)
    task_id = sim.submit()
    assert sim.work()
    sim.relay.looks.extend([httpx.Response(500)] * 99)
    sim.settle()
    assert copy_of(sim, sim.task(task_id)) == mp4()


def test_a_job_that_is_lost_after_it_was_done_ends_with_its_url():
    sim = sim_with({"video_url": f"{CDN}/video.mp4"}, veo3_skip_upload=False)
    sim.cdn.extend([httpx.Response(503)] * 99)
    task_id = sim.submit()
    assert sim.work()
    sim.relay.looks.extend([httpx.Response(404)] * 99)
    sim.settle()
    assert sim.task(task_id).result["video_url"] == f"{CDN}/video.mp4"


FAILED = {
    "expired": EXPIRED,
    "unknown": httpx.Response(200, json={"id": "video:1", **failed("OUT_OF_LUCK")}),
    "bad request": httpx.Response(200, json={"id": "video:1", **failed("invalid_request")}),
}


@pytest.mark.parametrize("look", FAILED.values(), ids=FAILED)
@pytest.mark.parametrize("handed_over", [True, False])
def test_job_that_fails_after_it_was_done_ends_with_its_url(look, handed_over):
    sim = sim_with({"video_url": f"{CDN}/video.mp4"}, veo3_skip_upload=False)
    sim.cdn.extend([httpx.Response(503)] * 99)
    if not handed_over:
        sim.at_event["download"] = lambda: answer_for(sim, sim.relay.looks, 9999, look)
    task_id = sim.submit()
    assert sim.work()
    answer_for(sim, sim.relay.looks, 9999, look)
    sim.settle()
    task = sim.task(task_id)
    assert (task.status, task.result["video_url"]) == (Status.COMPLETED, f"{CDN}/video.mp4")
    assert sim.clock() - START < 120
    assert len(sim.relay.orders) == 1


@pytest.mark.parametrize("status", [404, 410])
def test_url_that_is_gone_with_its_job_is_not_handed_out(status):
    sim = sim_with({"video_url": f"{CDN}/video.mp4"}, veo3_skip_upload=False)
    sim.cdn.extend([httpx.Response(503)] * 5)
    task_id = sim.submit()
    assert sim.work()
    sim.cdn.clear()
    answer_for(sim, sim.cdn, 9999, httpx.Response(status))
    answer_for(sim, sim.relay.contents, 9999, httpx.Response(404))
    answer_for(sim, sim.relay.looks, 9999, EXPIRED)
    sim.settle()
    error = sim.task(task_id).error
    assert (error["code"], error["maybe_charged"]) == ("generation_failed", True)
    assert len(sim.relay.orders) == 1


@pytest.mark.parametrize(
    ("code", "ends_as"),
    [("NSFW", "content_policy_violation"), ("AUDIO_FILTERED", "audio_filtered")],
)
def test_video_that_is_refused_after_it_was_done_keeps_its_url(code, ends_as):
    """A provider that refuses what a video shows takes it back: it is not handed out."""
    sim = sim_with({"video_url": f"{CDN}/video.mp4"}, veo3_skip_upload=False)
    sim.cdn.extend([httpx.Response(503)] * 99)
    task_id = sim.submit()
    assert sim.work()
    answer_for(
        sim, sim.relay.looks, 9999, httpx.Response(200, json={"id": "video:1", **failed(code)})
    )
    sim.settle()
    task = sim.task(task_id)
    assert (task.error["code"], task.error["maybe_charged"]) == (ends_as, True)
    assert len(sim.relay.orders) == 1


@pytest.mark.parametrize(
    "content",
    [httpx.Response(404), httpx.Response(400, json={"error": {"code": "OUT_OF_LUCK"}})],
    ids=["gone", "failed"],
)
def test_url_that_was_told_once_is_handed_out_in_the_end(content):
    """Looks that tell it no more, and a content route without the video, do not lose it."""
    sim = sim_with({"video_url": f"{CDN}/video.mp4"}, veo3_skip_upload=False)
    sim.cdn.extend([httpx.Response(503)] * 99)
    sim.at_event["download"] = sim.relay.video.clear
    answer_for(sim, sim.relay.contents, 9999, content)
    task = sim.run()
    assert (task.status, task.result["video_url"]) == (Status.COMPLETED, f"{CDN}/video.mp4")
    assert len(sim.relay.orders) == 1


EMPTY = {
    "404": httpx.Response(404),
    "410": httpx.Response(410),
    "no video": httpx.Response(200, json={"id": "video:1"}),
    "nothing": httpx.Response(200, content=b""),
}


@pytest.mark.parametrize("response", EMPTY.values(), ids=EMPTY)
def test_done_job_without_a_video_for_5_minutes_was_filtered(response):
    sim = sim_with({})
    answer_for(sim, sim.relay.contents, 9999, response)
    task = sim.run()
    assert task.error == {
        "type": "VideoGenerationError",
        "message": "Content policy violation (content_policy: CONTENT_POLICY_NO_VIDEO)",
        "code": "content_policy_violation",
        "retryable": False,
        "maybe_charged": True,
    }
    assert 300 <= sim.clock() - START <= 370
    assert len(sim.relay.orders) == 1


@pytest.mark.parametrize("response", EMPTY.values(), ids=EMPTY)
def test_a_done_job_may_need_minutes_to_show_its_video(response):
    sim = sim_with({})
    answer_for(sim, sim.relay.contents, 200, response)
    task = sim.run()
    assert copy_of(sim, task) == mp4()


@pytest.mark.parametrize(
    ("look", "code"),
    [
        (httpx.Response(404), "video_download_failed"),
        (httpx.Response(503), "video_download_failed"),
        (httpx.Response(200, json={"id": "video:1", "status": "processing"}), "task_timeout"),
    ],
    ids=["missing", "trouble", "running"],
)
def test_filter_is_blamed_only_while_the_job_says_done(look, code):
    """A 404 of `/content` counts while the job's own GET says done, and at no other time."""
    sim = sim_with({}, video_task_timeout=900)
    answer_for(sim, sim.relay.contents, 9999, httpx.Response(404))
    sim.at_event["content"] = lambda: answer_for(sim, sim.relay.looks, 9999, look)
    assert sim.run().error["code"] == code
    assert len(sim.relay.orders) == 1


@pytest.mark.parametrize("looked", [httpx.Response(404), None], ids=["missing", "running"])
def test_look_that_denies_the_end_begins_the_five_minutes_anew(looked):
    sim = sim_with({}, video_task_timeout=900)
    answer_for(sim, sim.relay.contents, 9999, httpx.Response(404))
    denial = looked or httpx.Response(200, json={"id": "video:1", "status": "processing"})
    denied = []

    def look(_request):
        if sim.clock() - START < 200 or denied:
            sim.relay.looks.appendleft(look)
            return None
        denied.append(sim.clock())
        sim.relay.looks.appendleft(look)
        return denial

    sim.relay.looks.append(look)
    task = sim.run()
    assert task.error["code"] == "content_policy_violation"
    assert sim.clock() - denied[0] >= 300


def test_look_that_fails_leaves_the_five_minutes_running():
    sim = sim_with({}, video_task_timeout=900)
    answer_for(sim, sim.relay.contents, 9999, httpx.Response(404))

    def look(_request):
        sim.relay.looks.appendleft(look)
        return httpx.Response(503) if 100 < sim.clock() - START < 200 else None

    sim.relay.looks.append(look)
    assert sim.run().error["code"] == "content_policy_violation"
    assert 300 <= sim.clock() - START <= 370


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "video_download_failed"),
        (401, "upstream_account_error"),
        (403, "upstream_account_error"),
        (429, "video_download_failed"),
        (503, "video_download_failed"),
    ],
)
def test_video_away_until_the_deadline_blames_no_prompt(status, code):
    sim = sim_with({})
    answer_for(sim, sim.relay.contents, 9999, httpx.Response(status))
    task = sim.run()
    assert task.error["code"] == code
    assert task.error["maybe_charged"]
    assert code != "video_download_failed" or str(status) in task.error["message"]
    assert 1800 <= sim.clock() - START <= 1812


@pytest.mark.parametrize(
    "link", ["http://10.0.0.1/a.mp4", "https://me:pw@cdn.example.com/a.mp4"], ids=["inward", "user"]
)
def test_refused_link_without_content_blames_no_prompt(link):
    """A video that has a link was not swallowed, though nobody may be sent there."""
    sim = sim_with({"video_url": link})
    sim.relay.contents.extend(httpx.Response(404, json={}) for _ in range(999))
    error = sim.run().error
    assert (error["code"], error["maybe_charged"]) == ("video_download_failed", True)
    assert error["message"].endswith("its link is private or malformed")
    assert "example" not in error["message"]
    assert len(sim.relay.orders) == 1


def test_another_reason_restarts_the_filters_five_minutes():
    """Another reason in between begins the filter's five minutes again."""
    sim = sim_with({}, video_task_timeout=500)

    def answer(_request):
        return httpx.Response(503 if 200 < sim.clock() - START < 300 else 404)

    sim.relay.contents.extend([answer] * 99)
    assert sim.run().error["code"] == "video_download_failed"


@pytest.mark.parametrize(
    ("look", "code"),
    [
        (failed("HIGH_TRAFFIC"), "video_download_failed"),
        (failed("AUDIO_FILTERED"), "audio_filtered"),
        (failed("NSFW"), "content_policy_violation"),
    ],
)
@pytest.mark.parametrize("dies", [False, True])
def test_no_look_orders_anew_once_a_job_was_done(look, code, dies):
    sim = sim_with({})
    answer_for(sim, sim.relay.contents, 9999, httpx.Response(503))
    failing = httpx.Response(200, json={"id": "video:1", **look})

    def turn():
        answer_for(sim, sim.relay.looks, 9999, failing)
        if dies:
            raise Crash

    sim.at_event["content"] = turn
    task = sim.run()
    assert (task.error["code"], task.error["maybe_charged"]) == (code, True)
    assert len(sim.relay.jobs) == 1


@pytest.mark.parametrize("skip", [True, False])
def test_worker_that_dies_over_a_done_job_orders_no_other(skip):
    """A job that once said done is paid for, wherever its video was to be had."""
    sim = sim_with({"video_url": f"{CDN}/video.mp4"}, veo3_skip_upload=skip)
    failing = httpx.Response(200, json={"id": "video:1", **failed("HIGH_TRAFFIC")})

    def die():
        answer_for(sim, sim.relay.looks, 30, failing)
        raise Crash

    sim.at_event["completed"] = die
    task = sim.run()
    assert (task.status, task.attempts) == (Status.COMPLETED, 1)
    assert len(sim.relay.jobs) == 1


def test_content_route_naming_a_policy_twice_ends_the_task():
    sim = sim_with({})
    refusal = httpx.Response(400, json={"error": {"code": "content_policy_violation"}})
    answer_for(sim, sim.relay.contents, 9999, refusal)
    task = sim.run()
    assert task.error["code"] == "content_policy_violation"
    assert 5 <= sim.clock() - START <= 30


def test_a_content_route_that_breaks_off_is_asked_again():
    sim = sim_with({})
    sim.relay.contents.extend([httpx.ReadError("cut"), httpx.Response(200, text="<html>")])
    task = sim.run()
    assert copy_of(sim, task) == mp4()


def test_a_bucket_that_is_away_for_minutes_costs_no_video():
    sim = sim_with({})
    sim.at_event["put"] = lambda: setattr(sim.files, "away", 8)
    task = sim.run()
    assert copy_of(sim, task) == mp4()
    assert sim.store.kinds["claim"] <= 5


def test_a_try_is_not_begun_without_the_time_for_it():
    sim = sim_with({"video_url": f"{CDN}/video.mp4"}, veo3_skip_upload=False)
    sim.cdn.append(lambda _: sim.clock.advance(601) or httpx.Response(503))
    task = sim.run()
    assert copy_of(sim, task) == mp4()
    assert [kind for kind, _, _ in sim.store.writes].count("release") == 1


# --- what our reading of the container may refuse


DOUBTFUL = {
    "a line's end": mp4() + b"\n",
    "zeros": mp4() + bytes(4),
    "an unknown tail": mp4() + b"trailing words of a muxer",
    "no brand": mp4()[20:],
    "a part of the media": mp4()[:-10],
    "WebM": b"\x1aE\xdf\xa3" + bytes(100),
}


@pytest.mark.parametrize("content", DOUBTFUL.values(), ids=DOUBTFUL)
@pytest.mark.parametrize("route", ["content", "url"])
def test_a_video_that_we_cannot_read_is_delivered(content, route):
    video = {} if route == "content" else {"video_url": f"{CDN}/video.mp4"}
    sim = sim_with(video, veo3_skip_upload=False)
    (sim.relay.contents if video == {} else sim.cdn).append(
        httpx.Response(200, content=content, headers={"content-type": "video/mp4"})
    )
    task = sim.run()
    assert copy_of(sim, task) == content
    assert task.result["actual"] is None
    assert sim.clock() - START < 5


def test_cut_video_without_a_length_is_fetched_again():
    sim = sim_with({"video_url": f"{CDN}/video.mp4"}, veo3_skip_upload=False)
    sim.cdn.append(httpx.Response(200, content=iter([mp4()[:-10]])))
    task = sim.run()
    assert copy_of(sim, task) == mp4()
    assert len(sim.downloads) == 2


def test_what_the_relay_says_of_the_end_of_its_url_is_kept():
    body = {"video_url": f"{CDN}/video.mp4?Expires=1768130000", "expires_at": 1_768_130_000}
    sim = sim_with(body)
    task = sim.run()
    assert task.result.keys() >= {"video_url", "video_expires_at"}


@pytest.mark.parametrize("response", [None, 1_768_131_000])
def test_end_of_a_url_is_the_jobs_where_content_names_none(response):
    """`/content` redirects to a URL without a signature; the job itself tells when it ends."""
    sim = sim_with({"expires_at": 1_768_130_000})
    there = f"{CDN}/there.mp4" + (f"?Expires={response}" if response else "")
    sim.relay.contents.append(httpx.Response(302, headers={"location": there}))
    task = sim.run()
    assert task.result["video_url"] == there
    assert task.result["video_expires_at"] == (response or 1_768_130_000)


# --- a copy that nobody wants any more


@pytest.mark.parametrize("end", ["cancel", "delete"])
def test_a_copy_is_withdrawn_when_the_task_ended_meanwhile(end):
    sim = sim_with({}, veo3_skip_upload=False)
    task_id = sim.submit()
    sim.at_event["put done"] = lambda: getattr(sim.cancellation, end)(task_id, OWNER)
    sim.settle()
    assert not sim.files.objects


def test_a_copy_stays_when_another_worker_has_taken_the_task():
    sim = sim_with({}, veo3_skip_upload=False)
    task_id = sim.submit()

    def stall():
        with sim.clock.frozen():
            sim.settle()

    sim.at_event["put done"] = stall
    sim.settle()
    assert sim.task(task_id).status is Status.COMPLETED
    assert copy_of(sim, sim.task(task_id)) == mp4()


def test_a_url_that_nobody_wants_any_more_needs_no_withdrawal():
    sim = sim_with({"video_url": f"{CDN}/video.mp4"})
    task_id = sim.submit()
    sim.at_event["completed"] = lambda: sim.cancellation.cancel(task_id, OWNER)
    sim.settle()
    assert "remove" not in sim.events
