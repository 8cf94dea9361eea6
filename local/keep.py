"""What outlives a restart of `make run`: the table's items and the bucket's files.

Taken through the AWS APIs at a clean stop and given to the next start's own, new deployment;
MiniStack's PERSIST_STATE would bring the old one back, code and all. The queue is not kept: a
message is only a hint, and the sweeper sends another for every task that wants work.

A restored copy is used up. It lies beside, as `….old`, until the next stop has saved another, for
whoever wants to look at it after a crash; no start reads it. Its tasks went on since: a job that
was paid meanwhile is not in it, and would be ordered a second time.
"""

import json
import shutil
from dataclasses import dataclass
from itertools import batched
from pathlib import Path

import boto3

_AT_ONCE = 25  # items in one BatchWriteItem
_ITEMS, _FILES = "items.json", "files.json"


@dataclass(frozen=True)
class Keeper:
    """Keeps one deployment's data in `folder`; `….new` and `….old` beside it are its own too."""

    folder: Path
    table: str
    bucket: str

    @property
    def used(self) -> Path:
        """Where the copy lies that the last start has restored."""
        return self.folder.with_name(f"{self.folder.name}.old")

    def save(self) -> int:
        """Put everything into the folder, in place of what was there; return how many items.

        Where that fails, what was there before is there still, `used` included.
        """
        new = self.folder.with_name(f"{self.folder.name}.new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        pages = boto3.client("dynamodb").get_paginator("scan").paginate(TableName=self.table)
        items = [item for page in pages for item in page["Items"]]
        (new / _ITEMS).write_text(json.dumps(items))
        (new / _FILES).write_text(json.dumps(self._save_files(new)))
        if self.folder.is_dir():
            self._use_up()
        new.rename(self.folder)
        shutil.rmtree(self.used, ignore_errors=True)
        return len(items)

    def restore(self) -> int:
        """Give back what the folder holds, and use it up; return how many items there were.

        Raises `RuntimeError` when the table does not take all of them; the folder is left then.
        """
        if not self.folder.is_dir():
            return 0
        items = json.loads((self.folder / _ITEMS).read_text())
        for some in batched(items, _AT_ONCE, strict=False):
            requests = [{"PutRequest": {"Item": item}} for item in some]
            answer = boto3.client("dynamodb").batch_write_item(
                RequestItems={self.table: requests}  # type: ignore[dict-item]  # as they came
            )
            if answer["UnprocessedItems"]:
                raise RuntimeError(f"kept tasks were not taken back: {self.folder}; start again")
        s3 = boto3.client("s3")
        for name, (key, content_type) in json.loads((self.folder / _FILES).read_text()).items():
            body = (self.folder / name).read_bytes()
            s3.put_object(Bucket=self.bucket, Key=key, Body=body, ContentType=content_type)
        self._use_up()
        return len(items)

    def _use_up(self) -> None:
        shutil.rmtree(self.used, ignore_errors=True)
        self.folder.rename(self.used)

    def _save_files(self, folder: Path) -> dict[str, tuple[str, str]]:
        """Write each file under a number; return keys and content types by that name."""
        s3 = boto3.client("s3")
        found: dict[str, tuple[str, str]] = {}
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket):
            for listed in page.get("Contents", ()):
                name, key = str(len(found)), listed["Key"]
                answer = s3.get_object(Bucket=self.bucket, Key=key)
                (folder / name).write_bytes(answer["Body"].read())
                found[name] = key, answer["ContentType"]
        return found
