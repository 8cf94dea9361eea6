"""What goes upstream for a task."""

import io

import httpx
import pytest
from PIL import Image

from tests.support.fake_relay import CDN, form_of
from tests.support.pictures import png
from tests.support.simulation import OWNER, FakeLog, Simulation
from videoapi.aws.files import thumbnail_key
from videoapi.domain.tasks import GenerationRequest, Status
from videoapi.providers.prompt_optimizer import PromptOptimizer
from videoapi.worker.preparation import NO_THUMBNAIL, NOT_TURNED
from videoapi.worker.prompts import NEUTRAL_IMAGE, NEUTRAL_TEXT

KEY = f"inputs/{OWNER}/a.png"


def request(**fields):
    return GenerationRequest(**{"model": "veo_3_1", "prompt": "A fox", **fields})


def order_of(sim):
    """Return the form that the relay got."""
    (post,) = (each for each in sim.relay.requests if each.method == "POST")
    return form_of(post)


def with_image(sim, image=None):
    sim.files.objects[KEY] = image or png(), "image/png"
    return sim


def thumbnail_of(sim, task):
    return sim.files.objects[thumbnail_key(OWNER, task.task_id)]


# --- the form


def test_an_order_says_what_the_caller_said():
    sim = Simulation()
    sim.run(request=request(seconds=5, size="720x1280", motion_strength=0.9))
    assert order_of(sim) == {
        "model": "veo_3_1",
        "prompt": "The motion is strong, fast. A fox",
        "size": "720x1280",
        "seconds": "5",
        "watermark": "false",
    }


def test_a_length_that_nobody_asked_for_is_not_sent():
    sim = Simulation()
    sim.run(request=request())
    assert "seconds" not in order_of(sim)


def test_raw_values_go_only_to_a_relay_that_knows_them():
    asked = request(camera_motion="pan", fps=24)
    sim, simulated = Simulation(), Simulation(veo3_extra_fields=True)
    sim.run(request=asked)
    simulated.run(request=asked)
    assert order_of(simulated).keys() - order_of(sim).keys() == {"fps", "camera_motion"}


@pytest.mark.parametrize(
    ("asked", "size", "sent"),
    [(1, "1280x720", 4), (5, "1280x720", 6), (7, "1280x720", 8), (10, "1280x720", 8),
     (4, "1920x1080", 8), (4, "1080x1920", 8), (None, "1920x1080", None)],
)  # fmt: skip
def test_a_strict_relay_is_asked_for_a_length_that_veo_makes(asked, size, sent):
    for strict, seconds in ((True, sent), (False, asked)):
        sim = Simulation(veo3_strict_lengths=strict)
        sim.run(request=request(seconds=asked, size=size))
        assert order_of(sim).get("seconds") == (None if seconds is None else str(seconds))


# --- the words


@pytest.mark.parametrize(("key", "words"), [(None, NEUTRAL_TEXT), (KEY, NEUTRAL_IMAGE)])
def test_without_a_prompt_a_neutral_sentence_is_sent(key, words):
    sim = with_image(Simulation())
    task = sim.run(request=request(prompt=None), image_key=key)
    assert order_of(sim)["prompt"] == task.prompt_sent == words


def optimizing(*answers):
    """Return a simulation with an optimizer that answers so, and the prompts it was asked for."""
    asked, left = [], list(answers)

    def chat(post):
        asked.append(post)
        return httpx.Response(200, json={"choices": [{"message": {"content": left.pop(0)}}]})

    optimizer = PromptOptimizer(
        httpx.MockTransport(chat),
        api_url="https://llm.example.com/v1",
        model="fast",
        key=lambda: "sk-llm",
        log=FakeLog(),
    )
    return Simulation(optimizer=optimizer), asked


@pytest.mark.parametrize(("response", "sent", "flag"), [("Better", "Better", 1), ("", "A fox", 0)])
def test_a_prompt_is_optimized_where_the_caller_asks_for_it(response, sent, flag):
    sim, _ = optimizing(response)
    task = sim.run(request=request(optimize_prompt=True))
    assert order_of(sim)["prompt"] == task.prompt_sent == sent
    assert task.prompt_optimized == flag


def test_a_prompt_is_not_optimized_where_nobody_asks():
    sim, asked = optimizing("Better")
    assert sim.run(request=request()).prompt_optimized is None
    assert not asked


