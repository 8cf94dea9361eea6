"""The data services in process (moto): the table, queues and bucket of template.yaml.

`calls` sees every AWS call of the code under test through botocore's own events: what was asked
for, and what is to fail or to happen first.
"""

import itertools
from functools import cache
from pathlib import Path
from urllib.parse import urlparse

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.endpoint import Endpoint
from botocore.exceptions import EndpointConnectionError
from botocore.handlers import BUILTIN_HANDLERS
from moto import mock_aws
from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID

from devstack.template import load
from tests.support.permissions import PERMISSIONS
from tests.support.untraced import untraced
from videoapi.aws.files import FileStore
from videoapi.aws.task_items import task_item
from videoapi.aws.task_queue import TaskQueue
from videoapi.aws.task_store import TaskStore

ROOT = Path(__file__).parents[2]


class Calls:
    """AWS calls as `service:Operation`, in order."""

    def __init__(self):
        self.forget()

    def forget(self):
        self.made, self._first, self._after, self._away = [], {}, {}, {}

    def forget_made(self):
        self.made = []

    def before(self, name, action):
        """Let `action` happen just before the next such call, as somebody else's doing."""
        self._first[name] = action

    def fail(self, name, code="InternalServerError", status=500, times=10**9):
        """Let every such call be answered with an error; without a code, not at all."""
        self._away[name] = [code, status, times]

    def after(self, name, action):
        """Let `action` happen just after the next such call, e.g. to lose its answer."""
        self._after[name] = action

    def answered(self, event_name, **_):
        _, service, operation = event_name.split(".")
        if action := self._after.pop(f"{service}:{operation}", None):
            action()

    def heal(self):
        self._away.clear()

    def __call__(self, event_name, **_):
        _, service, operation = event_name.split(".")
        name = f"{service}:{operation}"
        self.made.append(name)
        if action := self._first.pop(name, None):
            with PERMISSIONS.of(None):
                action()
        code, status, times = self._away.get(name, ("", 0, 0))
        if not times:
            return None
        self._away[name][2] -= 1
        if not code:
            raise EndpointConnectionError(endpoint_url="https://aws.example.com")
        error = {"Code": code, "Message": "made up"}
        response = {"Error": error, "ResponseMetadata": {"HTTPStatusCode": status}}
        return AWSResponse("", status, {}, None), response


CALLS = Calls()
# As moto does: sessions made from now on have them.
BUILTIN_HANDLERS.append(("before-call", CALLS))
BUILTIN_HANDLERS.append(("after-call", CALLS.answered))
BUILTIN_HANDLERS.append(("before-parameter-build", PERMISSIONS))
Endpoint.make_request = untraced(Endpoint.make_request)  # signs, asks moto, and parses


@cache
def template():
    return load(ROOT / "template.yaml")


@cache
def session():
    return boto3.Session()  # one for all: a new one parses megabytes of service descriptions


@cache
def client(service):
    return session().client(service)


def _backend(service):
    """Return moto's own part behind a service's calls."""
    of_accounts = get_backend(service)[DEFAULT_ACCOUNT_ID]
    return of_accounts["aws" if service == "s3" else "us-east-1"]


class DataServices:
    """One deployment's data, and a way to look at it that the code under test has no part in."""

    table, bucket = "tasks", "files"

    def __init__(self):
        self.dynamodb, self.sqs, self.s3 = map(client, ("dynamodb", "sqs", "s3"))
        self.calls = CALLS
        self._make_table()
        self.dead_letter_url = self._make_queue("DeadLetterQueue")
        self.queue_url = self._make_queue("TasksQueue")
        self.webhooks_queue_url = self._make_queue("WebhooksQueue")
        _backend("s3").create_bucket(self.bucket, "us-east-1")
        self.store = TaskStore(self.dynamodb, self.table)
        self.queue = TaskQueue(self.sqs, self.queue_url)
        self.webhooks = TaskQueue(self.sqs, self.webhooks_queue_url)
        self.files = FileStore(lambda: self.s3, self.bucket)

    @property
    def environment(self):
        return {
            "TABLE_NAME": self.table,
            "QUEUE_URL": self.queue_url,
            "WEBHOOKS_QUEUE_URL": self.webhooks_queue_url,
            "BUCKET_NAME": self.bucket,
            "ALLOW_ANONYMOUS": "true",
        }

    def items(self):
        """Return every item by its key; numbers and texts as texts."""
        items = self.dynamodb.get_paginator("scan").paginate(TableName=self.table)
        plain = (
            {name: next(iter(value.values())) for name, value in item.items()}
            for item in items.search("Items[]")
        )
        return {item["task_id"]: item for item in plain}

    def item(self, task_id):
        return self.items()[task_id]

    def change(self, task_id, **attributes):
        """Overwrite attributes of an item, e.g. to let time have passed for it."""
        self.dynamodb.update_item(
            TableName=self.table,
            Key={"task_id": {"S": task_id}},
            AttributeUpdates={name: {"Value": value} for name, value in attributes.items()},
        )

    def put(self, tasks):
        """Write tasks as the store would, many at a time."""
        items = [{"PutRequest": {"Item": task_item(task)}} for task in tasks]
        for batch in itertools.batched(items, 25, strict=False):
            self.dynamodb.batch_write_item(RequestItems={self.table: list(batch)})

    def messages(self, url=None):
        """Receive whatever is in the queue now."""
        found = []
        while received := self.sqs.receive_message(
            QueueUrl=url or self.queue_url, MaxNumberOfMessages=10
        ).get("Messages"):
            found += [message["Body"] for message in received]
        return found

    def objects(self):
        listed = self.s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        return {
            each["Key"]: self.s3.get_object(Bucket=self.bucket, Key=each["Key"])["Body"].read()
            for each in listed
        }

    def is_untouched(self):
        return (self.items(), self.messages(), self.objects()) == ({}, [], {})

    # At moto's own back ends: by calls of AWS it takes 15 ms, in thousands of tests.

    def _make_table(self):
        described = template()["Resources"]["TasksTable"]["Properties"]
        _backend("dynamodb").create_table(
            self.table,
            schema=described["KeySchema"],
            throughput=None,
            attr=described["AttributeDefinitions"],
            global_indexes=described["GlobalSecondaryIndexes"],
            indexes=[],
            streams=None,
            billing_mode=described["BillingMode"],
            sse_specification=None,
            tags=[],
            deletion_protection_enabled=False,
            warm_throughput=None,
        )

    def _make_queue(self, name):
        described = template()["Resources"][name]["Properties"]
        attributes = {key: str(value) for key, value in described.items() if isinstance(value, int)}
        queue = _backend("sqs").create_queue(name, **attributes)
        return queue.url(urlparse(self.sqs.meta.endpoint_url))


@pytest.fixture(scope="module")
def moto():
    with mock_aws() as mock:
        yield mock


@pytest.fixture
def services(moto):
    moto.reset()
    CALLS.forget()
    yield DataServices()
    CALLS.forget()
