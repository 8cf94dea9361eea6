"""`videoapi generate`: from images to files, the price, the limits, and how it ends."""

import json
from itertools import groupby

import httpx
import pytest

from tests.support.fake_api import JPEG, refused, video_of
from videoapi_cli.images import MAX_BYTES, MAX_INLINE_BYTES


def test_image_becomes_a_file_in_the_folder(videoapi, api, folder):
    result = videoapi("generate", "a.jpg", "-p", "Pan", "-s", 4, "-o", "out")
    assert result.exit_code == 0
    assert result.stdout == "out/a.mp4\n"
    assert (folder / "out/a.mp4").read_bytes() == video_of("Pan")
    (order,) = api.orders
    assert (order["prompt"], order["duration"]) == ("Pan", 4)


def test_all_fields_arrive(videoapi, api):
    options = [
        *("--model", "m", "--seconds", 6, "--size", "720p", "--aspect-ratio", "9:16", "--fps", 24),
        *("--negative-prompt", "rain", "--seed", 0, "--no-audio", "--camera-motion", "pan"),
        *("--motion-strength", 0.3, "--optimize-prompt", "--webhook", "https://w.test"),
        *("--metadata", "shot=1", "--metadata", "take=b", "--last-frame", "b.jpg"),
    ]
    assert videoapi("generate", "a.jpg", "-p", "Pan", *options).exit_code == 0
    (order,) = api.orders
    assert order.pop("image") != order.pop("last_frame")
    assert order == {
        "prompt": "Pan",
        "model": "m",
        "duration": 6,
        "resolution": "720p",
        "aspect_ratio": "9:16",
        "fps": 24,
        "negative_prompt": "rain",
        "seed": 0,
        "generate_audio": False,
        "camera_motion": "pan",
        "motion_strength": 0.3,
        "optimize_prompt": True,
        "webhook_url": "https://w.test",
        "metadata": {"shot": "1", "take": "b"},
    }


def test_prompt_alone_is_a_video_of_the_openai_dialect(videoapi, api, folder):
    assert videoapi("generate", "-p", "A fox", "-s", 4, "--size", "1280x720").exit_code == 0
    assert api.orders == [{"prompt": "A fox", "seconds": 4, "resolution": "1280x720"}]
    assert (folder / "A fox.mp4").exists()


def test_references_stand_in_for_an_image(videoapi, api):
    result = videoapi("generate", "-p", "A fox", "--reference", "a.jpg", "--reference", "b.jpg")
    assert result.exit_code == 0
    (order,) = api.orders
    assert len(order["reference_images"]) == 2


def test_upload_that_breaks_off_is_repeated(videoapi, api, folder):
    api.prices = False
    (folder / "big.jpg").write_bytes(JPEG + bytes(MAX_INLINE_BYTES))
    form = {"reference": "upload_0", "url": "http://files.test/upload_0", "fields": {}}
    offer = httpx.Response(201, json=form)
    api.scripted = [httpx.Response(200, text="{}"), offer, httpx.WriteError("gone")]
    assert videoapi("generate", "big.jpg").exit_code == 0
    assert api.orders[0]["image"] == "upload_0"


def test_many_orders_wait_for_a_place_one_by_one(videoapi, api, folder):
    """A limit that is told to one is not tried by all."""
    api.alive = 2
    for number in range(12):
        (folder / f"{number:02}.jpg").write_bytes(JPEG + bytes([number]))
    images = sorted(each.name for each in folder.glob("[01]*.jpg"))
    body = videoapi.json("generate", *images, "-o", "out", "--yes")
    assert body["summary"]["completed"] == len(api.orders) == 12
    posts = api.asked("POST", "/api/v1/videos/generate")[1:]
    turns = [key for key, _ in groupby(each.headers["idempotency-key"] for each in posts)]
    assert len(turns) == len(set(turns)) == 12


