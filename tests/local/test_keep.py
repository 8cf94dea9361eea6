"""What `make run` keeps over a restart comes back whole, once, into whatever is deployed then."""

import json
from threading import Thread
from types import SimpleNamespace

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from local.keep import Keeper
from local.opening import Opening

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


@pytest.fixture
def on_batch(monkeypatch):
    """Have `act` called at each batch that the table is given; what it returns is not taken."""

    def register(act, times=3):
        calls = iter(range(times))

        def before(**_):
            left = act() if next(calls, None) is not None else None
            return left and (SimpleNamespace(status_code=200), {"UnprocessedItems": left})

        session = boto3.Session()
        session.events.register("before-call.dynamodb.BatchWriteItem", before)
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)

    return register


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
    assert [each.name for each in tmp_path.iterdir()] == ["kept.old"]


def test_a_later_stop_replaces_what_was_kept_and_leaves_nothing_beside_it(deployments, tmp_path):
    first, second = deployments
    fill(first)
    Keeper(tmp_path / "kept", first, first).save()
    Keeper(tmp_path / "kept", second, second).save()
    assert [each.name for each in tmp_path.iterdir()] == ["kept"]
    assert Keeper(tmp_path / "kept", second, second).restore() == 0


def test_a_stop_that_cannot_save_leaves_what_its_start_found(deployments, tmp_path):
    first, second = deployments
    fill(first)
    keeper = Keeper(tmp_path / "kept", first, first)
    assert keeper.save() == MANY
    keeper.restore()
    before = {path.name: path.read_bytes() for path in keeper.used.iterdir()}
    assert len(json.loads(before["items.json"])) == MANY
    with pytest.raises(ClientError):
        Keeper(tmp_path / "kept", second, "no-such-bucket").save()
    assert {path.name: path.read_bytes() for path in keeper.used.iterdir()} == before
    assert keeper.save() == MANY
    assert [each.name for each in tmp_path.iterdir()] == ["kept"]


def test_a_table_that_takes_a_part_alone_fails_the_start_and_the_folder_stays(
    deployments, tmp_path, on_batch
):
    first, second = deployments
    fill(first)
    keeper = Keeper(tmp_path / "kept", first, first)
    keeper.save()
    on_batch(lambda: {second: [{"PutRequest": {"Item": {"task_id": {"S": "vid_1"}}}}]})
    with pytest.raises(RuntimeError, match="not taken back"):
        Keeper(tmp_path / "kept", second, second).restore()
    assert [each.name for each in tmp_path.iterdir()] == ["kept"]


def gateway():
    return SimpleNamespace(api_id="")


def test_no_request_is_let_in_before_every_kept_task_is_back(deployments, tmp_path, on_batch):
    first, second = deployments
    fill(first)
    Keeper(tmp_path / "kept", first, first).save()
    door, seen = gateway(), []
    on_batch(lambda: seen.append(door.api_id))
    Opening(door).open("api", Keeper(tmp_path / "kept", second, second))
    assert seen == [""] * 3
    assert door.api_id == "api"


def test_a_stop_amid_a_restore_waits_for_it_and_keeps_the_whole(deployments, tmp_path, on_batch):
    first, second = deployments
    fill(first)
    Keeper(tmp_path / "kept", first, first).save()
    door, enders = gateway(), []
    opening = Opening(door)

    def stop():
        ender = Thread(target=lambda: (opening.close(), opening.keep()))
        ender.start()
        ender.join(0.05)  # as far as it gets
        enders.append(ender)

    on_batch(stop, times=1)
    opening.open("api", Keeper(tmp_path / "kept", second, second))
    enders[0].join()
    assert door.api_id == ""
    assert len(json.loads((tmp_path / "kept/items.json").read_text())) == MANY
    assert [each.name for each in tmp_path.iterdir()] == ["kept"]


def test_a_stop_before_the_restore_leaves_all_as_it_was(deployments, tmp_path):
    first, second = deployments
    fill(first)
    Keeper(tmp_path / "kept", first, first).save()
    door = gateway()
    opening = Opening(door)
    opening.close()
    opening.open("api", Keeper(tmp_path / "kept", second, second))
    opening.keep()
    assert (door.api_id, items(second)) == ("", {})
    assert Keeper(tmp_path / "kept", second, second).restore() == MANY


def test_a_stop_that_cannot_save_says_so_and_where_the_last_copy_lies(
    deployments, tmp_path, capsys
):
    opening = Opening(gateway())
    keeper = Keeper(tmp_path / "kept", deployments[0], "no-such-bucket")
    opening.open("api", keeper)
    opening.keep()
    said = capsys.readouterr().out
    assert "Nothing is kept" in said
    assert str(keeper.used) in said
