"""A worker's life with a task: what it asks the relay, what it writes, and how the task ends."""

import httpx
import pytest

from tests.support.fake_relay import CDN, failed
from tests.support.fakes import START, Crash
from tests.support.simulation import OWNER, World
from videoapi.domain import transitions
from videoapi.domain.tasks import GenerationRequest, Status
from videoapi.errors import ServiceError

BUSY = httpx.Response(503, json={"error": {"message": "busy"}})


def crash():
    raise Crash


def away_for(world, seconds):
    """Return what takes the table away for so many seconds."""
    return lambda: setattr(world.store, "away_until", world.clock() + seconds)


# --- the good way


def test_a_task_becomes_a_video():
    world = World()
    task = world.run()
    assert task.status is Status.COMPLETED
    assert task.progress == 100
    assert task.attempts == 1
    assert task.prompt_sent == "A fox"
    assert task.result["video_url"] == f"{CDN}/video.mp4"
    assert task.error is None
    assert task.expires_at == int(world.clock()) + 24 * 3600
    assert (task.due_at, task.lease_owner) == (None, "")


def test_the_duration_counts_from_the_claim_and_not_from_the_submit():
    world = World()
    task_id = world.submit()
    world.clock.advance(100)
    world.settle()
    assert 30 <= world.task(task_id).result["duration"] <= 31


def test_the_intent_is_written_before_the_post_and_the_id_right_after_it():
    world = World()
    seen = []
    task_id = world.submit()
    world.at_event["post"] = lambda: seen.append(world.task(task_id))
    world.at_event["look"] = lambda: seen.append(world.task(task_id))
    world.settle()
    before, after = seen
    assert before.intent_at is not None
    assert (before.attempts, before.upstream_id) == (1, None)
    assert (after.upstream_id, after.accepted_at) == ("video:1", "2026-01-11T10:30:00.000Z")


def test_a_video_is_ordered_once_and_polled_seldom():
    world = World()
    world.relay.takes = 60.0
    world.run()
    assert len(world.relay.orders) == 1
    assert len(world.relay.polls) <= 13


def test_the_end_is_seen_within_a_second():
    world = World()
    world.run()
    assert world.clock() - world.relay.jobs[0].until <= 1


def test_a_video_costs_six_writes_and_one_for_every_five_seconds():
    world = World()
    world.relay.takes = 90.0
    world.run()
    writes = world.store.kinds
    renewals = writes.pop("renew")
    once = ("create", "claim", "begin_attempt", "accept", "note done", "completed")
    assert writes == dict.fromkeys(once, 1)
    assert renewals <= 90 / 5


def test_progress_is_shown_never_goes_back_and_keeps_100_for_the_end():
    world = World()
    says = [30, "45%", 20, None, 100, 80]
    world.relay.looks.extend(
        httpx.Response(200, json={"status": "processing", "progress": each}) for each in says
    )
    task_id = world.submit()
    world.settle()
    shown = [row["progress"] for row in world.store.history[task_id]]
    assert shown == sorted(shown)
    assert set(shown) == {0, 45, 99, 100}
    assert shown[-2:] == [99, 100]


def test_a_pending_task_that_was_cancelled_is_never_ordered():
    world = World()
    task_id = world.submit()
    world.cancellation.cancel(task_id, OWNER)
    assert world.work()
    assert not world.relay.requests
    assert not world.queue.letters
    assert not world.task(task_id).maybe_charged


def test_a_message_without_a_task_is_dropped():
    world = World()
    world.queue.send("vid_unknown")
    assert world.work()
    assert not world.store.rows
    assert not world.queue.letters


def test_a_second_delivery_is_dropped_while_the_lease_lives():
    world = World()
    task_id = world.submit()
    world.queue.send(task_id)
    world.at_event["post"] = world.work
    world.settle()
    assert len(world.relay.orders) == 1
    assert world.store.kinds["claim"] == 1
    assert not world.queue.letters


def test_a_slow_post_does_not_lose_the_lease():
    world = World()
    world.relay.posts.append(lambda _: world.clock.advance(100))
    task = world.run()
    assert task.status is Status.COMPLETED
    assert world.store.kinds["claim"] == 1


