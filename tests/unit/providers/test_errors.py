"""What an upstream failure is called on a task, and whether another attempt may follow."""

import pytest

from videoapi.errors import GenerationError, ServiceError
from videoapi.providers.classification import ErrorInfo
from videoapi.providers.errors import (
    ContentMissing,
    JobFailed,
    JobMissing,
    PollFailed,
    SubmitRefused,
    SubmitUnknown,
    silent_filter_failure,
)


def test_policy_failure_reads_as_its_sample_looks_for():
    failure = JobFailed(ErrorInfo(("PUBLIC_ERROR_MINOR",), "no"))
    assert failure.as_record() == {
        "type": "VideoGenerationError",
        "message": "Content policy violation (content_policy: PUBLIC_ERROR_MINOR)",
        "code": "content_policy_violation",
        "retryable": False,
        "maybe_charged": False,
    }
    assert failure.again is None


def test_audio_failure_has_its_attempts_and_no_retry():
    failure = JobFailed(ErrorInfo(("AUDIO_FILTERED",)))
    assert failure.message == "Audio filtered"
    assert failure.code == "audio_filtered"
    assert failure.kind == "VideoGenerationError"
    assert failure.again == "audio"
    assert not failure.retryable


def test_a_transient_failure_is_the_documents_service_error():
    failure = SubmitRefused(ErrorInfo(), status=503, retry_after=7)
    assert failure.as_record() == {
        "type": "ServiceError",
        "message": "Service temporarily unavailable",
        "code": "service_unavailable",
        "retryable": True,
        "maybe_charged": False,
    }
    assert failure.again == "transient"
    assert failure.retry_after == 7


def test_what_is_wrong_with_our_account_is_for_the_log_alone():
    failure = SubmitRefused(ErrorInfo(text="balance: $0.02"), status=402)
    assert failure.code == "upstream_account_error"
    assert "0.02" not in failure.message
    assert "0.02" in failure.detail
    assert failure.again is None


def test_a_bad_request_passes_the_upstreams_words_on():
    failure = SubmitRefused(ErrorInfo(text="size must be 720p"), status=400)
    assert failure.code == "upstream_rejected"
    assert failure.message == "The upstream refused the request: size must be 720p"
    assert failure.again is None


@pytest.mark.parametrize(
    ("text", "message"),
    [("boom", "Video generation failed: boom"), ("", "Video generation failed")],
)
def test_an_unknown_failure_is_final(text, message):
    failure = JobFailed(ErrorInfo(("NEVER_HEARD_OF",), text))
    assert failure.message == message
    assert failure.code == "generation_failed"
    assert failure.again is None
    assert not failure.retryable


def test_unknown_submit_is_maybe_charged_and_retryable():
    unknown = SubmitUnknown("it answered 504")
    assert isinstance(unknown, GenerationError)
    assert unknown.as_record() == {
        "type": "ServiceError",
        "message": "The upstream may or may not have accepted the request: it answered 504",
        "code": "upstream_submit_unknown",
        "retryable": True,
        "maybe_charged": True,
    }


def test_success_without_a_video_was_filtered_and_paid():
    """A success without a video is a swallowed safety filter that was probably paid."""
    failure = silent_filter_failure()
    assert failure.code == "content_policy_violation"
    assert "content_policy" in failure.message
    assert failure.maybe_charged
    assert failure.again is None


@pytest.mark.parametrize(("status", "unauthorised"), [(None, False), (500, False), (401, True)])
def test_a_failed_look_tells_whether_our_account_is_the_reason(status, unauthorised):
    failed = PollFailed("no", upstream_status=status, retry_after=3)
    assert failed.unauthorised is unauthorised
    assert (failed.upstream_status, failed.retry_after) == (status, 3)


def test_trouble_on_the_way_never_ends_a_task():
    trouble = [PollFailed("no"), JobMissing(), ContentMissing("no", upstream_status=404)]
    assert all(isinstance(each, ServiceError) for each in trouble)
    assert not any(isinstance(each, GenerationError) for each in trouble)
