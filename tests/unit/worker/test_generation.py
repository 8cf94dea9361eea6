"""A worker's life with a task: what it asks the relay, what it writes, and how the task ends."""

import httpx
import pytest

from tests.support.fake_relay import CDN, failed
from tests.support.fakes import START, Crash
from tests.support.simulation import OWNER, Simulation
from videoapi.domain import transitions
from videoapi.domain.tasks import GenerationRequest, Status
from videoapi.errors import ServiceError

BUSY = httpx.Response(503, json={"error": {"message": "busy"}})


def crash():
    raise Crash


def away_for(sim, seconds):
    """Return what takes the table away for so many seconds."""
    return lambda: setattr(sim.store, "away_until", sim.clock() + seconds)


# --- the good way


def test_a_task_becomes_a_video():
    sim = Simulation()
    task = sim.run()
    assert task.status is Status.COMPLETED
    assert task.progress == 100
    assert task.attempts == 1
    assert task.prompt_sent == "A fox"
    assert task.result["video_url"] == f"{CDN}/video.mp4"
    assert task.error is None
    assert task.expires_at == int(sim.clock()) + 24 * 3600
    assert (task.due_at, task.lease_owner) == (None, "")


def test_duration_counts_from_the_claim():
    sim = Simulation()
    task_id = sim.submit()
    sim.clock.advance(100)
    sim.settle()
    assert 30 <= sim.task(task_id).result["duration"] <= 31


def test_intent_is_written_before_the_post_and_the_id_after():
    sim = Simulation()
    seen = []
    task_id = sim.submit()
    sim.at_event["post"] = lambda: seen.append(sim.task(task_id))
    sim.at_event["look"] = lambda: seen.append(sim.task(task_id))
    sim.settle()
    before, after = seen
    assert before.intent_at is not None
    assert (before.attempts, before.upstream_id) == (1, None)
    assert (after.upstream_id, after.accepted_at) == ("video:1", "2026-01-11T10:30:00.000Z")


def test_a_video_is_ordered_once_and_polled_seldom():
    sim = Simulation()
    sim.relay.takes = 60.0
    sim.run()
    assert len(sim.relay.orders) == 1
    assert len(sim.relay.polls) <= 13


def test_the_end_is_seen_within_a_second():
    sim = Simulation()
    sim.run()
    assert sim.clock() - sim.relay.jobs[0].until <= 1


def test_a_video_costs_six_writes_and_one_for_every_five_seconds():
    sim = Simulation()
    sim.relay.takes = 90.0
    sim.run()
    writes = sim.store.kinds
    renewals = writes.pop("renew")
    once = ("create", "claim", "begin_attempt", "accept", "note done", "completed")
    assert writes == dict.fromkeys(once, 1)
    assert renewals <= 90 / 5


def test_progress_never_falls_and_keeps_100_for_the_end():
    """Progress is shown, never goes back and keeps 100 for the end."""
    sim = Simulation()
    says = [30, "45%", 20, None, 100, 80]
    sim.relay.looks.extend(
        httpx.Response(200, json={"status": "processing", "progress": each}) for each in says
    )
    task_id = sim.submit()
    sim.settle()
    shown = [row["progress"] for row in sim.store.history[task_id]]
    assert shown == sorted(shown)
    assert set(shown) == {0, 45, 99, 100}
    assert shown[-2:] == [99, 100]


def test_a_pending_task_that_was_cancelled_is_never_ordered():
    sim = Simulation()
    task_id = sim.submit()
    sim.cancellation.cancel(task_id, OWNER)
    assert sim.work()
    assert not sim.relay.requests
    assert not sim.queue.letters
    assert not sim.task(task_id).maybe_charged


def test_a_message_without_a_task_is_dropped():
    sim = Simulation()
    sim.queue.send("vid_unknown")
    assert sim.work()
    assert not sim.store.rows
    assert not sim.queue.letters


def test_a_second_delivery_is_dropped_while_the_lease_lives():
    sim = Simulation()
    task_id = sim.submit()
    sim.queue.send(task_id)
    sim.at_event["post"] = sim.work
    sim.settle()
    assert len(sim.relay.orders) == 1
    assert sim.store.kinds["claim"] == 1
    assert not sim.queue.letters


