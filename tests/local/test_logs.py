import json

import pytest

from local.logs import readable


def test_a_log_entry_is_its_level_its_message_and_its_facts():
    entry = {
        "level": "INFO",
        "location": "handler:12",
        "message": "claimed",
        "timestamp": "2026-01-11T10:30:00Z",
        "service": "video-api",
        "cold_start": True,
        "function_name": "video-api-worker",
        "task_id": "vid_a",
        "model": None,
    }
    assert readable(json.dumps(entry)) == "INFO claimed task_id=vid_a"


def test_an_exception_stands_below_with_its_traceback():
    entry = {"level": "ERROR", "message": "broken", "exception": "Traceback …\nValueError: x"}
    assert readable(json.dumps(entry)) == "ERROR broken\nTraceback …\nValueError: x"


def test_metrics_are_for_cloudwatch_alone():
    assert readable('{"_aws": {"Timestamp": 1}, "Tasks": [1]}') is None


@pytest.mark.parametrize("line", ["plain text", "{broken", "[1, 2]", "12"])
def test_what_is_no_log_entry_is_told_as_it_is(line):
    assert readable(line) == line