def test_neither_prompt_nor_key_nor_url_is_logged():
    world = World(veo3_skip_upload=False)
    world.relay.video = {"video_url": f"{CDN}/video.mp4?X-Amz-Signature=abc"}
    world.run(request=GenerationRequest(model="veo_3_1", prompt="A secret fox"))
    said = str(world.log.lines)
    assert not any(word in said for word in ("secret", "sk-relay", "Signature", "cdn.example"))


# --- polls


def test_a_poll_that_fails_is_repeated_and_nothing_is_ordered_anew():
    world = World()
    world.relay.looks.extend(
        [httpx.ReadTimeout(""), httpx.Response(500), httpx.Response(200, text="<html>")] * 3
    )
    task = world.run()
    assert task.status is Status.COMPLETED
    assert len(world.relay.orders) == 1


UNKNOWN_JOB = [httpx.Response(404), httpx.Response(400, text="task_not_exist")]
REFUSED = [
    *[httpx.Response(status) for status in (401, 402, 403)],
    httpx.Response(403, text="<html>Just a moment…</html>", headers={"cf-mitigated": "challenge"}),
    httpx.Response(503, text="<html>"),
]


def looks_for(world, seconds, answer):
    """Let each look say this from the first one on, for some time; then the relay behaves."""
    until = world.clock() + seconds

    def look(_request):
        if world.clock() < until:
            world.relay.looks.appendleft(look)
            return answer
        return None

    world.relay.looks.append(look)


@pytest.mark.parametrize("answer", UNKNOWN_JOB, ids=["404", "400"])
def test_a_job_that_a_replica_does_not_know_for_a_while_is_not_lost(answer):
    world = World()
    looks_for(world, 55, answer)
    assert world.run().status is Status.COMPLETED
    assert len(world.relay.orders) == 1


@pytest.mark.parametrize("answer", UNKNOWN_JOB, ids=["404", "400"])
def test_a_job_that_is_unknown_for_a_minute_is_lost(answer):
    world = World()
    looks_for(world, 3600, answer)
    task = world.run()
    assert (task.error["code"], task.error["retryable"]) == ("upstream_job_lost", True)
    assert task.error["maybe_charged"]
    assert len(world.relay.orders) == 1
    assert 60 <= world.relay.polls[-1] - world.relay.polls[0] <= 70
    assert len(world.relay.polls) <= 14


@pytest.mark.parametrize("answer", REFUSED, ids=["401", "402", "403", "challenge", "503"])
def test_a_look_that_is_refused_says_nothing_of_the_job(answer):
    world = World()
    looks_for(world, 1500, answer)
    assert world.run().status is Status.COMPLETED
    assert len(world.relay.orders) == 1


@pytest.mark.parametrize("status", [401, 402, 403])
def test_a_key_that_is_refused_until_the_deadline_is_said_to_be_so(status):
    world = World()
    looks_for(world, 36_000, httpx.Response(status))
    world.relay.contents.append(httpx.Response(status))
    task = world.run()
    assert (task.error["code"], task.error["retryable"]) == ("upstream_account_error", False)
    assert task.error["maybe_charged"]
    assert 1800 <= world.clock() - START <= 1812


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


@pytest.mark.parametrize("said", SAID_ONCE, ids=str)
def test_one_look_ends_no_job_and_pays_for_no_other(said):
    world = World()
    world.relay.looks.append(httpx.Response(200, json=said))
    task = world.run()
    assert task.status is Status.COMPLETED
    assert len(world.relay.jobs) == 1


@pytest.mark.parametrize("said", SAID_ONCE[:4], ids=str)
def test_answers_that_name_no_job_never_pay_for_another(said):
    world = World()
    looks_for(world, 1500, httpx.Response(200, json=said))
    task = world.run()
    assert task.status is Status.COMPLETED
    assert len(world.relay.jobs) == 1


def test_a_failure_that_nobody_confirms_is_not_asked_for_without_pause():
    world = World(video_task_timeout=300)
    world.relay.takes = 9999.0
    said = httpx.Response(200, json={"id": "video:1", **failed("HIGH_TRAFFIC")})
    world.relay.looks.extend([said, *[httpx.Response(500)] * 999])
    world.relay.contents.append(httpx.Response(404))
    assert world.run().error["code"] == "task_timeout"
    assert len(world.relay.polls) < 120


