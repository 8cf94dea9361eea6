"""The delivery of one event: what is sent, when again, and what is then written."""

import json
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise

import pytest
from standardwebhooks import webhooks as library

from tests.support.fakes import START, Crash
from tests.support.receiver import OK, refused
from tests.support.simulation import SECRET, Simulation
from videoapi.domain.tasks import GenerationRequest, Status
from videoapi.domain.timestamps import epoch, timestamp
from videoapi.errors import ServiceError
from videoapi.net.callbacks import Answer
from videoapi.webhooks.changes import LEASE_SECONDS, READABLE_SECONDS
from videoapi.webhooks.schedule import DELAYS, MAX_TRIES
from videoapi.webhooks.slow_receivers import MAX_RECEIVERS, MAX_SLOW, REST_SECONDS, SlowReceivers

URL = "https://hooks.example.com/videos?token=secret"
AWAY = Answer(None, "no answer within 10 seconds", 10_000)
HOURS = 3600


@pytest.fixture
def sim():
    return Simulation()


def ended(sim, **fields):
    """Return the id of a task that has ended, and whose webhook is to be told."""
    task_id = sim.submit(webhook_url=URL, **fields)
    sim.settle()
    return task_id


def test_completed_task_is_told_signed_and_once(sim):
    task_id = ended(sim)
    owed = sim.task(task_id)
    assert (owed.status, owed.webhook_state, owed.expires_at) == ("completed", "pending", None)
    assert sim.store.rows[task_id]["open"] == "webhooks"
    assert sim.deliver()
    assert not sim.deliver()
    ((url, body, headers),) = sim.receiver.posts
    assert url == URL
    event = json.loads(body)
    assert event == {
        "id": f"evt_{task_id[4:]}",
        "object": "event",
        "created_at": int(epoch(owed.completed_at)),
        "type": "video.completed",
        "data": event["data"],
    }
    data = event["data"]
    assert (data["object"], data["id"], data["task_id"]) == ("video", task_id, task_id)
    assert (data["status"], data["progress"], data["prompt"]) == ("completed", 100, None)
    assert data["video_url"].startswith("https://")
    assert data["expires_at"] == owed.kept_until
    assert "webhook" not in data
    assert headers["webhook-id"] == event["id"]
    assert headers["webhook-timestamp"] == str(int(sim.clock()))
    assert headers["webhook-signature"].startswith("v1,")


def test_a_told_task_owes_nothing_and_gets_its_ttl(sim):
    task_id = ended(sim)
    until = sim.task(task_id).kept_until
    sim.deliver_all()
    row = sim.task(task_id)
    assert (row.webhook_state, row.webhook_status, len(row.webhook_log)) == ("delivered", 204, 1)
    assert row.expires_at == max(until, int(sim.clock()) + READABLE_SECONDS)
    left = sim.store.rows[task_id].keys()
    assert not left & {"open", "due_at", "kept_until", "webhook_due_at", "webhook_lease"}
    assert "webhook_body" not in left
    assert (
        "WebhooksDelivered",
        1,
        None,
    ) not in sim.measured  # by `deliver_all` of the notifier alone


def test_a_task_without_a_webhook_ends_as_before(sim):
    task_id = sim.submit()
    sim.settle()
    assert sim.store.rows[task_id].keys().isdisjoint({"open", "due_at", "webhook_state"})
    assert sim.task(task_id).expires_at == int(epoch(sim.task(task_id).completed_at) + 24 * HOURS)
    assert sim.webhooks.sent == []


@pytest.mark.parametrize("begun", [False, True])
def test_cancelled_task_is_told_so(sim, begun):
    task_id = sim.submit(webhook_url=URL)
    if begun:
        sim.at_event["accept written"] = lambda: sim.cancellation.cancel(task_id, "anonymous")
        sim.work()
    else:
        sim.cancellation.cancel(task_id, "anonymous")
    sim.deliver_all()
    (event,) = sim.receiver.events
    assert event["type"] == "video.cancelled"
    assert (event["data"]["status"], event["data"]["error"]["code"]) == ("failed", "cancelled")


def test_failed_task_is_told_with_its_error(sim):
    task_id = sim.submit(webhook_url=URL, claims=6, lease_until=timestamp(0))
    sim.recovery.resolve_dead_letter(task_id)
    sim.deliver_all()
    (event,) = sim.receiver.events
    assert event["type"] == "video.failed"
    assert event["data"]["error"]["code"] == "worker_crashed"