def test_url_is_passed_on_as_it_is(videoapi, api, folder):
    assert videoapi("generate", "https://i.test/c.png?x=1", "-p", "Pan").exit_code == 0
    assert api.orders[0]["image"] == "https://i.test/c.png?x=1"
    assert (folder / "c.mp4").exists()


def test_large_image_goes_by_upload(videoapi, api, folder):
    (folder / "big.jpg").write_bytes(JPEG + bytes(MAX_INLINE_BYTES))
    assert videoapi("generate", "big.jpg", "-p", "Pan").exit_code == 0
    assert api.orders[0]["image"] == "upload_0"
    wanted = json.loads(api.asked("POST", "/api/v1/uploads")[0].content)
    assert wanted == {"content_type": "image/jpeg", "size_bytes": MAX_INLINE_BYTES + len(JPEG)}


def test_second_video_of_an_image_is_another_file(videoapi, api, folder):
    for _ in range(2):
        assert videoapi("generate", "a.jpg", "-p", "Pan").exit_code == 0
    assert len(api.orders) == 2
    assert {each.name for each in folder.glob("*.mp4")} == {"a.mp4", "a-2.mp4"}


def test_named_file_is_not_overwritten(videoapi, api, folder):
    (folder / "mine.mp4").write_text("mine")
    result = videoapi("generate", "a.jpg", "-p", "Pan", "-o", "mine.mp4")
    assert (result.exit_code, api.orders) == (2, [])
    assert "--overwrite" in result.stderr
    assert (folder / "mine.mp4").read_text() == "mine"
    assert videoapi("generate", "a.jpg", "-o", "mine.mp4", "--overwrite").exit_code == 0
    assert (folder / "mine.mp4").read_bytes() == video_of("")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "-p"),
        (["none.jpg"], "none.jpg cannot be read"),
        (["a.jpg", "--batch", "b.jpg"], "one of them"),
        (["a.jpg", "--metadata", "x"], "name=value"),
        (["a.jpg", "-o", "a.jpg"], "Nothing can be written to a.jpg"),
        (["--batch", "none.csv"], "none.csv cannot be read"),
        (["--batch", "", "-p", "Pan"], "empty word"),
        (["", "-p", "Pan"], "empty word"),
        (["a.jpg", "-p", "\udcff"], "cannot be sent"),
        (["a.jpg", "--motion-strength", "nan"], "cannot be sent"),
    ],
)
def test_wrong_usage_orders_nothing(videoapi, api, arguments, words):
    result = videoapi("generate", *arguments)
    assert words in result.stderr
    assert result.exit_code in (1, 2)
    assert api.orders == []


def test_refused_field_is_named(videoapi):
    result = videoapi("generate", "a.jpg", "-s", 12)
    assert result.exit_code == 1
    assert "duration" in result.stderr
    body = videoapi.json("generate", "a.jpg", "-s", 12, code=1)
    assert body["error"]["fields"] == [{"field": "duration", "message": "at most 10"}]


def test_failed_video_says_why(videoapi):
    result = videoapi("generate", "a.jpg", "-p", "[[fail]]")
    assert result.exit_code == 1
    assert "Content policy violation" in result.stderr


def test_price_comes_before_the_order(videoapi, api):
    result = videoapi("generate", "a.jpg", "-p", "Pan")
    assert "1 video (veo): about $0.50" in result.stderr
    asked, ordered = api.asked("POST", "/api/v1/videos/generate")
    assert asked.url.query == b"dry_run=true"
    assert len(asked.content) < 300  # the image itself is not sent for it
    assert "$0.50" in result.stderr.splitlines()[-1]
    assert ordered.url.query == b""


@pytest.mark.parametrize(
    ("price", "options", "code"),
    [
        (1.01, [], 2),
        (1.01, ["--yes"], 0),
        (1.01, ["--max-price", "2"], 0),
        (0.2, ["--max-price", "0.1"], 2),
        (0, ["--max-price", "0"], 0),
        (None, [], 0),
        (None, ["--max-price", "5"], 2),
    ],
)
def test_price_over_the_limit_needs_a_yes(videoapi, api, price, options, code):
    api.price = price
    assert videoapi("generate", "a.jpg", *options).exit_code == code
    assert len(api.orders) == (code == 0)


