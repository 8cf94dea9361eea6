"""A running local stack whose functions can be struck, and everything that a test does to it."""

import base64
import json
import os
import signal
import subprocess
import time
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import boto3
import httpx

from devstack.build import BUILT
from devstack.deploy import STACK, zipped
from tests.fault_injection.journal import Journal
from tests.fault_injection.scenarios import MODELS
from tests.fault_injection.traps import Traps
from tests.support import web
from tests.support.pictures import png
from tests.support.running_stack import running_stack
from videoapi.api.application import ANONYMOUS
from videoapi.aws.expressions import values
from videoapi.domain.ids import derived_task_id

INJECTOR = Path(__file__).with_name("injector.py")
FOLDERS = {
    "worker": "WorkerFunction",
    "submit": "SubmitFunction",
    "sweeper": "SweeperFunction",
    "dead-letter": "DeadLetterFunction",
    "cancel": "CancelFunction",
    "notifier": "NotifierFunction",
}
PRICE_USD = "0.25"  # of a relay's video
STOP_SECONDS = 60  # some dozen processes have to end
MARKER = "Sphinx-of-black-quartz"  # in every prompt, and in no log
IMAGE = base64.b64encode(png(64, 64)).decode()
ENDED = {"completed", "failed", "cancelled"}
KEYS = {
    "aws_access_key_id": "test",  # the account's root
    "aws_secret_access_key": "test",
    "region_name": "us-east-1",
}


def task_id(name):
    """Return the id that the task of this name has, or will have."""
    return derived_task_id(ANONYMOUS, name)


