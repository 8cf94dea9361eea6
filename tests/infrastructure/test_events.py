import base64
import json

import pytest

from tests.infrastructure.test_flow import triggers
from tests.support.own_files import own_files
from tests.support.template import routes

EVENTS = {path.stem: json.loads(path.read_text()) for path in own_files("events/*.json")}
HTTP = ["submit", "status", "list", "content", "cancel", "images", "uploads", "mcp", "docs"]


@pytest.fixture
def deployment(intact):
    return intact.deployed()


def function_of(event):
    return event.title().replace("_", "") + "Function"


def test_each_function_has_an_event(deployment):
    assert {function_of(name) for name in EVENTS} == deployment.of_type("Lambda::Function").keys()


@pytest.mark.parametrize("name", HTTP)
def test_http_event_is_routed_to_its_function(deployment, name):
    event = EVENTS[name]
    http = event["requestContext"]["http"]
    assert event["version"] == "2.0"
    assert routes(deployment)[event["routeKey"]] == function_of(name)
    assert event["requestContext"]["routeKey"] == event["routeKey"]
    asked = event["routeKey"].format(**event.get("pathParameters", {}))
    assert f"{http['method']} {event['rawPath']}" == asked == f"{http['method']} {http['path']}"
    assert all(header == header.lower() for header in event["headers"])


@pytest.mark.parametrize("name", ["submit", "images", "uploads", "mcp"])
def test_a_body_is_as_long_as_its_header_says(name):
    event = EVENTS[name]
    assert event["headers"]["content-length"] == str(len(event["body"]))


def test_the_submit_event_carries_an_image():
    event = EVENTS["submit"]
    assert base64.b64decode(json.loads(event["body"])["image"]).startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["worker", "dead_letter"])
def test_a_queue_event_comes_from_the_queue_of_its_function(deployment, name):
    (record,) = EVENTS[name]["Records"]
    queue = record["eventSourceARN"].split("-")[-2]
    assert triggers(deployment)[queue][0] == function_of(name)
    assert json.loads(record["body"])["task_id"].startswith("vid_")


def test_dead_letter_event_was_received_too_often(deployment):
    """The dead letter event was received more often than the queue allows."""
    (record,) = EVENTS["dead_letter"]["Records"]
    allowed = deployment["TasksQueue"]["RedrivePolicy"]["maxReceiveCount"]
    assert int(record["attributes"]["ApproximateReceiveCount"]) > allowed


def test_the_sweeper_event_comes_from_its_schedule(deployment):
    (rule,) = deployment.of_type("Events::Rule")
    assert rule in EVENTS["sweeper"]["resources"][0]
    assert EVENTS["sweeper"]["detail-type"] == "Scheduled Event"