def test_a_slow_post_does_not_lose_the_lease():
    sim = Simulation()
    sim.relay.posts.append(lambda _: sim.clock.advance(100))
    task = sim.run()
    assert task.status is Status.COMPLETED
    assert sim.store.kinds["claim"] == 1


def test_neither_prompt_nor_key_nor_url_is_logged():
    sim = Simulation(veo3_skip_upload=False)
    sim.relay.video = {"video_url": f"{CDN}/video.mp4?X-Amz-Signature=abc"}
    sim.run(request=GenerationRequest(model="veo_3_1", prompt="A secret fox"))
    logged = str(sim.log.lines)
    assert not any(word in logged for word in ("secret", "sk-relay", "Signature", "cdn.example"))


# --- polls


def test_failed_poll_is_repeated_without_a_new_order():
    """A poll that fails is repeated and nothing is ordered again."""
    sim = Simulation()
    sim.relay.looks.extend(
        [httpx.ReadTimeout(""), httpx.Response(500), httpx.Response(200, text="<html>")] * 3
    )
    task = sim.run()
    assert task.status is Status.COMPLETED
    assert len(sim.relay.orders) == 1


UNKNOWN_JOB = [httpx.Response(404), httpx.Response(400, text="task_not_exist")]
REFUSED = [
    *[httpx.Response(status) for status in (401, 402, 403)],
    httpx.Response(403, text="<html>Just a moment…</html>", headers={"cf-mitigated": "challenge"}),
    httpx.Response(503, text="<html>"),
]


def looks_for(sim, seconds, answer):
    """Let each look say this from the first one on, for some time; then the relay behaves."""
    until = sim.clock() + seconds

    def look(_request):
        if sim.clock() < until:
            sim.relay.looks.appendleft(look)
            return answer
        return None

    sim.relay.looks.append(look)


@pytest.mark.parametrize("response", UNKNOWN_JOB, ids=["404", "400"])
def test_job_unknown_to_a_replica_is_not_lost(response):
    sim = Simulation()
    looks_for(sim, 55, response)
    assert sim.run().status is Status.COMPLETED
    assert len(sim.relay.orders) == 1


@pytest.mark.parametrize("response", UNKNOWN_JOB, ids=["404", "400"])
def test_a_job_that_is_unknown_for_a_minute_is_lost(response):
    sim = Simulation()
    looks_for(sim, 3600, response)
    task = sim.run()
    assert (task.error["code"], task.error["retryable"]) == ("upstream_job_lost", True)
    assert task.error["maybe_charged"]
    assert len(sim.relay.orders) == 1
    assert 60 <= sim.relay.polls[-1] - sim.relay.polls[0] <= 70
    assert len(sim.relay.polls) <= 14


@pytest.mark.parametrize("response", REFUSED, ids=["401", "402", "403", "challenge", "503"])
def test_a_look_that_is_refused_says_nothing_of_the_job(response):
    sim = Simulation()
    looks_for(sim, 1500, response)
    assert sim.run().status is Status.COMPLETED
    assert len(sim.relay.orders) == 1


@pytest.mark.parametrize("status", [401, 402, 403])
def test_key_refused_until_the_deadline_is_reported(status):
    sim = Simulation()
    looks_for(sim, 36_000, httpx.Response(status))
    sim.relay.contents.append(httpx.Response(status))
    task = sim.run()
    assert (task.error["code"], task.error["retryable"]) == ("upstream_account_error", False)
    assert task.error["maybe_charged"]
    assert 1800 <= sim.clock() - START <= 1812


SAID_ONCE = [
    {"status": "failed", "message": "Service unavailable, try again later"},
    {"success": False, "status": "failed", "error": {"code": 503, "message": "no upstream"}},
    {"status": "FAILURE", "code": "internal_error", "message": "get_channel_failed"},
    {"code": "rate_limit_exceeded", "status": "failed", "data": None},
    {"id": "video:1", "status": "error", "error": {"message": "rate_limit"}},
    {"id": "video:1", "status": "failed", "error": {"code": "HIGH_TRAFFIC"}},
    {"id": "video:1", "status": "failed", "error": {"code": "AUDIO_FILTERED"}},
    {"id": "video:1", "status": "failed", "error": {"code": "CONTENT_POLICY_VIOLATION"}},
    {"status": "cancelled"},
    {"status": "expired", "error": "internal_error"},
]


