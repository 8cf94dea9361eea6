"""Webhooks through the functions themselves: submit, end, tell, test; on moto and real sockets."""

import json
import time

import boto3
import pytest
from standardwebhooks.webhooks import Webhook

from tests.support.client import Context
from tests.support.loopback import Server, reply
from tests.support.moto import client as aws
from videoapi.accounts.api_keys import ApiKeyStore, Limits
from videoapi.accounts.webhook_secrets import WebhookSecrets, new_secret
from videoapi.aws.files import video_key
from videoapi_cli.operator.operations import read
from videoapi_cli.operator.stack import Deployed
from videoapi_cli.operator.webhooks import chosen

URL = "https://hooks.example.com/videos"
OTHER = "https://hooks.example.com/other"
REST, OPENAI, TEST = "/api/v1/videos/generate", "/v1/videos", "/api/v1/webhooks/test"
IMAGE = "https://images.example.com/a.png"
BODIES = {REST: {"image": IMAGE}, OPENAI: {"prompt": "A fox"}}
both = pytest.mark.parametrize("path", [REST, OPENAI])


@pytest.fixture
def local(deploy):
    return deploy(WEBHOOK_ALLOW_PRIVATE="true")


@pytest.fixture
def secrets(services):
    return WebhookSecrets(services.store, lambda: 0.0)


def task_of(services, answer):
    return services.store.get(answer.json.get("task_id") or answer.json["id"])


def letters(*task_ids):
    return {
        "Records": [
            {"messageId": f"message-{number}", "body": json.dumps({"task_id": task_id})}
            for number, task_id in enumerate(task_ids)
        ]
    }


# --- submit


@both
@pytest.mark.parametrize("name", ["webhook_url", "callback_url"])
def test_submit_keeps_the_webhook_under_either_name(client, services, path, name):
    response = client.post(path, json=BODIES[path] | {name: URL})
    assert response.status in (200, 202), response.text
    assert task_of(services, response).webhook_url == URL


@pytest.mark.parametrize("name", ["webhook_url", "callback_url", "callbackUrl"])
def test_form_may_name_a_webhook_too(client, services, name):
    response = client.form(files={"prompt": (None, "A fox"), name: (None, URL)})
    assert task_of(services, response).webhook_url == URL


@both
def test_two_names_must_say_the_same(client, services, path):
    fields = {"webhook_url": URL, "callback_url": URL}
    assert client.post(path, json=BODIES[path] | fields).status in (200, 202)
    before = services.items()
    response = client.post(path, json=BODIES[path] | fields | {"callback_url": OTHER})
    assert response.status in (400, 422)
    assert "callback_url" in response.text or "webhook_url" in response.text
    assert services.items() == before


@both
@pytest.mark.parametrize("query", [{}, {"dry_run": "true"}])
@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "https://127.0.0.1/",
        "https://[::ffff:127.0.0.1]/",
        "https://0x7f.1/",
        "https://user@hooks.example.com/",
        "https://hooks.example.com/#top",
        "hooks.example.com",
    ],
)
def test_address_that_cannot_be_told_is_refused_by_name(client, services, path, query, url):
    response = client.post(path, json=BODIES[path] | {"callback_url": url}, query=query)
    assert response.status == (422 if path == REST else 400)
    assert "callback_url: The URL must " in response.error["message"]
    assert services.is_untouched()


@both
def test_blank_address_is_one_not_said(client, services, path):
    response = client.post(path, json=BODIES[path] | {"webhook_url": ""})
    assert task_of(services, response).webhook_url is None


def test_private_address_is_taken_for_local_work(local, services):
    response = local.post(
        OPENAI, json={"prompt": "A fox", "webhook_url": "http://localhost:8001/r"}
    )
    assert task_of(services, response).webhook_url == "http://localhost:8001/r"


@both
def test_key_that_means_another_address_is_refused(client, path):
    """A second address under the same Idempotency-Key would be dropped in silence."""
    key = {"idempotency-key": "order-1"}
    body = BODIES[path] | {"webhook_url": URL}
    first = client.post(path, json=body, headers=key)
    again = client.post(path, json=body, headers=key)
    assert again.headers["idempotency-replayed"] == "true"
    other = client.post(path, json=body | {"webhook_url": OTHER}, headers=key)
    assert other.error["code"] == "idempotency_key_reused"
    assert first.status in (200, 202)


