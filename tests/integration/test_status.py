"""Reading one task, by every route and in every state: exact keys, exact types, headers."""

import itertools
import time
from datetime import UTC, datetime

import pytest

from tests.support.task_factory import UPSTREAM_VIDEO
from videoapi.aws.forecasts import ForecastStore
from videoapi.domain.forecast import Forecast, milliseconds
from videoapi.errors import GenerationError

WAITING = ("progress_source", "queue_position", "eta_seconds")
TASK_KEYS = {
    "task_id", "status", "progress", "created_at", "updated_at", "completed_at", "result", "error",
    "attempts", "provider", "model", "prompt", "video_url", "cost", *WAITING,
}  # fmt: skip
VIDEO_KEYS = {
    "id", "object", "model", "status", "progress", "created", "created_at", "completed_at",
    "expires_at", "prompt", "size", "seconds", "remixed_from_video_id", "error", "video_url",
    "cost", *WAITING,
}  # fmt: skip
OLD_KEYS = {
    "task_id",
    "status",
    "progress",
    "video_url",
    "error",
    "created_at",
    "updated_at",
    "cost",
}
STATES = ["pending", "processing", "completed", "failed", "cancelled"]
OPEN = {"pending", "processing"}
PROCESSES = itertools.count(1)
NOW = 1_768_127_400.25  # 2026-01-11T10:30:00.250Z


def task_of(client, task):
    return client.get(f"/api/v1/tasks/{task.task_id}")


def old_of(client, task):
    return client.get(f"/api/v1/videos/{task.task_id}")


def video_of(client, task):
    return client.get(f"/v1/videos/{task.task_id}")


def seconds_of(instant):
    return datetime.fromisoformat(instant).timestamp()


@pytest.mark.parametrize("state", STATES)
def test_a_task_has_the_same_keys_and_types_in_every_state(client, task_factory, state):
    body = task_of(client, getattr(task_factory, state)()).json
    assert body.keys() == TASK_KEYS
    assert body["status"] == state
    assert type(body["progress"]) is type(body["attempts"]) is int
    for instant in ("created_at", "updated_at"):
        assert len(body[instant]) == len("2026-01-11T10:30:00.000Z")
        assert body[instant].endswith("Z")
    assert (body["completed_at"] is None) is (state in OPEN)
    assert (body["result"] is not None) is (state == "completed")
    assert (body["video_url"] is not None) is (state == "completed")
    assert (body["error"] is not None) is (state in {"failed", "cancelled"})


@pytest.mark.parametrize("state", STATES)
def test_deprecated_status_has_its_keys_in_every_state(client, task_factory, state):
    response = old_of(client, getattr(task_factory, state)())
    assert response.json.keys() == OLD_KEYS
    assert response.json["status"] == state
    assert (response.json["video_url"] is not None) is (state == "completed")
    assert (response.json["error"] is not None) is (state in {"failed", "cancelled"})


@pytest.mark.parametrize("state", STATES)
def test_video_object_has_all_keys_and_never_url(client, task_factory, state):
    response = video_of(client, getattr(task_factory, state)())
    video = response.json
    assert video.keys() == VIDEO_KEYS
    assert video["object"] == "video"
    assert type(video["progress"]) is type(video["created"]) is type(video["created_at"]) is int
    assert type(video["seconds"]) is str
    ended = state not in OPEN
    for key in ("completed_at", "expires_at"):
        assert type(video[key]) is (int if ended else type(None))
    assert (video["video_url"] is not None) is (state == "completed")
    assert (video["error"] is not None) is (state in {"failed", "cancelled"})


@pytest.mark.parametrize("state", STATES)
def test_a_task_that_has_not_ended_says_when_to_ask_again(client, task_factory, state):
    task = getattr(task_factory, state)()
    for response in (task_of(client, task), old_of(client, task)):
        assert ("retry-after" in response.headers) is (state in OPEN)
        if state in OPEN:
            assert 1 <= int(response.headers["retry-after"]) <= 60
    assert ("openai-poll-after-ms" in video_of(client, task).headers) is (state in OPEN)


@pytest.mark.parametrize("read", [task_of, old_of, video_of])
def test_status_is_never_cached_and_varies_by_client(client, task_factory, read):
    """A status is never stored by a cache and differs by client."""
    headers = read(client, task_factory.completed()).headers
    assert headers["cache-control"] == "no-store"
    assert {"User-Agent", "X-Stainless-Lang"} <= set(headers["vary"].split(", "))
    assert headers["content-type"] == "application/json"