def test_open_task_that_is_deleted_is_told_as_cancelled(sim):
    task_id = sim.submit(webhook_url=URL)
    sim.cancellation.delete(task_id, "anonymous")
    assert sim.task(task_id).status is Status.DELETED
    sim.deliver_all()
    (event,) = sim.receiver.events
    assert event["type"] == "video.cancelled"
    assert event["data"]["id"] == task_id
    assert event["data"]["video_url"] is None
    row = sim.task(task_id)
    assert (row.webhook_state, row.status) == ("delivered", "deleted")
    assert row.expires_at >= sim.clock() + READABLE_SECONDS - 1


@pytest.mark.parametrize("how", ["cancel", "delete"])
def test_end_whose_answer_was_lost_is_hinted_at_all_the_same(sim, how):
    task_id, write = sim.submit(webhook_url=URL), sim.store.apply
    sim.store.apply = lambda *call: write(*call) and None  # it was made, and reads as refused
    getattr(sim.cancellation, how)(task_id, "anonymous")
    assert [sent for sent, *_ in sim.webhooks.sent] == [task_id]


def test_event_that_is_owed_outlives_a_deletion(sim):
    task_id = ended(sim)
    sim.cancellation.delete(task_id, "anonymous")
    sim.deliver_all()
    (event,) = sim.receiver.events
    assert event["type"] == "video.completed"
    assert event["data"]["video_url"] is None, "it is gone"


def test_a_body_stays_the_same_from_try_to_try_even_if_deleted(sim):
    task_id = ended(sim)
    sim.receiver.answers.append(refused(500))
    sim.deliver()
    sim.cancellation.delete(task_id, "anonymous")
    sim.deliver_all()
    (_, first, before), (_, second, after) = sim.receiver.posts
    assert first == second
    assert before["webhook-id"] == after["webhook-id"]
    assert before["webhook-timestamp"] != after["webhook-timestamp"]
    assert before["webhook-signature"] != after["webhook-signature"]


def test_a_told_task_that_is_deleted_is_told_no_more(sim):
    task_id = ended(sim)
    sim.deliver_all()
    sim.cancellation.delete(task_id, "anonymous")
    sim.deliver_all()
    assert len(sim.receiver.posts) == 1
    assert not {name for name in sim.store.rows[task_id] if name.startswith("webhook")}
    assert "open" not in sim.store.rows[task_id]


def test_deletion_that_meets_the_telling_sees_what_it_wrote(sim):
    task_id = ended(sim)
    sim.at_event["deleted"] = sim.deliver  # after the deletion has read the task
    sim.cancellation.delete(task_id, "anonymous")
    assert sim.task(task_id).status is Status.DELETED
    assert "open" not in sim.store.rows[task_id]
    assert sim.task(task_id).expires_at is not None
    assert len(sim.receiver.posts) == 1


def test_prompt_is_told_where_the_operator_says_so(sim):
    sim.notifier = type(sim.notifier)(**vars(sim.notifier) | {"include_prompt": True})
    ended(sim, request=GenerationRequest(model="veo_3_1", prompt="A fox"))
    sim.deliver()
    assert sim.receiver.events[0]["data"]["prompt"] == "A fox"


def test_unwilling_receiver_is_asked_eight_times_in_31_hours(sim):
    task_id = ended(sim)
    sim.receiver.answers.extend([refused(500), AWAY] * MAX_TRIES)
    at = []
    sim.receiver._at = lambda event: at.append(sim.clock()) if event == "told" else None  # noqa: SLF001 — when
    sim.deliver_all()
    assert len(at) == MAX_TRIES == 8
    gaps = [later - earlier for earlier, later in pairwise(at)]
    for gap, delay in zip(gaps, DELAYS, strict=True):
        assert delay <= gap <= delay + 120, "a sweep and a message later at most"
    task = sim.task(task_id)
    assert (task.webhook_state, task.webhook_status) == ("failed", None)
    assert task.webhook_log[-1].endswith("no answer within 10 seconds (10000 ms)")
    assert "open" not in sim.store.rows[task_id]
    assert task.expires_at == int(sim.clock()) + READABLE_SECONDS
    assert sim.receiver.ids_by_task() == {task_id: {f"evt_{task_id[4:]}": 8}}


def test_receiver_that_is_gone_is_told_no_more(sim):
    task_id = ended(sim)
    sim.receiver.answers.append(refused(410))
    sim.deliver_all()
    task = sim.task(task_id)
    assert (task.webhook_state, task.webhook_status) == ("disabled", 410)
    assert len(sim.receiver.posts) == 1


