"""The functions behind the queue and the schedule, from their recorded events, on moto."""

import json
import ssl
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import pytest
from aws_lambda_powertools.utilities.parameters import base
from botocore.session import Session

from tests.support.client import Context, recorded
from tests.support.pictures import png
from tests.support.task_factory import new_task
from videoapi.aws import secrets
from videoapi.domain.tasks import GenerationRequest, Status
from videoapi.domain.timestamps import timestamp

KEY = "relay-key-0123456789"
SECRET = "video-api/veo3-api-key"


@dataclass
class WorkerContext(Context):
    def get_remaining_time_in_millis(self):
        return 900_000


def event_of(role, *bodies):
    """Return the recorded event of a role with a record for each body."""
    (record,) = json.loads(recorded(role))["Records"]
    return {
        "Records": [
            record | {"body": body, "messageId": f"message-{number}"}
            for number, body in enumerate(bodies)
        ]
    }


def message_about(task):
    return json.dumps({"task_id": task.task_id})


@contextmanager
def relay_that_answers(**answers):
    """Serve one answer for each path or method at a local port; yield its origin and requests."""
    requests = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            requests.append((self.command, self.path, self.headers["authorization"], body))
            status, reply = answers.get(self.path) or answers[self.command]
            text = json.dumps(reply).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_):
            pass

    Handler.do_GET = Handler.do_POST = Handler.answer

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", requests
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def keep_the_key():
    boto3.client("secretsmanager").create_secret(Name=SECRET, SecretString=KEY)


def send(services, task):
    """Put a task, and send and receive its message, as submit and Lambda's poller do."""
    assert services.store.create(task) is None
    services.queue.send(task.task_id)
    (message,) = services.sqs.receive_message(QueueUrl=services.queue_url)["Messages"]
    event = event_of("worker", message["Body"])
    event["Records"][0]["receiptHandle"] = message["ReceiptHandle"]
    return event


def test_the_worker_carries_a_task_to_its_end(deploy, services):
    keep_the_key()
    task = new_task()
    event = send(services, task)
    done = {"id": "job:1", "status": "completed", "video_url": "https://cdn.example.com/v.mp4"}
    with relay_that_answers(POST=(200, {"id": "job:1"}), GET=(200, done)) as (origin, requests):
        client = deploy(VEO3_BASE_URL=origin)
        response = client.invoke("worker", event, WorkerContext())
    assert response == {"batchItemFailures": []}
    ended = services.store.get(task.task_id)
    assert ended.status is Status.COMPLETED
    assert ended.result["video_url"] == "https://cdn.example.com/v.mp4"
    assert [(method, path) for method, path, _, _ in requests] == [
        ("POST", "/v1/videos"),
        ("GET", "/v1/videos/job:1"),
    ]
    assert {bearer for _, _, bearer, _ in requests} == {f"Bearer {KEY}"}
    assert b"A fox" in requests[0][3]


@contextmanager
def counting(monkeypatch, owner, name):
    """Yield the arguments of each call of a library's function."""
    calls, made = [], getattr(owner, name)

    def counted(*args, **kwargs):
        calls.append(args)
        return made(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, counted)
        yield calls


def test_all_clients_are_made_at_init_and_none_in_the_first_task(deploy, services, monkeypatch):
    keep_the_key()
    key = "inputs/anonymous/picture.png"
    services.files.put(key, png(), "image/png")
    event = send(services, replace(new_task(), image_key=key))
    done = {"id": "job:1", "status": "completed", "video_url": "https://cdn.example.com/v.mp4"}
    with (
        relay_that_answers(POST=(200, {"id": "job:1"}), GET=(200, done)) as (origin, _),
        counting(monkeypatch, Session, "create_client") as clients,
        counting(monkeypatch, ssl, "create_default_context") as contexts,
    ):
        client = deploy(
            VEO3_BASE_URL=origin,
            ENABLE_PROMPT_OPTIMIZATION="true",
            FAST_LLM_API_KEY_SECRET="llm",
        )
        client.invoke("worker", {"Records": []}, WorkerContext())
        assert sorted(service for _, service in clients) == [
            "dynamodb", "s3", "secretsmanager", "sqs",
        ]  # fmt: skip
        assert len(contexts) == 1
        services.calls.forget_made()
        client.invoke("worker", event, WorkerContext())
        assert {"s3:GetObject", "secrets-manager:GetSecretValue"} <= set(services.calls.made)
        assert (len(clients), len(contexts)) == (4, 1)