def test_without_an_optimizer_the_callers_own_words_are_sent():
    sim = Simulation()
    task = sim.run(request=request(optimize_prompt=True))
    assert (task.prompt_sent, task.prompt_optimized) == ("A fox", 0)


def test_a_second_attempt_says_the_words_of_the_first():
    sim, _ = optimizing("Better", "Different")
    sim.relay.posts.append(httpx.Response(503))
    task = sim.run(request=request(optimize_prompt=True))
    assert (task.attempts, task.prompt_sent, task.prompt_optimized) == (2, "Better", 1)
    assert sim.relay.jobs[0].order["prompt"] == "Better"


# --- the image


def test_an_image_of_the_bucket_is_sent_with_its_thumbnail_kept():
    sim = with_image(Simulation())
    task = sim.run(image_key=KEY)
    assert order_of(sim)["input_reference"] == png()
    thumbnail, content_type = thumbnail_of(sim, task)
    assert (thumbnail[:2], content_type) == (b"\xff\xd8", "image/jpeg")
    assert task.thumbnail_key == thumbnail_key(OWNER, task.task_id)


def rotated(size=(64, 32)):
    out, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    Image.new("L", size).save(out, "JPEG", exif=exif)
    return out.getvalue()


def test_a_picture_that_a_phone_rotated_arrives_upright():
    sim = with_image(Simulation(), rotated())
    task = sim.run(image_key=KEY)
    with Image.open(io.BytesIO(order_of(sim)["input_reference"])) as sent:
        assert (sent.size, sent.getexif().get(0x0112)) == ((32, 64), None)
    assert task.image_note is None


def test_picture_beyond_the_memory_is_sent_as_it_is():
    original = rotated((50_000, 1000))
    sim = with_image(Simulation(), original)
    task = sim.run(image_key=KEY)
    assert order_of(sim)["input_reference"] == original
    assert (task.status, task.thumbnail_key) == (Status.COMPLETED, None)
    assert task.image_note == f"{NOT_TURNED} {NO_THUMBNAIL}"


def test_an_image_behind_a_url_is_fetched_by_the_worker():
    sim = Simulation()
    sim.cdn.append(httpx.Response(200, content=png()))
    sim.run(image_url=f"{CDN}/fox.png")
    assert order_of(sim)["input_reference"] == png()


def test_a_thumbnail_is_made_once():
    sim = with_image(Simulation())
    sim.relay.posts.append(httpx.Response(503))
    sim.run(image_key=KEY)
    assert sim.events.count("put") == 1


def test_a_video_without_a_thumbnail_is_still_a_video():
    sim = with_image(Simulation())
    sim.at_event["put"] = lambda: setattr(sim.files, "away", 1)
    task = sim.run(image_key=KEY)
    assert (task.status, task.thumbnail_key) == (Status.COMPLETED, None)
    assert task.image_note == NO_THUMBNAIL


def test_an_image_that_pillow_stumbles_over_is_still_sent():
    out, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (64, 64), "red").save(out, "WEBP", exif=exif)
    damaged = out.getvalue().replace(b"MM\0*", b"MM!*")
    sim = with_image(Simulation(), damaged)
    task = sim.run(image_key=KEY)
    assert (task.status, task.thumbnail_key) == (Status.COMPLETED, None)
    assert order_of(sim)["input_reference"] == damaged


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(404),
        httpx.Response(200, text="<html>"),
        httpx.Response(302, headers={"location": "http://169.254.169.254/latest"}),
        httpx.Response(403),
        httpx.Response(410),
        httpx.Response(200, headers={"content-length": str(21 * 1024**2)}),
    ],
    ids=["missing", "no image", "inwards", "forbidden", "gone", "too large"],
)
def test_refused_image_ends_the_task_before_an_order(response):
    sim = Simulation()
    sim.cdn.append(response)
    task = sim.run(image_url=f"{CDN}/fox.png")
    assert (task.status, task.attempts) == (Status.FAILED, 0)
    assert (task.error["type"], task.error["code"]) == ("ValidationError", "invalid_image")
    assert (task.error["retryable"], task.error["maybe_charged"]) == (False, False)
    assert not sim.relay.requests


AWAY = {
    "unreachable": httpx.ConnectError("refused"),
    "late": httpx.ReadTimeout("late"),
    "busy": httpx.Response(503),
    "throttling": httpx.Response(429),
    "broken off": httpx.Response(200, headers={"content-length": "99"}, content=b"half"),
}


