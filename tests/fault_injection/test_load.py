"""Many callers at once while workers die: no submit fails, and no accepted task is lost."""

import httpx

from tests.fault_injection.stack import task_id


def test_a_rush_is_accepted_without_an_error_of_ours(rush):
    refused = [response.text for response in rush.answers if not response.is_success]
    assert not refused
    assert {response.status_code for response in rush.answers} == {httpx.codes.OK}
    assert len(rush.answers) == len(rush.names)


def test_every_accepted_task_of_a_rush_ends(rush, running):
    """What is unknown, of a worker that was killed, may or may not have been accepted there."""
    relay = running.relay()["tasks"]
    paid = {name: relay.get(name, {}).get("accepted", 0) for name in rush.names}
    completed = {name for name, task in rush.tasks if task["status"] == "completed"}
    failed = {name: task["error"]["code"] for name, task in rush.tasks if task["error"]}
    assert len(completed) + len(failed) == len(rush.names)
    assert set(failed.values()) <= {"upstream_submit_unknown"}
    assert {task_id(name) for name in failed} <= set(rush.struck)
    assert {paid[name] for name in completed} == {1}
    assert {paid[name] for name in failed} <= {0, 1}
