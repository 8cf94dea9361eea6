"""The operator's commands, on moto as on a deployed stack."""

import json
import time

import boto3
import pytest

from local.operations import Deployed, main, read
from tests.functional.lives import Lives
from videoapi.errors import GenerationError
from videoapi.keys import KeyRing, Limits
from videoapi.transitions import accepted_late, cancel, claim, intend

REFUSED = GenerationError("no", code="upstream_account_error")
NOT_FETCHED = GenerationError("gone", code="video_download_failed", maybe_charged=True)


@pytest.fixture
def operate(cloud, capsys):
    stack = Deployed(
        boto3.Session(),
        None,
        {
            "TasksTableName": cloud.table,
            "TasksQueueUrl": cloud.queue_url,
            "DeadLetterQueueUrl": cloud.dead_letter_url,
        },
    )

    def run(*arguments):
        given = read(list(arguments))
        given.run(stack, given)
        return capsys.readouterr().out

    return run


def test_a_key_is_shown_once_listed_by_name_and_revoked(operate, cloud):
    made = operate("key", "alice", "--per-day", "20").splitlines()[-1]
    ring = KeyRing(cloud.dynamodb, cloud.table, lambda: 0.0)
    assert ring.find(made).limits == Limits(videos_per_day=20)
    assert "alice" in operate("key", "--list")
    assert made not in operate("key", "--list")
    assert operate("key", "alice", "--revoke").startswith("1 key(s) of alice revoked")
    assert operate("key", "--list") == "No keys.\n"


def test_a_tasks_story_tells_times_ids_and_charges_and_nothing_its_owner_said(operate, cloud):
    task = Lives(cloud.store).completed()
    told = operate("task", task.task_id)
    assert "charged                 yes, for 1 job(s)" in told
    assert task.upstream_id in told
    assert "fox" not in told


CHARGED = {
    "nothing was sent": ("pending", {}, "no"),
    "cancelled in time": ("cancelled", {}, "no"),
    "cancelled while it ran": ("cancelled", {"begun": True}, "yes, for 1 job(s)"),
    "refused by the relay": ("failed", {"upstream_id": None, "error": REFUSED}, "no\n"),
    "failed by the relay itself": ("failed", {}, "no, unless the relay charges"),
    "made but not fetched": ("failed", {"error": NOT_FETCHED}, "yes, for 1 job(s)"),
}


@pytest.mark.parametrize(("life", "how", "charged"), CHARGED.values(), ids=CHARGED)
def test_a_story_says_whether_money_was_spent(operate, cloud, life, how, charged):
    task = getattr(Lives(cloud.store), life)(**how)
    assert f"\ncharged                 {charged}" in operate("task", task.task_id)


def test_a_story_counts_a_job_that_was_learnt_too_late_and_doubts_a_lost_answer(operate, cloud):
    now = time.time()
    task = Lives(cloud.store).pending(now=now)
    task = cloud.store.apply(task.task_id, claim("worker-1", now=now, lease_seconds=40))
    cloud.store.apply(task.task_id, intend(task, now=now, prompt="A fox"))
    assert "charged                 maybe" in operate("task", task.task_id)
    cloud.store.apply(task.task_id, cancel(now=now, retention=60))
    cloud.store.apply(task.task_id, accepted_late("job:9"))
    told = operate("task", task.task_id)
    assert "jobs learnt too late    job:9" in told
    assert "charged                 yes, for 1 job(s)" in told


def test_a_task_that_is_not_there_is_said_to_be_so(operate):
    with pytest.raises(ValueError, match="No task vid_none"):
        operate("task", "vid_none")


def test_dead_letters_are_queued_again(operate, cloud):
    for number in range(12):
        cloud.sqs.send_message(
            QueueUrl=cloud.dead_letter_url, MessageBody=json.dumps({"task_id": f"vid_{number}"})
        )
    assert operate("redrive") == "12 dead letter(s) queued again.\n"
    assert len(cloud.messages()) == 12


def test_a_stack_that_is_not_there_is_said_in_words(cloud, capsys):
    assert cloud.is_untouched()
    assert main(["--stack", "nowhere", "task", "vid_none"]) == 1
    assert "It did not work: " in capsys.readouterr().err
