"""When an order is sent again, how long that waits, and when never: contract §4 and §6."""

import httpx
import pytest

from tests.support.fake_relay import CDN, failed, form_of
from tests.support.fakes import START
from tests.support.simulation import World
from videoapi.domain.tasks import GenerationRequest, Status

BUSY = httpx.Response(503, json={"error": {"message": "busy"}})
AUDIO = failed("PUBLIC_ERROR_AUDIO_FILTERED")
TRAFFIC = failed("HIGH_TRAFFIC")


# --- answers that say "not accepted"


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_an_order_that_was_not_accepted_is_sent_again_three_times(status):
    world = World()
    world.relay.posts.extend(httpx.Response(status, json={}) for _ in range(9))
    task = world.run()
    assert len(world.relay.orders) == task.attempts == 4
    assert task.error == {
        "type": "ServiceError",
        "message": "Service temporarily unavailable",
        "code": "service_unavailable",
        "retryable": True,
        "maybe_charged": False,
    }


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirected_order_ends_for_good_and_the_log_names_the_setting(status):
    world = World()
    world.relay.posts.append(httpx.Response(status, headers={"location": "foo:bar"}))
    task = world.run()
    assert len(world.relay.orders) == 1
    assert (task.status, task.error["code"]) == (Status.FAILED, "upstream_account_error")
    assert not task.error["retryable"]
    assert not task.error["maybe_charged"]
    [fields] = [fields for level, _, fields in world.log.lines if level == "error"]
    assert "VEO3_BASE_URL" in fields["detail"]


def test_a_job_whose_word_nobody_knows_is_delivered():
    world = World()
    world.relay.endings.append({"status": "published", "videos": [{"url": f"{CDN}/video.mp4"}]})
    task = world.run()
    assert (task.status, task.result["video_url"]) == (Status.COMPLETED, f"{CDN}/video.mp4")


def test_a_job_whose_link_leads_inwards_is_delivered_by_the_content_route():
    world = World()
    world.relay.endings.append({"status": "completed", "video_url": "http://169.254.169.254/a"})
    task = world.run()
    assert task.status is Status.COMPLETED
    assert task.result["video_key"]


def test_a_connection_that_never_came_about_counts_as_not_accepted():
    world = World()
    world.relay.posts.append(httpx.ConnectError("refused"))
    task = world.run()
    assert (task.status, task.attempts) == (Status.COMPLETED, 2)


def test_why_another_attempt_follows_is_in_the_log():
    world = World()
    world.relay.posts.extend([BUSY, httpx.ConnectError("refused")])
    world.run()
    told = [fields for _, text, fields in world.log.lines if text == "another attempt follows"]
    assert [each["detail"] for each in told] == ["busy", "ConnectError"]


def test_a_relay_that_quotes_the_prompt_does_not_bring_it_into_the_log():
    prompt = "A grey fox crosses the frozen river at dawn"
    said = {"message": f"Rate limit reached for prompt '{prompt[:30]}…' ({prompt})"}
    world = World()
    world.relay.posts.append(httpx.Response(429, json=said))
    world.relay.posts.append(httpx.Response(401, json=said))
    world.run(request=GenerationRequest(model="veo_3_1", prompt=prompt))
    told = [fields["detail"] for _, _, fields in world.log.lines if "detail" in fields]
    assert told == ["Rate limit reached for prompt '……' (…)"] * 2


@pytest.mark.parametrize(("retries", "posts"), [(0, 1), (1, 2), (5, 6)])
def test_the_number_of_further_attempts_is_a_setting(retries, posts):
    world = World(video_generation_max_retries=retries)
    world.relay.posts.extend([BUSY] * 9)
    world.run()
    assert len(world.relay.orders) == posts


def test_each_attempt_waits_twice_as_long_as_the_one_before():
    world = World()
    world.relay.posts.extend([BUSY] * 9)
    world.run()
    assert [delay for _, delay, _ in world.queue.sent] == [0, 5, 10, 20]


def test_delay_backoff_and_jitter_are_followed():
    world = World(video_generation_retry_delay=2.0, video_generation_retry_backoff=3.0)
    world.jitter = 1.25
    world.relay.posts.extend([BUSY] * 9)
    world.run()
    assert [delay for _, delay, _ in world.queue.sent] == [0, 3, 8, 23]  # whole seconds, up


@pytest.mark.parametrize(("asked", "waited"), [("60", 60), ("1", 5), ("86400", 900)])
def test_a_relay_that_says_when_to_come_again_is_heeded(asked, waited):
    world = World()
    world.relay.posts.append(httpx.Response(429, headers={"retry-after": asked}))
    world.run()
    assert world.queue.sent[1][1] == waited


def test_the_slot_is_free_while_an_attempt_waits():
    world = World(video_generation_retry_delay=600.0)
    world.relay.posts.append(BUSY)
    task_id = world.submit()
    assert world.work()
    task = world.task(task_id)
    assert world.clock() == START
    assert (task.status, task.lease_owner, task.intent_at) == (Status.PROCESSING, "", None)
    assert [letter.visible_at for letter in world.queue.letters] == [START + 600]