def test_a_second_message_tells_nothing_twice(sim):
    task_id = ended(sim)
    sim.webhooks.send(task_id)
    sim.at_event["told"] = sim.deliver  # while the first is under way
    sim.deliver()
    sim.deliver()
    assert len(sim.receiver.posts) == 1


def test_two_that_take_an_event_at_once_send_it_once(sim):
    task_id = ended(sim)
    sim.at_event["begin try"] = lambda: sim.notifier.deliver(task_id)  # after this one has read it
    assert sim.notifier.deliver(task_id) is None
    assert len(sim.receiver.posts) == 1


def test_message_that_comes_too_early_waits(sim):
    task_id = ended(sim)
    sim.receiver.answers.append(refused(503))
    sim.deliver()
    assert sim.notifier.deliver(task_id) is None
    assert len(sim.receiver.posts) == 1


def test_notifier_that_dies_is_followed_within_two_minutes(sim):
    def die():
        raise Crash

    for event in ("begin try written", "told", "answered by the receiver"):
        sim = Simulation()
        task_id = ended(sim)
        sim.at_event[event] = die
        began = sim.clock()
        sim.deliver_all()
        assert sim.task(task_id).webhook_state == "delivered"
        assert sim.clock() - began <= LEASE_SECONDS + 120
        assert len(sim.receiver.ids_by_task()[task_id]) == 1


def test_lost_hint_is_made_up_for_by_the_sweeper(sim):
    sim.webhooks.away = 1
    task_id = ended(sim)
    assert sim.webhooks.letters == []
    began = sim.clock()
    sim.deliver_all()
    assert sim.task(task_id).webhook_state == "delivered"
    assert sim.clock() - began <= 121


def test_secret_that_cannot_be_read_counts_as_no_try(sim):
    task_id = ended(sim)
    sim.key_away_until = sim.clock() + 300
    sim.deliver_all()
    assert len(sim.task(task_id).webhook_log) == 1
    assert len(sim.receiver.posts) == 1
    assert sim.clock() - START < 600


@pytest.mark.parametrize(("retryable", "seconds"), [(True, 60), (False, 3600)])
def test_event_that_cannot_be_signed_waits_and_says_why(sim, retryable, seconds):
    """For an operator's hand it waits an hour: nothing is lost, and nothing written each minute."""
    task_id, signing_secrets = ended(sim), sim.signing_secrets

    def unreadable(_owner):
        error = ServiceError("WEBHOOK_SECRET holds no secret.")
        error.retryable = retryable
        raise error

    sim.notifier = replace(sim.notifier, signing_secrets=unreadable)
    assert sim.notifier.deliver_all([task_id]) == [True]
    assert ("WebhooksPutOff", 1, None) in sim.measured
    task = sim.task(task_id)
    assert task.webhook_due_at == timestamp(sim.clock() + seconds)
    assert (task.webhook_problem, task.webhook_log) == ("WEBHOOK_SECRET holds no secret.", [])
    assert task.webhook_claims == 0
    sim.notifier = replace(sim.notifier, signing_secrets=signing_secrets)
    sim.deliver_all()
    assert (sim.task(task_id).webhook_state, sim.task(task_id).webhook_problem) == (
        "delivered",
        None,
    )


@pytest.mark.parametrize("event", ["answered by the receiver", "told", None])
def test_event_whose_tries_all_die_is_given_up_as_others_are(sim, event):
    """Killed after the POST, or before, or a body that breaks: eight tries in 31 hours."""
    task_id = ended(sim)
    if event is None:
        sim.store.rows[task_id]["webhook_event"] = "video.of_another_version"
    began, tries = sim.clock(), 0
    while sim.task(task_id).webhook_state == "pending":
        assert tries <= MAX_TRIES
        sim.clock.now = epoch(sim.task(task_id).webhook_due_at)
        if event and tries < MAX_TRIES:
            sim.at_event[event] = die
        try:
            sim.notifier.deliver(task_id)
        except (Crash, ValueError):
            tries += 1
    assert tries == MAX_TRIES
    assert 30 * HOURS < sim.clock() - began < 33 * HOURS
    assert sim.task(task_id).webhook_log[-1].endswith("given up: 8 tries died")
    assert sim.task(task_id).webhook_claims == 0
    assert "open" not in sim.store.rows[task_id]


def die():
    raise Crash


def test_event_that_is_given_up_is_measured_once(sim):
    task_id = ended(sim)
    sim.store.rows[task_id]["webhook_claims"] = MAX_TRIES
    # After this one has read it, another gives it up.
    sim.at_event["begin try"] = lambda: sim.notifier.deliver_all([task_id])
    assert sim.notifier.deliver_all([task_id]) == [True]
    assert sim.measured.count(("WebhooksFailed", 1, None)) == 1
    assert sim.receiver.posts == []