@pytest.mark.parametrize("read", [task_of, old_of, video_of])
def test_a_read_is_one_get_item(client, task_factory, read):
    assert read(client, task_factory.completed()).calls == ["dynamodb:GetItem"]


def test_a_completed_task_tells_what_was_asked_and_what_was_made(client, task_factory):
    task = task_factory.completed(now=NOW, retention=10**10)
    assert task_of(client, task).json == {
        "task_id": task.task_id,
        "status": "completed",
        "progress": 100,
        "progress_source": "provider",
        "queue_position": None,
        "eta_seconds": None,
        "created_at": "2026-01-11T10:30:00.250Z",
        "updated_at": "2026-01-11T10:30:00.250Z",
        "completed_at": "2026-01-11T10:30:00.250Z",
        "result": {
            "service": "veo3",
            "result": {
                "video_url": UPSTREAM_VIDEO,
                "thumbnail_url": None,
                "expires_at": None,
                "content_type": "video/mp4",
                "size_bytes": 1234,
                "requested": {"seconds": None, "fps": 30, "size": "1920x1080"},
                "actual": {"seconds": 8.0, "fps": 24.0, "size": "1280x720"},
            },
            "duration": 42.5,
        },
        "video_url": UPSTREAM_VIDEO,
        "error": None,
        "cost": {"currency": "USD", "estimated": None, "actual": None, "final": False},
        "attempts": 1,
        "provider": "relay",
        "model": "veo_3_1",
        "prompt": "A fox, at dusk",
    }


def test_prompt_is_the_one_sent_and_before_that_the_callers(client, task_factory):
    assert task_of(client, task_factory.pending()).json["prompt"] == "A fox"
    assert task_of(client, task_factory.processing()).json["prompt"] == "A fox, at dusk"


def test_metadata_comes_back_where_it_was_given(client):
    fields = {"image": "https://example.com/a.png", "metadata": {"order": "42"}}
    task_id = client.post("/api/v1/videos/generate", json=fields).json["task_id"]
    body = client.get(f"/api/v1/tasks/{task_id}").json
    assert body["metadata"] == {"order": "42"}
    assert body.keys() == TASK_KEYS | {"metadata"}


def test_copied_video_gets_a_fresh_link_at_every_read(client, task_factory):
    result = {"video_url": None, "video_key": "videos/anonymous/vid_1.mp4"}
    task = task_factory.completed(result=result, thumbnail_key="thumbnails/anonymous/vid_1.jpg")
    inner = task_of(client, task).json["result"]["result"]
    for key, path in [
        ("video_url", "/videos/anonymous/vid_1.mp4"),
        ("thumbnail_url", "/thumbnails/anonymous/vid_1.jpg"),
    ]:
        assert inner[key].startswith(f"https://files.s3.us-east-1.amazonaws.com{path}?")
        assert "X-Amz-Signature=" in inner[key]
        assert "X-Amz-Expires=3600" in inner[key]
    in_an_hour = datetime.now(UTC).timestamp() + 3600
    assert abs(seconds_of(inner["expires_at"]) - in_an_hour) < 60
    assert "X-Amz-Signature=" in video_of(client, task).json["video_url"]
    assert "X-Amz-Signature=" in old_of(client, task).json["video_url"]


def test_failed_task_says_retryable_and_maybe_charged(client, task_factory):
    """A failed task tells whether to try again and whether it may have cost."""
    error = GenerationError(
        "Service temporarily unavailable",
        code="upstream_submit_unknown",
        kind="ServiceError",
        retryable=True,
        maybe_charged=True,
    )
    task = task_factory.failed(error=error)
    reported = {
        "type": "ServiceError",
        "message": "Service temporarily unavailable",
        "code": "upstream_submit_unknown",
        "retryable": True,
        "maybe_charged": True,
    }
    assert task_of(client, task).json["error"] == reported
    assert old_of(client, task).json["error"] == reported
    assert video_of(client, task).json["error"] == {
        "code": "upstream_submit_unknown",
        "message": "Service temporarily unavailable",
        "type": "ServiceError",
        "param": None,
        "retryable": True,
    }


def test_seed_sample_finds_content_policy_in_the_message(client, task_factory):
    error = task_of(client, task_factory.failed()).json["error"]
    assert "content_policy" in error["message"].lower()
    assert error["retryable"] is False


@pytest.mark.parametrize("begun", [False, True])
def test_a_cancelled_task_says_whether_it_may_have_been_charged(client, task_factory, begun):
    task = task_factory.cancelled(begun=begun)
    error = task_of(client, task).json["error"]
    assert error["code"] == "cancelled"
    assert error["retryable"] is False
    assert error["maybe_charged"] is begun
    assert video_of(client, task).json["error"]["code"] == "cancelled"


