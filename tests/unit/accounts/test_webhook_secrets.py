"""Secrets in the table: one an owner, made once, replaced without a gap."""

import base64

import pytest

from videoapi.accounts.webhook_secrets import ROTATION_SECONDS, WebhookSecrets, new_secret
from videoapi.errors import ServiceError

NOW = 1_768_127_400.0


class Clock:
    now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def secrets(services, clock):
    return WebhookSecrets(services.store, clock)


def test_secret_is_32_random_bytes_in_the_standard_s_spelling():
    first, second = new_secret(), new_secret()
    assert first.startswith("whsec_")
    assert len(base64.b64decode(first[6:], validate=True)) == 32
    assert first != second


def test_secret_is_made_and_shown_once(secrets):
    made = secrets.ensure("anna")
    assert secrets.ensure("anna") is None
    assert secrets.of("anna") == [made]
    assert secrets.of("bert") != [made], "each owner has one"


def test_an_owner_without_one_gets_one_at_the_first_need(secrets):
    first = secrets.of("old")
    assert len(first) == 1
    assert secrets.of("old") == first
    shown = secrets.rotate("old")
    assert secrets.of("old") == [shown, *first]


def test_replaced_secret_signs_for_a_day(secrets, clock):
    old = secrets.ensure("anna")
    new = secrets.rotate("anna")
    clock.now += ROTATION_SECONDS - 1
    assert secrets.of("anna") == [new, old]
    clock.now += 2
    assert secrets.of("anna") == [new]


def test_each_of_several_replaced_secrets_has_its_own_day(secrets, clock):
    first = secrets.ensure("anna")
    second = secrets.rotate("anna")
    clock.now += ROTATION_SECONDS / 2
    third = secrets.rotate("anna")
    assert secrets.of("anna") == [third, second, first]
    clock.now += ROTATION_SECONDS / 2 + 1
    assert secrets.of("anna") == [third, second]
    fourth = secrets.rotate("anna")
    assert secrets.of("anna") == [fourth, third, second]


def test_two_rotations_at_once_are_one(secrets, services):
    secrets.ensure("anna")
    other = WebhookSecrets(services.store, lambda: NOW)
    services.calls.before("dynamodb:PutItem", lambda: other.rotate("anna"))
    with pytest.raises(ServiceError, match="another command"):
        secrets.rotate("anna")
    assert len(secrets.of("anna")) == 2


def test_two_that_need_the_first_get_the_same(secrets, services):
    other = WebhookSecrets(services.store, lambda: NOW)
    services.calls.before("dynamodb:PutItem", lambda: other.ensure("anna"))
    found = secrets.of("anna")
    assert found == other.of("anna")
