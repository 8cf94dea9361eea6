"""The points of MiniStack that `devstack.recorder` watches: a version that moves one fails here."""

# ruff: noqa: SLF001 — MiniStack's internals are what this module is about
import asyncio
import json
from urllib.parse import quote

import pytest
from ministack.services import dynamodb, s3

from devstack import recorder
from devstack.journal import Journal

TABLE, BUCKET = "tasks", "files"


def call(action, **data):
    headers = {"x-amz-target": f"DynamoDB_20120810.{action}"}
    response = asyncio.run(
        dynamodb.handle_request("POST", "/", headers, json.dumps(data).encode(), {})
    )
    assert response[0] == 200, response
    return json.loads(response[2])


def request(method, key, body=b"", **headers):
    response = asyncio.run(s3.handle_request(method, f"/{BUCKET}/{quote(key)}", headers, body, {}))
    assert response[0] < 300, response
    return response


@pytest.fixture
def journal(monkeypatch, tmp_path):
    for name in ("_set_item", "_remove_item"):
        monkeypatch.setattr(dynamodb, name, getattr(dynamodb, name))
    for name in (TABLE, "another"):
        call(
            "CreateTable",
            TableName=name,
            KeySchema=[{"AttributeName": "task_id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "task_id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
    asyncio.run(s3.handle_request("PUT", f"/{BUCKET}", {}, b"", {}))
    journal = Journal(tmp_path).begin()
    recorder.record(journal, table=TABLE, bucket=BUCKET)
    yield journal
    for name in (TABLE, "another"):
        call("DeleteTable", TableName=name)
    s3._buckets._data.clear()


def by_key(items):
    return {item["task_id"]["S"]: item for item in items}


def key(name):
    return {"task_id": {"S": name}}


@pytest.mark.usefixtures("journal")
def test_every_kind_of_write_is_in_the_journal(tmp_path):
    def changes():
        held = Journal(tmp_path).items
        scanned = call("Scan", TableName=TABLE)["Items"]
        assert by_key(held) == by_key(scanned)
        return len(held)

    call("PutItem", TableName=TABLE, Item=key("a") | {"n": {"N": "1"}, "l": {"L": [{"S": "ü"}]}})
    assert changes() == 1
    update = {"UpdateExpression": "SET n = n + :o", "ExpressionAttributeValues": {":o": {"N": "1"}}}
    call("UpdateItem", TableName=TABLE, Key=key("a"), **update)
    assert changes() == 1
    assert Journal(tmp_path).items[0]["n"] == {"N": "2"}
    call("UpdateItem", TableName=TABLE, Key=key("b"))
    puts = [{"Put": {"TableName": TABLE, "Item": key(name)}} for name in "cd"]
    deletes = [{"Delete": {"TableName": TABLE, "Key": key("b")}}]
    call("TransactWriteItems", TransactItems=puts + deletes)
    assert changes() == 3
    requests = [{"PutRequest": {"Item": key("e")}}, {"DeleteRequest": {"Key": key("c")}}]
    call("BatchWriteItem", RequestItems={TABLE: requests})
    assert changes() == 3
    call("DeleteItem", TableName=TABLE, Key=key("a"))
    assert changes() == 2


def test_another_table_is_not_recorded(journal):
    call("PutItem", TableName="another", Item=key("a"))
    assert journal.items == []


def test_what_the_disk_does_not_take_is_not_in_the_table_either(journal, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(journal, "put_item", full)
    with pytest.raises(OSError, match="No space"):
        call("PutItem", TableName=TABLE, Item=key("a"))
    assert call("Scan", TableName=TABLE)["Items"] == []


@pytest.mark.usefixtures("journal")
def test_files_are_in_the_journal_with_their_types_and_leave_it(tmp_path):
    request("PUT", "videos/a.mp4", b"\0\xff", **{"content-type": "video/mp4"})
    request("PUT", "inputs/b.png", b"png", **{"content-type": "image/png"})
    files = Journal(tmp_path).files
    found = {name: (body.path.read_bytes(), body.content_type) for name, body in files.items()}
    assert found == {
        "videos/a.mp4": (b"\0\xff", "video/mp4"),
        "inputs/b.png": (b"png", "image/png"),
    }
    request("DELETE", "inputs/b.png")
    assert list(Journal(tmp_path).files) == ["videos/a.mp4"]
    assert request("GET", "videos/a.mp4")[2] == b"\0\xff"


def test_file_of_a_signed_form_is_in_the_journal(journal):
    parts = {"key": "inputs/c.png", "Content-Type": "image/png", "file": "png"}
    body = "".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in parts.items()
    )
    headers = {"content-type": "multipart/form-data; boundary=x"}
    response = asyncio.run(
        s3.handle_request("POST", f"/{BUCKET}", headers, f"{body}--x--\r\n".encode(), {})
    )
    assert response[0] < 300, response
    assert journal.files["inputs/c.png"].content_type == "image/png"
