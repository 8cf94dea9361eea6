"""What the composition root knows of AWS itself."""

import pytest

from videoapi import bootstrap


@pytest.mark.usefixtures("services")
def test_the_role_s_credentials_are_those_of_this_moment():
    found = bootstrap.aws_credentials()
    assert found.access_key
    assert found.secret_key
    assert bootstrap.region() == "us-east-1"


@pytest.mark.usefixtures("services")
def test_one_client_of_dynamodb_serves_a_role():
    """A second would cost another connection, and 16 M instructions of a cold start."""
    keys = bootstrap.keys()._table  # noqa: SLF001 — it shows its client to nobody else
    assert keys.client is bootstrap.store().client
