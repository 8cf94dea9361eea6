"""When an order is sent again, how long that waits, and when never."""

import httpx
import pytest

from tests.support.fake_relay import CDN, failed, form_of
from tests.support.fakes import START
from tests.support.simulation import OWNER, Simulation
from videoapi.domain.tasks import GenerationRequest, Status
from videoapi.worker.posting import MAX_IDS

BUSY = httpx.Response(503, json={"error": {"message": "busy"}})
AUDIO = failed("PUBLIC_ERROR_AUDIO_FILTERED")
TRAFFIC = failed("HIGH_TRAFFIC")


# --- answers that say "not accepted"


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_unaccepted_order_is_sent_again_three_times(status):
    sim = Simulation()
    sim.relay.posts.extend(httpx.Response(status, json={}) for _ in range(9))
    task = sim.run()
    assert len(sim.relay.orders) == task.attempts == 4
    assert task.error == {
        "type": "ServiceError",
        "message": "Service temporarily unavailable",
        "code": "service_unavailable",
        "retryable": True,
        "maybe_charged": False,
    }


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirected_order_ends_and_names_the_setting(status):
    sim = Simulation()
    sim.relay.posts.append(httpx.Response(status, headers={"location": "foo:bar"}))
    task = sim.run()
    assert len(sim.relay.orders) == 1
    assert (task.status, task.error["code"]) == (Status.FAILED, "upstream_account_error")
    assert not task.error["retryable"]
    assert not task.error["maybe_charged"]
    [fields] = [fields for level, _, fields in sim.log.lines if level == "error"]
    assert "VEO3_BASE_URL" in fields["detail"]


def test_a_job_whose_word_nobody_knows_is_delivered():
    sim = Simulation()
    sim.relay.endings.append({"status": "published", "videos": [{"url": f"{CDN}/video.mp4"}]})
    task = sim.run()
    assert (task.status, task.result["video_url"]) == (Status.COMPLETED, f"{CDN}/video.mp4")


def test_inward_link_is_delivered_by_the_content_route():
    """A job whose link leads inwards is delivered by the content route."""
    sim = Simulation()
    sim.relay.endings.append({"status": "completed", "video_url": "http://169.254.169.254/a"})
    task = sim.run()
    assert task.status is Status.COMPLETED
    assert task.result["video_key"]


def test_connection_never_made_is_not_accepted():
    """A connection that never came about counts as not accepted."""
    sim = Simulation()
    sim.relay.posts.append(httpx.ConnectError("refused"))
    task = sim.run()
    assert (task.status, task.attempts) == (Status.COMPLETED, 2)


def test_why_another_attempt_follows_is_in_the_log():
    sim = Simulation()
    sim.relay.posts.extend([BUSY, httpx.ConnectError("refused")])
    sim.run()
    logged = [fields for _, text, fields in sim.log.lines if text == "another attempt follows"]
    assert [each["detail"] for each in logged] == ["busy", "ConnectError"]


def test_prompt_that_a_relay_quotes_is_not_logged():
    """A relay that quotes the prompt does not bring it into the log."""
    prompt = "A grey fox crosses the frozen river at dawn"
    body = {"message": f"Rate limit reached for prompt '{prompt[:30]}…' ({prompt})"}
    sim = Simulation()
    sim.relay.posts.append(httpx.Response(429, json=body))
    sim.relay.posts.append(httpx.Response(401, json=body))
    sim.run(request=GenerationRequest(model="veo_3_1", prompt=prompt))
    logged = [fields["detail"] for _, _, fields in sim.log.lines if "detail" in fields]
    assert logged == ["Rate limit reached for prompt '……' (…)"] * 2


