"""What is measured of a task's life, and what a metric's line holds."""

import json

import httpx
import pytest

from tests.support.fake_relay import failed
from tests.support.fakes import Crash
from tests.support.simulation import OWNER, Simulation
from videoapi.accounts.api_keys import ApiKey, Limits
from videoapi.api.openai.requests import from_openai
from videoapi.metrics import Metrics
from videoapi.usecases.submission import Caller

BUSY = httpx.Response(503, json={})
REFUSED = httpx.Response(401, json={"error": {"code": "invalid_api_key"}})


def counts(sim, name):
    return [value for measured, value, _ in sim.measured if measured == name]


def codes(sim):
    return [code for measured, _, code in sim.measured if measured == "TasksEnded"]


def die():
    raise Crash


def test_metric_is_one_line_without_callers_words(monkeypatch, capsys):
    """A metric is one line with its stack and nothing that a caller said."""
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "video-api-prod")
    Metrics().ended("audio_filtered")
    (line,) = capsys.readouterr().out.splitlines()
    metric = json.loads(line)
    (described,) = metric.pop("_aws")["CloudWatchMetrics"]
    assert described == {
        "Namespace": "VideoApi",
        "Dimensions": [["code", "service"]],
        "Metrics": [{"Name": "TasksEnded", "Unit": "Count"}],
    }
    assert metric == {"code": "audio_filtered", "service": "video-api-prod", "TasksEnded": [1.0]}


def test_spend_is_measured_in_dollars_where_there_is_any():
    sim = Simulation()
    metrics = Metrics(sim.emit)
    for amount in (None, 0, 69_504):
        metrics.spent(amount)
    assert sim.measured == [("SpendUsd", 0.069504, None)]


def test_a_video_is_measured_from_its_submit_to_its_end():
    sim = Simulation()
    task_id = sim.submit()
    sim.clock.advance(7)
    sim.settle()
    duration = sim.task(task_id).result["duration"]
    assert sim.measured == [
        ("QueueSeconds", 7.0, None),
        ("JobsPaid", 1, None),
        ("GenerationSeconds", duration, None),
        ("TasksEnded", 1, "completed"),
    ]


def test_a_submit_counts_a_task_and_its_repetition_none():
    sim = Simulation()
    submission = from_openai({"prompt": "A fox"}, sim.settings)
    for _ in range(2):
        caller = Caller(key=ApiKey(OWNER, Limits()), now=sim.clock(), idempotency_key="once")
        sim.submissions.submit(submission, caller)
    assert counts(sim, "TasksAccepted") == [1]


def test_attempts_and_paid_jobs_are_counted():
    """Each further attempt is counted and every job that the relay took."""
    sim = Simulation()
    sim.relay.posts.extend([BUSY, BUSY])
    sim.relay.endings.extend([failed("HIGH_TRAFFIC"), None])
    sim.run()
    assert counts(sim, "AttemptsRepeated") == [1, 1, 1]
    assert counts(sim, "JobsPaid") == [1, 1]
    assert codes(sim) == ["completed"]


def test_only_the_first_claim_tells_how_long_a_task_had_waited():
    sim = Simulation()
    sim.submit()
    sim.at_event["look"] = die
    sim.settle()
    assert counts(sim, "QueueSeconds") == [0.0]
    assert counts(sim, "JobsPaid") == [1]


def test_a_failure_is_counted_under_its_code():
    sim = Simulation()
    sim.relay.posts.append(REFUSED)
    sim.run()
    assert codes(sim) == ["upstream_account_error"]
    assert counts(sim, "GenerationSeconds") == counts(sim, "JobsPaid") == []


@pytest.mark.parametrize("act", ["cancel", "delete"])
def test_a_live_task_that_is_given_up_is_counted_once(act):
    sim = Simulation()
    task_id = sim.submit()
    getattr(sim.cancellation, act)(task_id, OWNER)
    sim.settle()
    assert codes(sim) == ["cancelled"]


def test_an_ended_task_that_is_deleted_ends_no_second_time():
    sim = Simulation()
    task = sim.run()
    sim.cancellation.delete(task.task_id, OWNER)
    assert codes(sim) == ["completed"]


def test_resolved_dead_letter_is_counted_by_its_code():
    """A dead letter that ends its task is counted under its code."""
    sim = Simulation()
    task_id = sim.submit()
    while not sim.queue.dead:
        sim.at_event["begin_attempt"] = die
        sim.work() or sim.clock.advance(1)
    sim.clock.advance(43)  # beyond the last worker's lease
    sim.recovery.resolve_dead_letter(task_id)
    assert codes(sim) == ["worker_crashed"]


def test_sweep_counts_what_it_queues_again():
    """A sweep counts what it queues again and an idle one sends nothing."""
    sim = Simulation()
    sim.recovery.sweep()
    for _ in range(2):
        sim.submit()
    sim.queue.letters.clear()
    sim.clock.advance(121)
    sim.recovery.sweep()
    assert sim.measured == [("TasksQueuedAgain", 2, None)]
