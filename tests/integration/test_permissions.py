"""That `permissions` does ask: without a grant the same request fails."""

import pytest

from tests.support.permissions import PERMISSIONS, asked

LINK = "https://files.s3.us-east-1.amazonaws.com/{}/a/vid_1.mp4?X-Amz-Date=1&X-Amz-Signature=f"
FORM = '{{"url":"https://files.s3.us-east-1.amazonaws.com/","fields":{{"key":"inputs/a/{}"}}}}'


@pytest.mark.parametrize(
    ("role", "action", "resource", "key"),
    [
        ("submit", "dynamodb:PutItem", "TasksTable", "key#0123"),
        ("cancel", "dynamodb:UpdateItem", "TasksTable", "limits#bob"),
        ("images", "dynamodb:UpdateItem", "TasksTable", "vid_1"),
        ("worker", "dynamodb:UpdateItem", "TasksTable", "key#0123"),
        ("status", "dynamodb:UpdateItem", "TasksTable", "vid_1"),
        ("status", "s3:GetObject", "FilesBucket/inputs/a/b.png", ""),
        ("sweeper", "sqs:SendMessage", "DeadLetterQueue", ""),
        ("docs", "dynamodb:GetItem", "TasksTable", "vid_1"),
    ],
)
def test_what_a_role_may_not_do_ends_the_test(role, action, resource, key):
    with PERMISSIONS.of(role), pytest.raises(pytest.fail.Exception, match=f"{role} may not"):
        PERMISSIONS.require(action, resource, [key] if key else ())


@pytest.mark.parametrize(
    ("role", "text", "refused"),
    [
        ("content", LINK.format("videos"), False),
        ("submit", LINK.format("videos"), False),
        ("submit", LINK.format("thumbnails"), True),
        ("uploads", LINK.format("videos"), True),
        ("uploads", FORM.format("uploads/x"), False),
        ("uploads", FORM.format("vid_1/x"), True),
    ],
)
def test_a_link_or_form_is_as_good_as_the_call_that_it_makes(role, text, refused):
    with PERMISSIONS.of(role):
        if refused:
            with pytest.raises(pytest.fail.Exception):
                PERMISSIONS.look_at(text)
        else:
            PERMISSIONS.look_at(text)


def test_a_transaction_asks_for_each_of_its_writes():
    items = [
        {"Put": {"Item": {"task_id": {"S": "vid_1"}}}},
        {"Update": {"Key": {"task_id": {"S": "limits#bob"}}}},
    ]
    assert list(asked("dynamodb", "TransactWriteItems", {"TransactItems": items})) == [
        ("dynamodb:PutItem", "TasksTable", ["vid_1"]),
        ("dynamodb:UpdateItem", "TasksTable", ["limits#bob"]),
    ]
