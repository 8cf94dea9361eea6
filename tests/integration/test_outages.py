"""What a caller hears when AWS is away, what is left behind, and how often AWS is asked at all."""

import base64
import io
import logging
import time

import pytest

from tests.support.pictures import png
from videoapi import bootstrap
from videoapi.domain.timestamps import timestamp
from videoapi.errors import ServiceError

REST, OPENAI = "/api/v1/videos/generate", "/v1/videos"
BODY = {"prompt": "A fox"}
INLINE = base64.b64encode(png()).decode()
PICTURE = "https://example.com/image.jpg"


def assert_away(answer, *, openai):
    assert answer.status == 503
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert "x-should-retry" not in answer.headers, "an SDK may try again"
    if openai:
        assert (answer.error["type"], answer.error["code"]) == (
            "server_error",
            "service_unavailable",
        )
        assert answer.error["param"] is None
    else:
        assert (answer.error["type"], answer.error["retryable"]) == ("ServiceError", True)
    assert "made up" not in answer.text, "what AWS said is for the log"


@pytest.mark.parametrize("code", ["InternalError", ""], ids=["answers with an error", "is silent"])
@pytest.mark.parametrize(("path", "body"), [(REST, {"image": PICTURE}), (OPENAI, BODY)])
def test_unsent_task_is_accepted_and_sent_by_the_sweeper(client, services, path, body, code):
    """A task whose message could not be sent is accepted and sent by the sweeper."""
    services.calls.fail("sqs:SendMessage", code)
    response = client.post(path, json=body)
    assert response.status == (200 if path == OPENAI else 202)
    (task_id,) = services.items()
    assert services.item(task_id)["status"] == "pending"
    services.calls.heal()
    assert client.invoke("sweeper", {}) == {"queued": 1}
    assert len(services.messages()) == 1


@pytest.mark.parametrize("call", ["sqs:SendMessage", "dynamodb:UpdateItem"])
def test_replay_is_answered_when_its_message_cannot_be_sent(client, services, call):
    headers = {"idempotency-key": "k"}
    task_id = client.post(OPENAI, json=BODY, headers=headers).json["id"]
    a_while_ago(services, task_id)
    services.calls.fail(call)
    response = client.post(OPENAI, json=BODY, headers=headers)
    assert (response.status, response.json["id"]) == (200, task_id)
    assert services.item(task_id)["status"] == "pending"


def a_while_ago(services, task_id):
    """Let the first message have been sent two minutes ago."""
    services.change(task_id, queued_at={"S": timestamp(time.time() - 120)})


@pytest.mark.parametrize("status", ["processing", "deleted"])
def test_replay_of_a_task_that_moved_on_has_its_state(client, services, status):
    """A replay of a task that moved on meanwhile says how it stands."""
    headers = {"idempotency-key": "k"}
    task_id = client.post(OPENAI, json=BODY, headers=headers).json["id"]
    a_while_ago(services, task_id)
    services.messages()
    change = {"status": {"S": status}, "lease_owner": {"S": "worker"}}
    services.calls.before("dynamodb:UpdateItem", lambda: services.change(task_id, **change))
    response = client.post(OPENAI, json=BODY, headers=headers)
    assert response.status == (200 if status == "processing" else 409)
    assert services.messages() == []


def test_of_two_replays_at_once_one_sends_and_both_get_the_task(client, services):
    headers, answers = {"idempotency-key": "k"}, []
    a_while_ago(services, client.post(OPENAI, json=BODY, headers=headers).json["id"])
    services.messages()

    def replay():
        answers.append(client.post(OPENAI, json=BODY, headers=headers))

    services.calls.before("dynamodb:UpdateItem", replay)
    replay()
    assert [response.status for response in answers] == [200, 200]
    assert len(services.messages()) == 1


@pytest.mark.parametrize("code", ["ProvisionedThroughputExceededException", ""])
@pytest.mark.parametrize(
    ("call", "headers"),
    [
        ("dynamodb:PutItem", {}),
        ("dynamodb:TransactWriteItems", {"x-stainless-retry-count": "0"}),
        ("dynamodb:GetItem", {"x-stainless-retry-count": "1"}),
    ],
)
def test_submit_that_the_table_refuses_is_503_and_sends_nothing(
    client, services, call, headers, code
):
    services.calls.fail(call, code)
    assert_away(client.post(OPENAI, json=BODY, headers=headers), openai=True)
    assert services.is_untouched()


@pytest.mark.parametrize(
    ("call", "body"),
    [("dynamodb:PutItem", BODY), ("s3:PutObject", BODY | {"input_reference": INLINE})],
)
def test_submit_denied_by_aws_invites_no_retry(client, services, call, body):
    """A submit that AWS does not allow is no invitation to try again."""
    services.calls.fail(call, "AccessDenied", status=403)
    response = client.post(OPENAI, json=body)
    assert response.status == 503
    assert response.headers["x-should-retry"] == "false"
    assert "ry again." not in response.error["message"]


