"""Commands for whoever runs a stack: API keys, one task's story, dead letters.

Without `--stack` they speak to `make run`; with it, to a deployed stack, by the shell's own AWS
credentials.
"""

import argparse
import os
import sys
import time
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from local.deploy import STACK
from local.settings import ROOT, Settings
from videoapi.items import decode
from videoapi.keys import KeyRing, Limits
from videoapi.tasks import Task

REDRIVE_MOST = 10_000  # messages of one round


@dataclass(frozen=True)
class Deployed:
    """The data of one stack."""

    session: boto3.Session
    endpoint: str | None
    outputs: dict[str, str]

    def client(self, service: Any) -> Any:
        """Return a client for this stack's AWS."""
        return self.session.client(service, endpoint_url=self.endpoint)


def find(stack: str | None) -> Deployed:
    """Look a stack up by its outputs; the local one by its port."""
    session, endpoint = boto3.Session(), None
    if stack is None:
        settings = Settings.read(os.environ, ROOT / os.environ.get("ENV_FILE", ".env"))
        endpoint = settings.aws_url
        session = boto3.Session("test", "test", region_name="us-east-1")
    cloudformation = session.client("cloudformation", endpoint_url=endpoint)
    described = cloudformation.describe_stacks(StackName=stack or STACK)["Stacks"][0]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in described.get("Outputs", [])}
    return Deployed(session, endpoint, outputs)


def key(stack: Deployed, given: argparse.Namespace) -> None:
    """Make, list or revoke keys."""
    ring = KeyRing(stack.client("dynamodb"), stack.outputs["TasksTableName"], time.time)
    if given.list:
        print("\n".join(name.replace("#", "  made ") for name in ring.names()) or "No keys.")
    elif given.revoke:
        print(f"{ring.revoke(given.name)} key(s) of {given.name} revoked; gone within a minute.")
    else:
        limits = Limits(
            submits_per_minute=given.per_minute,
            tasks_alive=given.alive,
            videos_per_day=given.per_day,
        )
        print(f"The key of {given.name}, shown this once:\n{ring.make(given.name, limits)}")


def task(stack: Deployed, given: argparse.Namespace) -> None:
    """Tell one task's story, without what its owner said or made."""
    found = stack.client("dynamodb").get_item(
        TableName=stack.outputs["TasksTableName"],
        Key={"task_id": {"S": given.id}},
        ConsistentRead=True,
    )
    if "Item" not in found:
        raise ValueError(f"No task {given.id} here: wrong stack, or past its retention.")
    print("\n".join(story(decode(found["Item"]))))


def story(told: Task) -> list[str]:
    """Return the lines of a task's story: times, attempts, relay's ids, charge state."""
    facts: dict[str, object] = {
        "status": f"{told.status} ({told.progress} %)",
        "owner": told.owner,
        "created": told.created_at,
        "queued (last)": told.queued_at,
        "claimed (first)": told.claimed_at,
        "POSTs begun": told.attempts,
        "refused by audio filter": told.audio_refusals,
        "answers lost": told.unknown_submits,
        "last POST": told.intent_at,
        "relay's job": told.upstream_id,
        "accepted": told.accepted_at,
        "jobs learnt too late": ", ".join(told.late_upstream_ids),
        "held by": told.lease_owner,
        "held until": None if told.ended else told.lease_until,
        "ended": told.completed_at,
        "error": told.error and f"{told.error['code']}: {told.error['message']}",
        "charged": _charged(told),
    }
    return [f"{name:24}{fact}" for name, fact in facts.items() if fact not in (None, "", 0)]


def _charged(told: Task) -> str:
    late = len(told.late_upstream_ids)
    if told.error and not told.error["maybe_charged"] and not late:
        return "no, unless the relay charges for failed jobs" if told.upstream_id else "no"
    if jobs := late + (told.upstream_id is not None):
        return f"yes, for {jobs} job(s) that the relay took"
    return "maybe (a POST was begun, and its answer was lost)" if told.maybe_charged else "no"


def redrive(stack: Deployed, _given: argparse.Namespace) -> None:
    """Put every dead letter back into the queue of tasks."""
    sqs, moved = stack.client("sqs"), 0
    letters, tasks = stack.outputs["DeadLetterQueueUrl"], stack.outputs["TasksQueueUrl"]
    while moved < REDRIVE_MOST:
        found = sqs.receive_message(QueueUrl=letters, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        for message in found.get("Messages", []):
            sqs.send_message(QueueUrl=tasks, MessageBody=message["Body"])
            sqs.delete_message(QueueUrl=letters, ReceiptHandle=message["ReceiptHandle"])
            moved += 1
        if not found.get("Messages"):
            break
    print(f"{moved} dead letter(s) queued again.")


def read(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="local.operations", description=__doc__)
    parser.add_argument("--stack", help="a deployed stack's name; without it, `make run`'s")
    commands = parser.add_subparsers(required=True)
    keys = commands.add_parser("key", help="make a key, list or revoke them")
    keys.add_argument("name", nargs="?", default="")
    keys.add_argument("--list", action="store_true")
    keys.add_argument("--revoke", action="store_true")
    for limit in ("--per-minute", "--alive", "--per-day"):
        keys.add_argument(limit, type=int)
    keys.set_defaults(run=key)
    one = commands.add_parser("task", help="tell one task's story")
    one.add_argument("id", metavar="ID=vid_…")
    one.set_defaults(run=task)
    commands.add_parser("redrive", help="queue dead letters again").set_defaults(run=redrive)
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Run one command; a failure is said in words."""
    given = read(arguments)
    try:
        given.run(find(given.stack or None), given)
    except (ValueError, ClientError, BotoCoreError) as exc:
        print(f"It did not work: {exc}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
