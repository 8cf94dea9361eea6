"""What a whole run of kills leaves in the logs."""

import pytest

from tests.faults.site import IMAGE, MARKER

SECRETS = {
    "a prompt": MARKER,
    "an image": IMAGE[:24],
    "a presigned URL": "X-Amz-Signature",
    "credentials in a URL": "X-Amz-Security-Token",
    "a result's URL": "/v/video_",
}


@pytest.mark.parametrize("secret", SECRETS)
def test_no_log_tells(secret, outcomes, running):
    assert outcomes
    logs = running.logs()
    assert "step=accepted" in logs
    assert SECRETS[secret] not in logs


def test_no_log_tells_the_relays_key(outcomes, running):
    assert outcomes
    assert running.relay_key() not in running.logs()
