"""The sweeper and the dead letters: every task ends, and nothing is sent twice."""

import json
import time

import pytest

from tests.support.client import recorded
from tests.support.task_factory import new_task
from videoapi.domain import transitions
from videoapi.errors import ServiceError

LONG_AGO = 2 * 3600


def sweep(client):
    return client.invoke("sweeper", json.loads(recorded("sweeper")))


def letter(body, number=0):
    event = json.loads(recorded("dead_letter"))
    (record,) = event["Records"]
    text = body if isinstance(body, str) else json.dumps(body)
    return record | {"messageId": f"message-{number}", "body": text}


def resolve(client, *bodies):
    records = [letter(body, number) for number, body in enumerate(bodies)]
    answer = client.invoke("dead_letter", {"Records": records})
    return [each["itemIdentifier"] for each in answer["batchItemFailures"]]


def poison(cloud, task_id):
    """Make it a task over which five workers have died."""
    cloud.change(task_id, claims={"N": "5"})


def named(messages):
    return sorted(json.loads(message)["task_id"] for message in messages)


@pytest.fixture
def old():
    return time.time() - LONG_AGO


def test_a_task_whose_message_was_never_sent_is_queued_by_the_sweeper(client, lives, cloud, old):
    task_id = lives.pending(now=old).task_id
    assert sweep(client) == {"queued": 1}
    assert named(cloud.messages()) == [task_id]


def test_a_task_whose_worker_died_is_queued_by_the_sweeper(client, lives, cloud, old):
    task_id = lives.processing(now=old).task_id
    assert sweep(client) == {"queued": 1}
    assert named(cloud.messages()) == [task_id]


def test_a_second_sweep_sends_nothing_again(client, lives, cloud, old):
    lives.pending(now=old)
    assert [sweep(client) for _ in range(2)] == [{"queued": 1}, {"queued": 0}]
    assert len(cloud.messages()) == 1


def test_of_two_sweeps_at_once_one_sends(client, lives, cloud, old):
    lives.pending(now=old)
    counts = []
    cloud.calls.before("dynamodb:UpdateItem", lambda: counts.append(sweep(client)["queued"]))
    counts.append(sweep(client)["queued"])
    assert sorted(counts) == [0, 1]
    assert len(cloud.messages()) == 1


def test_a_young_a_working_and_an_ended_task_are_left_alone(client, lives, cloud, old):
    lives.pending()
    lives.processing()
    for state in ("completed", "failed", "cancelled"):
        getattr(lives, state)(now=old)
    assert sweep(client) == {"queued": 0}
    assert cloud.messages() == []


def test_a_backlog_is_no_reason_to_send_again(client, lives, cloud):
    lives.pending(now=time.time() - 600)
    cloud.queue.send("vid_of_somebody_who_waits")
    assert sweep(client) == {"queued": 0}


def test_an_index_that_is_behind_the_table_misleads_no_sweep(client, lives, cloud, old):
    """Indexes are eventually consistent: here they still name an ended and a deleted task."""
    ended, gone = lives.pending(now=old), lives.pending(now=old)
    cloud.store.apply(ended.task_id, transitions.cancel(now=time.time(), retention=60))
    cloud.store.apply(gone.task_id, transitions.delete(gone, now=time.time(), retention=60))
    for task in (ended, gone):
        cloud.change(task.task_id, open={"S": "0"}, due_at={"S": task.due_at})
    assert sweep(client) == {"queued": 0}


def test_a_dead_letter_of_an_outage_goes_back_to_the_queue(client, lives, cloud, old):
    """No worker died over the task: its table, bucket or secret was away."""
    task_id = lives.pending(now=old).task_id
    assert resolve(client, {"task_id": task_id}) == []
    assert cloud.store.get(task_id).status == "pending"
    assert delayed(cloud) == 1


def test_a_dead_letter_ends_its_task_as_failed(client, lives, cloud, old):
    task_id = lives.pending(now=old).task_id
    poison(cloud, task_id)
    assert resolve(client, {"task_id": task_id}) == []
    body = client.get(f"/api/v1/tasks/{task_id}").json
    assert body["status"] == "failed"
    assert body["error"]["type"] == "ServiceError"
    assert body["error"]["code"] == "worker_crashed"
    assert body["error"]["retryable"] is True
    assert body["error"]["maybe_charged"] is False
    assert cloud.messages() == []


