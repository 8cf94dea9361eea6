"""MiniStack's IAM asks for the keys of items, as AWS's does."""

import json

import pytest
from ministack.core import iam_actions
from ministack.core.iam_evaluator import EvalContext, _conditions_met
from ministack.services import dynamodb

from devstack import permissions

HELD = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["vid_*", "limits#*"]}}


@pytest.fixture(autouse=True)
def adjusted(monkeypatch):
    monkeypatch.setattr(
        iam_actions, "dynamodb_service_context", iam_actions.dynamodb_service_context
    )
    monkeypatch.setattr(dynamodb, "_tables", {"tasks": {"pk_name": "task_id"}})
    permissions.adjust()


def key(task_id):
    return {"TableName": "tasks", "Key": {"task_id": {"S": task_id}}}


def item(task_id):
    return {"TableName": "tasks", "Item": {"owner": {"S": "vid_"}, "task_id": {"S": task_id}}}


def is_met(request):
    found = iam_actions.dynamodb_service_context(json.dumps(request).encode())
    context = {name.lower(): value for name, value in found.items()}
    who = ("arn:aws:sts::000000000000:assumed-role/submit", "AssumedRole", "000000000000")
    asked = EvalContext(*who, "dynamodb:PutItem", "*", "us-east-1", service_context=context)
    return _conditions_met(HELD, asked)


@pytest.mark.parametrize(
    ("request_", "met"),
    [
        (key("vid_1"), True),
        (item("vid_1"), True),
        (key("key#0123"), False),
        (item("key#0123"), False),
        ({"TransactItems": [{"Put": item("vid_1")}, {"Update": key("limits#bob")}]}, True),
        ({"TransactItems": [{"Put": item("vid_1")}, {"Update": key("key#0123")}]}, False),
        ({"TableName": "tasks", "IndexName": "open"}, True),
        ({"TableName": "nowhere", "Key": {"task_id": {"S": "key#0123"}}}, True),
    ],
)
def test_a_write_is_held_to_the_keys_that_its_role_is_granted(request_, met):
    assert is_met(request_) is met


def test_what_is_no_json_is_left_to_dynamodb_to_refuse():
    assert iam_actions.dynamodb_service_context(b"not JSON") == {}
