"""SQS queues of task ids. A message is only a hint: a task wants work, or its end is to be told."""

import json
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from videoapi.aws.errors import aws_errors, error_code
from videoapi.domain.tasks import Task
from videoapi.errors import ServiceError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

# Of a message that was received anew, or is deleted. SQS has several names for it, with its older
# protocol's prefix or without; a deleted one is `InvalidParameterValue`.
TAKEN_OVER = frozenset(
    {
        "AWS.SimpleQueueService.MessageNotInflight",
        "InvalidParameterValue",
        "MessageNotInflight",
        "ReceiptHandleIsInvalid",
    }
)
MAX_DELAY = 900  # seconds: the most that SQS can hold a message back


_sqs_errors = partial(aws_errors, "SQS", "The task queue")


@dataclass(eq=False, repr=False)
class TaskQueue:
    """Sends hints and keeps a received one invisible. Raises `ServiceError` when SQS is away."""

    client: "SQSClient"
    url: str

    def send(self, task_id: str, *, delay: float = 0, group: str = "") -> None:
        """Send a hint that arrives after `delay` seconds, rounded up, at most 900.

        Of several groups that wait, SQS gives those first that have the fewest under way.
        """
        seconds = min(MAX_DELAY, -int(-delay // 1))
        body = json.dumps({"task_id": task_id})
        with _sqs_errors():
            if group:
                self.client.send_message(
                    QueueUrl=self.url,
                    MessageBody=body,
                    DelaySeconds=seconds,
                    MessageGroupId=group,
                )
            else:
                self.client.send_message(QueueUrl=self.url, MessageBody=body, DelaySeconds=seconds)

    def remind(self, task: Task) -> None:
        """Send a hint of the event that an ended task owes; none where it owes none.

        Where SQS is away the event is only late: the sweeper finds what is owed.
        """
        if task.owes_event:
            with suppress(ServiceError):
                self.send(task.task_id, group=task.owner)

    def hide(self, receipt_handle: str, *, seconds: int) -> None:
        """Keep a received message invisible for `seconds` from now; late by design if it fails.

        A message that is another receiver's by now, or gone, is left alone: the lease decides.
        """
        with _sqs_errors():
            try:
                self.client.change_message_visibility(
                    QueueUrl=self.url, ReceiptHandle=receipt_handle, VisibilityTimeout=seconds
                )
            except ClientError as exc:
                if error_code(exc) not in TAKEN_OVER:
                    raise

    def waiting(self) -> int:
        """Return about how many messages wait to be received (SQS's own estimate)."""
        with _sqs_errors():
            response = self.client.get_queue_attributes(
                QueueUrl=self.url, AttributeNames=["ApproximateNumberOfMessages"]
            )
        return int(response["Attributes"]["ApproximateNumberOfMessages"])


def task_id_of(body: str) -> str | None:
    """Return the task id of a message; None for what was never sent here, and names no task."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):  # ValueError: 5,000 digits, too
        return None
    found = message.get("task_id") if isinstance(message, dict) else None
    return found if isinstance(found, str) else None
