"""What is measured of a task's life, and what a metric's line holds."""

import json

import httpx
import pytest

from tests.support.fake_relay import failed
from tests.support.fakes import Crash
from tests.support.simulation import OWNER, World
from videoapi.accounts.api_keys import ApiKey, Limits
from videoapi.api.openai.requests import from_openai
from videoapi.metrics import Metrics
from videoapi.usecases.submission import Caller

BUSY = httpx.Response(503, json={})
REFUSED = httpx.Response(401, json={"error": {"code": "invalid_api_key"}})


def counts(world, name):
    return [value for measured, value, _ in world.measured if measured == name]


def codes(world):
    return [code for measured, _, code in world.measured if measured == "TasksEnded"]


def die():
    raise Crash


def test_a_metric_is_one_line_with_its_stack_and_nothing_that_a_caller_said(monkeypatch, capsys):
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "video-api-prod")
    Metrics().ended("audio_filtered")
    (line,) = capsys.readouterr().out.splitlines()
    told = json.loads(line)
    (described,) = told.pop("_aws")["CloudWatchMetrics"]
    assert described == {
        "Namespace": "VideoApi",
        "Dimensions": [["code", "service"]],
        "Metrics": [{"Name": "TasksEnded", "Unit": "Count"}],
    }
    assert told == {"code": "audio_filtered", "service": "video-api-prod", "TasksEnded": [1.0]}


def test_a_video_is_measured_from_its_submit_to_its_end():
    world = World()
    task_id = world.submit()
    world.clock.advance(7)
    world.settle()
    duration = world.task(task_id).result["duration"]
    assert world.measured == [
        ("QueueSeconds", 7.0, None),
        ("JobsPaid", 1, None),
        ("GenerationSeconds", duration, None),
        ("TasksEnded", 1, "completed"),
    ]


def test_a_submit_counts_a_task_and_its_repetition_none():
    world = World()
    submission = from_openai({"prompt": "A fox"}, world.settings)
    for _ in range(2):
        caller = Caller(key=ApiKey(OWNER, Limits()), now=world.clock(), idempotency_key="once")
        world.submissions.submit(submission, caller)
    assert counts(world, "TasksAccepted") == [1]


def test_each_further_attempt_is_counted_and_every_job_that_the_relay_took():
    world = World()
    world.relay.posts.extend([BUSY, BUSY])
    world.relay.endings.extend([failed("HIGH_TRAFFIC"), None])
    world.run()
    assert counts(world, "AttemptsRepeated") == [1, 1, 1]
    assert counts(world, "JobsPaid") == [1, 1]
    assert codes(world) == ["completed"]


def test_only_the_first_claim_tells_how_long_a_task_had_waited():
    world = World()
    world.submit()
    world.at_event["look"] = die
    world.settle()
    assert counts(world, "QueueSeconds") == [0.0]
    assert counts(world, "JobsPaid") == [1]


def test_a_failure_is_counted_under_its_code():
    world = World()
    world.relay.posts.append(REFUSED)
    world.run()
    assert codes(world) == ["upstream_account_error"]
    assert counts(world, "GenerationSeconds") == counts(world, "JobsPaid") == []


@pytest.mark.parametrize("act", ["cancel", "delete"])
def test_a_live_task_that_is_given_up_is_counted_once(act):
    world = World()
    task_id = world.submit()
    getattr(world.cancellation, act)(task_id, OWNER)
    world.settle()
    assert codes(world) == ["cancelled"]


def test_an_ended_task_that_is_deleted_ends_no_second_time():
    world = World()
    task = world.run()
    world.cancellation.delete(task.task_id, OWNER)
    assert codes(world) == ["completed"]


def test_a_dead_letter_that_ends_its_task_is_counted_under_its_code():
    world = World()
    task_id = world.submit()
    while not world.queue.dead:
        world.at_event["begin_attempt"] = die
        world.work() or world.clock.advance(1)
    world.clock.advance(43)  # beyond the last worker's lease
    world.recovery.resolve_dead_letter(task_id)
    assert codes(world) == ["worker_crashed"]


def test_a_sweep_counts_what_it_queues_again_and_an_idle_one_sends_nothing():
    world = World()
    world.recovery.sweep()
    for _ in range(2):
        world.submit()
    world.queue.letters.clear()
    world.clock.advance(121)
    world.recovery.sweep()
    assert world.measured == [("TasksQueuedAgain", 2, None)]
