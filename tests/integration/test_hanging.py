"""An AWS service that takes a connection and never says a word: the caller reads our answer.

API Gateway waits 30 s for a function, and the function has its own time-out: both would answer in
a shape of their own.
"""

import socket
import time

import pytest

from devstack.template import load
from tests.support.client import forget_what_services_made, routes
from tests.support.moto import ROOT
from videoapi import bootstrap
from videoapi.aws import clients
from videoapi.errors import ServiceError
from videoapi.usecases.image_generation import MAX_SECONDS

PAUSE = 1.0  # seconds: the longest that botocore waits between the first two tries


def longest(service):
    """Return the seconds that one call to a hanging service may take."""
    connect, read, tries = clients.WAITS.get(service, clients.WAITS["others"])
    return (connect + read) * tries + PAUSE * (tries - 1)


def seconds_of(role):
    for resource in load(ROOT / "template.yaml")["Resources"].values():
        if resource["Properties"].get("CodeUri") == f"functions/{role}":
            return resource["Properties"]["Timeout"]
    raise LookupError(role)


@pytest.mark.parametrize("role", sorted(set(routes().values())))
def test_function_outlives_a_call_to_a_hanging_service(role):
    assert longest("dynamodb") < seconds_of(role)


def test_submit_outlives_a_put_and_the_read_that_settles_it():
    assert 2 * longest("dynamodb") < seconds_of("submit")


def test_images_outlive_their_endpoint_and_a_put_that_hangs():
    assert seconds_of("images") >= MAX_SECONDS + 2 * 3 + PAUSE, "S3 takes the connection"


@pytest.fixture
def mute():
    """Return the address of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_queue_that_hangs_is_given_up_within_seconds(mute, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", mute)
    monkeypatch.setenv("QUEUE_URL", f"{mute}/1/tasks")
    forget_what_services_made()
    began = time.monotonic()
    with pytest.raises(ServiceError):
        bootstrap.queue().send("vid_1")
    forget_what_services_made()
    assert time.monotonic() - began < longest("sqs")
    assert longest("sqs") <= 5
