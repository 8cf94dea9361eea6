import json

import pytest

from videoapi.aws.task_queue import task_id_of
from videoapi.errors import ServiceError


def waiting(cloud, name="ApproximateNumberOfMessages"):
    answer = cloud.sqs.get_queue_attributes(QueueUrl=cloud.queue_url, AttributeNames=[name])
    return int(answer["Attributes"][name])


def test_a_message_names_its_task_and_nothing_else(cloud):
    cloud.queue.send("vid_1")
    assert [json.loads(message) for message in cloud.messages()] == [{"task_id": "vid_1"}]


@pytest.mark.parametrize(("delay", "sent"), [(0, 0), (0.1, 1), (7, 7), (7.5, 8), (5000, 900)])
def test_a_delay_is_in_whole_seconds_never_shorter_and_at_most_what_sqs_can(cloud, delay, sent):
    asked = []
    cloud.sqs.meta.events.register_first(
        "provide-client-params.sqs.SendMessage",
        lambda params, **_: asked.append(params["DelaySeconds"]),
        unique_id="delay",
    )
    cloud.queue.send("vid_1", delay=delay)
    cloud.sqs.meta.events.unregister("provide-client-params.sqs.SendMessage", unique_id="delay")
    assert asked == [sent]
    assert waiting(cloud, "ApproximateNumberOfMessagesDelayed") == (1 if sent else 0)


def test_a_received_message_stays_hidden_for_as_long_as_it_is_told(cloud):
    cloud.queue.send("vid_1")
    (message,) = cloud.sqs.receive_message(QueueUrl=cloud.queue_url)["Messages"]
    assert cloud.queue.waiting() == 0
    cloud.queue.hide(message["ReceiptHandle"], seconds=0)
    assert cloud.queue.waiting() == 1
    cloud.queue.hide(message["ReceiptHandle"], seconds=40)
    assert cloud.queue.waiting() == 0


def test_a_message_that_is_somebody_elses_or_gone_is_left_alone(cloud):
    cloud.queue.send("vid_1")
    (message,) = cloud.sqs.receive_message(QueueUrl=cloud.queue_url)["Messages"]
    cloud.sqs.delete_message(QueueUrl=cloud.queue_url, ReceiptHandle=message["ReceiptHandle"])
    cloud.queue.hide("a receipt of nobody's", seconds=40)
    cloud.queue.hide(message["ReceiptHandle"], seconds=40)
    assert cloud.queue.waiting() == 0


@pytest.mark.parametrize("code", ["OverLimit", ""])
@pytest.mark.parametrize("call", ["SendMessage", "ChangeMessageVisibility"])
def test_an_outage_is_a_service_error_whose_note_tells_what_aws_said(cloud, call, code):
    cloud.calls.fail(f"sqs:{call}", code)
    actions = {
        "SendMessage": lambda: cloud.queue.send("vid_1"),
        "ChangeMessageVisibility": lambda: cloud.queue.hide("receipt", seconds=1),
    }
    with pytest.raises(ServiceError) as caught:
        actions[call]()
    assert caught.value.__notes__[0].startswith("SQS: ")


def test_the_task_id_of_a_message_is_the_text_in_it():
    assert task_id_of('{"task_id": "vid_1", "more": 1}') == "vid_1"


NO_MESSAGES = ["", "vid_1", "[]", "{}", '{"task_id": 5}', '"task_id"', "null"]
HOSTILE = ["[" * 100_000, "9" * 5_000]


@pytest.mark.parametrize("body", [*NO_MESSAGES, *HOSTILE], ids=lambda body: body[:20])
def test_any_other_text_names_no_task(body):
    assert task_id_of(body) is None


@pytest.mark.parametrize("code", ["InternalServerError", None])
def test_a_queue_that_does_not_say_how_long_it_is_is_a_service_error(cloud, code):
    cloud.calls.fail("sqs:GetQueueAttributes", code)
    with pytest.raises(ServiceError):
        cloud.queue.waiting()
