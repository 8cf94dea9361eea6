"""What looks at a paid job prove, by a clock that the test sets."""

import pytest

from videoapi.errors import GenerationError
from videoapi.providers.classification import ErrorInfo
from videoapi.providers.errors import JobFailed, JobMissing, PollFailed
from videoapi.providers.provider import Job, JobState
from videoapi.worker.evidence import Evidence, JobLost

OURS = "job:1"
RUNNING = Job(state=JobState.RUNNING, ids=(OURS,))
DONE = Job(state=JobState.DONE, ids=(OURS,))
TROUBLE = PollFailed("The upstream answered 502")


def failed(code, *, ids=(OURS,)):
    return Job(state=JobState.FAILED, failure=JobFailed(ErrorInfo(codes=(code,))), ids=ids)


def evidence(**known):
    return Evidence(OURS, **{"done": False, **known})


def test_failure_counts_when_confirmed_five_seconds_later():
    """A failure counts when a look five seconds later says the same."""
    seen = evidence()
    assert seen.take(failed("HIGH_TRAFFIC"), 100.0) == 5.0
    assert seen.take(failed("HIGH_TRAFFIC"), 104.0) == 1.0
    with pytest.raises(JobFailed) as caught:
        seen.take(failed("HIGH_TRAFFIC"), 105.0)
    assert caught.value.again == "transient"


@pytest.mark.parametrize("between", [RUNNING, DONE], ids=["running", "done"])
def test_a_running_or_done_answer_clears_a_failure(between):
    seen = evidence()
    seen.take(failed("NSFW"), 0.0)
    seen.take(between, 3.0)
    assert seen.take(failed("NSFW"), 6.0) == 5.0


@pytest.mark.parametrize("between", [TROUBLE, JobMissing()], ids=["trouble", "unknown job"])
def test_what_says_nothing_of_the_end_does_not_clear_a_failure(between):
    seen = evidence()
    seen.take(failed("NSFW"), 0.0)
    seen.take(between, 3.0)
    with pytest.raises(JobFailed):
        seen.take(failed("NSFW"), 6.0)


def test_two_different_failures_do_not_confirm_each_other():
    seen = evidence()
    seen.take(failed("NSFW"), 0.0)
    assert seen.take(failed("HIGH_TRAFFIC"), 6.0) == 5.0


@pytest.mark.parametrize("code", ["HIGH_TRAFFIC", "AUDIO_FILTERED"])
@pytest.mark.parametrize("ids", [(), ("job:2",)], ids=["none", "another's"])
def test_only_an_answer_that_names_this_job_can_lead_to_another(code, ids):
    seen = evidence()
    for at in range(0, 3000, 10):
        assert seen.take(failed(code, ids=ids), float(at)) == 0.0


def test_a_final_failure_ends_a_task_without_naming_the_job():
    seen = evidence()
    seen.take(failed("NSFW", ids=()), 0.0)
    with pytest.raises(JobFailed, match="content_policy"):
        seen.take(failed("NSFW", ids=()), 5.0)


def test_a_job_that_once_was_done_is_never_ordered_again():
    seen = evidence()
    seen.take(DONE, 0.0)
    for at in range(0, 3000, 10):
        seen.take(failed("HIGH_TRAFFIC"), float(at))


@pytest.mark.parametrize(
    ("code", "shown"), [("NSFW", "content_policy_violation"), ("AUDIO_FILTERED", "audio_filtered")]
)
def test_job_that_was_done_then_filtered_ends_as_paid(code, shown):
    seen = evidence(done=True)
    seen.take(failed(code), 0.0)
    with pytest.raises(GenerationError) as caught:
        seen.take(failed(code), 5.0)
    assert not isinstance(caught.value, JobFailed)
    assert (caught.value.code, caught.value.maybe_charged) == (shown, True)


def test_a_job_is_lost_when_every_look_for_a_minute_says_so():
    seen = evidence()
    for at in range(0, 60, 10):
        assert seen.take(JobMissing(), float(at)) == 5.0
    with pytest.raises(JobLost):
        seen.take(JobMissing(), 60.0)


def test_two_looks_a_minute_apart_lose_no_job():
    seen = evidence()
    seen.take(JobMissing(), 0.0)
    seen.take(JobMissing(), 70.0)
    with pytest.raises(JobLost):
        seen.take(JobMissing(), 75.0)


@pytest.mark.parametrize("between", [RUNNING, TROUBLE], ids=["running", "trouble"])
def test_any_other_answer_begins_the_minute_anew(between):
    seen = evidence()
    for at in (0.0, 30.0):
        seen.take(JobMissing(), at)
    seen.take(between, 40.0)
    for at in (50.0, 80.0, 109.0):
        seen.take(JobMissing(), at)


def test_a_relay_that_asks_to_wait_is_heeded_within_reason():
    seen = evidence()
    assert seen.take(PollFailed("429", retry_after=20), 0.0) == 20
    assert seen.take(PollFailed("429", retry_after=900), 0.0) == 30
    assert seen.take(JobMissing(retry_after=20), 0.0) == 20


@pytest.mark.parametrize("status", [401, 402, 403])
def test_refused_account_says_nothing_of_the_job(status):
    seen = evidence()
    for at in range(0, 3000, 10):
        seen.take(PollFailed("no", upstream_status=status), float(at))
    assert seen.unauthorised
    seen.take(RUNNING, 3000.0)
    assert not seen.unauthorised


def test_what_an_earlier_worker_saw_is_known():
    assert evidence(done=True, video_url="https://a/b.mp4").done.video_url == "https://a/b.mp4"
    assert evidence().done is None


def blamed(seen, at):
    """Take in an empty `/content` while the job says done; return the verdict, if any."""
    try:
        seen.take_content(None, at, empty=True)
    except JobFailed as failure:
        return failure.code, failure.maybe_charged
    return None


FILTERED = ("content_policy_violation", True)


def test_filter_is_blamed_after_five_minutes_without_a_video():
    seen = evidence()
    seen.take(DONE, 0.0)
    assert blamed(seen, 0.0) is None
    assert blamed(seen, 299.0) is None
    assert blamed(seen, 300.0) == FILTERED


def test_five_minutes_without_a_video_outlive_a_worker():
    seen = evidence(done=True, empty_since=0.0)
    assert blamed(seen, 300.0) is None, "nobody has said done to this worker yet"
    seen.take(DONE, 301.0)
    assert blamed(seen, 301.0) == FILTERED


@pytest.mark.parametrize(
    "look", [TROUBLE, JobMissing(), RUNNING, failed("NSFW")], ids=["503", "404", "running", "bad"]
)
def test_filter_is_blamed_only_while_the_job_says_done(look):
    seen = evidence()
    seen.take(DONE, 0.0)
    blamed(seen, 0.0)
    seen.take(look, 300.0)
    assert blamed(seen, 300.0) is None
    assert seen.empty_since == (0.0 if look is TROUBLE else None)


def test_other_reason_for_no_video_begins_the_five_minutes_anew():
    seen = evidence()
    seen.take(DONE, 0.0)
    blamed(seen, 0.0)
    seen.take_content(None, 100.0, empty=False)
    assert blamed(seen, 300.0) is None
    assert blamed(seen, 600.0) == FILTERED