def test_key_s_default_is_told_unless_the_submit_says_otherwise(deploy, services):
    ring = ApiKeyStore(services.dynamodb, services.table, lambda: 0.0)
    closed = deploy(ALLOW_ANONYMOUS="false")
    headers = {"authorization": f"Bearer {ring.make('anna', Limits(), URL)}"}
    key = {"idempotency-key": "order-1"}
    default = closed.post(OPENAI, json={"prompt": "A fox"}, headers=headers | key)
    own = closed.post(OPENAI, json={"prompt": "A fox", "webhook_url": OTHER}, headers=headers)
    assert task_of(services, default).webhook_url == URL
    assert task_of(services, own).webhook_url == OTHER
    assert ring.webhook_of("anna") == URL
    assert ring.webhook_of("bert") is None
    assert [key.webhook_url for key in ring.listed()] == [URL]
    other = {"authorization": f"Bearer {ring.make('anna', Limits(), OTHER)}"}
    again = closed.post(OPENAI, json={"prompt": "A fox"}, headers=other | key)
    assert again.headers["idempotency-replayed"] == "true", "a default is no part of a request"


# --- what a task says of it


def test_open_task_says_that_its_end_will_be_told(client):
    response = client.post(REST, json=BODIES[REST] | {"webhook_url": URL})
    task_id = response.json["task_id"]
    state = {"state": "pending", "attempts": 0, "last_status": None, "next_attempt_at": None}
    assert client.get(f"/api/v1/tasks/{task_id}").json["webhook"] == state
    assert client.get(f"/v1/videos/{task_id}").json["webhook"] == state
    (listed,) = client.get("/v1/videos").json["data"]
    assert listed["webhook"] == state


def test_ended_task_says_when_it_is_told_again(client, task_factory):
    task = task_factory.completed(webhook_url=URL, now=1_768_127_400.0)
    rest = client.get(f"/api/v1/tasks/{task.task_id}").json["webhook"]
    assert rest["next_attempt_at"] == "2026-01-11T10:30:00.000Z"
    video = client.get(f"/v1/videos/{task.task_id}").json
    assert video["webhook"]["next_attempt_at"] == 1_768_127_400
    assert video["expires_at"] == task.kept_until


def test_task_without_a_webhook_says_nothing_of_one(client, task_factory):
    task = task_factory.completed()
    assert "webhook" not in client.get(f"/api/v1/tasks/{task.task_id}").json
    assert "webhook" not in client.get(f"/v1/videos/{task.task_id}").json


# --- the notifier


@pytest.mark.parametrize("copied", [False, True])
def test_end_of_a_task_is_told_signed(local, services, task_factory, secrets, copied):
    secret = secrets.ensure("anna")
    with Server(reply(status="204 No Content")) as server:
        where = {"webhook_url": f"{server.origin}/hook", "owner": "anna"}
        result = {"video_key": video_key("anna", "vid_1"), "video_url": None} if copied else {}
        task = task_factory.completed(result=result, **where)
        assert local.invoke("notifier", letters(task.task_id)) == {"batchItemFailures": []}
    head, _, body = server.requests[0].partition("\r\n\r\n")
    headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:])
    signature = head.partition("webhook-signature: ")[2].partition("\r\n")[0]
    event = Webhook(secret).verify(body, headers | {"webhook-signature": signature})
    assert headers["content-type"] == "application/json"
    assert event["data"]["task_id"] == task.task_id
    assert ("X-Amz-Signature" in event["data"]["video_url"]) is copied
    stored = services.store.get(task.task_id)
    assert (stored.webhook_state, stored.webhook_status) == ("delivered", 204)
    assert local.invoke("notifier", letters(task.task_id)) == {"batchItemFailures": []}
    assert len(server.requests) == 1