@pytest.mark.parametrize("response", SAID_ONCE, ids=str)
def test_one_look_ends_no_job_and_pays_for_no_other(response):
    sim = Simulation()
    sim.relay.looks.append(httpx.Response(200, json=response))
    task = sim.run()
    assert task.status is Status.COMPLETED
    assert len(sim.relay.jobs) == 1


@pytest.mark.parametrize("response", SAID_ONCE[:4], ids=str)
def test_answers_that_name_no_job_never_pay_for_another(response):
    sim = Simulation()
    looks_for(sim, 1500, httpx.Response(200, json=response))
    task = sim.run()
    assert task.status is Status.COMPLETED
    assert len(sim.relay.jobs) == 1


def test_unconfirmed_failure_is_not_polled_without_pause():
    """A failure that nobody confirms is not asked for without pause."""
    sim = Simulation(video_task_timeout=300)
    sim.relay.takes = 9999.0
    response = httpx.Response(200, json={"id": "video:1", **failed("HIGH_TRAFFIC")})
    sim.relay.looks.extend([response, *[httpx.Response(500)] * 999])
    sim.relay.contents.append(httpx.Response(404))
    assert sim.run().error["code"] == "task_timeout"
    assert len(sim.relay.polls) < 120


def test_failure_is_certain_after_five_seconds():
    sim = Simulation()
    sim.relay.takes = 20.0
    sim.relay.endings.append(failed("CONTENT_POLICY_VIOLATION"))
    task = sim.run()
    assert task.error["code"] == "content_policy_violation"
    first, last = sim.relay.polls[-2:]
    assert 5 <= last - first <= 6


@pytest.mark.parametrize(("asked", "waited"), [("20", 20), ("900", 30), ("1", 1), ("0", 0.75)])
def test_a_poll_waits_as_long_as_the_relay_asks_within_reason(asked, waited):
    sim = Simulation()
    sim.relay.looks.append(httpx.Response(429, headers={"retry-after": asked}))
    sim.run()
    first, second, *_ = sim.relay.polls
    assert second - first == waited


def test_the_time_that_a_poll_takes_is_part_of_the_wait():
    sim = Simulation()
    sim.relay.looks.append(lambda _: sim.clock.advance(1.5))
    sim.run()
    first, second, *_ = sim.relay.polls
    assert second - first == 3.0


@pytest.mark.parametrize("passed", [0, 1.5])
def test_new_job_is_polled_after_two_seconds(passed):
    sim = Simulation()
    sim.at_event["accept written"] = lambda: sim.clock.advance(passed)
    sim.run()
    assert sim.relay.polls[0] - START == pytest.approx(2)


def test_a_job_that_is_resumed_is_looked_at_at_once():
    sim = Simulation()
    sim.submit()
    sim.at_event["accept written"] = crash
    sim.work()
    sim.clock.advance(42)
    resumed = sim.clock()
    sim.settle()
    assert sim.relay.polls[0] == resumed


# --- the deadline and the hand-over


def test_a_task_ends_when_its_job_s_time_is_up():
    sim = Simulation(video_task_timeout=100)
    sim.relay.takes = 10_000.0
    sim.relay.contents.append(httpx.Response(400, json={"message": "not completed"}))
    task = sim.run()
    assert task.error == {
        "type": "ServiceError",
        "message": "No video after 100 s.",
        "code": "task_timeout",
        "retryable": True,
        "maybe_charged": True,
    }
    assert 100 <= sim.clock() - START <= 112
    assert sim.events.count("content") == 1


def test_video_of_the_content_route_is_delivered_at_the_deadline():
    sim = Simulation(video_task_timeout=100)
    sim.relay.takes = 10_000.0
    task = sim.run()
    assert task.status is Status.COMPLETED
    assert task.result["size_bytes"] > 0


