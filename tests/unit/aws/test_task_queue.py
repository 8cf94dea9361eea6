import json

import pytest

from videoapi.aws.task_queue import task_id_of
from videoapi.errors import ServiceError


def waiting(services, name="ApproximateNumberOfMessages"):
    response = services.sqs.get_queue_attributes(QueueUrl=services.queue_url, AttributeNames=[name])
    return int(response["Attributes"][name])


def test_a_message_names_its_task_and_nothing_else(services):
    services.queue.send("vid_1")
    assert [json.loads(message) for message in services.messages()] == [{"task_id": "vid_1"}]


def test_message_tells_its_group(services):
    services.queue.send("vid_1", group="shop")
    asked = {"QueueUrl": services.queue_url, "MessageSystemAttributeNames": ["MessageGroupId"]}
    (message,) = services.sqs.receive_message(**asked)["Messages"]
    assert message["Attributes"]["MessageGroupId"] == "shop"


@pytest.mark.parametrize(("delay", "sent"), [(0, 0), (0.1, 1), (7, 7), (7.5, 8), (5000, 900)])
def test_delay_is_whole_seconds_up_to_sqs_maximum(services, delay, sent):
    """A delay is in whole seconds, never shorter and at most what SQS can."""
    asked = []
    services.sqs.meta.events.register_first(
        "provide-client-params.sqs.SendMessage",
        lambda params, **_: asked.append(params["DelaySeconds"]),
        unique_id="delay",
    )
    services.queue.send("vid_1", delay=delay)
    services.sqs.meta.events.unregister("provide-client-params.sqs.SendMessage", unique_id="delay")
    assert asked == [sent]
    assert waiting(services, "ApproximateNumberOfMessagesDelayed") == (1 if sent else 0)


def test_received_message_stays_hidden_as_long_as_set(services):
    services.queue.send("vid_1")
    (message,) = services.sqs.receive_message(QueueUrl=services.queue_url)["Messages"]
    assert services.queue.waiting() == 0
    services.queue.hide(message["ReceiptHandle"], seconds=0)
    assert services.queue.waiting() == 1
    services.queue.hide(message["ReceiptHandle"], seconds=40)
    assert services.queue.waiting() == 0


def test_a_message_that_is_somebody_elses_or_gone_is_left_alone(services):
    services.queue.send("vid_1")
    (message,) = services.sqs.receive_message(QueueUrl=services.queue_url)["Messages"]
    services.sqs.delete_message(QueueUrl=services.queue_url, ReceiptHandle=message["ReceiptHandle"])
    services.queue.hide("a receipt of nobody's", seconds=40)
    services.queue.hide(message["ReceiptHandle"], seconds=40)
    assert services.queue.waiting() == 0


@pytest.mark.parametrize("code", ["OverLimit", ""])
@pytest.mark.parametrize("call", ["SendMessage", "ChangeMessageVisibility"])
def test_outage_is_a_service_error_with_awss_words(services, call, code):
    """An outage is a service error whose note tells what AWS said."""
    services.calls.fail(f"sqs:{call}", code)
    actions = {
        "SendMessage": lambda: services.queue.send("vid_1"),
        "ChangeMessageVisibility": lambda: services.queue.hide("receipt", seconds=1),
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
def test_queue_without_a_length_is_a_service_error(services, code):
    """A queue that does not say how long it is is a service error."""
    services.calls.fail("sqs:GetQueueAttributes", code)
    with pytest.raises(ServiceError):
        services.queue.waiting()