class FaultStack:
    """One stack. A task is named by a `name` of the test's choice: its key for client and relay."""

    def __init__(self, stack, folder):
        self.stack = stack
        self.traps = Traps(folder)
        self.journal = Journal(folder / "journal")
        limits = httpx.Limits(max_connections=100)
        self.api = httpx.Client(base_url=stack.api_url, timeout=60, limits=limits)
        self._aws = {}
        self._folder = folder
        self._infiltrate()

    def aws(self, service):
        if service not in self._aws:
            self._aws[service] = boto3.client(service, endpoint_url=self.stack.aws_url, **KEYS)
        return self._aws[service]

    def configure(self, **settings):
        """Change the worker's environment, for the processes to come."""
        self._change("worker", settings)

    def limit(self, concurrent):
        """Let this many workers run at once, as VIDEO_MAX_CONCURRENT does at a deployment."""
        functions, function = self.aws("lambda"), f"{STACK}-worker"
        functions.put_function_concurrency(
            FunctionName=function, ReservedConcurrentExecutions=concurrent
        )
        functions.update_event_source_mapping(
            UUID=self._mapping(), ScalingConfig={"MaximumConcurrency": concurrent}
        )

    @contextmanager
    def paused(self):
        """Let no message reach a worker during the block."""
        change, uuid = self.aws("lambda").update_event_source_mapping, self._mapping()
        change(UUID=uuid, Enabled=False)
        try:
            yield
        finally:
            change(UUID=uuid, Enabled=True)

    @contextmanager
    def unscheduled(self):
        """Run no sweep by the schedule during the block: it would be quicker than the test's."""
        events = self.aws("events")
        (rule,) = [
            each["Name"] for each in events.list_rules()["Rules"] if "Sweeper" in each["Name"]
        ]
        events.disable_rule(Name=rule)
        try:
            yield
        finally:
            events.enable_rule(Name=rule)

    def post(self, name, tokens="", *, image=True, model="veo_3_1", **fields):
        """Submit a task in the OpenAI dialect; its prompt tells the provider its name."""
        prompt = f"{MARKER} {name} [[key:{name}]] {tokens}"
        body = {"prompt": prompt, "model": model, "size": "64x64", "seconds": 1, **fields}
        if model != "veo_3_1":  # Google makes no other sizes
            body |= {"prompt": f"{prompt} [[render:tiny]]", "size": "1280x720", "seconds": 4}
        if image:
            body["input_reference"] = f"data:image/png;base64,{IMAGE}"
        return self.api.post("/v1/videos", json=body, headers={"Idempotency-Key": name})

    def submit(self, name, tokens="", *, image=True, model="veo_3_1", **fields):
        """Submit a task and return its id; raises for an answer that does not accept it."""
        response = self.post(name, tokens, image=image, model=model, **fields)
        response.raise_for_status()
        return response.json()["id"]

    def task(self, name):
        """Return a task as a caller of the REST dialect sees it."""
        response = self.api.get(f"/api/v1/tasks/{task_id(name)}")
        response.raise_for_status()
        return response.json()

    def ended(self, name, *, seconds=60):
        """Wait for the task's end and return it as it is then."""
        until = time.monotonic() + seconds
        while (task := self.task(name))["status"] not in ENDED:
            if time.monotonic() > until:
                story = self.journal.story(task_id(name))
                raise TimeoutError(f"{name} did not end within {seconds} s: {task}\n{story}")
            time.sleep(0.2)
        return task

    def cancel(self, name):
        return self.api.delete(f"/api/v1/tasks/{task_id(name)}")

    def video(self, name):
        """Download a completed task's video, as a caller does."""
        path = f"/v1/videos/{task_id(name)}/content"
        response = self.api.get(path, follow_redirects=True)
        response.raise_for_status()
        return response.content

    def items(self):
        """Return all items of the table, as plain values."""
        pages = (
            self.aws("dynamodb")
            .get_paginator("scan")
            .paginate(TableName=self._setting("TABLE_NAME"))
        )
        return [values(item) for page in pages for item in page["Items"]]

    def relay(self):
        """Return all that the simulator has counted."""
        return web.get(f"{self.stack.upstream_url}/_control").json()

    def paid(self, name):
        """Return how often the relay accepted this task, so how often it was paid for."""
        return self.relay()["tasks"].get(name, {}).get("accepted", 0)

    def kill(self, pid, task_id, *, where):
        """Kill a worker from outside; one that is none of this stack's any more is let be."""
        asked = ["/bin/ps", "-o", "ppid=", "-p", str(pid)]
        parent = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
        if parent == str(self.stack.process.pid):
            self.journal.note(task_id, pid, "killed", where=where)
            os.kill(pid, signal.SIGKILL)

    def sweep(self):
        """Run the sweeper now, as the schedule does every minute.

        Return how many tasks it queued again, None if it died.
        """
        response = self.aws("lambda").invoke(FunctionName=f"{STACK}-sweeper")
        return json.load(response["Payload"]).get("queued")

    def purge(self):
        """Lose every message of the queue, hidden ones too."""
        self.aws("sqs").purge_queue(QueueUrl=self._setting("QUEUE_URL"))

    def row(self, name):
        """Return the task's item in the table, None without one."""
        found = self.aws("dynamodb").get_item(**self._place(name), ConsistentRead=True)
        return found.get("Item")

    def overwrite(self, name, attribute, value):
        """Set a string attribute of the task's item, whatever the rules are."""
        self.aws("dynamodb").update_item(
            **self._place(name),
            UpdateExpression="SET #a = :a",
            ExpressionAttributeNames={"#a": attribute},
            ExpressionAttributeValues={":a": {"S": value}},
        )

    def videos(self):
        """Return the ids of the tasks whose video lies in the bucket."""
        pages = self.aws("s3").get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=self._setting("BUCKET_NAME"), Prefix="videos/")
        return {Path(each["Key"]).stem for page in found for each in page.get("Contents", ())}

    def logs(self):
        """Return all that the stack printed and all that CloudWatch Logs was told."""
        client, lines = self.aws("logs"), [self.stack.log.read_text()]
        for page in client.get_paginator("describe_log_groups").paginate():
            for group in page["logGroups"]:
                events = client.get_paginator("filter_log_events").paginate(
                    logGroupName=group["logGroupName"]
                )
                lines += [event["message"] for some in events for event in some["events"]]
        return "\n".join(lines)

    def relay_key(self):
        """Return the bearer key that the workers use."""
        found = self.aws("secretsmanager").get_secret_value(
            SecretId=self._setting("VEO3_API_KEY_SECRET")
        )
        return found["SecretString"]

    def _place(self, name):
        return {"TableName": self._setting("TABLE_NAME"), "Key": {"task_id": {"S": task_id(name)}}}

    def _mapping(self):
        found = self.aws("lambda").list_event_source_mappings(FunctionName=f"{STACK}-worker")
        return found["EventSourceMappings"][0]["UUID"]

    def _setting(self, name):
        """Return the name of something that stays as long as the stack."""
        return self._at_first[name]

    @cached_property
    def _at_first(self):
        return self._environment("worker")

    def _environment(self, function):
        found = self.aws("lambda").get_function_configuration(FunctionName=f"{STACK}-{function}")
        return found["Environment"]["Variables"]

    def _change(self, function, settings, **more):
        self.aws("lambda").update_function_configuration(
            FunctionName=f"{STACK}-{function}",
            Environment={"Variables": self._environment(function) | settings},
            **more,
        )

    def _infiltrate(self):
        """Put the injector before the functions' handlers, their own code unchanged."""
        seen = {"FAULTS_FOLDER": str(self._folder)}
        for function, folder in FOLDERS.items():
            root = BUILT / folder
            files = [(p.relative_to(root).as_posix(), p) for p in root.rglob("*") if p.is_file()]
            code = zipped([*files, (INJECTOR.name, INJECTOR)])
            name = f"{STACK}-{function}"
            self.aws("lambda").update_function_code(FunctionName=name, ZipFile=code)
            self._change(function, seen, Handler="injector.handler")


@contextmanager
def running_fault_stack():
    """Run a stack for the block; `configure` and `limit` make it what a test needs."""
    with (
        TemporaryDirectory(prefix="faults-") as folder,
        running_stack(
            UPSTREAM_SECONDS="0.5",
            LOG_LEVEL="DEBUG",
            VIDEO_PRICE_USD=PRICE_USD,
            VIDEO_PROVIDERS="relay,vertex,gemini",
            VIDEO_ROUTES=";".join(f"{model}={routes}" for model, routes in MODELS.items()),
        ) as stack,
    ):
        fault_stack = FaultStack(stack, Path(folder))
        try:
            yield fault_stack
        finally:
            fault_stack.api.close()
            stack.process.terminate()
            stack.process.wait(STOP_SECONDS)