def test_quoted_negative_prompt_is_not_logged():
    unwanted = "blurred hands and a crowd of strangers"
    body = {"message": f"Rate limit reached ({unwanted})"}
    sim = Simulation("vertex:veo-3.1-generate-001")
    sim.relays["vertex"].posts.append(httpx.Response(429, json=body))
    sim.relays["vertex"].posts.append(httpx.Response(401, json=body))
    asked = GenerationRequest(model="veo_3_1", negative_prompt=unwanted)
    sim.run(request=asked)
    assert not any(unwanted[:9] in str(line) for line in sim.log.lines)
    assert len([fields for _, _, fields in sim.log.lines if "detail" in fields]) >= 2


@pytest.mark.parametrize(("retries", "posts"), [(0, 1), (1, 2), (5, 6)])
def test_the_number_of_further_attempts_is_a_setting(retries, posts):
    sim = Simulation(video_generation_max_retries=retries)
    sim.relay.posts.extend([BUSY] * 9)
    sim.run()
    assert len(sim.relay.orders) == posts


def test_each_attempt_waits_twice_as_long_as_the_one_before():
    sim = Simulation()
    sim.relay.posts.extend([BUSY] * 9)
    sim.run()
    assert [delay for _, delay, _ in sim.queue.sent] == [0, 5, 10, 20]


def test_delay_backoff_and_jitter_are_followed():
    sim = Simulation(video_generation_retry_delay=2.0, video_generation_retry_backoff=3.0)
    sim.jitter = 1.25
    sim.relay.posts.extend([BUSY] * 9)
    sim.run()
    assert [delay for _, delay, _ in sim.queue.sent] == [0, 3, 8, 23]  # whole seconds, up


@pytest.mark.parametrize(("asked", "waited"), [("60", 60), ("1", 5), ("86400", 900)])
def test_a_relay_that_says_when_to_come_again_is_heeded(asked, waited):
    sim = Simulation()
    sim.relay.posts.append(httpx.Response(429, headers={"retry-after": asked}))
    sim.run()
    assert sim.queue.sent[1][1] == waited


def test_the_slot_is_free_while_an_attempt_waits():
    sim = Simulation(video_generation_retry_delay=600.0)
    sim.relay.posts.append(BUSY)
    task_id = sim.submit()
    assert sim.work()
    task = sim.task(task_id)
    assert sim.clock() == START
    assert (task.status, task.lease_owner, task.intent_at) == (Status.PROCESSING, "", None)
    assert [letter.visible_at for letter in sim.queue.letters] == [START + 600]


def test_nobody_takes_up_an_attempt_that_still_waits():
    sim = Simulation(video_generation_retry_delay=600.0)
    sim.relay.posts.append(BUSY)
    task_id = sim.submit()
    sim.work()
    sim.queue.send(task_id)
    sim.clock.advance(590)
    sim.work()
    sim.tick()
    assert len(sim.relay.orders) == 1
    sim.clock.advance(10)
    sim.work()
    assert len(sim.relay.orders) == 2


def test_a_beat_after_a_task_was_given_back_does_not_lock_it():
    sim = Simulation()
    sim.relay.posts.append(BUSY)
    task_id = sim.submit()
    sim.at_event["send"] = lambda: sim.clock.advance(14)  # a renewal would be due
    sim.work()
    assert sim.store.kinds["renew"] == 0
    sim.clock.advance(5)
    sim.work()
    assert sim.task(task_id).status is Status.COMPLETED


def test_a_job_that_failed_for_the_moment_is_ordered_anew():
    sim = Simulation()
    sim.relay.endings.extend([failed("HIGH_TRAFFIC"), failed("INTERNAL_ERROR")])
    task = sim.run()
    assert (task.status, task.attempts) == (Status.COMPLETED, 3)
    assert task.upstream_id == "video:3"
    assert task.failed_upstream_ids == ["video:1", "video:2"]
    keys = [request.headers["idempotency-key"] for request in sim.relay.orders]
    assert keys == [f"{task.task_id}-{number}" for number in (1, 2, 3)]


def test_a_second_attempt_says_the_same_words():
    sim = Simulation()
    sim.relay.posts.append(BUSY)
    sim.run()
    first, second = map(form_of, sim.relay.orders)
    assert first == second