def test_a_failure_is_certain_five_seconds_after_it_was_first_seen():
    world = World()
    world.relay.takes = 20.0
    world.relay.endings.append(failed("CONTENT_POLICY_VIOLATION"))
    task = world.run()
    assert task.error["code"] == "content_policy_violation"
    first, last = world.relay.polls[-2:]
    assert 5 <= last - first <= 6


@pytest.mark.parametrize(("asked", "waited"), [("20", 20), ("900", 30), ("1", 1), ("0", 0.75)])
def test_a_poll_waits_as_long_as_the_relay_asks_within_reason(asked, waited):
    world = World()
    world.relay.looks.append(httpx.Response(429, headers={"retry-after": asked}))
    world.run()
    first, second, *_ = world.relay.polls
    assert second - first == waited


def test_the_time_that_a_poll_takes_is_part_of_the_wait():
    world = World()
    world.relay.looks.append(lambda _: world.clock.advance(1.5))
    world.run()
    first, second, *_ = world.relay.polls
    assert second - first == 3.0


@pytest.mark.parametrize("passed", [0, 1.5])
def test_a_new_job_is_looked_at_two_seconds_after_it_was_accepted(passed):
    world = World()
    world.at_event["accept written"] = lambda: world.clock.advance(passed)
    world.run()
    assert world.relay.polls[0] - START == pytest.approx(2)


def test_a_job_that_is_resumed_is_looked_at_at_once():
    world = World()
    world.submit()
    world.at_event["accept written"] = crash
    world.work()
    world.clock.advance(42)
    resumed = world.clock()
    world.settle()
    assert world.relay.polls[0] == resumed


# --- the deadline and the hand-over


def test_a_task_ends_when_its_job_s_time_is_up():
    world = World(video_task_timeout=100)
    world.relay.takes = 10_000.0
    world.relay.contents.append(httpx.Response(400, json={"message": "not completed"}))
    task = world.run()
    assert task.error == {
        "type": "ServiceError",
        "message": "No video after 100 s.",
        "code": "task_timeout",
        "retryable": True,
        "maybe_charged": True,
    }
    assert 100 <= world.clock() - START <= 112
    assert world.events.count("content") == 1


def test_a_video_that_only_the_content_route_knows_of_is_delivered_at_the_deadline():
    world = World(video_task_timeout=100)
    world.relay.takes = 10_000.0
    task = world.run()
    assert task.status is Status.COMPLETED
    assert task.result["size_bytes"] > 0


def test_the_deadline_counts_from_the_acceptance_of_the_job():
    world = World(video_task_timeout=100, video_generation_retry_delay=200.0)
    world.relay.posts.extend([BUSY] * 3)
    task_id = world.submit()
    world.clock.advance(500)
    world.settle()
    task = world.task(task_id)
    assert (task.status, task.attempts) == (Status.COMPLETED, 4)


def test_a_job_posted_late_has_its_whole_time():
    """429 with long Retry-Afters: the third POST comes 1,785 s after the first claim."""
    world = World()
    world.relay.posts.extend(
        httpx.Response(429, headers={"retry-after": str(wait)}) for wait in (900, 885)
    )
    assert world.run().status is Status.COMPLETED
    assert len(world.relay.jobs) == 1


def test_a_second_job_has_a_deadline_of_its_own():
    world = World(video_task_timeout=100)
    world.relay.takes = 80.0
    world.relay.endings.append(failed("HIGH_TRAFFIC"))
    assert world.run().status is Status.COMPLETED
    assert len(world.relay.jobs) == 2


def test_attempts_of_a_task_in_a_long_backlog_are_not_cut_short():
    world = World()
    tasks = [world.submit() for _ in range(100)]
    world.relay.posts.extend([BUSY] * 50)
    world.settle(within=10_000)
    assert {world.task(task_id).status for task_id in tasks} == {Status.COMPLETED}


def test_a_paid_job_is_looked_at_first_however_late_it_is():
    world = World(video_task_timeout=100)
    task_id = world.submit()
    world.at_event["look"] = crash
    world.work()
    world.clock.advance(5000)
    world.settle()
    assert world.task(task_id).status is Status.COMPLETED


def test_a_video_that_is_at_hand_is_delivered_however_little_time_is_left():
    world = World()
    world.relay.takes = 825.0
    task_id = world.submit()
    assert world.work()
    assert world.task(task_id).status is Status.COMPLETED
    assert world.store.kinds["release"] == 0


