"""The sweeper and the dead letters: every task ends, and nothing is sent twice."""

import json
import time

import pytest

from tests.support.client import recorded
from tests.support.task_factory import TO_RELAY, new_task
from videoapi.domain import endings, transitions
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
    response = client.invoke("dead_letter", {"Records": records})
    return [each["itemIdentifier"] for each in response["batchItemFailures"]]


def poison(services, task_id):
    """Make it a task over which five workers have died."""
    services.change(task_id, claims={"N": "5"})


def named(messages):
    return sorted(json.loads(message)["task_id"] for message in messages)


@pytest.fixture
def old():
    return time.time() - LONG_AGO


def test_unsent_task_is_queued_by_the_sweeper(client, task_factory, services, old):
    """A task whose message was never sent is queued by the sweeper."""
    task_id = task_factory.pending(now=old).task_id
    assert sweep(client) == {"queued": 1}
    assert named(services.messages()) == [task_id]


def test_a_task_whose_worker_died_is_queued_by_the_sweeper(client, task_factory, services, old):
    task_id = task_factory.processing(now=old).task_id
    assert sweep(client) == {"queued": 1}
    assert named(services.messages()) == [task_id]


def test_a_second_sweep_sends_nothing_again(client, task_factory, services, old):
    task_factory.pending(now=old)
    assert [sweep(client) for _ in range(2)] == [{"queued": 1}, {"queued": 0}]
    assert len(services.messages()) == 1


def test_of_two_sweeps_at_once_one_sends(client, task_factory, services, old):
    task_factory.pending(now=old)
    counts = []
    services.calls.before("dynamodb:UpdateItem", lambda: counts.append(sweep(client)["queued"]))
    counts.append(sweep(client)["queued"])
    assert sorted(counts) == [0, 1]
    assert len(services.messages()) == 1


def test_a_young_a_working_and_an_ended_task_are_left_alone(client, task_factory, services, old):
    task_factory.pending()
    task_factory.processing()
    for state in ("completed", "failed", "cancelled"):
        getattr(task_factory, state)(now=old)
    assert sweep(client) == {"queued": 0}
    assert services.messages() == []


def test_a_backlog_is_no_reason_to_send_again(client, task_factory, services):
    task_factory.pending(now=time.time() - 600)
    services.queue.send("vid_of_somebody_who_waits")
    assert sweep(client) == {"queued": 0}


def test_an_index_that_is_behind_the_table_misleads_no_sweep(client, task_factory, services, old):
    """Indexes are eventually consistent: here they still name an ended and a deleted task."""
    ended, gone = task_factory.pending(now=old), task_factory.pending(now=old)
    services.store.apply(ended.task_id, endings.cancel(ended, now=time.time(), retention=60))
    services.store.apply(gone.task_id, endings.delete(gone, now=time.time(), retention=60))
    for task in (ended, gone):
        services.change(task.task_id, open={"S": "0"}, due_at={"S": task.due_at})
    assert sweep(client) == {"queued": 0}


def test_a_dead_letter_of_an_outage_goes_back_to_the_queue(client, task_factory, services, old):
    """No worker died over the task: its table, bucket or secret was away."""
    task_id = task_factory.pending(now=old).task_id
    assert resolve(client, {"task_id": task_id}) == []
    assert services.store.get(task_id).status == "pending"
    assert delayed(services) == 1


def test_a_dead_letter_ends_its_task_as_failed(client, task_factory, services, old):
    task_id = task_factory.pending(now=old).task_id
    poison(services, task_id)
    assert resolve(client, {"task_id": task_id}) == []
    body = client.get(f"/api/v1/tasks/{task_id}").json
    assert body["status"] == "failed"
    assert body["error"]["type"] == "ServiceError"
    assert body["error"]["code"] == "worker_crashed"
    assert body["error"]["retryable"] is True
    assert body["error"]["maybe_charged"] is False
    assert services.messages() == []


def test_task_that_died_while_it_submitted_is_maybe_charged(client, services, task_factory, old):
    task = task_factory.pending(now=old)
    claim = transitions.claim("w", now=old, lease_seconds=40)
    task = services.store.apply(task.task_id, claim)
    task = services.store.apply(
        task.task_id, transitions.begin_attempt(task, now=old, to=TO_RELAY, prompt="x")
    )
    assert resolve(client, {"task_id": task.task_id}) == []
    error = client.get(f"/api/v1/tasks/{task.task_id}").json["error"]
    assert (error["type"], error["code"]) == ("ServiceError", "upstream_submit_unknown")
    assert (error["retryable"], error["maybe_charged"]) == (True, True)


