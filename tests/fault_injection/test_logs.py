"""What a whole run of kills and chaos leaves in the logs."""

import pytest

from tests.fault_injection.stack import IMAGE, MARKER, task_id

SIGNED, RESULT = "X-Amz-Signature", "/v/video_"
SECRETS = {
    "a prompt": MARKER,
    "an image": IMAGE[:24],
    "an image's bytes": "PNG\\r\\n",  # as Python shows them
    "a presigned URL": SIGNED,
    "credentials in a URL": "X-Amz-Security-Token",
    "a result's URL": RESULT,
}


@pytest.fixture(scope="module")
def logs(outcomes, rush, running):
    """Return all logs once the kills and the rush are over; the story of each task is there."""
    logs = running.logs()
    ended = {each.name for each in outcomes if each.completed or each.unknown}  # by a worker
    names = {*rush.names, *ended}
    assert {name for name in names if task_id(name) not in logs} == set()
    assert "step=accepted" in logs
    return logs


@pytest.mark.parametrize("secret", SECRETS)
def test_no_log_tells(secret, logs):
    assert SECRETS[secret] not in logs


def test_no_log_tells_the_relays_key(logs, running):
    key = running.relay_key()
    assert key
    assert key not in logs


def test_what_no_log_tells_was_there_to_be_told(outcomes, rush, running):
    jobs = running.relay()["jobs"]
    assert all(MARKER in job["prompt"] for job in jobs)
    assert any(job["input_bytes"] for job in jobs)
    copied = next(each.name for each in outcomes if each.completed and each.point.copies)
    assert SIGNED in running.task(copied)["result"]["result"]["video_url"]
    handed_out = next(task for _, task in rush.tasks if task["status"] == "completed")
    assert RESULT in handed_out["result"]["result"]["video_url"]