def test_nobody_takes_up_an_attempt_that_still_waits():
    world = World(video_generation_retry_delay=600.0)
    world.relay.posts.append(BUSY)
    task_id = world.submit()
    world.work()
    world.queue.send(task_id)
    world.clock.advance(590)
    world.work()
    world.tick()
    assert len(world.relay.orders) == 1
    world.clock.advance(10)
    world.work()
    assert len(world.relay.orders) == 2


def test_a_beat_after_a_task_was_given_back_does_not_lock_it():
    world = World()
    world.relay.posts.append(BUSY)
    task_id = world.submit()
    world.at_event["send"] = lambda: world.clock.advance(14)  # a renewal would be due
    world.work()
    assert world.store.kinds["renew"] == 0
    world.clock.advance(5)
    world.work()
    assert world.task(task_id).status is Status.COMPLETED


def test_a_job_that_failed_for_the_moment_is_ordered_anew():
    world = World()
    world.relay.endings.extend([failed("HIGH_TRAFFIC"), failed("INTERNAL_ERROR")])
    task = world.run()
    assert (task.status, task.attempts) == (Status.COMPLETED, 3)
    assert task.upstream_id == "video:3"
    keys = [request.headers["idempotency-key"] for request in world.relay.orders]
    assert keys == [f"{task.task_id}-{number}" for number in (1, 2, 3)]


def test_a_second_attempt_says_the_same_words():
    world = World()
    world.relay.posts.append(BUSY)
    world.run()
    first, second = map(form_of, world.relay.orders)
    assert first == second


# --- the audio filter, and refusals that are final


def test_the_audio_filter_has_two_more_attempts_of_its_own():
    world = World()
    world.relay.endings.extend([AUDIO] * 9)
    task = world.run()
    assert (task.attempts, task.audio_refusals) == (3, 2)
    assert task.error["message"].startswith("Audio filtered")
    assert (task.error["code"], task.error["retryable"]) == ("audio_filtered", False)


def test_audio_refusals_and_other_refusals_are_counted_apart():
    world = World()
    world.relay.endings.extend([AUDIO, TRAFFIC, AUDIO, TRAFFIC, TRAFFIC])
    task = world.run()
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
    world = World()
    world.relay.endings.append(ending)
    task = world.run()
    assert task.status is Status.FAILED
    assert (task.error["code"], task.error["retryable"]) == (code, False)
    assert len(world.relay.orders) == 1


@pytest.mark.parametrize(
    ("status", "code"), [(400, "upstream_rejected"), (401, "upstream_account_error")]
)
def test_an_order_that_was_refused_for_good_is_not_sent_again(status, code):
    world = World()
    world.relay.posts.append(httpx.Response(status, json={}))
    task = world.run()
    assert (task.error["code"], task.error["maybe_charged"]) == (code, False)
    assert len(world.relay.orders) == 1


def test_a_refused_account_is_the_operators_business_alone():
    world = World()
    said = {"error": {"code": "insufficient_user_quota", "message": "Top up at example.com"}}
    world.relay.posts.append(httpx.Response(403, json=said))
    task = world.run()
    (error,) = (fields for level, _, fields in world.log.lines if level == "error")
    assert error == {"detail": "Top up at example.com"}
    assert "Top up" not in task.error["message"]


# --- answers that say nothing


LOST = [
    httpx.ReadTimeout("no answer"),
    httpx.RemoteProtocolError("cut"),
    *[httpx.Response(status) for status in (408, 504, 520, 524)],
    httpx.Response(200, json={"status": "queued"}),
    httpx.Response(201, text="<html>"),
]


@pytest.mark.parametrize("answer", LOST, ids=str)
def test_an_order_whose_answer_was_lost_ends_the_task_and_says_so(answer):
    world = World()
    world.relay.posts.append(answer)
    task = world.run()
    assert len(world.relay.orders) == 1
    assert task.status is Status.FAILED
    assert task.error["type"] == "ServiceError"
    assert task.error["code"] == "upstream_submit_unknown"
    assert task.error["retryable"]
    assert task.error["maybe_charged"]


@pytest.mark.parametrize("answer", LOST, ids=str)
def test_a_caller_may_choose_to_order_again_all_the_same(answer):
    world = World(veo3_ambiguous_submit="retry")
    world.relay.posts.append(answer)
    task = world.run()
    assert (task.status, task.unknown_submits) == (Status.COMPLETED, 1)
    # A relay that knows the header does not take a second payment.
    assert len({request.headers["idempotency-key"] for request in world.relay.orders}) == 1


def test_a_key_is_used_again_only_for_an_order_whose_answer_was_lost():
    world = World(veo3_ambiguous_submit="retry")
    world.relay.posts.extend([BUSY, httpx.ReadTimeout(""), BUSY])
    task = world.run()
    keys = [request.headers["idempotency-key"].rpartition("-")[2] for request in world.relay.orders]
    assert task.status is Status.COMPLETED
    assert keys == ["1", "2", "2", "3"]


def test_orders_whose_answers_are_lost_count_as_attempts_and_as_maybe_charged():
    world = World(veo3_ambiguous_submit="retry")
    world.relay.posts.extend([httpx.ReadTimeout("")] * 3 + [BUSY] * 9)
    task = world.run()
    assert task.attempts == 4
    assert (task.error["code"], task.error["maybe_charged"]) == ("service_unavailable", True)
