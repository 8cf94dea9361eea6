"""What goes upstream for a task."""

import io

import httpx
import pytest
from PIL import Image

from tests.fake_relay import CDN, form_of
from tests.pictures import png
from tests.world import OWNER, FakeLog, World
from videoapi.inputs import sent_seconds
from videoapi.optimizer import PromptOptimizer
from videoapi.prompts import NEUTRAL_IMAGE, NEUTRAL_TEXT
from videoapi.storage import thumbnail_key
from videoapi.tasks import GenerationRequest, Status

KEY = f"inputs/{OWNER}/a.png"


def request(**fields):
    return GenerationRequest(**{"model": "veo_3_1", "prompt": "A fox", **fields})


def order_of(world):
    """Return the form that the relay got."""
    (post,) = (each for each in world.relay.requests if each.method == "POST")
    return form_of(post)


def with_image(world, image=None):
    world.files.objects[KEY] = image or png(), "image/png"
    return world


def thumbnail_of(world, task):
    return world.files.objects[thumbnail_key(OWNER, task.task_id)]


# --- the form


def test_an_order_says_what_the_caller_said():
    world = World()
    world.run(request=request(seconds=5, size="720x1280", motion_strength=0.9))
    assert order_of(world) == {
        "model": "veo_3_1",
        "prompt": "The motion is strong, fast. A fox",
        "size": "720x1280",
        "seconds": "5",
        "watermark": "false",
    }


def test_a_length_that_nobody_asked_for_is_not_sent():
    world = World()
    world.run(request=request())
    assert "seconds" not in order_of(world)


def test_raw_values_go_only_to_a_relay_that_knows_them():
    wish = request(camera_motion="pan", fps=24)
    world, stand_in = World(), World(veo3_extra_fields=True)
    world.run(request=wish)
    stand_in.run(request=wish)
    assert order_of(stand_in).keys() - order_of(world).keys() == {"fps", "camera_motion"}


@pytest.mark.parametrize(
    ("asked", "size", "sent"),
    [(1, "1280x720", 4), (5, "1280x720", 6), (7, "1280x720", 8), (10, "1280x720", 8),
     (4, "1920x1080", 8), (4, "1080x1920", 8), (None, "1920x1080", None)],
)  # fmt: skip
def test_a_strict_relay_is_asked_for_a_length_that_veo_makes(asked, size, sent):
    assert sent_seconds(request(seconds=asked, size=size), strict=True) == sent
    assert sent_seconds(request(seconds=asked, size=size), strict=False) == asked


# --- the words


@pytest.mark.parametrize(("key", "words"), [(None, NEUTRAL_TEXT), (KEY, NEUTRAL_IMAGE)])
def test_without_a_prompt_a_neutral_sentence_is_sent(key, words):
    world = with_image(World())
    task = world.run(request=request(prompt=None), image_key=key)
    assert order_of(world)["prompt"] == task.prompt_sent == words


def optimizing(*answers):
    """Return a world with an optimizer that answers so, and the prompts it was asked for."""
    asked, left = [], list(answers)

    def chat(post):
        asked.append(post)
        return httpx.Response(200, json={"choices": [{"message": {"content": left.pop(0)}}]})

    optimizer = PromptOptimizer(
        httpx.Client(transport=httpx.MockTransport(chat), trust_env=False),
        api_url="https://llm.example.com/v1",
        model="fast",
        key=lambda: "sk-llm",
        log=FakeLog(),
    )
    return World(optimizer=optimizer), asked


@pytest.mark.parametrize(("answer", "sent", "flag"), [("Better", "Better", 1), ("", "A fox", 0)])
def test_a_prompt_is_optimized_where_the_caller_asks_for_it(answer, sent, flag):
    world, _ = optimizing(answer)
    task = world.run(request=request(optimize_prompt=True))
    assert order_of(world)["prompt"] == task.prompt_sent == sent
    assert task.prompt_optimized == flag


def test_a_prompt_is_not_optimized_where_nobody_asks():
    world, asked = optimizing("Better")
    assert world.run(request=request()).prompt_optimized is None
    assert not asked


def test_without_an_optimizer_the_callers_own_words_are_sent():
    world = World()
    task = world.run(request=request(optimize_prompt=True))
    assert (task.prompt_sent, task.prompt_optimized) == ("A fox", 0)


def test_a_second_attempt_says_the_words_of_the_first():
    world, _ = optimizing("Better", "Different")
    world.relay.posts.append(httpx.Response(503))
    task = world.run(request=request(optimize_prompt=True))
    assert (task.attempts, task.prompt_sent, task.prompt_optimized) == (2, "Better", 1)
    assert world.relay.jobs[0].order["prompt"] == "Better"


# --- the image


def test_an_image_of_the_bucket_is_sent_with_its_thumbnail_kept():
    world = with_image(World())
    task = world.run(image_key=KEY)
    assert order_of(world)["input_reference"] == png()
    thumbnail, content_type = thumbnail_of(world, task)
    assert (thumbnail[:2], content_type) == (b"\xff\xd8", "image/jpeg")
    assert task.thumbnail_key == thumbnail_key(OWNER, task.task_id)


def test_an_image_behind_a_url_is_fetched_by_the_worker():
    world = World()
    world.cdn.append(httpx.Response(200, content=png()))
    world.run(image_url=f"{CDN}/fox.png")
    assert order_of(world)["input_reference"] == png()


def test_a_thumbnail_is_made_once():
    world = with_image(World())
    world.relay.posts.append(httpx.Response(503))
    world.run(image_key=KEY)
    assert world.events.count("put") == 1


def test_a_video_without_a_thumbnail_is_still_a_video():
    world = with_image(World())
    world.at_event["put"] = lambda: setattr(world.files, "away", 1)
    task = world.run(image_key=KEY)
    assert (task.status, task.thumbnail_key) == (Status.COMPLETED, None)


def test_an_image_that_pillow_stumbles_over_is_still_sent():
    out, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (64, 64), "red").save(out, "WEBP", exif=exif)
    damaged = out.getvalue().replace(b"MM\0*", b"MM!*")
    world = with_image(World(), damaged)
    task = world.run(image_key=KEY)
    assert (task.status, task.thumbnail_key) == (Status.COMPLETED, None)
    assert order_of(world)["input_reference"] == damaged


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404),
        httpx.Response(200, text="<html>"),
        httpx.Response(302, headers={"location": "http://169.254.169.254/latest"}),
        httpx.ConnectError("refused"),
    ],
    ids=["missing", "no image", "inwards", "unreachable"],
)
def test_an_image_that_cannot_be_had_ends_the_task_before_anything_is_ordered(answer):
    world = World()
    world.cdn.append(answer)
    task = world.run(image_url=f"{CDN}/fox.png")
    assert (task.status, task.attempts) == (Status.FAILED, 0)
    assert (task.error["type"], task.error["code"]) == ("ValidationError", "invalid_image")
    assert (task.error["retryable"], task.error["maybe_charged"]) == (False, False)
    assert not world.relay.requests


def test_an_image_that_is_gone_from_the_bucket_ends_the_task():
    world = World()
    task = world.run(image_key=KEY)
    assert (task.error["code"], task.attempts) == ("invalid_image", 0)


def test_a_name_that_stands_for_an_inner_address_is_refused():
    world = World()
    world.address = "10.0.0.7"
    assert world.run(image_url=f"{CDN}/fox.png").error["code"] == "invalid_image"
    assert not world.downloads
