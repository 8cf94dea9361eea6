"""Stands before a function's own handler on the local stack, and strikes where a trap was set.

It runs inside the function's process: `stack` adds it to the built code as it is, and names it as
handler, so that production code has no hook. It sees the steps that the worker logs and every call
to AWS, writes them into a journal, and looks for a trap on this task. A trap is a file and springs
once: the process that renames it acts. See `traps` for what can be set.
"""

import json
import logging
import os
import re
import signal
import time
from pathlib import Path

import app
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError
from botocore.httpsession import URLLib3Session

from videoapi import bootstrap

FOLDER = Path(os.environ["FAULTS_FOLDER"])
NAME = os.environ["AWS_LAMBDA_FUNCTION_NAME"].split("-", 2)[-1]  # after video-api-
JOURNAL = os.open(FOLDER / "journal", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
MAX_HOLD_SECONDS = 60  # seconds: a test that forgot to let go must not hold a worker without end
S3_OPERATIONS = {"PUT": "PutObject", "GET": "GetObject", "DELETE": "DeleteObject"}
OK = 200
TASK_ID = re.compile(r"vid_[a-z0-9]{24,64}")

current = {"task": "", "hurried": False}


def note(what, task, **more):
    known = {"at": time.time(), "pid": os.getpid(), "task": task, "what": what}
    entry = known | more | {"function": NAME}
    os.write(JOURNAL, json.dumps(entry).encode() + b"\n")


def spring(task, moment, place, text=""):
    """Act on the first trap of the task for this moment; return its action, None without one."""
    for path in sorted((FOLDER / "armed").glob(f"{task}.*")) if task else ():
        trap = _read(path)
        fits = trap and (trap["function"], trap["moment"], trap["place"]) == (NAME, moment, place)
        if fits and trap["needle"] in text and _take(path):
            _act(trap["action"], task, f"{moment} {place}", FOLDER / "sprung" / path.name)
            return trap["action"]
    return None


def _read(path):
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return None


def _take(path):
    try:
        path.rename(FOLDER / "sprung" / path.name)
    except FileNotFoundError:
        return False
    return True


def _act(action, task, where, trap):
    if action == "kill":
        note("killed", task, where=where)
        os.kill(os.getpid(), signal.SIGKILL)
    if action == "hold":
        note("held", task, where=where)
        until = time.monotonic() + MAX_HOLD_SECONDS
        while trap.exists() and time.monotonic() < until:
            time.sleep(0.02)


class Steps(logging.Filter):
    """A filter sees a record before it is written, and holds no lock while a trap holds it."""

    def filter(self, record):
        step = getattr(record, "step", None)
        task = getattr(record, "task_id", current["task"])  # one of several at once says its own
        note("step" if step else "log", task, name=step or record.getMessage())
        if step:
            spring(task, "step", step)
        return True


def send(session, request, original=URLLib3Session.send):
    """Send one request to AWS, or die before, during or after it, or lose it or its answer."""
    operation, text = _call(request)
    found = TASK_ID.search(text)
    task = found[0] if found else current["task"]
    if spring(task, "before", operation, text) == "fail":
        raise EndpointConnectionError(endpoint_url=request.url)
    if hasattr(request.body, "read"):
        request.body = Body(request.body, task, operation, text)
    response = original(session, request)
    if operation == "UpdateItem" and '"#claimed_at"' in text and response.status_code == OK:
        turn_to(task)
    if spring(task, "after", operation, text) == "fail":
        raise ConnectionClosedError(endpoint_url=request.url)
    return response


def turn_to(task):
    """Note that the worker goes on with another task than its message's, as it claims it."""
    if task != current["task"]:
        note("returned", current["task"])
        current["task"] = task
        note("received", task, count=0)
        current["hurried"] = spring(task, "before", "Invoke") == "hurry"


def _call(request):
    body = request.body if isinstance(request.body, bytes) else b""
    target = request.headers.get("X-Amz-Target", b"")
    named = target.decode() if isinstance(target, bytes) else target
    operation = named.rpartition(".")[2] or S3_OPERATIONS.get(request.method, request.method)
    return operation, request.url + body.decode("utf-8", "replace")


class Body:
    """A file on its way to S3, in two halves with a trap between them."""

    def __init__(self, file, task, operation, text):
        self._file = file
        self._call = (task, "during", operation, text)
        start = file.tell()
        self._half = max((file.seek(0, os.SEEK_END) - start) // 2, 1)
        file.seek(start)
        self._begun = False

    def read(self, size=-1):
        if self._begun:
            spring(*self._call)
            return self._file.read(size)
        self._begun = True
        return self._file.read(self._half)

    def __getattr__(self, name):
        return getattr(self._file, name)


class Context:
    """Lambda's context; an invocation that is hurried must end soon."""

    def __init__(self, context):
        self._context = context

    def get_remaining_time_in_millis(self):
        return 30_000 if current["hurried"] else self._context.get_remaining_time_in_millis()

    def __getattr__(self, name):
        return getattr(self._context, name)


URLLib3Session.send = send
bootstrap.logger().addFilter(Steps())


def handler(event, context):
    """Note what comes and goes, and let the function do its work."""
    for record in event.get("Records", ()):
        found = TASK_ID.search(record["body"])
        current["task"] = found[0] if found else ""
        count = record["attributes"]["ApproximateReceiveCount"]
        note("received", current["task"], count=int(count))
    current["hurried"] = spring(current["task"], "before", "Invoke") == "hurry"
    response = app.handler(event, Context(context))
    note("returned", current["task"])
    current["task"] = ""
    return response