def test_a_note_of_a_try_forgets_those_that_died(sim):
    task_id = ended(sim)
    sim.store.rows[task_id]["webhook_claims"] = MAX_TRIES - 1
    sim.receiver.answers.append(refused(500))
    sim.notifier.deliver(task_id)
    assert sim.task(task_id).webhook_claims == 0


@pytest.mark.parametrize("is_open", [False, True])
def test_tombstone_s_event_tells_model_length_and_progress(sim, is_open):
    """A deletion before the first try takes the prompt and the link, and nothing else."""
    fields = {"prompt": "A fox", "metadata": {"shop": "1"}}
    request = GenerationRequest(model="veo_3_1", seconds=4, size="1280x720", **fields)
    task_id = sim.submit(webhook_url=URL, request=request, cost_estimated=500_000)
    if not is_open:
        sim.settle()
    sim.cancellation.delete(task_id, "anonymous")
    left = sim.task(task_id).request
    assert (left.prompt, left.metadata) == (None, {})
    sim.deliver_all()
    data = sim.receiver.events[0]["data"]
    assert (data["model"], data["seconds"], data["size"]) == ("veo_3_1", "4", "1280x720")
    assert (data["progress"], data["prompt"], data["video_url"]) == (
        0 if is_open else 100,
        None,
        None,
    )
    assert data["cost"]["estimated"] == 0.5
    assert not sim.store.rows[task_id].keys() & {"request", "progress", "progress_source"}


@pytest.mark.parametrize("how", ["cancel", "delete"])
@pytest.mark.parametrize("until", ["taken", "row"])
def test_quick_notifier_hides_no_end_whose_answer_was_lost(sim, how, until):
    """What it moves on at once is no sign that another ended the task."""
    task_id, write = sim.submit(webhook_url=URL), sim.store.apply
    if until == "taken":
        sim.at_event["told"] = die

    def lost(task_id, change):
        if "status" not in change.sets:
            return write(task_id, change)
        assert write(task_id, change)
        with suppress(Crash):
            sim.notifier.deliver(task_id)
        return None

    sim.store.apply = lost
    getattr(sim.cancellation, how)(task_id, "anonymous")
    assert sim.task(task_id).status == ("deleted" if how == "delete" else "cancelled")
    assert ("TasksEnded", 1, "cancelled") in sim.measured or how == "cancel"


def test_410_is_measured(sim):
    sim.receiver.answers.append(refused(410))
    assert sim.notifier.deliver_all([ended(sim)]) == [True]
    assert ("WebhooksDisabled", 1, None) in sim.measured


def test_several_are_told_at_once_and_one_that_breaks_comes_back(sim):
    fine, broken = ended(sim), ended(sim)
    sim.store.rows[broken]["webhook_event"] = "video.of_another_version"
    assert sim.notifier.deliver_all([fine, broken, "vid_nobody"]) == [True, False, True]
    assert ("WebhooksDelivered", 1, None) in sim.measured
    assert sim.log.lines[-1][1] == "an event could not be delivered"
    assert sim.notifier.deliver_all([]) == []


def test_last_try_in_vain_is_measured(sim):
    task_id = ended(sim)
    sim.store.rows[task_id]["webhook_log"] = ["…"] * 7
    sim.receiver.answers.append(refused(500))
    assert sim.notifier.deliver_all([task_id]) == [True]
    assert ("WebhooksFailed", 1, None) in sim.measured


def test_verdict_of_one_who_lost_its_lease_is_not_written(sim):
    task_id = ended(sim)

    def another():
        sim.clock.now += LEASE_SECONDS + 1
        assert sim.notifier.deliver(task_id) == "delivered"

    sim.receiver.answers.extend([refused(500), OK])
    sim.at_event["answered by the receiver"] = another
    assert sim.notifier.deliver(task_id) is None
    assert sim.task(task_id).webhook_state == "delivered"
    assert len(sim.task(task_id).webhook_log) == 1


