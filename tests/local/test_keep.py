"""What `make run` keeps over a restart comes back whole, once, into whatever is deployed then."""

import boto3
import pytest
from moto import mock_aws

from local.keep import Keeper

MANY = 60  # more than one batch takes


@pytest.fixture
def deployments(monkeypatch):
    """Return names of the tables and buckets of two deployments, one after the other."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        for name in ("first", "second"):
            boto3.client("dynamodb").create_table(
                TableName=name,
                KeySchema=[{"AttributeName": "task_id", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "task_id", "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
            boto3.client("s3").create_bucket(Bucket=name)
        yield ("first", "second")


def items(table):
    found = boto3.client("dynamodb").scan(TableName=table)["Items"]
    return {item["task_id"]["S"]: item for item in found}


def fill(name):
    for number in range(MANY):
        item = {
            "task_id": {"S": f"vid_{number}"},
            "attempts": {"N": str(number)},
            "late_upstream_ids": {"L": [{"S": "ü"}]},
        }
        boto3.client("dynamodb").put_item(TableName=name, Item=item)
    for key, body in (("videos/a/../b.mp4", b"\0\xff"), ("inputs/a.png", b"")):
        boto3.client("s3").put_object(Bucket=name, Key=key, Body=body, ContentType="a/b")


def test_all_items_and_files_come_back(deployments, tmp_path):
    first, second = deployments
    fill(first)
    Keeper(tmp_path / "kept", first, first).save()
    assert Keeper(tmp_path / "kept", second, second).restore() == MANY
    assert items(second) == items(first)
    for key in ("videos/a/../b.mp4", "inputs/a.png"):
        before, after = (
            boto3.client("s3").get_object(Bucket=bucket, Key=key) for bucket in deployments
        )
        assert after["Body"].read() == before["Body"].read()
        assert after["ContentType"] == "a/b"


def test_what_was_kept_is_used_up(deployments, tmp_path):
    """After a crash of the stack it would be older than its tasks, some of them paid since."""
    first, second = deployments
    fill(first)
    Keeper(tmp_path / "kept", first, first).save()
    Keeper(tmp_path / "kept", second, second).restore()
    assert Keeper(tmp_path / "kept", second, second).restore() == 0
    assert list(tmp_path.iterdir()) == []


def test_a_later_stop_replaces_what_was_kept_and_leaves_nothing_beside_it(deployments, tmp_path):
    first, second = deployments
    fill(first)
    Keeper(tmp_path / "kept", first, first).save()
    Keeper(tmp_path / "kept", second, second).save()
    assert Keeper(tmp_path / "kept", second, second).restore() == 0
    assert list(tmp_path.iterdir()) == []