# --- the audio filter, and refusals that are final


def test_the_audio_filter_has_two_more_attempts_of_its_own():
    sim = Simulation()
    sim.relay.endings.extend([AUDIO] * 9)
    task = sim.run()
    assert (task.attempts, task.audio_refusals) == (3, 2)
    assert task.error["message"].startswith("Audio filtered")
    assert (task.error["code"], task.error["retryable"]) == ("audio_filtered", False)


def test_audio_refusals_and_other_refusals_are_counted_apart():
    sim = Simulation()
    sim.relay.endings.extend([AUDIO, TRAFFIC, AUDIO, TRAFFIC, TRAFFIC])
    task = sim.run()
    assert (task.status, task.attempts) == (Status.COMPLETED, 6)


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        (failed("PUBLIC_ERROR_PROMINENT_PEOPLE_UPLOAD"), "content_policy_violation"),
        (failed("insufficient_user_quota"), "upstream_account_error"),
        (failed("SOMETHING_ELSE"), "generation_failed"),
    ],
)
def test_a_job_that_was_refused_for_good_is_not_ordered_again(ending, code):
    sim = Simulation()
    sim.relay.endings.append(ending)
    task = sim.run()
    assert task.status is Status.FAILED
    assert (task.error["code"], task.error["retryable"]) == (code, False)
    assert len(sim.relay.orders) == 1


@pytest.mark.parametrize(
    ("status", "code"), [(400, "upstream_rejected"), (401, "upstream_account_error")]
)
def test_an_order_that_was_refused_for_good_is_not_sent_again(status, code):
    sim = Simulation()
    sim.relay.posts.append(httpx.Response(status, json={}))
    task = sim.run()
    assert (task.error["code"], task.error["maybe_charged"]) == (code, False)
    assert len(sim.relay.orders) == 1


def test_a_refused_account_is_the_operators_business_alone():
    sim = Simulation()
    body = {"error": {"code": "insufficient_user_quota", "message": "Top up at example.com"}}
    sim.relay.posts.append(httpx.Response(403, json=body))
    task = sim.run()
    (error,) = (fields for level, _, fields in sim.log.lines if level == "error")
    told_at = {"provider": "relay", "route": "relay:veo_3_1"}
    assert error == {**told_at, "detail": "Top up at example.com"}
    assert "Top up" not in task.error["message"]


# --- answers that say nothing


LOST = [
    httpx.ReadTimeout("no answer"),
    httpx.RemoteProtocolError("cut"),
    *[httpx.Response(status) for status in (408, 504, 520, 524)],
    httpx.Response(200, json={"status": "queued"}),
    httpx.Response(201, text="<html>"),
]


@pytest.mark.parametrize("response", LOST, ids=str)
def test_order_with_a_lost_answer_ends_the_task(response):
    sim = Simulation()
    sim.relay.posts.append(response)
    task = sim.run()
    assert len(sim.relay.orders) == 1
    assert task.status is Status.FAILED
    assert task.error["type"] == "ServiceError"
    assert task.error["code"] == "upstream_submit_unknown"
    assert task.error["retryable"]
    assert task.error["maybe_charged"]


@pytest.mark.parametrize("response", LOST, ids=str)
def test_a_caller_may_choose_to_order_again_all_the_same(response):
    sim = Simulation(veo3_ambiguous_submit="retry")
    sim.relay.posts.append(response)
    task = sim.run()
    assert (task.status, task.unknown_submits) == (Status.COMPLETED, 1)
    # A relay that knows the header does not take a second payment.
    assert len({request.headers["idempotency-key"] for request in sim.relay.orders}) == 1