def test_a_long_generation_is_handed_over_and_resumed():
    world = World()
    world.relay.takes = 1700.0
    task = world.run()
    assert task.status is Status.COMPLETED
    assert world.store.kinds["release"] == 2
    assert len(world.relay.orders) == 1
    assert world.store.kinds["accept"] == 1


def test_a_hand_over_is_a_fresh_message_so_that_receives_count_crashes_alone():
    world = World()
    world.relay.takes = 1700.0
    world.submit()
    world.work()
    assert [letter.received for letter in world.queue.letters] == [0]


@pytest.mark.parametrize(("seconds", "event"), [(259, "post"), (59, "look")])
def test_a_step_is_not_begun_without_the_time_for_it(seconds, event):
    world = World()
    task_id = world.submit()
    if event == "look":
        world.at_event["look"] = lambda: world.clock.advance(850)
        world.work()
    before = world.events.count(event)
    world.work(seconds)
    assert world.events.count(event) == before
    assert world.task(task_id).lease_owner == ""
    world.settle()
    assert world.task(task_id).status is Status.COMPLETED


def test_a_video_is_not_fetched_without_the_time_for_it():
    world = World(veo3_skip_upload=False)
    world.relay.takes = 1.0
    task_id = world.submit()
    world.work(seconds=299)
    assert not world.downloads
    world.settle()
    assert world.task(task_id).status is Status.COMPLETED
    assert len(world.relay.orders) == 1


# --- the paid job's id


def test_a_paid_id_is_saved_although_the_table_is_away_for_some_seconds():
    world = World()
    world.at_event["posted"] = lambda: setattr(world.store, "away", 6)
    task = world.run()
    assert (task.status, task.upstream_id) == (Status.COMPLETED, "video:1")
    assert world.store.kinds["claim"] == 1


@pytest.mark.parametrize("seconds", [17, 45, 120, 600])
@pytest.mark.parametrize("policy", ["fail", "retry"])
def test_paid_id_outlives_an_outage_of_the_table(seconds, policy):
    """The relay's answer lives in this process alone: it is written until the time is up."""
    world = World(veo3_ambiguous_submit=policy)
    world.at_event["posted"] = away_for(world, seconds)
    task = world.run()
    assert (task.status, task.upstream_id) == (Status.COMPLETED, "video:1")
    assert (len(world.relay.orders), task.unknown_submits) == (1, 0)


@pytest.mark.parametrize("seconds", [17, 45, 600])
def test_refusal_outlives_an_outage_of_the_table(seconds):
    """A "not accepted" that is forgotten would read as an order of unknown outcome."""
    world = World()
    world.relay.posts.append(BUSY)
    world.at_event["posted"] = away_for(world, seconds)
    task = world.run()
    assert (task.status, task.maybe_charged) == (Status.COMPLETED, True)
    assert (task.attempts, len(world.relay.orders), len(world.relay.jobs)) == (2, 2, 1)


def test_final_refusal_outlives_an_outage_of_the_table():
    world = World()
    world.relay.posts.append(httpx.Response(400, json={"error": {"code": "nsfw"}}))
    world.at_event["posted"] = away_for(world, 60)
    error = world.run().error
    assert (error["code"], error["maybe_charged"]) == ("content_policy_violation", False)


def test_late_id_outlives_an_outage_of_the_table():
    world = World()
    task_id = world.submit()

    def cancel_and_go_away():
        world.cancellation.cancel(task_id, OWNER)
        world.at_event["accept"] = away_for(world, 60)

    world.at_event["posted"] = cancel_and_go_away
    world.work()
    assert world.task(task_id).late_upstream_ids == ["video:1"]


@pytest.mark.parametrize("lost", [1, 7, 8, 14])
def test_lost_answers_of_an_intent_are_no_order(lost):
    """The intent lands, its answers and repetitions are lost: nothing was posted, so it is undone.

    Up to 14 answers: those of the release that follows are lost, too.
    """
    world = World()

    def lose_answers():
        world.store.away = lost - 1
        raise ServiceError("The task table does not answer just now.")

    world.at_event["begin_attempt written"] = lose_answers
    task = world.run()
    assert task.error is None
    assert (task.status, task.attempts, len(world.relay.orders)) == (Status.COMPLETED, 1, 1)