def test_a_task_that_died_while_it_submitted_says_that_it_may_have_cost(client, cloud, lives, old):
    task = lives.pending(now=old)
    claim = transitions.claim("w", now=old, lease_seconds=40)
    task = cloud.store.apply(task.task_id, claim)
    task = cloud.store.apply(task.task_id, transitions.begin_attempt(task, now=old, prompt="x"))
    assert resolve(client, {"task_id": task.task_id}) == []
    error = client.get(f"/api/v1/tasks/{task.task_id}").json["error"]
    assert (error["type"], error["code"]) == ("ServiceError", "upstream_submit_unknown")
    assert (error["retryable"], error["maybe_charged"]) == (True, True)


def test_a_dead_letter_of_a_paid_job_goes_back_to_the_queue(client, lives, cloud):
    task_id = lives.processing(now=time.time() - 300).task_id
    assert resolve(client, {"task_id": task_id}) == []
    assert cloud.store.get(task_id).status == "processing"
    assert delayed(cloud) == 1


def test_a_paid_job_that_is_over_its_time_is_given_up(client, lives, cloud, old):
    task_id = lives.processing(now=old).task_id
    poison(cloud, task_id)
    assert resolve(client, {"task_id": task_id}) == []
    error = cloud.store.get(task_id).error
    assert (error["code"], error["maybe_charged"]) == ("worker_crashed", True)


def test_a_dead_letter_of_a_task_at_work_comes_back_after_its_lease(client, lives, cloud):
    task_id = lives.processing().task_id
    assert resolve(client, {"task_id": task_id}) == []
    assert cloud.store.get(task_id).status == "processing"
    assert delayed(cloud) == 1


@pytest.mark.parametrize("state", ["completed", "failed", "cancelled"])
def test_a_dead_letter_of_an_ended_task_is_dropped(client, lives, cloud, state):
    task = getattr(lives, state)()
    before = cloud.item(task.task_id)
    assert resolve(client, {"task_id": task.task_id}) == []
    assert cloud.item(task.task_id) == before
    assert cloud.messages() == []


def test_a_dead_letter_of_no_task_is_dropped(client):
    assert resolve(client, {"task_id": new_task().task_id}, {"task_id": "what?"}) == []


def test_a_task_that_comes_back_to_life_at_its_burial_is_queued_again(client, lives, cloud, old):
    task_id = lives.pending(now=old).task_id
    poison(cloud, task_id)
    claim = transitions.claim("w", now=time.time(), lease_seconds=40)
    cloud.calls.before("dynamodb:UpdateItem", lambda: cloud.store.apply(task_id, claim))
    assert resolve(client, {"task_id": task_id}) == []
    assert cloud.store.get(task_id).status == "processing"
    assert delayed(cloud) == 1


def test_one_letter_that_cannot_be_buried_keeps_no_other_back(client, lives, cloud, old):
    first, second = lives.pending(now=old).task_id, lives.pending(now=old).task_id
    cloud.change(first, status={"S": "a word of a later version"})
    poison(cloud, second)
    assert resolve(client, {"task_id": first}, {"task_id": second}) == ["message-0"]
    assert cloud.item(second)["status"] == "failed"


def test_a_letter_that_names_no_task_is_logged_once_and_gone(client, lives, cloud, old, caplog):
    task_id = lives.pending(now=old).task_id
    poison(cloud, task_id)
    assert resolve(client, "not JSON", {"task_id": 5}, "", {"task_id": task_id}) == []
    assert client.get(f"/api/v1/tasks/{task_id}").json["status"] == "failed"
    said = [record for record in caplog.records if record.levelname == "ERROR"]
    assert [record.message_id for record in said] == ["message-0", "message-1", "message-2"]


def test_a_sweep_that_could_not_queue_a_task_fails_after_the_others(client, lives, cloud, old):
    broken, whole = lives.pending(now=old).task_id, lives.pending(now=old).task_id
    cloud.change(broken, status={"S": "a word of a later version"})
    with pytest.raises(ServiceError, match="1 overdue"):
        sweep(client)
    assert named(cloud.messages()) == [whole]


def test_letters_come_back_while_the_table_is_away(client, lives, cloud, old):
    task_id = lives.pending(now=old).task_id
    cloud.calls.fail("dynamodb:GetItem")
    assert resolve(client, {"task_id": task_id}) == ["message-0"]


def test_the_recorded_letter_is_understood(client):
    event = json.loads(recorded("dead_letter"))
    assert client.invoke("dead_letter", event) == {"batchItemFailures": []}


def delayed(cloud):
    answer = cloud.sqs.get_queue_attributes(QueueUrl=cloud.queue_url, AttributeNames=["All"])
    return int(answer["Attributes"]["ApproximateNumberOfMessagesDelayed"])
