from dataclasses import replace

import pytest
from botocore.credentials import Credentials

from tests.support.task_factory import new_task
from videoapi.api.content import file_link, variant_of
from videoapi.aws.presigned import DAY, UrlSigner
from videoapi.domain.tasks import Status
from videoapi.errors import NotFound, ValidationError

NOW = 1_768_127_400.0
LINKS = UrlSigner(
    lambda: Credentials("key", "secret"),
    bucket="files",
    region="us-east-1",
    endpoint=None,
    seconds=60,
    file_days=2,
)


def completed(**result):
    return new_task(
        now=NOW,
        status=Status.COMPLETED,
        result=result,
        expires_at=int(NOW) + 60,
        thumbnail_key="thumbnails/anonymous/vid_1.jpg",
    )


def missing(task, variant="video", now=NOW):
    with pytest.raises(NotFound) as caught:
        file_link(task, variant, LINKS, now=now)
    return caught.value


def test_the_video_is_what_is_asked_for_without_a_word():
    assert variant_of({}) == "video"
    assert variant_of({"variant": "thumbnail"}) == "thumbnail"
    with pytest.raises(ValidationError) as caught:
        variant_of({"variant": "sound"})
    assert caught.value.param == "variant"


def test_a_copy_of_ours_goes_before_the_upstreams_url():
    task = completed(video_key="videos/anonymous/vid_1.mp4", video_url="https://upstream/v.mp4")
    assert "amazonaws.com/videos/anonymous/" in file_link(task, "video", LINKS, now=NOW).url
    assert "/thumbnails/" in file_link(task, "thumbnail", LINKS, now=NOW).url


def test_a_video_is_there_until_its_last_second_and_then_no_more():
    task = completed(video_url="https://upstream/v.mp4")
    assert file_link(task, "video", LINKS, now=NOW + 59.9).url == "https://upstream/v.mp4"
    assert missing(task, now=NOW + 60).code == "video_expired"


def test_expired_copy_is_gone():
    """A copy is said to be gone once the bucket may have removed it."""
    copied = {"video_key": "videos/anonymous/vid_1.mp4"}
    task = replace(completed(**copied), expires_at=int(NOW) + 30 * DAY)
    for variant in ("video", "thumbnail"):
        assert file_link(task, variant, LINKS, now=NOW + 2 * DAY - 1).expires_at == NOW + 2 * DAY
        assert missing(task, variant, now=NOW + 2 * DAY).code == "video_expired"


def test_the_upstreams_own_url_is_not_bound_to_our_bucket():
    task = replace(completed(video_url="https://upstream/v.mp4"), expires_at=int(NOW) + 30 * DAY)
    assert file_link(task, "video", LINKS, now=NOW + 29 * DAY).url == "https://upstream/v.mp4"


def test_expired_upstream_url_is_gone():
    """The upstream's own URL is said to be gone when it has ended."""
    result = {"video_url": "https://upstream/v.mp4", "video_expires_at": NOW + 30}
    assert file_link(completed(**result), "video", LINKS, now=NOW + 29).expires_at == NOW + 30
    assert missing(completed(**result), now=NOW + 30).code == "video_expired"


def test_an_end_that_lies_before_the_video_was_made_is_none():
    result = {"video_url": "https://upstream/v.mp4", "video_expires_at": NOW - 3600}
    assert file_link(completed(**result), "video", LINKS, now=NOW + 29).expires_at is None


def test_a_file_without_a_place_is_missing_by_its_name():
    assert missing(completed()).code == "video_not_found"
    assert missing(new_task(status=Status.COMPLETED), "thumbnail").code == "thumbnail_not_found"


def test_a_failed_video_tells_why_and_a_cancelled_one_that():
    failed = new_task(status=Status.FAILED, error={"message": "Audio filtered"})
    assert "Audio filtered" in missing(failed).message
    assert missing(new_task(status=Status.FAILED)).code == "video_failed"
    assert "cancelled" in missing(new_task(status=Status.CANCELLED)).message


def test_an_unfinished_video_says_how_far_it_is():
    error = missing(new_task(status=Status.PROCESSING, progress=45))
    assert error.code == "video_not_ready"
    assert "45 %" in error.message