def test_the_deadline_counts_from_the_acceptance_of_the_job():
    sim = Simulation(video_task_timeout=100, video_generation_retry_delay=200.0)
    sim.relay.posts.extend([BUSY] * 3)
    task_id = sim.submit()
    sim.clock.advance(500)
    sim.settle()
    task = sim.task(task_id)
    assert (task.status, task.attempts) == (Status.COMPLETED, 4)


def test_a_job_posted_late_has_its_whole_time():
    """429 with long Retry-Afters: the third POST comes 1,785 s after the first claim."""
    sim = Simulation()
    sim.relay.posts.extend(
        httpx.Response(429, headers={"retry-after": str(wait)}) for wait in (900, 885)
    )
    assert sim.run().status is Status.COMPLETED
    assert len(sim.relay.jobs) == 1


def test_a_second_job_has_a_deadline_of_its_own():
    sim = Simulation(video_task_timeout=100)
    sim.relay.takes = 80.0
    sim.relay.endings.append(failed("HIGH_TRAFFIC"))
    assert sim.run().status is Status.COMPLETED
    assert len(sim.relay.jobs) == 2


def test_attempts_of_a_task_in_a_long_backlog_are_not_cut_short():
    sim = Simulation()
    tasks = [sim.submit() for _ in range(100)]
    sim.relay.posts.extend([BUSY] * 50)
    sim.settle(within=10_000)
    assert {sim.task(task_id).status for task_id in tasks} == {Status.COMPLETED}


def test_a_paid_job_is_looked_at_first_however_late_it_is():
    sim = Simulation(video_task_timeout=100)
    task_id = sim.submit()
    sim.at_event["look"] = crash
    sim.work()
    sim.clock.advance(5000)
    sim.settle()
    assert sim.task(task_id).status is Status.COMPLETED


def test_ready_video_is_delivered_however_little_time_is_left():
    sim = Simulation()
    sim.relay.takes = 825.0
    task_id = sim.submit()
    assert sim.work()
    assert sim.task(task_id).status is Status.COMPLETED
    assert sim.store.kinds["release"] == 0


def test_a_long_generation_is_handed_over_and_resumed():
    sim = Simulation()
    sim.relay.takes = 1700.0
    task = sim.run()
    assert task.status is Status.COMPLETED
    assert sim.store.kinds["release"] == 2
    assert len(sim.relay.orders) == 1
    assert sim.store.kinds["accept"] == 1


def test_handover_is_a_fresh_message():
    """A hand-over is a fresh message so that receives count crashes alone."""
    sim = Simulation()
    sim.relay.takes = 1700.0
    sim.submit()
    sim.work()
    assert [letter.received for letter in sim.queue.letters] == [0]


@pytest.mark.parametrize(("seconds", "event"), [(259, "post"), (59, "look")])
def test_a_step_is_not_begun_without_the_time_for_it(seconds, event):
    sim = Simulation()
    task_id = sim.submit()
    if event == "look":
        sim.at_event["look"] = lambda: sim.clock.advance(850)
        sim.work()
    before = sim.events.count(event)
    sim.work(seconds)
    assert sim.events.count(event) == before
    assert sim.task(task_id).lease_owner == ""
    sim.settle()
    assert sim.task(task_id).status is Status.COMPLETED


def test_a_video_is_not_fetched_without_the_time_for_it():
    sim = Simulation(veo3_skip_upload=False)
    sim.relay.takes = 1.0
    task_id = sim.submit()
    sim.work(seconds=299)
    assert not sim.downloads
    sim.settle()
    assert sim.task(task_id).status is Status.COMPLETED
    assert len(sim.relay.orders) == 1


# --- the paid job's id


def test_paid_id_is_saved_through_a_short_table_outage():
    """A paid id is saved although the table is away for some seconds."""
    sim = Simulation()
    sim.at_event["posted"] = lambda: setattr(sim.store, "away", 6)
    task = sim.run()
    assert (task.status, task.upstream_id) == (Status.COMPLETED, "video:1")
    assert sim.store.kinds["claim"] == 1


