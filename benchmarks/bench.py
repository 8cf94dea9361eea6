"""The handlers and a worker on the data services of template.yaml (moto), as Bench counts them."""

import io
import json
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from functools import cache
from typing import Any

import pytest
from aws_lambda_powertools import Logger

import tests.conftest  # noqa: F401 — made-up credentials before any client
from benchmarks.meter import METER, Operation
from tests.support.client import Answer, Client
from tests.support.moto import ROOT, DataServices
from tests.support.simulation import Simulation
from tests.support.task_factory import TaskFactory
from videoapi import metrics
from videoapi.accounts.api_keys import ApiKeyStore, Limits
from videoapi.aws.forecasts import ForecastStore
from videoapi.domain import endings
from videoapi.worker.lease import Message

DAY = 24 * 3600
PRICE = "0.25"  # dollars of a video: what is reserved is one more write of its submit
GENERATION = 60.0  # seconds that the relay takes
REQUEST_ID = "6bc28136-0d31-4cd5-8fb8-6bc281360d31"  # as long as Lambda's
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=557abcec3ee5a047;Sampled=1"
REST, OPENAI, UPLOADS = "/api/v1/videos/generate", "/v1/videos", "/api/v1/uploads"
FORM = {"content_type": "image/jpeg"}
SUBMIT: dict[str, Any] = {
    "prompt": "Slow pan over the valley while the morning mist lifts and the first sun comes up",
    "duration": 8,
    "camera_motion": "pan",
}


class Bench:
    """One deployment's data in moto, its handlers, and a worker in made-up time."""

    def __init__(self) -> None:
        """Make the data services; inside `mock_aws` alone."""
        self.services = DataServices()
        local = {"WEBHOOK_ALLOW_PRIVATE": "true"}  # the receiver of an event is here
        self.open = Client(self.services, VIDEO_PRICE_USD=PRICE, **local)
        self.closed = Client(self.services, VIDEO_PRICE_USD=PRICE, ALLOW_ANONYMOUS="false")
        self.task_factory = TaskFactory(self.services.store)
        self.picture = (ROOT / "examples/mountains.jpg").read_bytes()
        self.with_image = SUBMIT | {"image": b64encode(self.picture).decode()}

    def key(self, **limits: int) -> dict[str, str]:
        """Make an API key and return the header that presents it."""
        ring = ApiKeyStore(self.services.dynamodb, self.services.table, time.time)
        name = f"caller-{len(ring.listed())}"
        return {"authorization": f"Bearer {ring.make(name, Limits(**limits))}"}

    def measure(self, action: Callable[[], Answer | dict[str, Any]], request: int = 0) -> Operation:
        """Count what an action takes."""
        output = io.StringIO()
        with METER.counting() as calls, redirect_stdout(output):
            response = action()
        size = 0
        if isinstance(response, Answer):
            assert response.status < 400, response.text  # noqa: S101, PLR2004 — a bench that fails
            size = len(response.text.encode()) + len(json.dumps(response.headers))
        return Operation(calls, request, size, _metric_lines(output.getvalue()))

    def ask(
        self, method: str, path: str, caller: Client | None = None, **request: Any
    ) -> Operation:
        """Count what one request to the API takes."""
        body = len(json.dumps(request["json"])) if "json" in request else 0
        caller = caller or self.open
        return self.measure(lambda: caller.request(method, path, **request), body)

    def submitted(self, **fields: Any) -> str:
        """Submit and return the task's id."""
        return str(self.open.post(REST, json=self.with_image | fields).json["task_id"])

    def upload(self) -> str:
        """Upload the image, as its form would, and return the reference to it."""
        form = self.open.post(UPLOADS, json=FORM).json
        self.services.files.put(form["fields"]["key"], self.picture, FORM["content_type"])
        return str(form["reference"])

    def _end_the_others(self) -> None:
        """End the tasks of earlier operations: a worker would take up what is overdue."""
        now = time.time()
        store = self.services.store
        for paid in (True, False):
            for task_id in list(store.overdue(now + DAY, paid=paid)):
                change = endings.cancel(store.get(task_id), now=now, retention=DAY)
                store.apply(task_id, change)

    def worker(self, *, copies: bool = False) -> Operation:
        """Count what a worker takes for a generation of a minute; Lambda's poller included."""
        for message in self.services.messages():
            assert message  # noqa: S101 — those of earlier submits are not for us
        self._end_the_others()
        task_id = self.submitted()
        sim = _Workshop(self.services, copies=copies)
        log, lines = _log()
        lines.truncate(lines.seek(0))
        log.set_correlation_id(REQUEST_ID)
        log.append_keys(task_id=task_id)
        began = sim.clock()
        with METER.counting() as calls, redirect_stdout(io.StringIO()) as output, _traced():
            (letter,) = self.services.sqs.receive_message(QueueUrl=self.services.queue_url)[
                "Messages"
            ]
            receipt = letter["ReceiptHandle"]
            sim.generation.run(sim.delivery_of(task_id, receipt))
            self.services.sqs.delete_message(
                QueueUrl=self.services.queue_url, ReceiptHandle=receipt
            )
        assert sim.store.get(task_id).progress == 100  # noqa: S101, PLR2004 — percent
        return Operation(
            calls,
            log_lines=lines.getvalue().splitlines() + _metric_lines(output.getvalue()),
            seconds=sim.clock() - began,
            creates=len(sim.relay.orders),
            polls=len(sim.relay.polls),
        )


class _Workshop(Simulation):  # type: ignore[misc]  # the tests have no types
    """The simulation with the real adapters: the relay and the clock alone are made up."""

    def __init__(self, services: DataServices, *, copies: bool) -> None:
        self._services = services
        super().__init__(veo3_skip_upload=not copies, video_price_usd=float(PRICE))
        self.clock.now = float(int(time.time()) + 1)  # whole, so that every run has the same polls
        self.relay.takes = GENERATION

    @staticmethod
    def log_type() -> Logger:
        return _log()[0]

    @staticmethod
    def emit(*metric: Any) -> None:
        metrics.emit(*metric)

    def adapters(self) -> tuple[Any, Any, Any]:
        return self._services.store, self._services.queue, self._services.files

    def forecast_adapter(self) -> ForecastStore:
        return ForecastStore(self._services.store)

    def delivery_of(self, task_id: str, receipt: str) -> Message:
        end = self.clock() + 900
        return Message(
            task_id=task_id,
            receipt_handle=receipt,
            request_id=REQUEST_ID,
            remaining=lambda: end - self.clock(),
        )


@contextmanager
def _traced() -> Iterator[None]:
    """Let log lines have the trace id that Lambda's environment gives them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("_X_AMZN_TRACE_ID", TRACE)
        yield


@cache
def _log() -> tuple[Logger, io.StringIO]:
    """Return the worker's logger and what it has written; loggers of one name are one."""
    lines = io.StringIO()
    return Logger(service="video-api", level="INFO", stream=lines), lines


def _metric_lines(output: str) -> list[str]:
    """Return the metrics in what was printed (EMF): log lines that no logger writes."""
    return [line for line in output.splitlines() if '"_aws"' in line]