def test_worker_optimizes_the_prompt_where_asked(deploy, services):
    """The worker sends better words where the caller asked for them."""
    keep_the_key()
    boto3.client("secretsmanager").create_secret(Name="llm", SecretString="llm-key")
    request = GenerationRequest(model="veo_3_1", prompt="A fox", optimize_prompt=True)
    task = replace(new_task(), request=request)
    event = send(services, task)
    better = {"choices": [{"message": {"content": "Slow pan. A red fox runs."}}]}
    done = {"id": "job:1", "status": "completed", "video_url": "https://cdn.example.com/v.mp4"}
    answers = {
        "/llm/chat/completions": (200, better),
        "POST": (200, {"id": "1"}),
        "GET": (200, done),
    }
    with relay_that_answers(**answers) as (origin, requests):
        client = deploy(
            VEO3_BASE_URL=origin,
            ENABLE_PROMPT_OPTIMIZATION="true",
            FAST_LLM_API_URL=f"{origin}/llm",
            FAST_LLM_MODEL="fast",
            FAST_LLM_API_KEY_SECRET="llm",
        )
        client.invoke("worker", event, WorkerContext())
    ended = services.store.get(task.task_id)
    assert (ended.prompt_sent, ended.prompt_optimized) == ("Slow pan. A red fox runs.", 1)
    assert requests[0][2] == "Bearer llm-key"
    assert b"Slow pan. A red fox runs." in requests[1][3]


def test_refused_account_is_shown_to_the_operator_alone(deploy, services, caplog):
    """A relay that refuses our account is reported to the operator alone."""
    keep_the_key()
    task = new_task()
    event = send(services, task)
    refusal = {"error": {"message": "no such key: please top up", "code": "invalid_api_key"}}
    with relay_that_answers(POST=(401, refusal)) as (origin, _):
        deploy(VEO3_BASE_URL=origin).invoke("worker", event, WorkerContext())
    error = services.store.get(task.task_id).error
    assert (error["code"], error["retryable"]) == ("upstream_account_error", False)
    assert "top up" not in error["message"]
    assert any("top up" in str(vars(record)) for record in caplog.records)


def test_worker_waits_in_the_queue_between_attempts(deploy, services):
    """The worker waits between polls and before another attempt in the queue."""
    keep_the_key()
    task = new_task()
    event = send(services, task)
    with relay_that_answers(POST=(503, {})) as (origin, requests):
        client = deploy(VEO3_BASE_URL=origin, VIDEO_GENERATION_RETRY_DELAY="600")
        began = time.monotonic()
        client.invoke("worker", event, WorkerContext())
    assert time.monotonic() - began < 60
    assert len(requests) == 1
    waiting = services.store.get(task.task_id)
    assert (waiting.status, waiting.lease_owner) == (Status.PROCESSING, "")
    assert waiting.lease_until > timestamp(time.time() + 500)


def test_unreadable_relay_key_is_an_order_not_sent(deploy, services):
    task = new_task()
    event = send(services, task)
    client = deploy(VEO3_API_KEY_SECRET="no/such/secret", VIDEO_GENERATION_MAX_RETRIES="0")
    client.invoke("worker", event, WorkerContext())
    error = services.store.get(task.task_id).error
    assert (error["code"], error["maybe_charged"]) == ("service_unavailable", False)


class FiveMinutesOn(datetime):
    """The clock that Powertools' cache of secrets goes by, a little later."""

    @classmethod
    def now(cls, tz=None):
        return super().now(tz) + timedelta(minutes=5)