def test_the_deprecated_route_says_so_and_names_its_successor(client, task_factory):
    task = task_factory.pending()
    headers = old_of(client, task).headers
    assert headers["deprecation"] == "@1768089600", "2026-01-11, as RFC 9745 writes dates"
    assert headers["link"] == f'</api/v1/tasks/{task.task_id}>; rel="successor-version"'
    assert "deprecation" not in task_of(client, task).headers


def test_expiry_is_told_as_the_end_of_the_retention_time(client, task_factory):
    task = task_factory.completed(now=NOW, retention=3600)
    video = video_of(client, task).json
    assert (video["completed_at"], video["expires_at"]) == (int(NOW), int(NOW) + 3600)


def both_of(client, task):
    """Return what both dialects tell of a task's future."""
    before, video, after = (
        [read(client, task).json[name] for name in WAITING] for read in (task_of, video_of, task_of)
    )
    assert before[:-1] == video[:-1] == after[:-1]
    first, second, third = before[-1], video[-1], after[-1]  # seconds, and some may go by meanwhile
    assert first == second == third or first >= second >= third
    return tuple(before)


def forecast(services, task, **known):
    """Write a forecast by which somebody waits before the task."""
    seen = Forecast(waiting=[1, milliseconds(task.due_at)], seen_at=time.time() - 0.1)
    ForecastStore(services.store).look(seen, slots=1)
    for seconds in known.get("durations", ()):
        ForecastStore(services.store).end(task, seconds)


@pytest.fixture
def new_process(deploy):
    """Return a client of functions that have read nothing yet."""
    return deploy(AWS_LAMBDA_LOG_STREAM_NAME=str(next(PROCESSES)))


@pytest.mark.parametrize("state", ["completed", "failed", "cancelled"])
def test_ended_task_waits_for_nothing(client, task_factory, state):
    assert both_of(client, getattr(task_factory, state)())[1:] == (None, None)


def test_waiting_task_of_which_nothing_is_known_says_null(new_process, task_factory):
    assert both_of(new_process, task_factory.pending()) == ("estimate", None, None)


def test_waiting_task_tells_its_place_and_its_end(new_process, services, task_factory):
    task = task_factory.pending(now=time.time() - 5)
    forecast(services, task, durations=[30, 20, 90])
    source, place, seconds = both_of(new_process, task)
    assert (source, place) == ("estimate", 1)
    assert seconds == 90, "two before it end, and then its own does"
    assert task_of(new_process, task).headers["retry-after"] == "10"


def test_running_task_tells_its_end_once_others_have_ended(client, task_factory):
    now = time.time()
    assert both_of(client, task_factory.processing()) == ("estimate", 0, None)
    task = task_factory.processing(now=now - 20, progress=0, expected_seconds=60)
    source, place, seconds = both_of(client, task)
    assert (source, place) == ("estimate", 0)
    assert 40 - 1 - (time.time() - now) <= seconds <= 41
    assert task_of(client, task).headers["retry-after"] == "10"


def test_estimate_is_read_where_the_provider_tells_no_progress(client, task_factory):
    fields, now = {"expected_seconds": 60, "progress_source": "estimate"}, time.time()
    task = task_factory.processing(now=now - 30, progress=0, **fields)
    answers = [read(client, task).json["progress"] for read in (task_of, old_of, video_of)]
    (listed,) = client.get("/api/v1/tasks").json
    (video,) = client.get("/v1/videos").json["data"]
    meanwhile = (time.time() - now) / 60 * 100
    for percent in (*answers, listed["progress"], video["progress"]):
        assert 48 <= percent <= 54 + meanwhile


def test_status_is_one_read_and_the_forecast_one_in_five_seconds(
    new_process, services, task_factory
):
    """Whoever polls a waiting task costs a read, and each process another in five seconds."""
    task, running = task_factory.pending(), task_factory.processing()
    for _ in range(3):
        task_of(new_process, task)
        video_of(new_process, running)
    assert services.calls.made.count("dynamodb:GetItem") in (7, 8), "8 where five seconds go by"


def test_hint_of_openai_never_changes(new_process, services, task_factory):
    """The SDKs read it once and keep it."""
    task = task_factory.pending(now=time.time() - 5)
    forecast(services, task, durations=[300])
    assert video_of(new_process, task).headers["openai-poll-after-ms"] == "2000"
    assert (
        video_of(new_process, task_factory.processing()).headers["openai-poll-after-ms"] == "2000"
    )