@pytest.mark.parametrize("policy", ["fail", "retry"])
@pytest.mark.parametrize("status", [400, 404, 409])
def test_a_4xx_that_names_an_open_job_is_never_repeated(status, policy):
    sim = Simulation(veo3_ambiguous_submit=policy)
    sim.relay.posts.append(httpx.Response(status, json={"id": "v9", "status": "queued"}))
    task = sim.run()
    assert len(sim.relay.orders) == 1
    assert (task.error["code"], task.error["maybe_charged"]) == ("upstream_submit_unknown", True)


NAMED = {"id": "video_9", "status": "queued", "request_id": "r", "data": {"task_id": "t9"}}


@pytest.mark.parametrize("status", [502, 504])
def test_ids_of_an_unclear_answer_are_kept(status):
    """By them the provider's bill knows the job; `request_id` names no job."""
    sim = Simulation()
    sim.relay.posts.append(httpx.Response(status, json=NAMED))
    task = sim.run()
    assert task.error["code"] == "upstream_submit_unknown"
    assert task.failed_upstream_ids == ["video_9", "t9"]
    assert (task.upstream_id, task.late_upstream_ids) == (None, [])
    assert len(sim.relay.orders) == 1


def test_ids_of_an_unclear_answer_are_kept_when_it_is_repeated():
    sim = Simulation(veo3_ambiguous_submit="retry")
    sim.relay.posts.append(httpx.Response(504, json=NAMED))
    task = sim.run()
    assert (task.status, task.upstream_id) == (Status.COMPLETED, "video:1")
    assert task.failed_upstream_ids == ["video_9", "t9"]


@pytest.mark.parametrize(
    ("answer", "orders"),
    [
        (httpx.Response(400, json=NAMED | {"status": "failed"}), 1),
        (httpx.Response(429, json=NAMED), 4),
    ],
    ids=["for good", "for the moment"],
)
def test_ids_of_a_refused_order_are_kept_once(answer, orders):
    sim = Simulation()
    sim.relay.posts.extend([answer] * 9)
    task = sim.run()
    assert (task.status, len(sim.relay.orders)) == (Status.FAILED, orders)
    assert not task.error["maybe_charged"]
    assert task.failed_upstream_ids == ["video_9", "t9"]


def test_ids_of_an_answer_without_end_are_bounded():
    sim = Simulation()
    keys = ("id", "task_id", "video_id", "job_id", "run_id")
    answer = {each: {key: f"{each}-{key}" for key in keys} for each in ("data", "output")}
    sim.relay.posts.append(httpx.Response(504, json=answer))
    assert len(sim.run().failed_upstream_ids) == MAX_IDS


@pytest.mark.parametrize("ending", ["cancel", "delete"])
def test_ids_of_an_unclear_answer_stay_beside_an_ended_task(ending):
    sim = Simulation()
    sim.relay.posts.append(httpx.Response(504, json=NAMED))
    task_id = sim.submit()
    sim.at_event["post"] = lambda: getattr(sim.cancellation, ending)(task_id, OWNER)
    sim.settle()
    task = sim.task(task_id)
    assert task.status is (Status.CANCELLED if ending == "cancel" else Status.DELETED)
    assert task.failed_upstream_ids == ["video_9", "t9"]
    assert sim.relay.polls == []


def test_key_is_reused_only_for_a_lost_answer():
    """A key is used again only for an order whose answer was lost."""
    sim = Simulation(veo3_ambiguous_submit="retry")
    sim.relay.posts.extend([BUSY, httpx.ReadTimeout(""), BUSY])
    task = sim.run()
    keys = [request.headers["idempotency-key"].rpartition("-")[2] for request in sim.relay.orders]
    assert task.status is Status.COMPLETED
    assert keys == ["1", "2", "2", "3"]


def test_lost_answers_count_as_attempts_and_maybe_charged():
    sim = Simulation(veo3_ambiguous_submit="retry")
    sim.relay.posts.extend([httpx.ReadTimeout("")] * 3 + [BUSY] * 9)
    task = sim.run()
    assert task.attempts == 4
    assert (task.error["code"], task.error["maybe_charged"]) == ("service_unavailable", True)