def test_rotated_relay_key_is_used_within_five_minutes(deploy, services, monkeypatch):
    """A rotated relay key is used within five minutes by a worker that stays warm."""
    secrets = boto3.client("secretsmanager")
    secrets.create_secret(Name="rotated", SecretString="old-key")
    done = {"id": "job:1", "status": "completed", "video_url": "https://cdn.example.com/v.mp4"}
    with relay_that_answers(POST=(200, {"id": "job:1"}), GET=(200, done)) as (origin, requests):
        client = deploy(VEO3_BASE_URL=origin, VEO3_API_KEY_SECRET="rotated")

        def key_used():
            requests.clear()
            client.invoke("worker", send(services, new_task()), WorkerContext())
            return {bearer for _, _, bearer, _ in requests}

        assert key_used() == {"Bearer old-key"}
        secrets.put_secret_value(SecretId="rotated", SecretString="new-key")
        assert key_used() == {"Bearer old-key"}
        monkeypatch.setattr(base, "datetime", FiveMinutesOn)
        assert key_used() == {"Bearer new-key"}


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("ResourceNotFoundException", "ResourceNotFoundException"),
        ("AccessDeniedException", "ClientError"),
        (None, "EndpointConnectionError"),
    ],
)
def test_unreadable_key_is_logged_with_its_secrets_name(deploy, services, caplog, code, reason):
    """Why a key cannot be read is logged with the secret's name."""
    task = new_task()
    services.calls.fail("secrets-manager:GetSecretValue", code)
    client = deploy(VEO3_API_KEY_SECRET="away", VIDEO_GENERATION_MAX_RETRIES="0")
    client.invoke("worker", send(services, task), WorkerContext())
    waiting = services.store.get(task.task_id)
    assert (waiting.status, waiting.attempts, waiting.lease_owner) == (Status.PROCESSING, 0, "")
    (record,) = [each for each in caplog.records if each.getMessage() == secrets.UNREADABLE]
    assert (record.secret, record.reason, record.aws_code) == ("away", reason, code)


def test_a_worker_that_fails_leaves_its_message_to_the_next(deploy, services):
    event = send(services, new_task())
    services.calls.fail("sqs:ChangeMessageVisibility")
    with pytest.raises(Exception, match="ChangeMessageVisibility"):
        deploy().invoke("worker", event, WorkerContext())


def test_a_dead_letter_ends_its_task_and_its_log_names_it(deploy, services, caplog):
    caplog.set_level("INFO", "service_undefined")
    tasks = [new_task(), new_task()]
    for task in tasks:
        services.store.create(replace(task, claims=5))
    event = event_of("dead_letter", *map(message_about, tasks))
    assert deploy().invoke("dead_letter", event) == {"batchItemFailures": []}
    assert {services.store.get(task.task_id).error["code"] for task in tasks} == {"worker_crashed"}
    named = [getattr(record, "task_id", None) for record in caplog.records]
    assert [each for each in named if each] == [task.task_id for task in tasks]


def test_failing_dead_letter_comes_back_alone(deploy, services):
    """A dead letter that cannot be resolved comes back and keeps no other."""
    task = replace(new_task(), claims=5)
    services.store.create(task)
    services.store.create(broken := new_task())
    services.change(broken.task_id, status={"S": "a word of a later version"})
    event = event_of("dead_letter", message_about(broken), message_about(task))
    response = deploy().invoke("dead_letter", event)
    assert response == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}
    assert services.store.get(task.task_id).status is Status.FAILED


@pytest.mark.parametrize("body", ["not JSON", "", '{"task_id": 5}', "[" * 100_000])
def test_a_message_that_names_no_task_is_logged_once_and_dropped(deploy, body, caplog):
    response = deploy().invoke("worker", event_of("worker", body), WorkerContext())
    assert response == {"batchItemFailures": []}
    (logged,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert logged.message_id == "message-0"
    assert body[:9] not in logged.getMessage() or not body


def test_the_sweeper_sends_what_was_never_sent(deploy, services):
    task, young = new_task(now=time.time() - 200), new_task()
    services.store.create(task)
    services.store.create(young)
    client, event = deploy(), json.loads(recorded("sweeper"))
    assert client.invoke("sweeper", event) == {"queued": 1}
    assert [json.loads(body) for body in services.messages()] == [{"task_id": task.task_id}]
    assert client.invoke("sweeper", event) == {"queued": 0}