def test_intent_that_landed_in_an_outage_is_undone_after_it():
    world = World()
    written = []

    def lose_answers():
        written.append(world.clock())
        away_for(world, 300)()
        raise ServiceError("The task table does not answer just now.")

    world.at_event["begin_attempt written"] = lose_answers
    task = world.run()
    assert written
    assert task.error is None
    assert (task.status, task.attempts, len(world.relay.orders)) == (Status.COMPLETED, 1, 1)


def test_paid_id_that_cannot_be_saved_is_logged_and_not_ordered_again():
    world = World()
    world.at_event["posted"] = away_for(world, 1000)
    task_id = world.submit()
    world.work()
    world.settle()
    task = world.task(task_id)
    assert task.error["code"] == "upstream_submit_unknown"
    assert len(world.relay.orders) == 1
    assert ("info", "the relay accepted", {"upstream_id": "video:1"}) in world.log.lines


def test_a_paid_id_is_saved_beside_a_task_that_was_cancelled_while_the_table_was_away():
    world = World()
    task_id = world.submit()

    def cancel_and_go_away():
        world.cancellation.cancel(task_id, OWNER)
        world.store.away = 3

    world.at_event["posted"] = cancel_and_go_away
    world.settle()
    world.work()
    task = world.task(task_id)
    assert (task.status, task.late_upstream_ids) == (Status.CANCELLED, ["video:1"])


def test_a_table_that_is_away_for_minutes_costs_the_lease_and_not_the_video():
    world = World()
    world.relay.takes = 300.0
    task_id = world.submit()
    world.at_event["look"] = lambda: setattr(world.store, "away", 10_000)
    world.work()
    assert not world.task(task_id).ended
    world.store.away = 0
    world.settle()
    assert world.task(task_id).status is Status.COMPLETED
    assert len(world.relay.orders) == 1


def test_an_id_that_was_saved_although_the_table_did_not_say_so_is_no_late_one():
    world = World()

    def lose_the_answer():
        raise ServiceError("The task table does not answer just now.")

    world.at_event["accept written"] = lose_the_answer
    task = world.run()
    assert (task.status, task.late_upstream_ids) == (Status.COMPLETED, [])
    assert world.store.kinds["claim"] == 1


def test_a_worker_that_was_replaced_while_it_ordered_saves_the_id_and_stops():
    world = World()
    task_id = world.submit()

    def replace_it():
        with world.clock.frozen():
            world.clock.advance(43)
        claim = transitions.claim("another", now=world.clock(), lease_seconds=40)
        assert world.store.apply(task_id, claim)

    world.at_event["posted"] = replace_it
    world.work()
    task = world.task(task_id)
    assert (task.upstream_id, task.lease_owner) == ("video:1", "another")
    assert not world.relay.polls


def test_an_answer_that_comes_before_the_next_order_is_taken_over():
    world = World(veo3_ambiguous_submit="retry")

    def stall():
        with world.clock.frozen():
            world.clock.advance(43)
            world.work()  # finds an intent without an id, and plans another attempt

    world.at_event["posted"] = stall
    task = world.run()
    assert (task.status, task.upstream_id) == (Status.COMPLETED, "video:1")
    assert (task.unknown_submits, task.maybe_charged) == (1, True)
    assert len(world.relay.orders) == 1


def test_an_answer_that_comes_after_the_next_order_is_noted_beside_it():
    world = World(veo3_ambiguous_submit="retry")
    world.relay.takes = 400.0

    def stall():
        with world.clock.frozen():
            world.clock.advance(43)
            world.work()  # finds an intent without an id, and plans another attempt
            world.clock.advance(5)
            world.work(seconds=300)  # orders again, polls, hands over

    world.at_event["posted"] = stall
    task_id = world.submit()
    world.work()
    assert not world.task(task_id).ended
    world.settle()
    task = world.task(task_id)
    assert (task.status, task.upstream_id) == (Status.COMPLETED, "video:2")
    assert task.late_upstream_ids == ["video:1"]


def test_a_row_with_a_job_but_without_its_time_is_refused():
    world = World()
    task_id = world.submit(upstream_id="video:1")
    with pytest.raises(ValueError, match="once its job is known"):
        world.work()
    assert world.task(task_id).status is Status.PROCESSING