@pytest.mark.parametrize("seconds", [17, 45, 120, 600])
@pytest.mark.parametrize("policy", ["fail", "retry"])
def test_paid_id_outlives_an_outage_of_the_table(seconds, policy):
    """The relay's answer lives in this process alone: it is written until the time is up."""
    sim = Simulation(veo3_ambiguous_submit=policy)
    sim.at_event["posted"] = away_for(sim, seconds)
    task = sim.run()
    assert (task.status, task.upstream_id) == (Status.COMPLETED, "video:1")
    assert (len(sim.relay.orders), task.unknown_submits) == (1, 0)


@pytest.mark.parametrize("seconds", [17, 45, 600])
def test_refusal_outlives_an_outage_of_the_table(seconds):
    """A "not accepted" that is forgotten would read as an order of unknown outcome."""
    sim = Simulation()
    sim.relay.posts.append(BUSY)
    sim.at_event["posted"] = away_for(sim, seconds)
    task = sim.run()
    assert (task.status, task.maybe_charged) == (Status.COMPLETED, True)
    assert (task.attempts, len(sim.relay.orders), len(sim.relay.jobs)) == (2, 2, 1)


def test_final_refusal_outlives_an_outage_of_the_table():
    sim = Simulation()
    sim.relay.posts.append(httpx.Response(400, json={"error": {"code": "nsfw"}}))
    sim.at_event["posted"] = away_for(sim, 60)
    error = sim.run().error
    assert (error["code"], error["maybe_charged"]) == ("content_policy_violation", False)


def test_late_id_outlives_an_outage_of_the_table():
    sim = Simulation()
    task_id = sim.submit()

    def cancel_and_go_away():
        sim.cancellation.cancel(task_id, OWNER)
        sim.at_event["accept"] = away_for(sim, 60)

    sim.at_event["posted"] = cancel_and_go_away
    sim.work()
    assert sim.task(task_id).late_upstream_ids == ["video:1"]


@pytest.mark.parametrize("lost", [1, 7, 8, 14])
def test_lost_answers_of_an_intent_are_no_order(lost):
    """The intent lands, its answers and repetitions are lost: nothing was posted, so it is undone.

    Up to 14 answers: those of the release that follows are lost, too.
    """
    sim = Simulation()

    def lose_answers():
        sim.store.away = lost - 1
        raise ServiceError("The task table does not answer just now.")

    sim.at_event["begin_attempt written"] = lose_answers
    task = sim.run()
    assert task.error is None
    assert (task.status, task.attempts, len(sim.relay.orders)) == (Status.COMPLETED, 1, 1)


def test_intent_that_landed_in_an_outage_is_undone_after_it():
    sim = Simulation()
    written = []

    def lose_answers():
        written.append(sim.clock())
        away_for(sim, 300)()
        raise ServiceError("The task table does not answer just now.")

    sim.at_event["begin_attempt written"] = lose_answers
    task = sim.run()
    assert written
    assert task.error is None
    assert (task.status, task.attempts, len(sim.relay.orders)) == (Status.COMPLETED, 1, 1)


def test_unsaved_paid_id_is_logged_and_not_ordered_again():
    sim = Simulation()
    sim.at_event["posted"] = away_for(sim, 1000)
    task_id = sim.submit()
    sim.work()
    sim.settle()
    task = sim.task(task_id)
    assert task.error["code"] == "upstream_submit_unknown"
    assert len(sim.relay.orders) == 1
    assert (
        "info",
        "the order was accepted",
        {"upstream_id": "video:1", "provider": "relay"},
    ) in sim.log.lines


def test_paid_id_is_saved_beside_a_cancelled_task():
    """A paid id is saved beside a task that was cancelled while the table was away."""
    sim = Simulation()
    task_id = sim.submit()

    def cancel_and_go_away():
        sim.cancellation.cancel(task_id, OWNER)
        sim.store.away = 3

    sim.at_event["posted"] = cancel_and_go_away
    sim.settle()
    sim.work()
    task = sim.task(task_id)
    assert (task.status, task.late_upstream_ids) == (Status.CANCELLED, ["video:1"])


