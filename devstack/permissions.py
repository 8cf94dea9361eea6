"""The one condition of template.yaml that MiniStack's IAM does not know: the keys of items.

It leaves `dynamodb:LeadingKeys` out of a request, and `ForAllValues` holds of what is not there:
a role could then write here what AWS refuses it. `tests/devstack/test_permissions.py` fails when
another version moves the point.
"""

import json
from collections.abc import Iterator
from functools import wraps
from typing import Any

from ministack.core import iam_actions

CONDITION = "dynamodb:LeadingKeys"


def adjust() -> None:
    """Give IAM the partition keys of every item that a DynamoDB request names."""
    known = iam_actions.dynamodb_service_context

    @wraps(known)
    def context(body: bytes) -> dict[str, Any]:
        found: dict[str, Any] = known(body)
        keys = leading_keys(body) if found else []
        return found | {CONDITION: keys} if keys else found

    iam_actions.dynamodb_service_context = context


def leading_keys(body: bytes) -> list[str]:
    """Return the keys in a request's body; raise `ValueError` for one that is no JSON."""
    request = json.loads(body)
    parts = [next(iter(each.values())) for each in request.get("TransactItems", [])]
    return [key for part in parts or [request] for key in _keys(part)]


def _keys(part: dict[str, Any]) -> Iterator[str]:
    from ministack.services import dynamodb  # noqa: PLC0415 — MiniStack loads it when it is needed

    table = dynamodb._tables.get(part.get("TableName"))  # noqa: SLF001 — as above
    if table:
        value = (part.get("Key") or part.get("Item") or {}).get(table["pk_name"], {})
        yield from value.values()