@pytest.mark.parametrize("code", ["SlowDown", ""])
def test_image_that_cannot_be_stored_is_503(client, services, code):
    """An image that cannot be kept is 503 and nothing else is done."""
    services.calls.fail("s3:PutObject", code)
    assert_away(client.post(REST, json={"image": INLINE}), openai=False)
    assert services.is_untouched()


@pytest.mark.parametrize("code", ["InternalServerError", ""])
def test_a_read_while_the_table_is_away_is_503_on_every_route(client, task_factory, services, code):
    task_id = task_factory.completed().task_id
    for call in ("dynamodb:GetItem", "dynamodb:Query"):
        services.calls.fail(call, code)
    for path in (f"/api/v1/tasks/{task_id}", f"/api/v1/videos/{task_id}", "/api/v1/tasks"):
        assert_away(client.get(path), openai=False)
    for path in (f"/v1/videos/{task_id}", f"/v1/videos/{task_id}/content", "/v1/videos"):
        assert_away(client.get(path), openai=True)


@pytest.mark.parametrize("code", ["InternalServerError", ""])
def test_a_cancel_or_delete_while_the_table_is_away_is_503(client, task_factory, services, code):
    task_id = task_factory.pending().task_id
    services.calls.fail("dynamodb:TransactWriteItems", code)
    assert_away(client.delete(f"/api/v1/tasks/{task_id}"), openai=False)
    assert_away(client.delete(f"/v1/videos/{task_id}"), openai=True)
    assert services.item(task_id)["status"] == "pending"


def test_function_without_credentials_signs_no_link(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/nowhere")
    made = [each for each in vars(bootstrap).values() if hasattr(each, "cache_clear")]
    for each in made:
        each.cache_clear()
    with pytest.raises(ServiceError, match="no AWS credentials"):
        bootstrap.links().to("videos/a", now=0)
    for each in made:
        each.cache_clear()


def test_an_unexpected_exception_is_500_in_the_dialects_shape(client, task_factory, services):
    task_id = task_factory.pending().task_id
    services.change(task_id, status={"S": "a word of a later version"})
    rest = client.get(f"/api/v1/tasks/{task_id}")
    assert rest.status == 500
    assert rest.error.keys() == {"type", "message", "code", "retryable"}
    openai = client.get(f"/v1/videos/{task_id}")
    assert openai.status == 500
    assert openai.error.keys() == {"message", "type", "param", "code"}
    assert openai.error["type"] == "server_error"
    for response in (rest, openai):
        assert "later version" not in response.text
        assert response.error["code"] == "internal_error"


@pytest.fixture
def log():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s %(code)s %(notes)s"))
    logger = logging.getLogger("service_undefined")
    logger.addHandler(handler)
    yield stream.getvalue
    logger.removeHandler(handler)


def test_client_error_is_logged_at_info_an_outage_at_error(client, services, log):
    client.get("/v1/videos/vid_none")
    assert log() == "INFO refused task_not_found None\n"
    services.calls.fail("dynamodb:PutItem")
    client.post(OPENAI, json=BODY)
    last = log().splitlines()[-1]
    assert last.startswith("ERROR refused service_unavailable ['DynamoDB: ")
    assert "made up" in last, "the log tells what AWS said"


def test_a_refusal_is_one_line_in_the_log_and_so_is_an_accident(client, task_factory, services):
    """Lambda's own handler sits on the root logger; Powertools' own lines must not reach it."""
    lines = []
    handler = logging.Handler()
    handler.emit = lines.append
    logging.getLogger().addHandler(handler)
    client.post(REST, json={})
    task_id = task_factory.pending().task_id
    services.change(task_id, status={"S": "a word of a later version"})
    client.get(f"/v1/videos/{task_id}")
    logging.getLogger().removeHandler(handler)
    assert [record.getMessage() for record in lines] == ["refused", "unexpected"]


def test_no_prompt_image_or_key_is_in_a_log(client, services, capfd, log):
    for path, body in ((REST, {"image": "SECRET", "prompt": "SECRET"}), (OPENAI, {"size": "S"})):
        client.post(path, json=body | {"seconds": "SECRET"}, headers={"idempotency-key": "SECRET"})
    services.calls.fail("dynamodb:PutItem")
    client.post(OPENAI, json={"prompt": "SECRET"}, headers={"authorization": "Bearer SECRET"})
    assert log()
    assert "SECRET" not in log() + "".join(capfd.readouterr())