@pytest.mark.parametrize(
    ("price", "advice"),
    [(6.0, "Say --yes, or a higher --max-price."), (None, "Say --yes, or leave out --max-price.")],
)
def test_a_limit_on_the_price_says_what_lets_the_order_pass(videoapi, api, price, advice):
    """No limit is high enough for a price that nobody knows."""
    api.price = price
    result = videoapi("generate", "a.jpg", "--max-price", "5")
    assert advice in result.stderr


def test_server_without_prices_is_not_asked_for_one(videoapi, api):
    """An API that does not know `dry_run` would take the question for an order."""
    api.prices = False
    assert videoapi("generate", "a.jpg").exit_code == 0
    assert len(api.asked("POST", "/api/v1/videos/generate")) == 1


def test_equal_orders_are_priced_once(videoapi, api):
    result = videoapi("generate", "a.jpg", "b.jpg", "-o", "out")
    assert "2 videos (veo): about $1.00" in result.stderr
    assert sum(b"dry_run" in each.url.query for each in api.requests) == 1


def test_refused_row_hides_no_price_of_the_others(videoapi, api, folder):
    """Else it would be ordered without the question."""
    api.price = 2.0
    long, short = "x" * 5000, "Pan"
    (folder / "jobs.csv").write_text(f"image,prompt\na.jpg,{long}\nb.jpg,{short}\n")
    result = videoapi("generate", "--batch", "jobs.csv", "-o", "out")
    assert (result.exit_code, api.orders) == (2, [])
    assert "about $4.00" in result.stderr


def test_unknown_price_of_one_hides_no_known_one(videoapi, api, folder):
    api.price, api.unpriced = 2.0, "other"
    (folder / "jobs.csv").write_text("image,model\na.jpg,other\nb.jpg,veo\n")
    result = videoapi("generate", "--batch", "jobs.csv", "-o", "out")
    assert (result.exit_code, api.orders) == (2, [])
    assert "at least $2.00" in result.stderr


def test_price_that_cannot_be_said_now_orders_nothing(videoapi, api, folder):
    """Else the other prices would stand for all."""
    api.unasked = "other"
    (folder / "jobs.csv").write_text("image,model\na.jpg,other\nb.jpg,veo\n")
    result = videoapi("generate", "--batch", "jobs.csv", "-o", "out", "--max-price", "0.6")
    assert (result.exit_code, api.orders) == (1, [])
    assert "It is away." in result.stderr


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("table.jpg", b"image,prompt\n", "no JPEG, PNG or WebP image"),
        ("empty.png", b"", "no JPEG, PNG or WebP image"),
        ("huge.jpg", JPEG + bytes(MAX_BYTES), "the API takes 20"),
    ],
)
def test_dry_run_tells_what_is_no_image(videoapi, api, folder, name, content, words):
    """In a row, and beside the only image, too; an order would say so only once it is sent."""
    (folder / name).write_bytes(content)
    (folder / "jobs.csv").write_text(f"image,last_frame\na.jpg,\nb.jpg,{name}\n")
    body = videoapi.json("generate", "--batch", "jobs.csv", "--dry-run", code=1)
    assert words in body["problems"][0]
    result = videoapi("generate", "a.jpg", "--last-frame", name, "--dry-run")
    assert (result.exit_code, api.orders) == (1, [])
    assert words in result.stderr


def test_dry_run_tells_which_rows_would_fail(videoapi, api, folder):
    rows = [f"a.jpg,{'x' * 5000},", "none.jpg,Pan,", "b.jpg,Pan,", "b.jpg,Pan,12"]
    (folder / "jobs.csv").write_text("\n".join(("image,prompt,seconds", *rows)))
    body = videoapi.json("generate", "--batch", "jobs.csv", "-o", "out", "--dry-run", code=1)
    assert [each.partition(":")[0] for each in body["problems"]] == ["line 2", "line 3", "line 5"]
    assert "at most 10" in body["problems"][2]
    assert api.orders == []