@pytest.mark.parametrize("response", AWAY.values(), ids=AWAY)
def test_image_host_briefly_away_frees_the_slot(response):
    """An image whose host is away for a moment is fetched later with the slot free."""
    sim = Simulation()
    sim.cdn.extend([response, httpx.Response(200, content=png())])
    task_id = sim.submit(image_url=f"{CDN}/fox.png")
    assert sim.work()
    waiting = sim.task(task_id)
    assert (waiting.status, waiting.lease_owner, waiting.attempts) == (Status.PROCESSING, "", 0)
    assert not waiting.maybe_charged
    assert not sim.relay.requests
    sim.settle()
    assert sim.task(task_id).status is Status.COMPLETED
    assert order_of(sim)["input_reference"] == png()


def test_image_host_away_for_good_ends_the_task_retryable():
    """An image whose host stays away ends the task after the retries with one worth retrying."""
    sim = Simulation()
    sim.cdn.extend([httpx.Response(503)] * 9)
    task = sim.run(image_url=f"{CDN}/fox.png")
    assert [delay for _, delay, _ in sim.queue.sent] == [0, 5, 10, 20]
    assert len(sim.downloads) == 4
    assert task.error == {
        "type": "ServiceError",
        "message": "The image cannot be fetched: the URL answered with HTTP status 503.",
        "code": "image_unavailable",
        "retryable": True,
        "maybe_charged": False,
    }
    assert not sim.relay.requests


@pytest.mark.parametrize("retries", [0, 1])
def test_how_often_an_image_is_fetched_again_is_the_same_setting(retries):
    sim = Simulation(video_generation_max_retries=retries)
    sim.cdn.extend([httpx.Response(503)] * 9)
    sim.run(image_url=f"{CDN}/fox.png")
    assert len(sim.downloads) == 1 + retries


def test_an_image_that_came_late_uses_up_no_order():
    sim = Simulation()
    sim.cdn.extend([httpx.Response(503)] * 3 + [httpx.Response(200, content=png())] * 9)
    sim.relay.posts.extend([httpx.Response(503)] * 3)
    task = sim.run(image_url=f"{CDN}/fox.png")
    assert (task.status, task.attempts, task.image_failures) == (Status.COMPLETED, 4, 3)
    assert [delay for _, delay, _ in sim.queue.sent] == [0, 5, 10, 20, 5, 10, 20]


@pytest.mark.parametrize("how", ["cancel", "delete"])
@pytest.mark.parametrize("when", ["put done", "begin_attempt"])
def test_abandoned_task_leaves_no_thumbnail(how, when):
    """A task that is given up while its thumbnail is made leaves none."""
    sim = with_image(Simulation())
    task_id = sim.submit(image_key=KEY)
    sim.at_event[when] = lambda: getattr(sim.cancellation, how)(task_id, OWNER)
    sim.work()
    assert list(sim.files.objects) == [KEY]
    assert not sim.relay.requests


def test_replaced_worker_leaves_the_thumbnail_to_the_next():
    sim = with_image(Simulation())
    task_id = sim.submit(image_key=KEY)
    sim.queue.send(task_id)

    def stall():
        with sim.clock.frozen():
            sim.clock.advance(43)
            sim.work()

    sim.at_event["begin_attempt"] = stall
    sim.work()
    task = sim.task(task_id)
    assert task.status is Status.COMPLETED
    assert thumbnail_of(sim, task)
    assert len(sim.relay.orders) == 1


def test_first_attempts_thumbnail_stays_with_a_cancelled_task():
    sim = with_image(Simulation())
    sim.relay.posts.append(httpx.Response(503))
    task_id = sim.submit(image_key=KEY)
    sim.work()
    sim.clock.advance(5)
    sim.at_event["begin_attempt"] = lambda: sim.cancellation.cancel(task_id, OWNER)
    sim.work()
    assert thumbnail_of(sim, sim.task(task_id))


def test_an_image_that_is_gone_from_the_bucket_ends_the_task():
    sim = Simulation()
    task = sim.run(image_key=KEY)
    assert (task.error["code"], task.attempts) == ("invalid_image", 0)


def test_a_name_that_stands_for_an_inner_address_is_refused():
    sim = Simulation()
    sim.address = "10.0.0.7"
    assert sim.run(image_url=f"{CDN}/fox.png").error["code"] == "invalid_image"
    assert not sim.downloads