def test_table_outage_of_minutes_costs_the_lease_alone():
    sim = Simulation()
    sim.relay.takes = 300.0
    task_id = sim.submit()
    sim.at_event["look"] = lambda: setattr(sim.store, "away", 10_000)
    sim.work()
    assert not sim.task(task_id).ended
    sim.store.away = 0
    sim.settle()
    assert sim.task(task_id).status is Status.COMPLETED
    assert len(sim.relay.orders) == 1


def test_id_saved_without_an_answer_is_no_late_one():
    """An id that was saved although the table did not say so is no late one."""
    sim = Simulation()

    def lose_the_answer():
        raise ServiceError("The task table does not answer just now.")

    sim.at_event["accept written"] = lose_the_answer
    task = sim.run()
    assert (task.status, task.late_upstream_ids) == (Status.COMPLETED, [])
    assert sim.store.kinds["claim"] == 1


def test_replaced_worker_saves_its_id_and_stops():
    sim = Simulation()
    task_id = sim.submit()

    def replace_it():
        with sim.clock.frozen():
            sim.clock.advance(43)
        claim = transitions.claim("another", now=sim.clock(), lease_seconds=40)
        assert sim.store.apply(task_id, claim)

    sim.at_event["posted"] = replace_it
    sim.work()
    task = sim.task(task_id)
    assert (task.upstream_id, task.lease_owner) == ("video:1", "another")
    assert not sim.relay.polls


def test_answer_before_the_next_order_is_taken_over():
    sim = Simulation(veo3_ambiguous_submit="retry")

    def stall():
        with sim.clock.frozen():
            sim.clock.advance(43)
            sim.work()  # finds an intent without an id, and plans another attempt

    sim.at_event["posted"] = stall
    task = sim.run()
    assert (task.status, task.upstream_id) == (Status.COMPLETED, "video:1")
    assert (task.unknown_submits, task.maybe_charged) == (1, True)
    assert len(sim.relay.orders) == 1


def test_answer_after_the_next_order_is_noted_beside_it():
    sim = Simulation(veo3_ambiguous_submit="retry")
    sim.relay.takes = 400.0

    def stall():
        with sim.clock.frozen():
            sim.clock.advance(43)
            sim.work()  # finds an intent without an id, and plans another attempt
            sim.clock.advance(5)
            sim.work(seconds=300)  # orders again, polls, hands over

    sim.at_event["posted"] = stall
    task_id = sim.submit()
    sim.work()
    assert not sim.task(task_id).ended
    sim.settle()
    task = sim.task(task_id)
    assert (task.status, task.upstream_id) == (Status.COMPLETED, "video:2")
    assert task.late_upstream_ids == ["video:1"]


def test_a_row_with_a_job_but_without_its_time_is_refused():
    sim = Simulation()
    task_id = sim.submit(upstream_id="video:1")
    with pytest.raises(ValueError, match="once its job is known"):
        sim.work()
    assert sim.task(task_id).status is Status.PROCESSING


def test_cancel_while_an_attempt_is_written_is_not_posted():
    """The write lands, its answer is lost, and the caller cancels before it is repeated."""
    sim = Simulation()
    task_id = sim.submit()

    def cancelled():
        sim.cancellation.cancel(task_id, OWNER)
        raise ServiceError("The answer was lost.")

    sim.at_event["begin_attempt written"] = cancelled
    sim.settle()
    assert (sim.task(task_id).status, sim.relay.orders) == ("cancelled", [])


@pytest.mark.parametrize(("policy", "orders"), [("fail", 0), ("retry", 1)])
def test_takeover_while_an_attempt_is_written_is_not_posted(policy, orders):
    """The answer is lost, the lease runs out, and another worker takes the task over."""
    sim = Simulation(veo3_ambiguous_submit=policy)
    task_id = sim.submit()

    def taken_over():
        with sim.clock.frozen():
            sim.clock.advance(43)
            sim.generation.run(sim.message(task_id))
        raise ServiceError("The answer was lost.")

    sim.at_event["begin_attempt written"] = taken_over
    sim.settle()
    assert len(sim.relay.orders) == orders
