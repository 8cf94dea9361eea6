"""What outlives a run of `make run`, a crash too: the table's items and the bucket's files.

The journal has them as they were written last. Each start gives them to its own, new deployment
through the AWS APIs; MiniStack's PERSIST_STATE would bring the old one back, code and all. The
queue is not kept: a message only says that a task wants work, and the sweeper sends another.

A start continues where the last run was, after a crash too. That is as safe as the death of a
worker, for the same reason: the journal has all that was answered. A job that was paid for has its
id there and is polled further, and a POST that was begun without a response is not sent again.
"""

import fcntl
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import batched, count
from pathlib import Path
from typing import IO, Any, Self

import boto3

from devstack.journal import Journal, is_open
from devstack.settings import Settings
from videoapi.domain.timestamps import timestamp

_AT_ONCE = 25  # items in one BatchWriteItem
_VIDEO = re.compile(r'http://[^/"\s]+(/v/[\w.:-]+\.mp4)')  # as `simulator.files` serves it
_ORIGIN = re.compile(r"\Ahttp://[^/]+")
type Item = dict[str, Any]


@dataclass(frozen=True)
class KeptFolder:
    """A folder that this process alone writes, until it ends."""

    folder: Path
    lock: IO[str]

    @classmethod
    def take(cls, wanted: Path) -> Self:
        """Take the folder, or the next one with a number while another stack has it."""
        for number in count(1):
            folder = wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}")
            folder.mkdir(parents=True, exist_ok=True)
            lock = (folder / "lock").open("w")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.close()
                continue
            return cls(folder, lock)
        raise AssertionError

    @property
    def left_over(self) -> Path | None:
        """Return what an earlier version put aside and no start reads, if anything."""
        folder = self.folder.with_name(f"{self.folder.name}.old")
        return folder if folder.is_dir() else None


def take_folder(settings: Settings) -> KeptFolder | None:
    """Take these providers' folder, None for none, and print what is unusual about it.

    Raise `RuntimeError` where there can be none.
    """
    if settings.kept is None:
        return None
    try:
        place = KeptFolder.take(settings.kept)
    except OSError as exc:
        advice = "say another folder, or KEEP_IN= to keep nothing"
        raise RuntimeError(f"KEEP_IN={settings.keep_in}: {exc.strerror}; {advice}") from None
    if place.folder != settings.kept:
        print(f"{settings.kept} is another running stack's; this one keeps in {place.folder}.")
    if place.left_over:
        print(f"{place.left_over} is an earlier version's, of a run without a clean stop. No start")
        print("reads it: remove it when nothing in it is wanted any more.", flush=True)
    return place


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a start found."""

    ended_well: bool = True
    tasks: int = 0
    keys: int = 0
    files: int = 0
    jobs: Mapping[str, str] = field(default_factory=dict)  # going on: the relay's ids by task
    unknown: tuple[str, ...] = ()  # tasks whose POST was begun and has no answer
    waiting: int = 0  # tasks of which nothing was sent

    @property
    def open(self) -> int:
        """How many tasks have not ended."""
        return len(self.jobs) + len(self.unknown) + self.waiting


@dataclass(frozen=True)
class Snapshot:
    """The data of one deployment in `folder`; `record` has its changes written into a journal."""

    folder: Path
    table: str
    bucket: str
    record: Callable[[Journal], None]
    files_origin: str = ""  # of the simulator's videos now; empty with a real relay
    origins: Mapping[str, str] = field(default_factory=dict)  # of simulated providers now, by name

    def restore(self) -> tuple[Journal, Found]:
        """Put what the folder holds into the deployment, and write every change from here on.

        Raise `RuntimeError` when the table does not take all of it; the folder still has it then.
        """
        journal = Journal(self.folder).begin()
        self.record(journal)
        items, now = journal.items, timestamp(time.time())
        for some in batched(items, _AT_ONCE, strict=False):
            requests = [{"PutRequest": {"Item": self._renewed(item, now)}} for item in some]
            response = boto3.client("dynamodb").batch_write_item(
                RequestItems={self.table: requests}  # type: ignore[dict-item]  # as they came
            )
            if response["UnprocessedItems"]:
                raise RuntimeError(f"kept tasks were not taken back: {self.folder}; start again")
        s3, files = boto3.client("s3"), journal.files
        for key, body in files.items():
            data = body.path.read_bytes()
            s3.put_object(Bucket=self.bucket, Key=key, Body=data, ContentType=body.content_type)
        return journal, replace(found(items), ended_well=journal.ended_well, files=len(files))

    def _renewed(self, item: Item, now: str) -> Item:
        item = readdressed(released(item, now), self.origins)
        return relinked(item, self.files_origin) if self.files_origin else item


def relinked(item: Item, origin: str) -> Item:
    """Return a task with its video at the simulator's port of this run, which may be another."""
    if "result" not in item:
        return item
    return item | {"result": {"S": _VIDEO.sub(rf"{origin}\1", item["result"]["S"])}}


def readdressed(item: Item, origins: Mapping[str, str]) -> Item:
    """Return a task whose job is asked for at the simulator's port of this run."""
    origin = origins.get(item.get("provider", {}).get("S", ""))
    if origin is None or "upstream_url" not in item:
        return item
    return item | {"upstream_url": {"S": _ORIGIN.sub(origin, item["upstream_url"]["S"])}}


def released(item: Item, now: str) -> Item:
    """Return an open task without an owner and due at once: all workers ended with the last run."""
    if not is_open(item):
        return item
    if item.get("lease_owner", {}).get("S"):
        free = {"lease_owner": {"S": ""}, "claims": {"N": "0"}}  # it did not die over the task
        return item | free | {"lease_until": {"S": now}, "due_at": {"S": now}}
    until = item.get("lease_until", {}).get("S", "")  # later than now: the next attempt waits
    return item | {"due_at": {"S": max(now, until)}}


def found(items: list[Item]) -> Found:
    """Count what items there are, and how far the open tasks had come."""
    jobs, unknown, waiting = {}, [], 0
    for item in items:
        task_id = item["task_id"]["S"]
        if not is_open(item):
            continue
        if "upstream_id" in item:
            jobs[task_id] = item["upstream_id"]["S"]
        elif "intent_at" in item:
            unknown.append(task_id)
        else:
            waiting += 1
    return Found(
        tasks=sum(item["task_id"]["S"].startswith("vid_") for item in items),
        keys=sum(item["task_id"]["S"].startswith("key#") for item in items),
        jobs=jobs,
        unknown=tuple(unknown),
        waiting=waiting,
    )
