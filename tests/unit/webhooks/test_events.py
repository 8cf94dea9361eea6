"""What a receiver is sent, and that it is never too much."""

import json

from tests.support.task_factory import new_task
from videoapi.domain.tasks import Status
from videoapi.webhooks import events

NOW = 1_768_127_400.0
END = "2026-01-11T10:31:07.250Z"


def body(task, video, *, include_prompt=True):
    return json.loads(events.body_of(task, lambda _: dict(video), include_prompt=include_prompt))


def ended(**fields):
    return new_task(
        now=NOW, status=Status.FAILED, completed_at=END, webhook_event="video.failed", **fields
    )


def test_id_is_the_task_s_and_the_time_that_of_its_end():
    task = ended()
    event = body(task, {"id": task.task_id})
    assert event["id"] == f"evt_{task.task_id[4:]}"
    assert event["created_at"] == 1_768_127_467


def test_what_is_too_long_is_left_out_until_it_fits():
    video = {"prompt": "p" * 5000, "video_url": "v" * 70_000, "error": {"code": "e"}}
    event = body(ended(), video)
    assert (event["data"]["prompt"], event["data"]["video_url"]) == (None, None)
    assert event["data"]["error"] == {"code": "e"}
    video["error"] = {"message": "m" * 70_000}
    long = events.body_of(ended(), lambda _: dict(video), include_prompt=True)
    assert len(long) < 1000


def test_a_body_of_64_kb_is_sent_whole():
    task = ended()

    def text(error):
        return events.body_of(task, lambda _: {"error": error}, include_prompt=True)

    fits = events.MAX_BODY - len(text(""))
    assert len(text("e" * fits)) == events.MAX_BODY
    assert len(text("e" * (fits + 1))) < 1000


def test_task_of_an_earlier_version_tells_its_status():
    task = new_task(now=NOW, status=Status.CANCELLED)
    event = body(task, {"prompt": "A fox"}, include_prompt=False)
    assert event["type"] == "video.cancelled"
    assert event["created_at"] == int(NOW)
    assert event["data"]["prompt"] is None
