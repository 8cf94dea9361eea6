"""Signatures, by the rules of Standard Webhooks, as the libraries of others verify them."""

import time

import pytest
from openai import InvalidWebhookSignatureError, OpenAI
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from videoapi.accounts.webhook_secrets import new_secret
from videoapi.errors import ServiceError
from videoapi.webhooks import events, signing


@pytest.fixture
def now():
    return int(time.time())


def signed(secrets, at, body=b'{"type":"video.completed"}'):
    return signing.headers("evt_1", at, body, secrets)


def test_signature_is_the_one_of_the_specification_s_example():
    """Of the vectors that the reference implementations share."""
    secret, at = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 1_614_265_330
    headers = signing.headers("msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}', [secret])
    assert headers == {
        "Content-Type": "application/json",
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@pytest.mark.parametrize("knows", [0, 1], ids=["the_new_one", "the_old_one"])
def test_both_secrets_verify_while_one_is_replaced(now, knows):
    secrets, body = [new_secret(), new_secret()], '{"a":"ü"}'
    headers = signed(secrets, now, body.encode())
    assert len(headers["webhook-signature"].split(" ")) == 2
    assert Webhook(secrets[knows]).verify(body, headers) == {"a": "ü"}


def test_another_secret_or_body_or_id_is_not_verified(now):
    secret, body = new_secret(), "{}"
    headers = signed([secret], now, b"{}")
    for wrong, its_headers, its_body in (
        (new_secret(), headers, body),
        (secret, headers, "{ }"),
        (secret, headers | {"webhook-id": "evt_2"}, body),
        (secret, headers | {"webhook-timestamp": str(now + 1)}, body),
        (secret, signed([secret], now - 3600, b"{}"), body),
    ):
        with pytest.raises(WebhookVerificationError):
            Webhook(wrong).verify(its_body, its_headers)


@pytest.mark.parametrize("secret", ["whsec_a", "whsec_ü", "my secret", "whsec_", ""])
def test_secret_that_is_none_is_told_to_the_operator(now, secret):
    with pytest.raises(ServiceError, match="WEBHOOK_SECRET holds no secret"):
        signed([secret], now)


def test_openai_s_sdk_unwraps_an_event(now):
    secret = new_secret()
    event_id, body = events.test_event(now)
    client = OpenAI(api_key="vak_x", webhook_secret=secret)
    headers = signing.headers(event_id, now, body.encode(), [secret])
    event = client.webhooks.unwrap(body, headers)
    assert (event.id, event.type, event.created_at) == (event_id, "video.test", now)
    with pytest.raises(InvalidWebhookSignatureError):
        client.webhooks.unwrap(body, headers, secret=new_secret())