def test_a_dead_letter_of_a_paid_job_goes_back_to_the_queue(client, task_factory, services):
    task_id = task_factory.processing(now=time.time() - 300).task_id
    assert resolve(client, {"task_id": task_id}) == []
    assert services.store.get(task_id).status == "processing"
    assert delayed(services) == 1


def test_a_paid_job_that_is_over_its_time_is_given_up(client, task_factory, services, old):
    task_id = task_factory.processing(now=old).task_id
    poison(services, task_id)
    assert resolve(client, {"task_id": task_id}) == []
    error = services.store.get(task_id).error
    assert (error["code"], error["maybe_charged"]) == ("worker_crashed", True)


def test_dead_letter_of_a_running_task_comes_back(client, task_factory, services):
    task_id = task_factory.processing().task_id
    assert resolve(client, {"task_id": task_id}) == []
    assert services.store.get(task_id).status == "processing"
    assert delayed(services) == 1


@pytest.mark.parametrize("state", ["completed", "failed", "cancelled"])
def test_a_dead_letter_of_an_ended_task_is_dropped(client, task_factory, services, state):
    task = getattr(task_factory, state)()
    before = services.item(task.task_id)
    assert resolve(client, {"task_id": task.task_id}) == []
    assert services.item(task.task_id) == before
    assert services.messages() == []


def test_a_dead_letter_of_no_task_is_dropped(client):
    assert resolve(client, {"task_id": new_task().task_id}, {"task_id": "what?"}) == []


def test_task_revived_as_a_dead_letter_is_queued_again(client, task_factory, services, old):
    """A task that comes back to life at its resolution is queued again."""
    task_id = task_factory.pending(now=old).task_id
    poison(services, task_id)
    claim = transitions.claim("w", now=time.time(), lease_seconds=40)
    services.calls.before(
        "dynamodb:TransactWriteItems", lambda: services.store.apply(task_id, claim)
    )
    assert resolve(client, {"task_id": task_id}) == []
    assert services.store.get(task_id).status == "processing"
    assert delayed(services) == 1


def test_one_letter_that_cannot_be_buried_keeps_no_other_back(client, task_factory, services, old):
    first, second = task_factory.pending(now=old).task_id, task_factory.pending(now=old).task_id
    services.change(first, status={"S": "a word of a later version"})
    poison(services, second)
    assert resolve(client, {"task_id": first}, {"task_id": second}) == ["message-0"]
    assert services.item(second)["status"] == "failed"


def test_a_letter_that_names_no_task_is_logged_once_and_gone(
    client, task_factory, services, old, caplog
):
    task_id = task_factory.pending(now=old).task_id
    poison(services, task_id)
    assert resolve(client, "not JSON", {"task_id": 5}, "", {"task_id": task_id}) == []
    assert client.get(f"/api/v1/tasks/{task_id}").json["status"] == "failed"
    records = [record for record in caplog.records if record.levelname == "ERROR"]
    assert [record.message_id for record in records] == ["message-0", "message-1", "message-2"]


def test_sweep_that_could_not_queue_a_task_fails_last(client, task_factory, services, old):
    broken, whole = task_factory.pending(now=old).task_id, task_factory.pending(now=old).task_id
    services.change(broken, status={"S": "a word of a later version"})
    with pytest.raises(ServiceError, match="1 overdue"):
        sweep(client)
    assert named(services.messages()) == [whole]


def test_letters_come_back_while_the_table_is_away(client, task_factory, services, old):
    task_id = task_factory.pending(now=old).task_id
    services.calls.fail("dynamodb:GetItem")
    assert resolve(client, {"task_id": task_id}) == ["message-0"]


def test_the_recorded_letter_is_understood(client):
    event = json.loads(recorded("dead_letter"))
    assert client.invoke("dead_letter", event) == {"batchItemFailures": []}


def delayed(services):
    response = services.sqs.get_queue_attributes(
        QueueUrl=services.queue_url, AttributeNames=["All"]
    )
    return int(response["Attributes"]["ApproximateNumberOfMessagesDelayed"])
