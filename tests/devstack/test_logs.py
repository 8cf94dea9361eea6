import json

import pytest

from devstack.logs import in_repository, readable


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


def test_error_shows_the_request_id_of_the_caller():
    """What went wrong tells the id that the caller was answered with."""
    entry = {"level": "ERROR", "message": "unexpected", "correlation_id": "4f2c"}
    assert readable(json.dumps(entry)) == "ERROR unexpected request=4f2c"
    assert readable(json.dumps(entry | {"level": "INFO"})) == "INFO unexpected"
    own = {"level": "WARNING", "message": "slow", "function_request_id": "9a"}
    assert readable(json.dumps(own)) == "WARNING slow request=9a"


@pytest.mark.parametrize(
    "message", ["refused", "failed", "an order was answered", "the order was accepted"]
)
def test_what_the_console_shows_is_logged_at_debug_alone(message):
    """What the console tells by itself is reported again at debug alone."""
    line = json.dumps({"level": "INFO", "message": message})
    assert readable(line) is None
    assert readable(line, debug=True) == f"INFO {message}"
    assert readable(json.dumps({"level": "ERROR", "message": message})) == f"ERROR {message}"


RUN = "/home/me/my project/.local/run/7/ministack-lambda-video-api-dead-letter-x1y2"


@pytest.fixture
def root(tmp_path):
    for name in ("functions/dead_letter/app.py", "layers/ours/ours/store.py"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("place", "edited"),
    [
        ("code/app.py", "functions/dead_letter/app.py"),
        ("layer_1/python/ours/store.py", "layers/ours/ours/store.py"),
    ],
)
def test_a_traceback_leads_to_the_file_that_one_edits(root, place, edited):
    text = in_repository(f'  File "{RUN}/{place}", line 7, in f\n', "dead-letter", root)
    assert text == f'  File "{edited}", line 7, in f\n'


def test_a_traceback_leads_to_a_librarys_file_where_it_is(root):
    line = f'  File "{RUN}/layer_0/python/httpx/_api.py", line 7'
    assert in_repository(line, "dead-letter", root) == line


def test_a_traceback_begins_with_the_functions_own_code():
    traceback = (
        "Traceback (most recent call last):\n"
        f'  File "{RUN}/_worker.py", line 52, in run\n'
        "    mod = importlib.import_module(module_name)\n"
        '  File "/usr/lib/python3.13/importlib/__init__.py", line 88, in import_module\n'
        "    return _bootstrap._gcd_import(name[level:], package, level)\n"
        "           ~~~~~~~~~~~~~~~~~~~~~~^^^^^^^^\n"
        '  File "<frozen importlib._bootstrap>", line 1387, in _gcd_import\n'
        '  File "app.py", line 3, in <module>\n'
        "    undefined\n"
        "NameError: name 'undefined' is not defined"
    )
    entry = {"level": "ERROR", "message": "unhandled", "exception": traceback}
    assert readable(json.dumps(entry)).splitlines() == [
        "ERROR unhandled",
        "Traceback (most recent call last):",
        '  File "app.py", line 3, in <module>',
        "    undefined",
        "NameError: name 'undefined' is not defined",
    ]


def test_metrics_are_for_cloudwatch_alone():
    assert readable('{"_aws": {"Timestamp": 1}, "Tasks": [1]}') is None


@pytest.mark.parametrize("line", ["plain text", "{broken", "[1, 2]", "12"])
def test_what_is_no_log_entry_is_told_as_it_is(line):
    assert readable(line) == line