def test_unwilling_receiver_is_sent_another_message(local, services, task_factory):
    with Server(reply(status="500 No")) as server:
        task = task_factory.completed(webhook_url=f"{server.origin}/hook")
        local.invoke("notifier", letters(task.task_id))
    stored = services.store.get(task.task_id)
    assert (stored.webhook_state, stored.webhook_status, len(stored.webhook_log)) == (
        "pending",
        500,
        1,
    )
    assert services.calls.made.count("sqs:SendMessage") == 1
    item = services.items()["webhook#anonymous"]
    assert item["secrets"], "made at the first need"


def test_messages_of_nobody_are_dropped_broken_ones_come_back(local, services, task_factory):
    task = task_factory.completed(webhook_url=URL)
    services.change(task.task_id, webhook_event={"S": "video.of_another_version"})
    event = letters("vid_" + "a" * 26, task.task_id)
    event["Records"].append({"messageId": "message-2", "body": "[]"})
    assert local.invoke("notifier", event) == {
        "batchItemFailures": [{"itemIdentifier": "message-1"}]
    }


def test_worker_cancel_and_delete_send_the_notifier_a_message(client, services, task_factory):
    cancelled, deleted = (task_factory.pending(webhook_url=URL) for _ in range(2))
    client.delete(f"/api/v1/tasks/{cancelled.task_id}")
    client.delete(f"/v1/videos/{deleted.task_id}")
    sent = services.messages(services.webhooks_queue_url)
    assert {json.loads(body)["task_id"] for body in sent} == {cancelled.task_id, deleted.task_id}


def test_the_sweeper_sends_for_what_is_owed(client, services, task_factory):
    task = task_factory.completed(webhook_url=URL, now=1_768_127_400.0)
    task_factory.completed(webhook_url=URL)  # whose message is on its way
    task_factory.completed(now=1_768_127_400.0)
    assert client.invoke("sweeper", {}, Context()) == {"queued": 0}
    assert services.messages(services.webhooks_queue_url) == [json.dumps({"task_id": task.task_id})]


def test_sweep_of_webhooks_that_fails_keeps_no_task_back(client, services, task_factory):
    task_factory.pending(now=time.time() - 600)
    task_factory.completed(webhook_url=URL, now=time.time() - 600)
    services.calls.fail("sqs:GetQueueAttributes")
    with pytest.raises(Exception, match="does not answer"):
        client.invoke("sweeper", {}, Context())
    assert len(services.messages()) == 1


# --- the test event


