"""What the openai package is used for, on whichever version this interpreter has.

python openai_sdk.py all|lost SETTINGS: prints what was made, ends non-zero with the story of what
was not as it should be. SETTINGS is JSON: `url` of the API, `tokens` for the simulator (empty
for a real one), `still` (a JPEG file), `listed` (ids that the list must have), `key` of `lost`.
"""

import json
import sys
import time
import urllib.request
from pathlib import Path

import openai

FAST = 300  # ms between polls
SLOW = "[[time:30]]"  # of two times the first counts
MAX_WAIT_SECONDS = 600  # seconds: a real relay's
SETTINGS = json.loads(sys.argv[2])
URL, TOKENS = SETTINGS["url"], SETTINGS["tokens"]
STILL = Path(SETTINGS["still"])
client = openai.OpenAI(base_url=f"{URL}/v1", api_key="not-needed", timeout=60)
videos = client.videos


def plain(path, body=None):
    """Speak as a client that knows nothing of OpenAI's."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(  # noqa: S310 — the address is ours
        URL + path, data, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
        return json.load(response)


def refused(kind, call, *args, **kwargs):
    """Return the typed exception of a call, with what every one of them tells."""
    error = None
    try:
        call(*args, **kwargs)
    except openai.APIStatusError as exc:
        error = exc
    assert type(error) is kind, (call, args, kwargs, repr(error))
    assert error.request_id
    assert error.request_id == error.response.headers["x-request-id"]
    assert error.body["message"] in error.message
    assert error.type
    return error


def an_image_file_becomes_a_video():
    with STILL.open("rb") as still:
        video = videos.create_and_poll(
            prompt=f"A fox {TOKENS}", input_reference=still, seconds="4", size="1280x720",
            model="veo_3_1", poll_interval_ms=FAST,
        )  # fmt: skip
    assert (video.status, video.progress, video.seconds) == ("completed", 100, "4"), video
    assert (video.object, video.size, video.error) == ("video", "1280x720", None)
    assert video.completed_at >= video.created_at
    assert videos.download_content(video.id).read()[4:8] == b"ftyp"
    thumbnail = videos.download_content(video.id, variant="thumbnail").read()
    assert thumbnail[:3] == b"\xff\xd8\xff"
    assert videos.retrieve(video.id) == video or TOKENS == ""
    wrong = refused(
        openai.BadRequestError, videos.download_content, video.id, variant="spritesheet"
    )
    assert wrong.param == "variant"
    return video.id


def bytes_become_a_video_that_can_be_deleted():
    image = ("still.jpg", STILL.read_bytes(), "image/jpeg")
    video = videos.create(
        prompt=f"{TOKENS and SLOW} A hare {TOKENS}",
        input_reference=image,
        seconds=8,
        size="720x1280",
    )
    assert (video.status, video.seconds, video.size) == ("queued", "8", "720x1280")
    early = refused(openai.NotFoundError, videos.download_content, video.id)
    assert early.code == "video_not_ready"
    gone = videos.delete(video.id)
    assert (gone.id, gone.object, gone.deleted) == (video.id, "video.deleted", True)
    unknown = refused(openai.NotFoundError, videos.retrieve, video.id)
    assert (unknown.code, unknown.status_code) == ("video_not_found", 404)


def both_dialects_read_one_task_each_in_its_words():
    made = plain("/v1/videos", {"prompt": f"An owl {TOKENS}", "seconds": 4})
    sdk, other, until = {}, {made["status"]: 1}, time.monotonic() + MAX_WAIT_SECONDS
    while "completed" not in other:
        assert time.monotonic() < until, (sdk, other)
        raw = videos.with_raw_response.retrieve(made["id"])
        sdk[raw.parse().status] = raw.headers.get("openai-poll-after-ms")
        other[plain(f"/v1/videos/{made['id']}")["status"]] = 1
        time.sleep(FAST / 1000)
    assert videos.poll(made["id"]).status == "completed"
    assert set(sdk) - {"completed"} <= {"queued", "in_progress"}, sdk
    assert "in_progress" in sdk, sdk
    assert all(int(wait) > 0 for word, wait in sdk.items() if word != "completed"), sdk
    assert next(iter(other)) == "pending", other
    assert set(other) <= {"pending", "processing", "completed"}, other


def the_pages_of_a_list_lose_and_repeat_nothing():
    for order in ("desc", "asc"):
        listed = list(videos.list(limit=100, order=order))
        ids, times = [video.id for video in listed], [video.created_at for video in listed]
        assert len(set(ids)) == len(ids)
        assert set(SETTINGS["listed"]) <= set(ids)
        assert times == sorted(times, reverse=order == "desc")
    wrong = refused(openai.BadRequestError, videos.list, limit=101)
    assert (wrong.param, wrong.code) == ("limit", "invalid_value")


def refusals_name_the_field_and_do_not_cost():
    wrong = refused(openai.BadRequestError, videos.create, prompt="A fox", size="1x1")
    assert (wrong.param, wrong.status_code) == ("size", 400)
    assert wrong.code
    missing = refused(openai.BadRequestError, videos.create, prompt="")
    assert missing.param == "prompt", missing.body
    bad = ("still.jpg", b"no image", "image/jpeg")
    fake = refused(openai.BadRequestError, videos.create, prompt="A fox", input_reference=bad)
    assert fake.param == "input_reference", fake.body
    refused(openai.NotFoundError, videos.remix, "vid_none", prompt="Again")
    movie = ("movie.mp4", b"any bytes", "video/mp4")
    if hasattr(videos, "edit"):  # not in 2.x, nor is `extend`
        refused(openai.NotFoundError, videos.edit, prompt="Again", video=movie)
        refused(openai.NotFoundError, videos.extend, prompt="On", video=movie, seconds="4")


def a_filtered_prompt_ends_as_a_failed_video():
    video = videos.create_and_poll(
        prompt=f"A mouse [[fail:CONTENT_POLICY_VIOLATION]] {TOKENS}", poll_interval_ms=FAST
    )
    assert (video.status, video.error.code) == ("failed", "content_policy_violation"), video
    assert "Content policy violation" in video.error.message
    gone = refused(openai.NotFoundError, videos.download_content, video.id)
    assert gone.code == "video_failed"


def a_lost_answer_and_a_key_make_one_video_each():
    key = SETTINGS["key"]
    lost = videos.create(prompt=f"A lost fox {TOKENS} {f'[[key:{key}]]' if TOKENS else ''}")
    first, again = (
        videos.create(prompt=f"A kept fox {TOKENS}", extra_headers={"Idempotency-Key": key})
        for _ in range(2)
    )
    assert first.id == again.id != lost.id
    other = refused(
        openai.ConflictError, videos.create, prompt=f"Another fox {TOKENS}",
        extra_headers={"Idempotency-Key": key},
    )  # fmt: skip
    assert other.code == "idempotency_key_reused"
    assert videos.poll(lost.id, poll_interval_ms=FAST).status == "completed"
    return lost.id


def main():
    if sys.argv[1] == "lost":
        return {"lost": a_lost_answer_and_a_key_make_one_video_each()}
    refusals_name_the_field_and_do_not_cost()
    the_pages_of_a_list_lose_and_repeat_nothing()
    video = an_image_file_becomes_a_video()
    bytes_become_a_video_that_can_be_deleted()
    both_dialects_read_one_task_each_in_its_words()
    if TOKENS:
        a_filtered_prompt_ends_as_a_failed_video()
    return {"video": video, "version": openai.__version__}


sys.stdout.write(json.dumps(main()))