def test_signature_fits_the_body_that_is_sent(sim, monkeypatch):
    ended(sim)
    sim.deliver()
    ((_, body, headers),) = sim.receiver.posts

    class Then(library.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls.fromtimestamp(sim.clock(), tz)

    monkeypatch.setattr(library, "datetime", Then)
    assert library.Webhook(SECRET).verify(body, headers)["type"] == "video.completed"


# --- the sweeper's part


def left(seconds=50.0):
    return lambda: seconds


def test_sweep_sends_while_others_wait_and_not_twice(sim):
    task_id = ended(sim)
    sim.webhooks.letters.clear()  # its hint is lost …
    sim.webhooks.send("vid_of_another")  # … and the queue is never empty
    sim.clock.now += 61
    assert sim.reminders.sweep(left()) == 1
    for _ in range(14):
        sim.clock.now += 60
        assert sim.reminders.sweep(left()) == 0
    sim.clock.now += 61
    assert sim.reminders.sweep(left()) == 1
    assert [sent for sent, *_ in sim.webhooks.sent].count(task_id) == 3
    assert sim.webhooks.groups[-1] == "anonymous"


def test_sweep_sends_nothing_for_what_was_just_taken(sim):
    task_id = ended(sim)
    sim.clock.now += 61
    sim.at_event["remind"] = lambda: sim.notifier.deliver(task_id)  # after the sweep has seen it
    assert sim.reminders.sweep(left()) == 0


def test_sweep_stops_before_its_time_is_over(sim):
    for _ in range(3):
        ended(sim)
    sim.clock.now += 61
    seconds = iter([11.0, 10.0, 9.9])
    assert sim.reminders.sweep(lambda: next(seconds)) == 2
    assert sim.reminders.sweep(left()) == 1


# --- receivers that hang


def answered(seconds):
    return Answer(None, "no answer within 10 seconds", round(seconds * 1000))


def test_address_that_hangs_rests_and_no_other_does(sim):
    """Five slow answers in a row, and nothing is sent there for a minute: nothing is lost.

    Another owner's address at the same host, a gateway perhaps, is told meanwhile.
    """
    sim.receiver.answers.extend([answered(10)] * MAX_SLOW)
    hanging = [ended(sim) for _ in range(MAX_SLOW + 3)]
    for task_id in hanging:
        sim.notifier.deliver(task_id)
    assert len(sim.receiver.posts) == MAX_SLOW
    waits = sim.task(hanging[-1])
    assert (waits.webhook_state, waits.webhook_log, waits.webhook_lease) == ("pending", [], None)
    assert waits.webhook_due_at == timestamp(sim.clock() + REST_SECONDS)
    assert sim.webhooks.sent[-1][:2] == (hanging[-1], REST_SECONDS)
    other = sim.submit(webhook_url="https://hooks.example.com/another")
    sim.settle()
    assert sim.notifier.deliver(other) == "delivered"
    sim.deliver_all()
    assert {sim.task(task_id).webhook_state for task_id in hanging} == {"delivered"}


def test_address_that_answers_at_once_again_is_no_longer_slow(sim):
    slow = SlowReceivers(sim.clock)
    for _ in range(2):
        for seconds in [10] * (MAX_SLOW - 1) + [0.1]:
            slow.note(URL, seconds * 1000)
        assert slow.rests_until(URL) is None


def test_only_so_many_slow_receivers_are_known(sim):
    slow = SlowReceivers(sim.clock)
    for number in range(MAX_RECEIVERS + 10):
        slow.note(f"https://{number}.example.com", 10_000)
    assert len(slow._slow) == 10  # noqa: SLF001 — its size is no one else's business


def test_event_whose_address_rests_is_left_to_who_was_first(sim):
    task_id = ended(sim)
    for _ in range(MAX_SLOW):
        sim.notifier.slow_receivers.note(URL, 10_000)

    def another():  # of another environment, where the host is not known to hang
        sim.notifier.slow_receivers.note(URL, 10)
        assert sim.notifier.deliver(task_id) == "delivered"

    sim.at_event["begin try"] = another
    assert sim.notifier.deliver(task_id) is None


def test_sweep_sends_what_is_overdue_and_nothing_else(sim):
    overdue = ended(sim)
    sim.webhooks.letters.clear()
    sim.clock.now += 61
    ended(sim)
    sim.webhooks.letters.clear()
    assert sim.reminders.sweep(left()) == 1
    assert [letter.task_id for letter in sim.webhooks.letters] == [overdue]
    sim.webhooks.letters.clear()
    sim.deliver_all()
    assert sim.reminders.sweep(left()) == 0


def test_owed_events_are_no_work_for_workers(sim):
    ended(sim)
    sim.clock.now += 3600
    assert list(sim.store.overdue(sim.clock(), paid=True)) == []
    assert list(sim.store.overdue(sim.clock(), paid=False)) == []
    assert list(sim.store.unpaid()) == []
    assert sim.recovery.sweep() == 0