def test_test_event_is_sent_signed_and_what_came_back_is_told(deploy):
    secret = new_secret()
    client = deploy(WEBHOOK_ALLOW_PRIVATE="true", WEBHOOK_SECRET="webhook-secret")
    aws("secretsmanager").create_secret(Name="webhook-secret", SecretString=secret)
    with Server(reply(status="201 Created")) as server:
        response = client.post(TEST, json={"url": f"{server.origin}/hook"})
    assert response.status == 200
    assert response.json | {"milliseconds": 0} == {
        "delivered": True, "status": 201, "milliseconds": 0, "problem": None,
    }  # fmt: skip
    head, _, body = server.requests[0].partition("\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:])
    event = Webhook(secret).verify(body, headers)
    assert (event["type"], event["id"]) == ("video.test", headers["webhook-id"])


def test_test_event_tells_why_it_was_not_taken(local):
    with Server(reply(status="302 Found", Location="http://127.0.0.1/")) as server:
        response = local.post(TEST, json={"url": server.origin})
    assert (response.json["delivered"], response.json["status"]) == (False, 302)
    assert response.json["problem"].startswith("answered 302, a redirect, which is not followed")


def test_test_says_that_nobody_has_seen_the_secret(local, services):
    """Without WEBHOOK_SECRET the first event's is made by us: no receiver can verify it."""
    with Server(*[reply()] * 2) as server:
        response = local.post(TEST, json={"url": server.origin})
        assert response.json["delivered"]
        assert "make key NAME=anonymous ARGS=--rotate-webhook-secret" in response.json["problem"]
        WebhookSecrets(services.store, time.time).rotate("anonymous")
        assert local.post(TEST, json={"url": server.origin}).json["problem"] is None


@pytest.mark.parametrize(
    "body", [{}, {"url": 5}, {"url": "https://10.0.0.1/"}, {"url": URL, "more": 1}, []]
)
def test_bad_test_is_refused_and_sends_nothing(client, services, body):
    response = client.post(TEST, json=body)
    assert response.status == 422
    assert services.is_untouched()


def test_tests_count_as_submits_of_their_minute(deploy, services):
    ring = ApiKeyStore(services.dynamodb, services.table, lambda: 0.0)
    key = ring.make("anna", Limits(submits_per_minute=1))
    client = deploy(ALLOW_ANONYMOUS="false", WEBHOOK_ALLOW_PRIVATE="true")
    headers = {"authorization": f"Bearer {key}"}
    with Server(reply()) as server:
        first = client.post(TEST, json={"url": server.origin}, headers=headers)
        second = client.post(TEST, json={"url": server.origin}, headers=headers)
    assert (first.status, second.status) == (200, 429)
    assert "ratelimit" in first.headers
    assert len(server.requests) == 1
    assert "webhook#anna" in services.items()


# --- what operators do


@pytest.fixture
def operate(services, capsys):
    outputs = {"TasksTableName": services.table, "FilesBucketName": services.bucket}

    def run(*arguments):
        stack = Deployed(boto3.Session(), None, outputs)
        options = read(list(arguments))
        options.run(stack, options)
        return capsys.readouterr().out.splitlines()

    return run


def test_first_key_shows_the_secret_that_signs_and_no_other_does(operate, services):
    first = operate("key", "anna", "--webhook", URL)
    ring = ApiKeyStore(services.dynamodb, services.table, time.time)
    secrets = WebhookSecrets(services.store, time.time)
    assert ring.find(first[-1]).webhook_url == URL
    (shown,) = (line for line in first if line.startswith("whsec_"))
    assert secrets.of("anna") == [shown]
    second = operate("key", "anna")
    assert not [line for line in second if line.startswith("whsec_")]
    assert ring.find(second[-1]).webhook_url == URL, "as the latest key has it"
    assert ring.find(operate("key", "anna", "--webhook", "none")[-1]).webhook_url is None
    listed = operate("key", "--list")
    assert [line.endswith("with a webhook") for line in listed] == [True, True, False]


def test_rotation_shows_a_secret_and_keeps_the_old_one_a_day(operate, services):
    operate("key", "anna")
    secrets = WebhookSecrets(services.store, time.time)
    (old,) = secrets.of("anna")
    new = operate("key", "anna", "--rotate-webhook-secret")[-1]
    assert secrets.of("anna") == [new, old]
    assert operate("key", "anonymous", "--rotate-webhook-secret")[-1].startswith("whsec_")
    with pytest.raises(ValueError, match="bert has no key here"):
        operate("key", "bert", "--rotate-webhook-secret")


@pytest.mark.parametrize("url", ["http://hooks.example.com/", "https://10.0.0.1/", "hooks"])
def test_key_gets_no_address_that_cannot_be_told(operate, services, url):
    with pytest.raises(ValueError, match="--webhook: the URL must"):
        operate("key", "anna", "--webhook", url)
    assert services.items() == {}


def test_key_of_the_local_stack_may_be_told_by_http(services):
    ring = ApiKeyStore(services.dynamodb, services.table, time.time)
    options = read(["key", "anna", "--webhook", "http://localhost:8001/received"])
    assert chosen(options, ring, local=True) == "http://localhost:8001/received"


def test_story_of_a_task_tells_each_try_and_no_address(operate, local, task_factory):
    with Server(reply(status="500 No"), reply()) as server:
        task = task_factory.completed(webhook_url=f"{server.origin}/hook?token=secret")
        assert "webhook                 pending, as video.completed" in operate(
            "task", task.task_id
        )
        local.invoke("notifier", letters(task.task_id))
    text = "\n".join(operate("task", task.task_id))
    assert "answered 500" in text
    assert "next webhook try" in text
    assert "secret" not in text
    plain = task_factory.pending(webhook_url=URL)
    assert "webhook                 sent at the end, as -" in operate("task", plain.task_id)
    without = operate("task", task_factory.pending().task_id)
    assert not any(line.startswith("webhook") for line in without)