def test_limit_of_tasks_alive_is_waited_for(videoapi, api):
    api.alive = 1
    body = videoapi.json("generate", "a.jpg", "b.jpg", "-o", "out")
    assert body["summary"]["completed"] == len(api.orders) == 2


def test_full_minute_of_a_key_is_waited_for(videoapi, api):
    api.prices = False
    full = refused(429, "rate_limited", "Ten a minute.", headers={"retry-after": "17"})
    api.scripted = [httpx.Response(200, text="{}"), full]
    result = videoapi("generate", "-p", "Pan")
    assert (result.exit_code, len(api.orders)) == (0, 1)
    assert videoapi.clock.time >= 17
    assert "Ten a minute. Waiting" in result.stderr


@pytest.mark.parametrize(
    ("status", "code", "exit_code"),
    [
        (401, "invalid_api_key", 3),
        (402, "budget_exceeded", 3),
        (429, "daily_limit_reached", 3),
        (404, "model_not_found", 1),
        (413, "request_too_large", 1),
    ],
)
def test_refusal_has_its_exit_code(videoapi, api, status, code, exit_code):
    api.prices = False
    answer = refused(status, code, "No.", headers={"x-should-retry": "false"})
    api.scripted = [httpx.Response(200, text="{}"), answer]
    result = videoapi("generate", "a.jpg")
    assert result.exit_code == exit_code
    assert "No." in result.stderr
    assert "Traceback" not in result.output


def test_spent_budget_tells_what_is_done_and_left(videoapi, api, folder):
    api.budget = 1.0
    for number in range(2, 5):
        (folder / f"{number}.jpg").write_bytes(JPEG + bytes([number]))
    images = sorted(each.name for each in folder.glob("*.jpg"))
    body = videoapi.json("generate", *images, "-o", "out", "--yes", "--parallel", 1, code=3)
    assert (body["summary"]["completed"], body["summary"]["left"]) == (2, 3)
    assert body["summary"]["refused"]["code"] == "budget_exceeded"
    assert body["summary"]["refused"]["details"] == {"resets_at": "2026-11-27T00:00:00Z"}
    assert body["summary"]["usd"] == 1.0
    api.budget = None
    body = videoapi.json("generate", *images, "-o", "out", "--yes")
    assert body["summary"]["completed"] == len(api.orders) == 5


def test_nothing_answers_is_said_in_words(videoapi, api):
    api.scripted = [httpx.ConnectError("Connection refused")]
    result = videoapi("models", url="http://localhost:8000")
    assert result.exit_code == 4
    assert "make run" in result.stderr
    api.scripted = [httpx.ConnectError("Connection refused")]
    assert "VIDEOAPI_URL" in videoapi("models").stderr


def test_server_that_restarts_is_waited_for(videoapi, api):
    api.prices = False
    gone = httpx.ConnectError("Connection refused")
    api.scripted = [httpx.Response(200, text="{}"), gone, gone, httpx.ReadTimeout("")]
    assert videoapi("generate", "a.jpg").exit_code == 0
    assert len(api.orders) == 1


def test_order_without_an_answer_may_be_there_all_the_same(videoapi, api):
    """A single image is another order at each call, which would be paid, too."""
    api.prices = False
    api.scripted = [httpx.Response(200, text="{}"), *[httpx.ReadTimeout("")] * 30]
    result = videoapi("generate", "a.jpg")
    assert result.exit_code == 4
    assert "`videoapi list`" in result.stderr


def test_key_goes_to_the_api_alone(videoapi, api):
    """The fake refuses a file's request that carries one."""
    assert videoapi("generate", "a.jpg").exit_code == 0
    headers = {
        each.headers.get("authorization") for each in api.requests if each.url.host != "files.test"
    }
    assert headers == {"Bearer vak_secret"}
