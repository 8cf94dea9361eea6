"""What the composition root knows of AWS itself."""

import pytest

from videoapi import bootstrap


@pytest.mark.usefixtures("services")
def test_the_role_s_credentials_are_those_of_this_moment():
    found = bootstrap.aws_credentials()
    assert found.access_key
    assert found.secret_key
    assert bootstrap.region() == "us-east-1"
