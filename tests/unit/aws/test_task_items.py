import json
from dataclasses import replace

import pytest

from tests.support.task_factory import new_task
from videoapi.aws.expressions import encode
from videoapi.aws.task_items import decode, task_item, update_expression
from videoapi.domain.tasks import Dialect, GenerationRequest, Status
from videoapi.domain.transitions import Change

FULL = new_task(
    status=Status.COMPLETED,
    dialect=Dialect.OPENAI,
    request=GenerationRequest(
        model="m",
        prompt="Füchse 🦊",
        seconds=4,
        motion_strength=0.25,
        metadata={"a": "b", "nothing": ""},
    ),
    expires_at=1_768_127_400,
    progress=100,
    image_key="inputs/a/b",
    result={"video_url": "https://x", "duration": 42.5, "actual": {"seconds": 8.0}},
    error={"type": "T", "retryable": False},
)


@pytest.mark.parametrize("task", [new_task(), FULL], ids=["new", "full"])
def test_a_task_comes_back_from_an_item_as_it_went_in(task):
    assert decode(task_item(task)) == task


def test_late_upstream_ids_come_back_as_a_list():
    item = task_item(new_task()) | encode({"late_upstream_ids": ["job:1", "job:2"]})
    assert decode(item).late_upstream_ids == ["job:1", "job:2"]


def test_what_is_none_is_not_stored():
    item = task_item(new_task())
    assert "image_url" not in item
    assert all(next(iter(value)) in {"S", "N", "L"} for value in item.values())


def test_what_is_nested_is_one_json_text():
    item = task_item(FULL)
    assert json.loads(item["request"]["S"])["metadata"] == {"a": "b", "nothing": ""}
    assert "🦊" in item["request"]["S"], "not escaped: it counts by bytes"


def test_unknown_attributes_are_ignored():
    """Attributes that only indexes or later versions use are passed over."""
    item = task_item(FULL) | {"of_tomorrow": {"S": "x"}}
    assert decode(item) == FULL


def test_later_versions_request_is_read():
    """A roll-back meets tasks that the newer code wrote, and must not crash on them."""
    item = task_item(FULL)
    request = json.loads(item["request"]["S"]) | {"of_tomorrow": {"a": ["b"]}, "mood": 7}
    assert decode(item | {"request": {"S": json.dumps(request)}}) == FULL


def test_item_of_an_earlier_version_is_read():
    assert decode(task_item(FULL) | {"submitted_by": {"S": "0123456789abcdef"}}) == FULL


def test_a_tombstone_is_read_as_a_deleted_task():
    tombstone = {"task_id": "vid_1", "owner": "o", "status": "deleted", "updated_at": "t"}
    task = decode(encode(tombstone))
    assert (task.status, task.owner, task.request.model) == (Status.DELETED, "o", "")


def test_a_change_names_every_attribute_and_value_by_placeholder():
    change = Change(
        leaves=frozenset({Status.PENDING, Status.PROCESSING}),
        equals={"lease_owner": "w", "upstream_id": None},
        lease_before="2026",
        sets={"status": Status.FAILED, "error": {"a": 1}, "open": None},
        keeps={"claimed_at": "2026"},
        appends={"late_upstream_ids": "job:1"},
    )
    assert update_expression(change) == {
        "ConditionExpression": "#status IN (:0, :1) AND #lease_owner = :2 "
        "AND attribute_not_exists(#upstream_id) AND #lease_until <= :3",
        "UpdateExpression": "SET #status = :4, #error = :5, "
        "#claimed_at = if_not_exists(#claimed_at, :6), "
        "#late_upstream_ids = list_append(if_not_exists(#late_upstream_ids, :7), :8) "
        "REMOVE #open",
        "ExpressionAttributeNames": {
            f"#{name}": name
            for name in (
                "status", "lease_owner", "upstream_id", "lease_until", "error", "open",
                "claimed_at", "late_upstream_ids",
            )
        },
        "ExpressionAttributeValues": {
            ":0": {"S": "pending"},
            ":1": {"S": "processing"},
            ":2": {"S": "w"},
            ":3": {"S": "2026"},
            ":4": {"S": "failed"},
            ":5": {"S": '{"a": 1}'},
            ":6": {"S": "2026"},
            ":7": {"L": []},
            ":8": {"L": [{"S": "job:1"}]},
        },
    }  # fmt: skip


def test_a_change_that_removes_nothing_says_nothing_of_removing():
    change = Change(leaves=frozenset({Status.PENDING}), sets={"progress": 5})
    assert "REMOVE" not in update_expression(change)["UpdateExpression"]


def test_a_copy_with_other_fields_is_another_item():
    assert task_item(replace(FULL, progress=1)) != task_item(FULL)
