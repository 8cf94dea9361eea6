"""IAM, which moto does not have: a role calls AWS as template.yaml allows it, and no other way.

`PERMISSIONS` sees every call of a handler through botocore's own events; what is not allowed ends
the test. A presigned link or form is as good as a call: it can do what its signer may.
"""

import re
from contextlib import contextmanager
from fnmatch import fnmatchcase
from functools import cache
from urllib.parse import unquote

import pytest

from devstack.template import load
from tests.support.template import ROOT

BUCKET = r"https://files\.s3\.us-east-1\.amazonaws\.com/"
ALSO = {"HeadObject": "GetObject"}
ITEMS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}


class Permissions:
    """Whose calls are made just now, and whether they are allowed."""

    role = None

    @contextmanager
    def of(self, role):
        """Ask about every call inside; for None about none, as it is somebody else's."""
        before, self.role = self.role, role
        try:
            yield
        finally:
            self.role = before

    def __call__(self, event_name, params, **_):
        if self.role is not None:
            _, service, operation = event_name.split(".")
            for action, resource, keys in asked(service, operation, params):
                self.require(action, resource, keys)

    def require(self, action, resource, keys=()):
        """Fail the test unless the role may do this."""
        allowed = any(grant.covers(action, resource, keys) for grant in grants(self.role))
        if not allowed:
            pytest.fail(f"{self.role} may not {action} {resource} {' '.join(keys)}")

    def look_at(self, text):
        """Ask about the presigned links of an answer."""
        for found in re.finditer(rf"{BUCKET}([^?\s\"]+)\?[^\s\"]*X-Amz-Signature=", text):
            self.require("s3:GetObject", f"FilesBucket/{unquote(found[1])}")
        for found in re.finditer(rf'"{BUCKET}",\s*"fields":\s*{{"key":\s*"([^"]+)"', text):
            self.require("s3:PutObject", f"FilesBucket/{found[1]}")


PERMISSIONS = Permissions()


class Grant:
    """One statement of a role's policy."""

    def __init__(self, statement):
        self._actions = as_list(statement["Action"])
        self._resources = [named(each) for each in as_list(statement["Resource"])]
        held = statement.get("Condition", {}).get("ForAllValues:StringLike", {})
        self._keys = held.get("dynamodb:LeadingKeys", ["*"])

    def covers(self, action, resource, keys):
        return (
            action in self._actions
            and any(fnmatchcase(resource, pattern) for pattern in self._resources)
            and all(any(fnmatchcase(key, pattern) for pattern in self._keys) for key in keys)
        )


@cache
def grants(role):
    """Return what the function of this folder may do, every condition of the template met."""
    for resource in load(ROOT / "template.yaml")["Resources"].values():
        if resource["Properties"].get("CodeUri") == f"functions/{role}":
            policies = resource["Properties"].get("Policies", [])
            statements = [each for policy in policies for each in policy["Statement"]]
            return [Grant(each.get("Fn::If", [None, each])[1]) for each in statements]
    raise LookupError(role)


def as_list(value):
    return value if isinstance(value, list) else [value]


def named(resource):
    """Return a resource as `asked` names it; a secret's is any."""
    match resource:
        case {"Fn::GetAtt": [name, "Arn"]}:
            return name
        case {"Fn::Sub": str(text)} if "secretsmanager" not in text:
            return re.sub(r"\$\{(\w+)\.Arn\}", r"\1", text)
    return "secret"


def asked(service, operation, params):
    """Yield what IAM is asked for one call: action, resource, and the items' keys."""
    match service:
        case "dynamodb":
            yield from asked_of_the_table(operation, params)
        case "s3":
            yield f"s3:{ALSO.get(operation, operation)}", f"FilesBucket/{params['Key']}", ()
        case "sqs":
            yield f"sqs:{operation}", params["QueueUrl"].rpartition("/")[2], ()
        case "secrets-manager":
            yield f"secretsmanager:{operation}", "secret", ()


def asked_of_the_table(operation, params):
    match operation:
        case "TransactWriteItems":
            for item in params["TransactItems"]:
                ((kind, one),) = item.items()
                yield f"dynamodb:{ITEMS[kind]}", "TasksTable", [key_of(one)]
        case "Query":
            yield "dynamodb:Query", f"TasksTable/index/{params['IndexName']}", ()
        case "BatchGetItem":
            for request in params["RequestItems"].values():
                keys = [key["task_id"]["S"] for key in request["Keys"]]
                yield "dynamodb:BatchGetItem", "TasksTable", keys
        case _:
            yield f"dynamodb:{operation}", "TasksTable", [key_of(params)]


def key_of(request):
    return (request.get("Key") or request["Item"])["task_id"]["S"]
